//! Which format a file is of: its extension and its first bytes must agree.
//!
//! Nothing is taken for raw samples that begins like something else: every sequence of bytes is
//! some float32, so a wrong guess would not be noticed.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::claim::{Claim, agree};
use super::encoding::{starts_with_text, text};
use super::{DatasetError, FORMATS, Format, OpenOptions, Recording, float32};
use crate::base::{listed, quoted};

/// First bytes of formats that are not read: where they stand, what they are, what to do.
const FOREIGN: [(usize, &[u8], &str, &str); 40] = [
    (0, b"\x1f\x8b\x08", "a gzip archive", UNPACK),
    (0, b"PK\x03\x04", "a zip archive (an .npz file is one too)", UNPACK),
    (0, b"PK\x05\x06", "an empty zip archive", UNPACK),
    (0, b"BZh", "a bzip2 archive", UNPACK),
    (0, b"\xfd7zXZ\0", "an xz archive", UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive", UNPACK),
    (0, b"\x04\x22\x4d\x18", "an lz4 archive", UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (0, b"Rar!\x1a\x07", "a rar archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file (MATLAB 7.3, NWB)", EXPORT),
    (0, b"MATLAB 5.0 MAT-file", "a MATLAB file", EXPORT),
    (0, b"CDF\x01", "a NetCDF file", EXPORT),
    (0, b"CDF\x02", "a NetCDF file", EXPORT),
    (0, b"RIFF", "a WAV file", EXPORT),
    (0, b"RF64", "a WAV file", EXPORT),
    (0, b"fLaC", "a FLAC file", EXPORT),
    (0, b"OggS", "an Ogg file", EXPORT),
    (0, b"FORM", "an AIFF file", EXPORT),
    (0, b"\0\0\0\x64\0\0\0\x1f\0\0\0\x14", "a FIF file", EXPORT),
    (0, b"XDF:", "an XDF file", EXPORT),
    (0, b"GDF ", "a GDF file", EXPORT),
    (0, b"Version 3.0", "a Neuroscan CNT file", EXPORT),
    (0, b"EEP V", "an ANT Neuro file", EXPORT),
    (0, b"RIFX", "an ANT Neuro file", EXPORT),
    (0, b"NEURALEV", "a Blackrock event file", EXPORT),
    (0, b"NEURALSG", "a Blackrock file", EXPORT),
    (0, b"NEURALCD", "a Blackrock file", EXPORT),
    (0, b"BRSMPGRP", "a Blackrock file", EXPORT),
    (0, b"######## Neuralynx", "a Neuralynx file", EXPORT),
    (0, b"\x02\x27\x91\xc6", "an Intan RHD file", EXPORT),
    (0, b"\xac\x27\x91\xd6", "an Intan RHS file", EXPORT),
    (0, b"PAR1", "a Parquet file", EXPORT),
    (0, b"ARROW1", "an Arrow file", EXPORT),
    (0, b"SQLite format 3\0", "an SQLite database", EXPORT),
    (0, b"%PDF-", "a PDF document", EXPORT),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image", EXPORT),
    (0, b"\xff\xd8\xff", "a JPEG image", EXPORT),
    (0, b"\x7fELF", "a program", EXPORT),
    (0, b"\x80\x04\x95", "a Python pickle", EXPORT),
];

const UNPACK: &str = "unpack it first";
const EXPORT: &str = "export it as EDF, BDF, BrainVision or .npy first";

/// What is read of a file to judge it: every magic number lies within, and enough of a text to
/// tell it from samples.
const HEAD_BYTES: u64 = 4096;

/// What a file's first bytes say.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Content {
    Known(&'static Format),
    Foreign(&'static str, &'static str),
    Text,
    /// Nothing that is recognised: samples, perhaps.
    Bytes,
}

/// The format that files with this extension have.
fn of_extension(extension: &str) -> Option<&'static Format> {
    FORMATS.into_iter().find(|format| format.extensions.contains(&extension))
}

/// The format of the file `path`.
///
/// # Errors
/// The file cannot be read, its extension or its content stands for no format that is read,
/// or the two contradict each other.
fn of(path: &Path) -> Result<&'static Format, DatasetError> {
    let extension = extension(path);
    let declared = of_extension(&extension);
    let content = content(&head(path)?);
    let bad = |problem: String| Err(DatasetError::format(path, problem));
    match (declared, content) {
        (_, Content::Known(found)) if found.may_be_called(&extension) => Ok(found),
        (_, Content::Known(found)) => bad(format!(
            "it is {} by its first bytes, but its name does not end in .{}; rename it",
            found.name,
            found.extension()
        )),
        (_, Content::Foreign(name, advice)) => {
            bad(format!("it is {name} by its first bytes; {advice}"))
        }
        // A text in place of a header: the format's reader says what it misses.
        (Some(declared), _) if declared != &float32::FORMAT => Ok(declared),
        (Some(_), Content::Text) => {
            bad("it is a text, not samples; convert the numbers to a .npy array first".into())
        }
        (Some(declared), _) => Ok(declared),
        (None, _) if extension.is_empty() && content == Content::Bytes => Ok(&float32::FORMAT),
        (None, _) => {
            let known = FORMATS.map(|format| format!("{} (.{})", format.kind, format.extension()));
            bad(format!("unknown kind of file; known are {}", all_of(known)))
        }
    }
}

