//! The catalogue of a static dataset primitive: its `spec.yaml`, what of it is on this
//! machine, and whether those bytes are the ones it promises.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::base::digest::sha256_of;
use crate::config::Node;
use crate::config::decode::decode;
use crate::recording::DatasetError;

/// The `spec.yaml` of a static dataset.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Name of the primitive, which is its folder's.
    pub name: String,
    /// Version of the primitive, which is its parent folder's.
    pub version: String,
    /// `static`.
    pub kind: String,
    /// One line for `list`.
    pub summary: String,
    /// Where the recordings come from.
    pub source: Source,
    /// Number of channels of every recording.
    pub channels: usize,
    /// Sample rate of every recording in Hz.
    pub sample_rate_hz: f64,
    /// Channel names in file order.
    pub labels: Vec<String>,
    /// Subjects in the archive, numbered from 1.
    pub subjects: u16,
    /// Runs of each subject, numbered from 1.
    pub runs: u16,
    /// The recordings fetched by default.
    pub recordings: Vec<Entry>,
}

/// Where recordings come from, and on what terms.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Title of the archive.
    pub title: String,
    /// Folder that all paths are relative to.
    pub url: String,
    /// Name of the SHA-256 list in that folder.
    pub checksums: String,
    /// Licence by name.
    pub license: String,
    /// Licence text.
    pub license_url: String,
    /// What publications cite.
    pub cite: Vec<String>,
}

/// One recording.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Name, such as `S001R03`.
    pub id: String,
    /// Path in the archive.
    pub path: String,
    /// SHA-256 of the archive's file, if it is pinned here.
    pub sha256: Option<String>,
    /// SHA-256 of the converted float32 file, if it is pinned here.
    pub converted_sha256: Option<String>,
}

/// What a check of one file found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// The bytes are the promised ones.
    Same,
    /// They are not: the digest found.
    Differs(String),
    /// The file is not there.
    Missing,
}

impl Catalogue {
    /// Reads the `spec.yaml` called `name` in messages.
    ///
    /// # Errors
    /// It is not the specification of a static dataset.
    pub fn parse(name: &Path, text: &str) -> Result<Self, DatasetError> {
        let catalogue: Self = Node::parse(text)
            .and_then(|node| decode(&node, ""))
            .map_err(|problem| problem.in_source(&name.display().to_string()))
            .map_err(|error| DatasetError::Request(error.to_string()))?;
        if catalogue.kind != "static" {
            return Err(DatasetError::Request(format!(
                "{}: kind is '{}', not static",
                name.display(),
                catalogue.kind
            )));
        }
        if catalogue.labels.len() != catalogue.channels {
            return Err(DatasetError::Request(format!(
                "{}: {} labels for {} channels",
                name.display(),
                catalogue.labels.len(),
                catalogue.channels
            )));
        }
        Ok(catalogue)
    }

    /// The recording `id` (`S001R03`, in any case): a pinned one, or any other of the archive.
    ///
    /// # Errors
    /// The archive has no such recording.
    pub fn entry(&self, id: &str) -> Result<Entry, DatasetError> {
        let id = id.to_uppercase();
        if let Some(entry) = self.recordings.iter().find(|entry| entry.id == id) {
            return Ok(entry.clone());
        }
        let numbers = id.strip_prefix('S').and_then(|rest| rest.split_once('R'));
        let parsed = numbers.and_then(|(subject, run)| {
            let numeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            let digits = subject.len() == 3 && run.len() == 2 && numeric(subject) && numeric(run);
            digits.then(|| Some((subject.parse::<u16>().ok()?, run.parse::<u16>().ok()?)))?
        });
        match parsed {
            Some((subject, run)) => self.entry_of(subject, run),
            None => Err(DatasetError::Request(format!(
                "there is no recording '{id}'; they are called S001R01 (subject 1, run 1) to S{:03}R{:02}",
                self.subjects, self.runs
            ))),
        }
    }

    /// The recording of `subject` and `run`, both counted from 1.
    ///
    /// # Errors
    /// The archive has no such recording.
    pub fn entry_of(&self, subject: u16, run: u16) -> Result<Entry, DatasetError> {
        if subject == 0 || subject > self.subjects || run == 0 || run > self.runs {
            return Err(DatasetError::Request(format!(
                "there is no run {run} of subject {subject}: there are {} subjects with {} runs each",
                self.subjects, self.runs
            )));
        }
        let id = format!("S{subject:03}R{run:02}");
        if let Some(entry) = self.recordings.iter().find(|entry| entry.id == id) {
            return Ok(entry.clone());
        }
        let path = format!("S{subject:03}/{id}.edf");
        Ok(Entry { id, path, sha256: None, converted_sha256: None })
    }
}

impl Entry {
    /// Where the archive's own file is kept in the dataset's folder.
    #[must_use]
    pub fn original(&self, folder: &Path) -> PathBuf {
        let extension = Path::new(&self.path).extension().unwrap_or_default();
        folder.join("original").join(&self.id).with_extension(extension)
    }

    /// Where the converted file is kept in the dataset's folder.
    #[must_use]
    pub fn converted(&self, folder: &Path) -> PathBuf {
        folder.join("converted").join(&self.id).with_extension("float32")
    }
}

/// Compares the SHA-256 of `path` with `expected` (hexadecimal, any case).
///
/// # Errors
/// The file is there and cannot be read.
pub fn check(path: &Path, expected: &str) -> Result<Check, DatasetError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Check::Missing),
        Err(error) => return Err(DatasetError::io("read", path)(error)),
    };
    let found = sha256_of(file).map_err(DatasetError::io("read", path))?;
    Ok(if found.eq_ignore_ascii_case(expected) { Check::Same } else { Check::Differs(found) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn physionet() -> Catalogue {
        let text = include_str!("../../primitives/datasets/v1/physionet-motor-imagery/spec.yaml");
        Catalogue::parse(Path::new("spec.yaml"), text).unwrap()
    }

    #[test]
    fn recordings_by_name_and_number() {
        let catalogue = physionet();
        assert_eq!(catalogue.recordings.len(), 3);
        assert!(catalogue.entry("s001r03").unwrap().sha256.is_some());
        let other = catalogue.entry("S109R14").unwrap();
        assert_eq!((other.path.as_str(), other.sha256), ("S109/S109R14.edf", None));
        for wrong in ["S110R01", "S001R15", "S000R01", "S1R3", "../../etc", "", "S+01R03"] {
            assert!(catalogue.entry(wrong).is_err(), "{wrong}");
        }
    }
}
