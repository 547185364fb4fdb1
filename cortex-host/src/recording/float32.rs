//! Raw interleaved float32, described by what lies beside it.
//!
//! A file that a BrainVision header names is read through that header, whatever it is called:
//! the header alone knows number type, order, resolution and unit. Without one the samples are
//! float32 in microvolts, and the shape comes from a manifest or from the user.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::claim::{Claim, agree};
use super::events::Event;
use super::layout::{Element, interleaved};
use super::plane_reader::PlaneReader;
use super::plausible::Implausible;
use super::shape;
use super::stream::{Format, Level, OptionSource, chosen_channels};
use super::{DatasetError, OpenOptions, Recording, Unit, brainvision, dataset, labels, tables};

/// Most headers of a folder that are looked at for the one that names a file.
const MOST_HEADERS: usize = 1000;

/// Bare interleaved little-endian float32. Any bytes may be samples.
pub static FORMAT: Format = Format {
    name: "float32",
    kind: "raw float32",
    key: "float32",
    extensions: &["float32", "f32", "raw", "bin", "dat", "eeg"],
    also: &[],
    begins: |_| false,
    rounds: false,
    open,
    write: dataset::write,
};

/// Opens raw samples.
///
/// # Errors
/// Its bytes are no float32, a header or manifest beside the file cannot be read, contradicts the options or the file's
/// size, or there is nothing that tells the shape.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Recording, DatasetError> {
    let manifest = shape::manifest_claim(path)?;
    if let Some(vhdr) = header_of(path)? {
        return through_header(path, &vhdr, manifest, options);
    }
    let bytes = std::fs::metadata(path).map_err(DatasetError::io("read", path))?.len();
    let asked = Claim { channels: options.channel_count, ..options.claim() };
    let shape = shape::settle(path, bytes, options, std::iter::once(&asked).chain(&manifest))?;
    let mut notes: Vec<String> = shape.note.into_iter().collect();
    if manifest.is_none() {
        notes.extend(doubt(path)?);
    }
    let events = tables::events_beside(path, &mut notes);
    let file = File::open(path).map_err(DatasetError::io("read", path))?;
    let unit = options.unit.unwrap_or(Unit::Microvolt);
    let mut layout = interleaved(0, shape.channels, shape.samples, Element::F32, unit);
    let names = labels::synthetic_names(shape.channels);
    let (chosen, channel_names) = chosen_channels(path, options, &names, names.clone())?;
    layout.keep(&chosen);
    Ok(Recording {
        path: path.to_owned(),
        data_path: path.to_owned(),
        sources: vec![path.to_owned()],
        format: &FORMAT,
        channel_names,
        sample_rate_hz: shape.sample_rate_hz,
        samples: shape.samples,
        start: None,
        keeps_events: events.is_some(),
        events: events.unwrap_or_default(),
        // A generated file is in microvolts, as its manifest says.
        unit_assumed: options.unit.is_none() && manifest.is_none(),
        notes,
        codes: None,
        reader: PlaneReader::new(file, path, layout),
        option_source: options.option_source,
        level: Level::default(),
    })
}

/// The samples in `file`, interleaved float32 in microvolts, that will be `target` in another format.
#[must_use]
pub fn of_samples(
    file: File,
    target: &Path,
    channel_names: Vec<String>,
    sample_rate_hz: f64,
    samples: u64,
    events: Vec<Event>,
) -> Recording {
    let layout = interleaved(0, channel_names.len(), samples, Element::F32, Unit::Microvolt);
    Recording {
        path: target.to_owned(),
        data_path: target.to_owned(),
        sources: Vec::new(),
        format: &FORMAT,
        channel_names,
        sample_rate_hz,
        samples,
        start: None,
        keeps_events: !events.is_empty(),
        events,
        unit_assumed: false,
        notes: Vec::new(),
        codes: None,
        reader: PlaneReader::new(file, target, layout),
        option_source: OptionSource::CommandLine,
        level: Level::default(),
    }
}

