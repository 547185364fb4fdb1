//! `cortex-host verify` for a static dataset: the files present against their SHA-256.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{json, output};
use crate::base::{ExitCode, Failure};
use crate::download::catalogue::{self, Catalogue, Check};
use crate::generate::DigestComparison;
use crate::primitive::{DOWNLOADS, DatasetSpec, Library};

/// What `verify` found.
#[derive(schemars::JsonSchema, serde::Serialize)]
pub struct Verified<'a> {
    /// The primitive, or the device.
    pub primitive: &'a str,
    /// Whether everything is there and equal.
    pub verified: bool,
    /// Of a generator or device: each golden dataset.
    pub comparisons: &'a [DigestComparison],
    /// Of a dataset of recordings: each file.
    pub files: Vec<VerifiedFile<'a>>,
}

/// A file of a dataset of recordings.
#[derive(schemars::JsonSchema, serde::Serialize)]
pub struct VerifiedFile<'a> {
    /// The recording.
    pub recording: &'a str,
    /// Its file.
    pub file: &'a Path,
    /// `same`, `differs` or `missing`.
    pub result: &'static str,
    /// The SHA-256 of one that differs.
    pub sha256: Option<&'a str>,
}

/// The dataset that can be fetched, and its short name.
pub const PHYSIONET: (&str, &str) = DOWNLOADS[0];

/// Whether `path` names a static dataset primitive.
#[must_use]
pub fn is_static(library: &Library, path: &str) -> bool {
    library.specification(path).is_some_and(|(text, _)| {
        matches!(DatasetSpec::parse(path, &text), Ok(DatasetSpec::Static { .. }))
    })
}

/// The catalogue of the static dataset `path`, and its local folder.
///
/// # Errors
/// There is none, or it is not a static dataset's.
pub fn open_catalogue(
    library: &Library,
    path: &str,
) -> Result<(Catalogue, Option<PathBuf>), Failure> {
    let (text, folder) = library
        .specification(path)
        .ok_or_else(|| Failure::usage(format!("there is no dataset '{path}'")))?;
    let name = folder.clone().unwrap_or_else(|| PathBuf::from(path)).join("spec.yaml");
    Ok((Catalogue::parse(&name, &text)?, folder))
}

/// Compares every recording of the static dataset `path` with its specification.
///
/// # Errors
/// The specification is wrong or a file cannot be read.
pub fn verify(library: &Library, path: &str, as_json: bool) -> Result<ExitCode, Failure> {
    let (catalogue, folder) = open_catalogue(library, path)?;
    let folder = folder.unwrap_or_else(|| PathBuf::from(path));
    let checks = checks(&catalogue, &folder)?;
    let differs = checks.iter().any(|(_, _, check)| matches!(check, Check::Differs(_)));
    let missing: Vec<&str> = checks
        .iter()
        .filter(|(_, _, check)| *check == Check::Missing)
        .map(|(id, _, _)| id.as_str())
        .collect();
    if as_json {
        let files = checks.iter().map(|(recording, file, check)| {
            let (result, sha256) = match check {
                Check::Same => ("same", None),
                Check::Differs(found) => ("differs", Some(found.as_str())),
                Check::Missing => ("missing", None),
            };
            VerifiedFile { recording, file, result, sha256 }
        });
        json::print(Verified {
            primitive: path,
            verified: !differs && missing.is_empty(),
            comparisons: &[],
            files: files.collect(),
        })?;
    } else {
        for (_, file, check) in &checks {
            let result = match check {
                Check::Same => "ok".to_owned(),
                Check::Differs(found) => format!("DIFFERS, its SHA-256 is {found}"),
                Check::Missing => "missing".to_owned(),
            };
            output::print(&format!("{}: {result}", file.display()))?;
        }
    }
    if differs {
        return Ok(ExitCode::CheckFailed);
    }
    if !missing.is_empty() {
        return Err(Failure::input_output(format!(
            "{} of {} files are missing; {}",
            missing.len(),
            checks.len(),
            remedy(&catalogue, missing)
        )));
    }
    Ok(ExitCode::Success)
}

/// How to get the recordings that are missing.
fn remedy(catalogue: &Catalogue, mut missing: Vec<&str>) -> String {
    if !PHYSIONET.1.ends_with(&format!("/{}/{}", catalogue.version, catalogue.name)) {
        return format!("their source is {}", catalogue.source.url);
    }
    // An original and its conversion are one recording.
    missing.dedup();
    let mut command = String::from("fetch them with: cortex-host download physionet");
    for id in missing {
        let _ = write!(command, " --recording {id}");
    }
    command
}

/// Recording, file and finding for everything the specification pins, and for the presence of
/// what it does not.
fn checks(catalogue: &Catalogue, folder: &Path) -> Result<Vec<(String, PathBuf, Check)>, Failure> {
    let mut checks = Vec::new();
    for entry in &catalogue.recordings {
        if let Some(expected) = &entry.sha256 {
            let file = entry.original(folder);
            let check = catalogue::check(&file, expected)?;
            checks.push((entry.id.clone(), file, check));
        }
        let file = entry.converted(folder);
        let check = match &entry.converted_sha256 {
            Some(expected) => catalogue::check(&file, expected)?,
            None if file.is_file() => Check::Same,
            None => Check::Missing,
        };
        checks.push((entry.id.clone(), file, check));
    }
    Ok(checks)
}
