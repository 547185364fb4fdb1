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
use crate::recording::{DatasetError, OpenOptions, Recording, format_to_write};
use crate::synthetic::manifest::Manifest;
use crate::synthetic::{MANIFEST_SUFFIX, block_digest};

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
    /// Name of the data file that lay beside the manifest but was not compared, because its format
    /// (EDF, BDF, codes) has other bytes than those generated.
    pub not_compared: Option<String>,
    /// The comparisons.
    pub comparisons: Vec<DigestComparison>,
}

/// Generates the dataset of `manifest` again (without writing it) and compares its digests; if
/// the data file lies beside the manifest, which is at `path`, compares that as well. An empty path
/// is that of a stream.
///
/// # Errors
/// [`GenerateError`] when it cannot be generated or the data file cannot be read. A difference
/// is no error.
pub fn reproduce(
    manifest: &Manifest,
    path: &Path,
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
    let (mut data_file, mut not_compared) = (None, None);
    let folder = path.parent().unwrap_or(Path::new(""));
    // Without a file of its own the manifest may still lie beside one of another format.
    let named = path.file_name().and_then(|name| name.to_str());
    let named = named.and_then(|name| name.strip_suffix(MANIFEST_SUFFIX));
    let file = manifest.file.as_deref().map(|name| (name, true));
    if let Some((name, as_generated)) = file.or(named.map(|name| (name, false))) {
        let path = folder.join(name);
        match open_within(folder, &path) {
            Ok(file) => {
                let held = if as_generated {
                    let found = digest_of(&file, algorithm, progress);
                    let found = found.map_err(GenerateError::io("read", &path))?;
                    Some(("", found.ok_or(GenerateError::Interrupted)?))
                } else if format_to_write(&path, None).is_ok_and(|format| format.key == "npy") {
                    Some(("the samples of ", digest_of_samples(&path, algorithm, progress)?))
                } else {
                    None
                };
                match held {
                    Some((part, found)) => {
                        let what = format!("{} of {part}{name}", algorithm.key());
                        comparisons.push(compare(&what, expected.content.hex(), found.hex()));
                        data_file = Some(name.to_owned());
                    }
                    None => not_compared = Some(name.to_owned()),
                }
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
        not_compared,
        comparisons,
    })
}

/// The digest of the samples in the array `path` as float32.
fn digest_of_samples(
    path: &Path,
    algorithm: Algorithm,
    progress: &Progress,
) -> Result<ContentDigest, GenerateError> {
    let mut digester = FileDigester::new(algorithm);
    Recording::open(path, &OpenOptions::default())?.read_tiles(|bytes, _| {
        digester.update(bytes);
        if progress.is_cancelled() { Err(DatasetError::Interrupted) } else { Ok(()) }
    })?;
    Ok(digester.finish().content)
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
