//! Checking a generator primitive against the golden digests in its `spec.yaml`.

use super::output::digest_only;
use super::reproduce::{DigestComparison, compare};
use super::{GenerateError, Recipe, Settings};
use crate::base::Failure;
use crate::base::Progress;
use crate::base::digest::Algorithm;
use crate::config::{At, ConfigError, DatasetConfig, Entry, Position, Problem, Value};
use crate::primitive::{GeneratorSpec, GoldenDigest, GoldenSpec, Library};
use crate::synthetic::GeneratedDataset;
use crate::synthetic::generated;
use crate::synthetic::manifest::need;

/// Why a primitive could not be checked. A difference is no error.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The specification's golden part is wrong.
    #[error(transparent)]
    Spec(#[from] ConfigError),
    /// A dataset could not be generated.
    #[error(transparent)]
    Generate(#[from] GenerateError),
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Spec(error) => error.into(),
            VerifyError::Generate(error) => error.into(),
        }
    }
}

/// Generates every golden dataset of the primitive at `path` and compares CRC-32 and SHA-256.
///
/// # Errors
/// [`VerifyError`].
pub fn verify_generator(
    path: &str,
    spec: &GeneratorSpec,
    library: &Library,
    settings: &Settings,
    progress: &Progress,
) -> Result<Vec<DigestComparison>, VerifyError> {
    let mut comparisons = Vec::new();
    for golden in golden_datasets(path, spec, library)? {
        let recipe = Recipe::of(&golden.dataset);
        let found = digest_only(&recipe, settings, Algorithm::Sha256, progress)?;
        let sha256 = found.content.hex();
        let pairs = [("crc32", &golden.crc32, &*found.crc32), ("sha256", &golden.sha256, sha256)];
        for (kind, expected, found) in pairs {
            let what = format!("{kind} of {}", golden.dataset.signal_type);
            comparisons.push(compare(&what, expected, found));
        }
    }
    Ok(comparisons)
}

/// A dataset whose bytes a specification pins.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldenDataset {
    /// The dataset.
    pub dataset: GeneratedDataset,
    /// Blocks it consists of.
    pub blocks: u32,
    /// Samples per channel in a block.
    pub block_samples: usize,
    /// CRC-32 of its bytes, lower-case hexadecimal.
    pub crc32: String,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// Every golden dataset of the primitive at `path`; at least one.
///
/// # Errors
/// [`ConfigError`] when the specification's golden part is wrong.
pub fn golden_datasets(
    path: &str,
    spec: &GeneratorSpec,
    library: &Library,
) -> Result<Vec<GoldenDataset>, ConfigError> {
    let source = format!("{path}/spec.yaml");
    all_golden(path, spec, library).map_err(|problem| problem.in_source(&source))
}

fn all_golden(
    path: &str,
    spec: &GeneratorSpec,
    library: &Library,
) -> Result<Vec<GoldenDataset>, Problem> {
    let golden = need("golden", spec.golden.clone(), Position::default())?;
    let digests = need("golden.digests", golden.value.digests.clone(), golden.position)?;
    if digests.value.is_empty() {
        let message = "golden.digests is empty; there is nothing to check";
        return Err(Problem::at(digests.position, message));
    }
    let number = |name: &str, at: Option<At<u64>>| -> Result<u32, Problem> {
        let at = need(name, at, golden.position)?;
        u32::try_from(at.value)
            .map_err(|_| Problem::at(at.position, format!("{name} must be below 2^32")))
    };
    let blocks = number("golden.blocks", golden.value.blocks)?;
    let block_samples = number("golden.block_samples", golden.value.block_samples)? as usize;
    let one = |digest: &GoldenDigest| -> Result<GoldenDataset, Problem> {
        let hexadecimal = |kind: &str, text: &Option<At<String>>| {
            need(kind, text.clone(), digests.position).map(|at| at.value.to_ascii_lowercase())
        };
        Ok(GoldenDataset {
            dataset: dataset(path, &golden, digest, library)?,
            blocks,
            block_samples,
            crc32: hexadecimal("crc32", &digest.crc32)?,
            sha256: hexadecimal("sha256", &digest.sha256)?,
        })
    };
    digests.value.iter().map(one).collect()
}

/// The dataset that a golden digest is taken over.
fn dataset(
    path: &str,
    golden: &At<GoldenSpec>,
    digest: &GoldenDigest,
    library: &Library,
) -> Result<GeneratedDataset, Problem> {
    let part = &golden.value;
    let channels = need("golden.channels", part.channels, golden.position)?;
    let rate = digest.sample_rate_hz.or(part.sample_rate_hz);
    let rate = need("golden.sample_rate_hz", rate, golden.position)?;
    let blocks = need("golden.blocks", part.blocks, golden.position)?;
    let block_samples = need("golden.block_samples", part.block_samples, golden.position)?;
    let mut params = need("params", digest.params.clone(), golden.position)?;
    let samples = blocks.value as f64 * block_samples.value as f64;
    if let Value::Mapping(entries) = &mut params.value.value {
        entries.push(Entry::new("duration_s", Value::Float(samples / rate.value)));
    }
    let config = DatasetConfig {
        path: Some(path.to_owned().into()),
        format: None,
        unit: None,
        channels: Some(channels),
        sample_rate_hz: Some(rate),
        params: Some(params),
    };
    generated(&At { value: config, position: golden.position }, library)
}
