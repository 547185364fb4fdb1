//! NumPy `.npy` files: arrays of samples × channels, written as float32, read as float32,
//! float64, int16 or int32.
//!
//! Source: "NEP 1, a simple file format for NumPy arrays", versions 1.0 to 3.0.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::claim::{Claim, agree};
use super::layout::{Element, interleaved, planar};
use super::plane_reader::{PlaneReader, read_at};
use super::stream::{Format, Level, Target, check_channels, chosen_channels};
use super::write::{commit, copy_rows, outdated, refuse};
use super::{
    Converted, DatasetError, OpenOptions, OptionSource, Recording, Unit, events, labels, shape,
    tables,
};
use crate::base::atomic_file::{self, Staged};
use crate::base::digest::hex;
use crate::base::{Progress, quoted};

/// The first bytes of every `.npy` file.
const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy arrays.
pub(super) static FORMAT: Format = Format {
    name: "npy",
    kind: "NumPy",
    key: "npy",
    extensions: &["npy"],
    also: &[],
    begins: |head| head.starts_with(MAGIC),
    rounds: false,
    open,
    write,
};
/// The header's length is padded so that samples begin at a multiple of this.
const ALIGNMENT: usize = 64;
/// Longest header read: NumPy's own limit is of this order.
const MOST_HEADER_BYTES: usize = 64 * 1024;

/// The header of a C-ordered little-endian float32 array of this shape, whose numbers follow it.
/// It has 128 bytes, whatever the sizes, for up to four of them.
#[must_use]
pub fn header_bytes(shape: &[u64]) -> Vec<u8> {
    array_header("'<f4'", shape)
}

/// The header of a C-ordered array of this shape, whose elements `kind` describes as NumPy writes
/// them.
#[must_use]
pub fn array_header(kind: &str, shape: &[u64]) -> Vec<u8> {
    let mut sizes: Vec<String> = shape.iter().map(u64::to_string).collect();
    if sizes.len() == 1 {
        // As Python writes a tuple of one.
        sizes.push(String::new());
    }
    let sizes = sizes.join(", ");
    padded(kind, sizes.trim_end(), 2 * ALIGNMENT)
}

/// The header of a table of `rows` rows whose columns `types` describes as NumPy writes them. It
/// has 256 bytes, whatever the number of rows.
#[must_use]
pub fn table_header(types: &str, rows: u64) -> Vec<u8> {
    padded(types, &format!("{rows},"), 4 * ALIGNMENT)
}

/// A header of at least `least` bytes.
fn padded(types: &str, sizes: &str, least: usize) -> Vec<u8> {
    let mut dictionary =
        format!("{{'descr': {types}, 'fortran_order': False, 'shape': ({sizes}), }}");
    let fixed = MAGIC.len() + 2 + 2;
    while fixed + dictionary.len() + 1 < least
        || !(fixed + dictionary.len() + 1).is_multiple_of(ALIGNMENT)
    {
        dictionary.push(' ');
    }
    dictionary.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&[1, 0]);
    // Numbers of at most 20 digits: the length always fits 16 bits.
    bytes.extend_from_slice(&(dictionary.len() as u16).to_le_bytes());
    bytes.extend_from_slice(dictionary.as_bytes());
    bytes
}

/// Writes a `.npy` copy of `input`, a file of interleaved little-endian float32 that messages call
/// `data`; it will be `target`.
///
/// # Errors
/// The file is not `samples × channels × 4` bytes long, a file cannot be read or written, or
/// `progress` is cancelled.
pub fn stage_copy(
    mut input: &File,
    data: &Path,
    target: &Path,
    samples: u64,
    channels: usize,
    progress: &Progress,
) -> Result<Staged, DatasetError> {
    input.rewind().map_err(DatasetError::io("read", data))?;
    let bytes = input.metadata().map_err(DatasetError::io("read", data))?.len();
    let expected = samples.saturating_mul(channels as u64).saturating_mul(4);
    if bytes != expected {
        return Err(DatasetError::format(
            data,
            format!("{bytes} bytes, but {channels} channels × {samples} samples need {expected}"),
        ));
    }
    let mut staged = Staged::create(target)?;
    staged.put(&header_bytes(&[samples, channels as u64]))?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(DatasetError::io("read", data)(error)),
        };
        staged.put(buffer.get(..count).unwrap_or_default())?;
        if progress.is_cancelled() {
            return Err(DatasetError::Interrupted);
        }
    }
    Ok(staged)
}

