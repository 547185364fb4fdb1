//! Bare float32 files: interleaved little-endian samples in microvolts, their shape told elsewhere.

use std::fs::File;
use std::path::Path;

use super::layout::{Element, PlaneReader, interleaved};
use super::stream::{Format, OpenOptions, Recording};
use super::{DatasetError, Unit, labels, shape};

/// Bare float32.
pub(super) const FORMAT: Format = Format {
    name: "float32",
    extensions: &["float32", "f32", "eeg", "dat", "bin"],
    magic: b"",
    open,
};

/// Opens a bare float32 file: its shape comes from the options or from beside it.
fn open(path: &Path, options: &OpenOptions) -> Result<Recording, DatasetError> {
    let beside = shape::beside(path)?;
    let asked = shape::Claim {
        origin: "the command line".to_owned(),
        channels: options.channel_count,
        sample_rate_hz: options.sample_rate_hz,
        samples: None,
    };
    let shape = shape::settle(path, std::iter::once(&asked).chain(&beside.claims))?;
    let channel_names = match beside.channel_names {
        Some(names) if names.len() == shape.channels => names,
        _ => labels::synthetic_names(shape.channels),
    };
    let file = File::open(path).map_err(DatasetError::io("read", path))?;
    let layout = interleaved(0, shape.channels, shape.samples, Element::F32, Unit::Microvolt);
    Ok(Recording {
        path: path.to_owned(),
        data_path: path.to_owned(),
        format: FORMAT.name,
        channel_names,
        sample_rate_hz: shape.sample_rate_hz,
        samples: shape.samples,
        start: None,
        events: Vec::new(),
        keeps_events: false,
        notes: Vec::new(),
        reader: PlaneReader::new(file, path, layout),
    })
}