/// What speaks against the samples of `path`, which nothing describes.
///
/// # Errors
/// They are no float32, or they cannot be read.
fn doubt(path: &Path) -> Result<Option<String>, DatasetError> {
    let odd = Implausible::of(path)?;
    match odd.told() {
        Some(told) if odd.is_no_recording() => Err(DatasetError::format(
            path,
            format!(
                "it is no float32: {told}, as those of integers or compressed data are; write it as .npy in its own type, or put its .vhdr beside it"
            ),
        )),
        told => Ok(told.map(|told| {
            format!("{told}: if it is not little-endian float32, what is read is wrong")
        })),
    }
}

/// Reads `path` as its header says, which the manifest must not contradict.
fn through_header(
    path: &Path,
    vhdr: &Path,
    manifest: Option<Claim>,
    options: &OpenOptions,
) -> Result<Recording, DatasetError> {
    let recording = brainvision::open(vhdr, options)?;
    let own = Claim {
        origin: shape::name_of(vhdr),
        channels: options.channels.is_none().then_some(recording.channels()),
        sample_rate_hz: Some(recording.sample_rate_hz),
        samples: (!options.accept_truncated).then_some(recording.samples),
    };
    agree(path, [&options.claim(), &own].into_iter().chain(&manifest))?;
    let format = if recording.reader.is_plain_float32() { &FORMAT } else { recording.format };
    let mut recording = Recording { path: path.to_owned(), format, ..recording };
    // Markers stand at samples; the table has every event, and its time.
    if let Some(events) = tables::events_beside(path, &mut recording.notes) {
        recording.events = events;
    }
    Ok(recording)
}

/// The BrainVision header that describes `data`: the one of the same name, or another one of the
/// folder that names it as its data file.
///
/// # Errors
/// The header of the same name cannot be read, names another file although `data` needs a header
/// or that file is missing; or there is none and `data` is a `.eeg` file, which is never raw
/// float32 by itself.
fn header_of(data: &Path) -> Result<Option<PathBuf>, DatasetError> {
    let extension = data.extension().unwrap_or_default().to_ascii_lowercase();
    let needs_header = extension != "float32" && extension != "f32";
    let (own, others): (Vec<PathBuf>, Vec<PathBuf>) =
        headers_beside(data).into_iter().partition(|vhdr| vhdr.file_stem() == data.file_stem());
    for vhdr in &own {
        let named = brainvision::Description::read(vhdr)?.data_path;
        if same_file(&named, data) {
            return Ok(Some(vhdr.clone()));
        }
        if needs_header || !named.exists() {
            return Err(DatasetError::format(
                data,
                format!(
                    "{} beside it describes {}; correct its DataFile, or open the .vhdr that describes this file",
                    shape::name_of(vhdr),
                    shape::name_of(&named)
                ),
            ));
        }
    }
    for vhdr in others {
        let named = brainvision::Description::read(&vhdr).map(|header| header.data_path);
        if named.is_ok_and(|named| same_file(&named, data)) {
            return Ok(Some(vhdr));
        }
    }
    if extension == "eeg" {
        return Err(DatasetError::format(
            data,
            "its .vhdr, which tells number type, order and unit, is not beside it; put it there",
        ));
    }
    Ok(None)
}

/// The headers in the folder of `data`, sorted.
fn headers_beside(data: &Path) -> Vec<PathBuf> {
    let folder = data.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter().flatten();
    let header = |name: &Path| {
        let extension = name.extension().unwrap_or_default();
        extension.eq_ignore_ascii_case("vhdr") || extension.eq_ignore_ascii_case("ahdr")
    };
    let mut headers: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| data.with_file_name(entry.file_name()))
        .filter(|path| header(path) && path.is_file())
        .collect();
    headers.sort();
    // The one of the same name is always among those looked at.
    headers.sort_by_key(|header| header.file_stem() != data.file_stem());
    headers.truncate(MOST_HEADERS);
    headers
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (std::fs::canonicalize(a), std::fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