/// Writes an array of samples × channels to `target`, and the events beside it.
fn write(
    recording: &mut Recording,
    target: &Target<'_>,
    progress: &Progress,
) -> Result<Converted, DatasetError> {
    let events_path = recording.keeps_events.then(|| events::events_path(target.path));
    let outdated = outdated(recording, target.path);
    let beside = outdated.iter().chain(&events_path).map(PathBuf::as_path);
    refuse(recording, target.replace, std::iter::once(target.path).chain(beside))?;
    let mut staged = Staged::create(target.path)?;
    let mut hasher = Sha256::new();
    let header = header_bytes(&[recording.samples, recording.channels() as u64]);
    hasher.update(&header);
    staged.put(&header)?;
    let rows = copy_rows(recording, &mut staged, &mut hasher, progress)?;
    let bytes = header.len() as u64 + rows * recording.channels() as u64 * 4;
    let events = match &events_path {
        Some(path) => Some(atomic_file::stage_text(path, &events::to_tsv(&recording.events))?),
        None => None,
    };
    commit(target.path, &outdated, std::iter::once(staged).chain(events).collect())?;
    let sha256 = hex(&hasher.finalize());
    Ok(Converted {
        events: events_path,
        ..Converted::of(recording, target, bytes, sha256, Vec::new())
    })
}

/// Opens a one- or two-dimensional array: samples × channels, or channels × samples where
/// the options say so. Samples are microvolts unless the options name a unit.
///
/// # Errors
/// The file is no `.npy` array of a supported type and shape, is not as long as its header
/// says, or the options give no sample rate.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Recording, DatasetError> {
    let bad = |problem: String| DatasetError::format(path, problem);
    let mut file = File::open(path).map_err(DatasetError::io("read", path))?;
    let bytes = file.metadata().map_err(DatasetError::io("read", path))?.len();
    let (start, dictionary) = read_header(&mut file, path)?;
    let array = Array::parse(&dictionary).map_err(bad)?;
    let manifest = shape::manifest_claim(path)?;
    let promised_hz = manifest.as_ref().and_then(|claim| claim.sample_rate_hz);
    let sample_rate_hz = options.sample_rate_hz.or(promised_hz).ok_or_else(|| {
        DatasetError::Request(format!(
            "{} does not say its sample rate: give {}",
            path.display(),
            options.option_source.rate()
        ))
    })?;
    let (samples, channels) = if options.channels_first {
        (array.columns, array.rows)
    } else {
        (array.rows, array.columns)
    };
    let cells = array.rows.checked_mul(array.columns);
    let data_bytes = cells.and_then(|cells| cells.checked_mul(array.element.bytes() as u64));
    let expected = data_bytes.and_then(|bytes| bytes.checked_add(start));
    if expected != Some(bytes) {
        return Err(bad(format!(
            "{bytes} bytes, but an array of {} × {} needs {} after a header of {start}; the file is not whole",
            array.rows,
            array.columns,
            data_bytes.map_or("more than can be counted".to_owned(), |bytes| bytes.to_string()),
        )));
    }
    if samples == 0 || channels == 0 {
        return Err(bad("the array is empty".into()));
    }
    check_channels(path, channels)?;
    let channels = channels as usize;
    let own = Claim {
        origin: "the file".to_owned(),
        channels: Some(channels),
        sample_rate_hz: Some(sample_rate_hz),
        samples: Some(samples),
    };
    agree(path, std::iter::once(&own).chain(&manifest))?;
    // What `generate` made is in microvolts, as its manifest says.
    let unit_assumed = options.unit.is_none() && manifest.is_none();
    if unit_assumed && options.option_source == OptionSource::Configuration {
        return Err(DatasetError::Request(format!(
            "{} does not say the unit of its samples: give dataset.unit, one of uV, mV, V and nV",
            path.display()
        )));
    }
    let unit = options.unit.unwrap_or(Unit::Microvolt);
    let layout_of =
        if array.columns_first == options.channels_first { interleaved } else { planar };
    let mut layout = layout_of(start, channels, samples, array.element, unit);
    let mut notes = Vec::new();
    let names = tables::names_beside(path, channels, &mut notes)
        .unwrap_or_else(|| labels::synthetic_names(channels));
    let (chosen, channel_names) = chosen_channels(path, options, &names, names.clone())?;
    layout.keep(&chosen);
    let events = tables::events_beside(path, &mut notes);
    if channels as u64 > samples {
        notes.push(match (options.option_source, options.channels_first) {
            (OptionSource::CommandLine, first) => format!(
                "{channels} channels and only {samples} samples: if the array is {}, {} --channels-first",
                if first { "samples × channels" } else { "channels × samples" },
                if first { "leave out" } else { "give" }
            ),
            (OptionSource::Configuration, _) => format!(
                "{channels} channels and only {samples} samples: if the array is channels × samples, convert it with --channels-first"
            ),
        });
    }
    Ok(Recording {
        path: path.to_owned(),
        data_path: path.to_owned(),
        sources: vec![path.to_owned()],
        format: &FORMAT,
        channel_names,
        sample_rate_hz,
        samples,
        start: None,
        keeps_events: events.is_some(),
        events: events.unwrap_or_default(),
        unit_assumed,
        notes,
        codes: None,
        reader: PlaneReader::new(file, path, layout),
        option_source: options.option_source,
        level: Level::default(),
    })
}

