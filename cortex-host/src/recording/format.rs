//! Which format a file is of: its extension and its first bytes must agree.
//!
//! Nothing is taken for raw samples that begins like something else: every sequence of bytes is
//! some float32, so a wrong guess would not be noticed.

use std::fmt;
use std::path::Path;

use super::DatasetError;
use super::content::{self, Content};

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

/// What is known of a format.
struct FormatInfo {
    format: Format,
    name: &'static str,
    key: &'static str,
    /// In lower case, the usual one first.
    extensions: &'static [&'static str],
}

/// The formats that are read.
const KNOWN: [FormatInfo; 5] = [
    FormatInfo {
        format: Format::Edf,
        name: "EDF",
        key: "edf",
        extensions: &["edf", "edf+", "rec"],
    },
    FormatInfo { format: Format::Bdf, name: "BDF", key: "bdf", extensions: &["bdf", "bdf+"] },
    FormatInfo {
        format: Format::BrainVision,
        name: "BrainVision",
        key: "brainvision",
        extensions: &["vhdr", "ahdr"],
    },
    FormatInfo { format: Format::Npy, name: "npy", key: "npy", extensions: &["npy"] },
    FormatInfo {
        format: Format::Float32,
        name: "float32",
        key: "float32",
        extensions: &["float32", "f32", "raw", "bin", "dat", "eeg"],
    },
];

impl Format {
    fn known(self) -> &'static FormatInfo {
        // The table has one line for each, in the order of the variants.
        let [edf, bdf, brainvision, npy, float32] = &KNOWN;
        match self {
            Self::Edf => edf,
            Self::Bdf => bdf,
            Self::BrainVision => brainvision,
            Self::Npy => npy,
            Self::Float32 => float32,
        }
    }

    /// The format that files with this extension have.
    fn of_extension(extension: &str) -> Option<Self> {
        let known = KNOWN.iter().find(|known| known.extensions.contains(&extension));
        known.map(|known| known.format)
    }

    /// The spelling in configurations.
    #[must_use]
    pub fn key(self) -> &'static str {
        self.known().key
    }

    /// The format of the file `path`.
    ///
    /// # Errors
    /// The file cannot be read, its extension or its content stands for no format that is read,
    /// or the two contradict each other.
    pub fn of(path: &Path) -> Result<Self, DatasetError> {
        let extension = extension(path);
        let declared = Self::of_extension(&extension);
        let content = content::of(path)?;
        let bad = |problem: String| Err(DatasetError::format(path, problem));
        match (declared, content) {
            (Some(declared), Content::Known(found)) if declared.alike(found) => Ok(found),
            (_, Content::Known(found)) => bad(format!(
                "it is {found} by its first bytes, but its name does not end in .{}; rename it",
                found.known().extensions.first().unwrap_or(&"")
            )),
            (_, Content::Foreign(name, advice)) => {
                bad(format!("it is {name} by its first bytes; {advice}"))
            }
            // A text in place of a header: the format's reader says what it misses.
            (Some(declared), _) if declared != Self::Float32 => Ok(declared),
            (Some(_), Content::Text) => {
                bad("it is a text, not samples; convert the numbers to a .npy array first".into())
            }
            (Some(declared), _) => Ok(declared),
            (None, _) if extension.is_empty() && content == Content::Bytes => Ok(Self::Float32),
            (None, _) => bad(format!(
                "unknown kind of file; known are {}",
                "EDF (.edf), BDF (.bdf), BrainVision (.vhdr), NumPy (.npy) and raw float32 (.float32)"
            )),
        }
    }

    /// Whether one reader reads both.
    fn alike(self, other: Self) -> bool {
        let edf = |format| matches!(format, Self::Edf | Self::Bdf);
        self == other || (edf(self) && edf(other))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.known().name)
    }
}

/// Checks that raw float32 samples may be written to `path`: its extension is none, or one that
/// readers take for raw samples.
///
/// # Errors
/// The extension stands for another format, or for none that would be read again.
pub fn check_raw_name(path: &Path) -> Result<(), DatasetError> {
    let extension = extension(path);
    if extension.is_empty() || Format::of_extension(&extension) == Some(Format::Float32) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, bytes: &[u8]) -> Result<Format, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Format::of(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn the_table_is_in_the_order_of_the_formats() {
        for known in &KNOWN {
            assert_eq!(known.format.known().name, known.name);
        }
    }

    #[test]
    fn extension_and_first_bytes_must_agree() {
        let samples: Vec<u8> =
            [1.5_f32, -20.0, 3e2, 0.0].iter().flat_map(|s| s.to_le_bytes()).collect();
        assert_eq!(of("a.float32", &samples), Ok(Format::Float32));
        assert_eq!(of("a.DAT", &samples), Ok(Format::Float32));
        assert_eq!(of("a", &samples), Ok(Format::Float32));
        assert_eq!(of("a.edf", b"\xffBIOSEMI "), Ok(Format::Bdf));
        assert_eq!(
            of("a.vhdr", b"\xef\xbb\xbfBrain Vision Data Exchange"),
            Ok(Format::BrainVision)
        );
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