/// The format that configurations and `--format` spell `key`.
///
/// # Errors
/// A sentence with those there are.
pub fn format_of_key(key: &str) -> Result<&'static Format, String> {
    FORMATS.into_iter().find(|format| format.key == key).ok_or_else(|| {
        let keys = FORMATS.iter().map(|format| format.key);
        format!("there is no format {}; there are {}", quoted(key), listed(keys))
    })
}

/// The format of the file `path` that is to be written: the one asked for, or the one of its
/// extension, raw float32 without one.
///
/// # Errors
/// The extension stands for no format, or for another than the one asked for.
pub(super) fn to_write(
    path: &Path,
    asked: Option<&'static Format>,
) -> Result<&'static Format, DatasetError> {
    let extension = extension(path);
    let refuse =
        |problem: String| Err(DatasetError::Request(format!("{}: {problem}", path.display())));
    match (of_extension(&extension), asked) {
        (None, asked) if extension.is_empty() => Ok(asked.unwrap_or(&float32::FORMAT)),
        (Some(named), None) => Ok(named),
        (Some(named), Some(asked)) if named == asked => Ok(asked),
        (_, Some(asked)) => refuse(format!(
            "{asked} is to be written, which no .{extension} file holds; end the name in .{}",
            asked.extension()
        )),
        (None, None) => refuse(format!(
            "no format that is written has the extension .{extension}; known are {}",
            all_of(FORMATS.map(|format| format!(".{}", format.extension())))
        )),
    }
}

/// `a, b and c`.
fn all_of(names: [String; FORMATS.len()]) -> String {
    let (last, others) = names.split_last().map_or(("", &[][..]), |(l, o)| (l.as_str(), o));
    format!("{} and {last}", others.join(", "))
}

impl Recording {
    /// Opens `path`, whose extension and first bytes tell the format.
    ///
    /// # Errors
    /// The file is missing, of another format than its name says, refused by its format's reader,
    /// or has another shape than the options say.
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
            return Err(DatasetError::format(path, "is no regular file"));
        }
        let recording = (of(path)?.open)(path, options)?;
        let own = Claim {
            origin: "the file".to_owned(),
            channels: Some(recording.channels()),
            sample_rate_hz: Some(recording.sample_rate_hz),
            samples: None,
        };
        agree(path, [&options.claim(), &own].into_iter())?;
        Ok(recording)
    }
}

