//! A recording: any supported file opened as one stream of microvolt rows.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use cortex_core::kernel::MAX_CHANNELS;

use super::events::Event;
use super::layout::{Element, Layout, Plane, PlaneReader, Scale};
use super::{DatasetError, Unit, brainvision, edf, npy, shape};

/// The format of a recording's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// EDF or EDF+.
    Edf,
    /// BDF or BDF+.
    Bdf,
    /// BrainVision header and its data file.
    BrainVision,
    /// NumPy array.
    Npy,
    /// Bare interleaved little-endian float32.
    Float32,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Edf => "EDF",
            Self::Bdf => "BDF",
            Self::BrainVision => "BrainVision",
            Self::Npy => "npy",
            Self::Float32 => "float32",
        })
    }
}

/// What the file itself may not say, or what to take of it.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Take only these channels, in this order (names as in the file or cleaned).
    pub channels: Option<Vec<String>>,
    /// Number of channels of a bare float32 file.
    pub channel_count: Option<usize>,
    /// Sample rate in Hz of a file that does not say, finite and positive.
    pub sample_rate_hz: Option<f64>,
    /// Unit of samples whose unit the file does not say or is unknown.
    pub unit: Option<Unit>,
    /// The first axis of a `.npy` array is channels, not samples.
    pub channels_first: bool,
    /// Take the whole records of a file shorter or longer than its header promises.
    pub accept_truncated: bool,
}

/// An opened recording.
#[derive(Debug)]
pub struct Recording {
    /// The file it was opened from.
    pub path: PathBuf,
    /// The file that holds the samples: the same, or the one a header points at.
    pub data_path: PathBuf,
    /// Its format.
    pub format: Format,
    /// One distinct name per channel.
    pub channel_names: Vec<String>,
    /// Sample rate in Hz, finite and positive.
    pub sample_rate_hz: f64,
    /// Samples per channel.
    pub samples: u64,
    /// When the first sample was taken, as `YYYYMMDDhhmmssuuuuuu`, if known.
    pub start: Option<String>,
    /// Events in order of their onset.
    pub events: Vec<Event>,
    /// Whether the format has a place for events, even when there are none.
    pub keeps_events: bool,
    /// What the user should know about how the file was taken: one sentence each.
    pub notes: Vec<String>,
    pub(super) reader: PlaneReader,
}

impl Recording {
    /// Opens `path`, whose extension tells the format: `edf`, `edf+`, `rec`, `bdf`, `bdf+`,
    /// `vhdr`, `npy`, `float32`.
    ///
    /// # Errors
    /// The file is missing, of another format, or refused by its format's reader.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, DatasetError> {
        if let Some(rate) = options.sample_rate_hz
            && !(rate.is_finite() && rate > 0.0)
        {
            return Err(DatasetError::Request(format!(
                "the sample rate must be a finite number of Hz above 0, but it is {rate}"
            )));
        }
        let metadata = std::fs::metadata(path).map_err(DatasetError::io("read", path))?;
        if !metadata.is_file() {
            return Err(DatasetError::format(path, "is not a file"));
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match extension.as_str() {
            "edf" | "edf+" | "rec" | "bdf" | "bdf+" => edf::open(path, options),
            "vhdr" => brainvision::open(path, options),
            "npy" => npy::open(path, options),
            "float32" | "f32" | "eeg" | "dat" | "bin" => open_float32(path, options),
            _ => Err(DatasetError::format(
                path,
                "unknown kind of file; known are .edf, .edf+, .bdf, .vhdr, .npy and .float32",
            )),
        }
    }

    /// Number of channels, at least 1.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channel_names.len()
    }

    /// Fills `rows` with as many whole rows (one sample of every channel, in µV) as fit and
    /// are left. Returns their number, 0 at the end.
    ///
    /// # Errors
    /// The file cannot be read or has become shorter.
    pub fn read(&mut self, rows: &mut [f32]) -> Result<usize, DatasetError> {
        self.reader.read(rows)
    }

    /// How many stored numbers read so far lay outside the range their header declares, per
    /// channel.
    #[must_use]
    pub fn outside_range(&self) -> &[u64] {
        self.reader.outside_range()
    }
}

/// Opens a bare float32 file: its shape comes from the options or from beside it.
fn open_float32(path: &Path, options: &OpenOptions) -> Result<Recording, DatasetError> {
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
        _ => super::labels::synthetic_names(shape.channels),
    };
    let file = File::open(path).map_err(DatasetError::io("read", path))?;
    let layout = interleaved(0, shape.channels, shape.samples, Element::F32, Unit::Microvolt);
    Ok(Recording {
        path: path.to_owned(),
        data_path: path.to_owned(),
        format: Format::Float32,
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

/// Refuses more channels than anything here works on: a bound on memory for what a header says.
pub(super) fn check_channels(path: &Path, channels: u64) -> Result<(), DatasetError> {
    if channels <= MAX_CHANNELS as u64 {
        return Ok(());
    }
    Err(DatasetError::format(
        path,
        format!("{channels} channels; a dataset has at most {MAX_CHANNELS}"),
    ))
}

/// The layout of interleaved samples that begin `start` bytes into a file.
pub(super) fn interleaved(
    start: u64,
    channels: usize,
    samples: u64,
    element: Element,
    unit: Unit,
) -> Layout {
    let size = element.bytes() as u64;
    Layout {
        start,
        record_bytes: size * channels as u64,
        records: samples,
        record_samples: 1,
        element,
        planes: planes(channels, size, unit),
    }
}

/// The layout of one channel after the other.
pub(super) fn planar(
    start: u64,
    channels: usize,
    samples: u64,
    element: Element,
    unit: Unit,
) -> Layout {
    let run = element.bytes() as u64 * samples;
    Layout {
        start,
        record_bytes: run * channels as u64,
        records: u64::from(samples > 0),
        record_samples: samples.max(1),
        element,
        planes: planes(channels, run, unit),
    }
}

fn planes(channels: usize, step: u64, unit: Unit) -> Vec<Plane> {
    (0..channels as u64)
        .map(|channel| Plane {
            offset: channel * step,
            scale: Scale::Stored,
            unit,
            digital_range: None,
        })
        .collect()
}