/// What the dictionary of a header says.
#[derive(Debug, PartialEq)]
struct Array {
    element: Element,
    /// Stored column by column (Fortran order).
    columns_first: bool,
    rows: u64,
    columns: u64,
}

impl Array {
    /// Parses `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }`.
    fn parse(dictionary: &str) -> Result<Self, String> {
        let value = |key: &str| {
            let quoted = [format!("'{key}'"), format!("\"{key}\"")];
            quoted
                .iter()
                .find_map(|quoted| dictionary.split_once(quoted.as_str()))
                .and_then(|(_, rest)| rest.trim_start().strip_prefix(':'))
                .map(str::trim_start)
                .ok_or_else(|| format!("its header has no '{key}'"))
        };
        let kind = value("descr")?;
        if kind.starts_with('[') {
            return Err(
                "it is a table of named fields; save one of them: array['NAME'].astype('<f4')"
                    .to_owned(),
            );
        }
        let kind: String = kind
            .trim_start_matches(['\'', '"'])
            .chars()
            .take_while(|c| !"'\",}".contains(*c))
            .collect();
        let element = match kind.as_str() {
            "<f4" => Element::F32,
            "<f8" => Element::F64,
            "<i2" => Element::I16,
            "<i4" => Element::I32,
            other => {
                return Err(format!(
                    "its numbers are of type {}; convert it first with array.astype('<f4')",
                    quoted(other)
                ));
            }
        };
        let columns_first = value("fortran_order")?.starts_with("True");
        let shape = value("shape")?;
        let inner = shape
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(')'))
            .map(|(inner, _)| inner)
            .ok_or("its header has no shape")?;
        let sizes: Result<Vec<u64>, _> = inner
            .split(',')
            .map(str::trim)
            .filter(|size| !size.is_empty())
            .map(|size| size.trim_end_matches('L').parse::<u64>())
            .collect();
        match sizes.as_deref() {
            Ok([rows]) => Ok(Self { element, columns_first, rows: *rows, columns: 1 }),
            Ok([rows, columns]) => {
                Ok(Self { element, columns_first, rows: *rows, columns: *columns })
            }
            _ => Err(format!("its shape is {}, not samples × channels", quoted(inner))),
        }
    }
}

/// Reads the header at the start of `file`: where the samples begin, and its dictionary.
fn read_header(file: &mut File, path: &Path) -> Result<(u64, String), DatasetError> {
    let mut head = Vec::new();
    file.take(12).read_to_end(&mut head).map_err(DatasetError::io("read", path))?;
    let (fixed, length) = match head.as_slice() {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, low, high, ..] => {
            (10, usize::from(u16::from_le_bytes([*low, *high])))
        }
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d] => {
            (12, u32::from_le_bytes([*a, *b, *c, *d]) as usize)
        }
        _ => return Err(DatasetError::format(path, "not a .npy file of format 1, 2 or 3")),
    };
    if length > MOST_HEADER_BYTES {
        return Err(DatasetError::format(
            path,
            format!("a header of {length} bytes is no array's"),
        ));
    }
    let mut dictionary = vec![0; length];
    read_at(file, fixed, &mut dictionary).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            DatasetError::format(path, "the file ends within its header")
        }
        _ => DatasetError::io("read", path)(error),
    })?;
    Ok((fixed + length as u64, String::from_utf8_lossy(&dictionary).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dictionaries_as_numpy_writes_them() {
        let array = |element, columns_first, rows, columns| {
            Ok(Array { element, columns_first, rows, columns })
        };
        for (text, expected) in [
            (
                "{'descr': '<f8', 'fortran_order': True, 'shape': (64, 20000), }  \n",
                array(Element::F64, true, 64, 20_000),
            ),
            (
                "{'descr': '<i2', 'fortran_order': False, 'shape': (5,), }",
                array(Element::I16, false, 5, 1),
            ),
        ] {
            assert_eq!(Array::parse(text), expected);
        }
        for text in [
            "",
            "{'descr': '>f4', 'fortran_order': False, 'shape': (5, 2), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 2, 1), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-5, 2), }",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (5, 2), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 2)}",
        ] {
            assert!(Array::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn header_is_the_one_of_the_format_description() {
        let bytes = header_bytes(&[3, 2]);
        assert_eq!(bytes.len() % 64, 0);
        assert_eq!(bytes[..10], *b"\x93NUMPY\x01\x00\x76\x00");
        let text = std::str::from_utf8(&bytes[10..]).unwrap();
        assert!(text.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }"));
        assert!(text.ends_with(" \n"));
        let wide = header_bytes(&[u64::MAX, 65_536, 65_536, 2]);
        assert_eq!(wide.len(), 128);
        let text = String::from_utf8(header_bytes(&[5])[10..].to_vec()).unwrap();
        assert!(text.contains("'shape': (5,), }"), "{text}");
    }
}