/// Checks that raw float32 samples may be written to `path`: its extension is none, or one that
/// readers take for raw samples.
///
/// # Errors
/// The extension stands for another format, or for none that would be read again.
pub fn check_raw_name(path: &Path) -> Result<(), DatasetError> {
    let extension = extension(path);
    if extension.is_empty() || of_extension(&extension) == Some(&float32::FORMAT) {
        return Ok(());
    }
    let copy = if extension == "npy" { " (--npy writes a NumPy copy beside it)" } else { "" };
    Err(DatasetError::Request(format!(
        "{}: raw float32 samples are written, which no .{extension} file holds; end the name in .float32{copy}",
        path.display()
    )))
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

fn head(path: &Path) -> Result<Vec<u8>, DatasetError> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(DatasetError::io("read", path))?;
    file.take(HEAD_BYTES).read_to_end(&mut head).map_err(DatasetError::io("read", path))?;
    Ok(head)
}

fn content(head: &[u8]) -> Content {
    if starts_with_text(head, "Brain Vision Data Exchange Marker") {
        return Content::Foreign("a BrainVision marker file", "give the .vhdr");
    }
    if let Some(known) = FORMATS.into_iter().find(|format| (format.begins)(head)) {
        return Content::Known(known);
    }
    let magic = FOREIGN
        .iter()
        .find(|(at, bytes, _, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(bytes)));
    match (magic, text(head)) {
        (Some((_, _, name, advice)), _) => Content::Foreign(name, advice),
        (None, Some(_)) => Content::Text,
        (None, None) => Content::Bytes,
    }
}

#[cfg(test)]
mod tests {
    fn of(name: &str, bytes: &[u8]) -> Result<&'static str, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        super::of(&path).map(|format| format.key).map_err(|error| error.to_string())
    }

    #[test]
    fn extension_and_first_bytes_must_agree() {
        let samples: Vec<u8> =
            [1.5_f32, -20.0, 3e2, 0.0].iter().flat_map(|s| s.to_le_bytes()).collect();
        assert_eq!(of("a.float32", &samples), Ok("float32"));
        assert_eq!(of("a.DAT", &samples), Ok("float32"));
        assert_eq!(of("a", &samples), Ok("float32"));
        assert_eq!(of("a.edf", b"\xffBIOSEMI "), Ok("bdf"));
        assert_eq!(of("a.vhdr", b"\xef\xbb\xbfBrain Vision Data Exchange"), Ok("brainvision"));
        for (name, bytes, part) in [
            ("a.float32", &b"0       X X"[..], "it is EDF by its first bytes"),
            ("a.bin", b"\xffBIOSEMI", "it is BDF by its first bytes"),
            ("a.dat", b"\x93NUMPY\x01\0", "it is npy by its first bytes"),
            ("a.raw", b"Brain Vision Data Exchange Header", "its name does not end in .vhdr"),
            ("a.eeg", b"\x1f\x8b\x08\0\0\0\0\0", "a gzip archive by its first bytes; unpack"),
            ("a.float32", b"PK\x03\x04\0\0\0\0", "a zip archive"),
            ("a.f32", b"RIFF\x24\0\0\0WAVEfmt ", "a WAV file by its first bytes; export"),
            ("a.bin", b"\x89HDF\r\n\x1a\n\0\0", "an HDF5 file"),
            ("a.float32", b"1.5,2.5\n3.5,4.5\n", "it is a text"),
            ("a.float32", "Réveil, café\n".as_bytes(), "it is a text"),
            ("a.csv", b"1.5,2.5\n3.5,4.5\n", "unknown kind of file"),
            ("a.xyz", &samples, "unknown kind of file"),
            ("a", b"1.5,2.5\n3.5,4.5\n", "unknown kind of file"),
            ("a.edf", b"\x1f\x8b\x08\0\0\0\0\0", "a gzip archive"),
            ("a.npy", b"0       X X", "it is EDF by its first bytes, but its name does not end"),
        ] {
            let error = of(name, bytes).unwrap_err();
            assert!(error.contains(part), "{name}: {error}");
        }
    }
}
