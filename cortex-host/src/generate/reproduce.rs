//! Making a dataset again from its manifest, and comparing.

use std::fmt;
use std::fs::File;
use std::path::Path;

use serde::Serialize;

use super::output::digest_only;
use super::{GenerateError, Recipe, Settings, truth};
use crate::base::Progress;
use crate::base::contained::open_within;
use crate::base::digest::{Algorithm, ContentDigest, FileDigester, crc32_text};
use crate::synthetic::block_digest;
use crate::synthetic::manifest::Manifest;

/// One value of a manifest against the same value found now.
#[derive(Clone, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize)]
#[non_exhaustive]
pub struct DigestComparison {
    /// What was compared.
    pub what: String,
    /// The manifest's value.
    pub expected: String,
    /// The value found.
    pub found: String,
    /// Whether they are equal.
    pub equal: bool,
}

impl fmt::Display for DigestComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, expected, found, equal } = self;
        if *equal {
            write!(f, "{what}: equal ({found})")
        } else {
            write!(f, "{what}: DIFFERENT (expected {expected}, found {found})")
        }
    }
}

/// The outcome of [`reproduce`](crate::reproduce()).
#[derive(Clone, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize)]
#[non_exhaustive]
pub struct Reproduced {
    /// Whether everything compared is equal.
    pub reproduced: bool,
    /// Name of the data file that lay beside the manifest and was compared too.
    pub data_file: Option<String>,
    /// The comparisons.
    pub comparisons: Vec<DigestComparison>,
}

/// Generates the dataset of `manifest` again (without writing it) and compares its digests; if
/// the data file lies in `folder`, the manifest's, compares that as well.
///
/// # Errors
/// [`GenerateError`] when it cannot be generated or the data file cannot be read. A difference
/// is no error.
pub fn reproduce(
    manifest: &Manifest,
    folder: &Path,
    settings: &Settings,
    progress: &Progress,
) -> Result<Reproduced, GenerateError> {
    let recipe = match manifest.shard {
        None => Recipe::of(&manifest.dataset),
        Some((shard, _)) => Recipe::of_shard(&manifest.dataset, shard)?,
    };
    let block = crc32_text(block_digest(&recipe.generator()?));
    let expected = &manifest.digest;
    let algorithm = expected.content.algorithm();
    let again = digest_only(&recipe, settings, algorithm, progress)?;
    let mut comparisons = vec![
        compare(algorithm.key(), expected.content.hex(), again.content.hex()),
        compare("crc32", &expected.crc32, &again.crc32),
        compare("first_blocks_crc32", &manifest.block_crc32, &block),
    ];
    for expected in &manifest.truth {
        let found = truth::digest(expected.kind, &manifest.dataset, progress)?;
        let what = format!("sha256 of the {}", expected.kind.name());
        comparisons.push(compare(&what, &expected.sha256, &found));
    }
    let mut data_file = None;
    if let Some(name) = &manifest.file {
        let path = folder.join(name);
        match open_within(folder, &path) {
            Ok(file) => {
                let found = digest_of(&file, algorithm, progress)
                    .map_err(GenerateError::io("read", &path))?;
                let Some(found) = found else { return Err(GenerateError::Interrupted) };
                let what = format!("{} of {name}", algorithm.key());
                comparisons.push(compare(&what, expected.content.hex(), found.hex()));
                data_file = Some(name.clone());
                for expected in &manifest.truth {
                    let path = expected.kind.path(&path);
                    let Ok(file) = open_within(folder, &path) else { continue };
                    let found = digest_of(&file, Algorithm::Sha256, progress)
                        .map_err(GenerateError::io("read", &path))?;
                    let Some(found) = found else { return Err(GenerateError::Interrupted) };
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    let what = format!("sha256 of {name}");
                    comparisons.push(compare(&what, &expected.sha256, found.hex()));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(GenerateError::io("read", &path)(error)),
        }
    }
    Ok(Reproduced {
        reproduced: comparisons.iter().all(|comparison| comparison.equal),
        data_file,
        comparisons,
    })
}

/// The digest of a file's bytes; none when cancelled.
pub(super) fn digest_of(
    file: &File,
    algorithm: Algorithm,
    progress: &Progress,
) -> std::io::Result<Option<ContentDigest>> {
    use std::io::Read;
    const STEP_BYTES: u64 = 64 << 20;
    let mut digester = FileDigester::new(algorithm);
    while digester.update_from(file.take(STEP_BYTES))? > 0 {
        if progress.is_cancelled() {
            return Ok(None);
        }
    }
    Ok(Some(digester.finish().content))
}

pub(super) fn compare(what: &str, expected: &str, found: &str) -> DigestComparison {
    DigestComparison {
        what: what.to_owned(),
        expected: expected.to_owned(),
        found: found.to_owned(),
        equal: expected == found,
    }
}
