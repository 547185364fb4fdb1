//! Which format a file is of: its extension and its first bytes must agree.
//!
//! Nothing is taken for raw samples that begins like something else: every sequence of bytes is
//! some float32, so a wrong guess would not be noticed.

use std::path::Path;

use super::claim::{Claim, agree};
use super::content::{self, Content};
use super::{DatasetError, FORMATS, Format, OpenOptions, Recording, float32};
use crate::base::{listed, printable, quoted};

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
    let content = content::of(path)?;
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
        (None, content) => {
            let known = FORMATS.map(|format| format!("{} (.{})", format.kind, format.extension()));
            let text = match content {
                Content::Text => " (a text: convert its numbers to a .npy array first)",
                _ => "",
            };
            bad(format!("unknown kind of file{text}; known are {}", all_of(known)))
        }
    }
}

/// The format that `--format` spells `key`: as configurations do, or by its usual extension.
///
/// # Errors
/// A sentence with those there are.
pub fn format_of_key(key: &str) -> Result<&'static Format, String> {
    let named = |format: &&Format| format.key == key || format.extension() == key;
    FORMATS.into_iter().find(named).ok_or_else(|| {
        let keys = FORMATS.iter().map(|format| format.key);
        format!("there is no format {}; there are {}", quoted(key), listed(keys))
    })
}

/// The usual extensions of all formats: `.edf, .bdf and .npy`.
#[must_use]
pub fn extensions() -> String {
    all_of(FORMATS.map(|format| format!(".{}", format.extension())))
}

/// The format of the file `path` that is to be written: the one asked for, or the one of its
/// extension, raw float32 without one.
///
/// # Errors
/// The extension stands for no format, or for another than the one asked for.
pub fn format_to_write(
    path: &Path,
    asked: Option<&'static Format>,
) -> Result<&'static Format, DatasetError> {
    let extension = extension(path);
    let refuse =
        |problem: String| Err(DatasetError::Request(format!("{}: {problem}", path.display())));
    let name = path.file_name().unwrap_or_default();
    if name.to_string_lossy().contains(['\n', '\r']) {
        return refuse("a header cannot hold a name with a line break; choose another".to_owned());
    }
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
            extensions()
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
        let mut recording = (of(path)?.open)(path, options)?;
        let own = Claim {
            origin: "the file".to_owned(),
            channels: Some(recording.channels()),
            sample_rate_hz: Some(recording.sample_rate_hz),
            samples: None,
        };
        agree(path, [&options.claim(), &own].into_iter())?;
        // Some of them repeat what stands in the file.
        for note in &mut recording.notes {
            *note = printable(note);
        }
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

/// What follows the name's last dot, in lower case; of `.edf`, too.
fn extension(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_lowercase())
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
        assert_eq!(of("a.ahdr", b"Brain Vision Data Exchange"), Ok("brainvision"));
        assert_eq!(of("a.vhdr", b"\xef\xbb\xbfBrain Vision Data Exchange"), Ok("brainvision"));
        for (name, bytes, part) in [
            ("a.float32", &b"0       X X"[..], "it is EDF by its first bytes"),
            ("a.bin", b"\xffBIOSEMI", "it is BDF by its first bytes"),
            ("a.dat", b"\x93NUMPY\x01\0", "it is npy by its first bytes"),
            ("a.raw", b"Brain Vision Data Exchange Header", "its name does not end in .vhdr"),
            ("a.eeg", b"\x1f\x8b\x08\0\0\0\0\0", "a gzip archive by its first bytes; unpack"),
            (
                "a.vmrk",
                b"BrainVision Data Exchange Marker File, Version 2.0",
                "a BrainVision marker file by its first bytes; give the .vhdr",
            ),
            ("a.float32", b"PK\x03\x04\0\0\0\0", "a zip archive"),
            ("a.f32", b"RIFF\x24\0\0\0WAVEfmt ", "a WAV file by its first bytes; export"),
            ("a.bin", b"\x89HDF\r\n\x1a\n\0\0", "an HDF5 file"),
            ("a.float32", b"1.5,2.5\n3.5,4.5\n", "it is a text"),
            ("a.float32", "Réveil, café\n".as_bytes(), "it is a text"),
            ("a.csv", b"1.5,2.5\n3.5,4.5\n", "unknown kind of file (a text: convert its numbers"),
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
