//! Checking a generator primitive against the golden digests in its `spec.yaml`.

use super::manifest::{entry, need};
use super::output::{Watch, digest_only};
use super::reproduce::{Comparison, compare};
use super::{GenerateError, Recipe, Settings};
use crate::config::{At, ConfigError, DatasetConfig, Position, Problem, Value};
use crate::exit::Failure;
use crate::plan::{GeneratedDataset, generated};
use crate::primitive::{GeneratorSpec, GoldenDigest, GoldenSpec, Library};

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
    watch: Watch<'_>,
) -> Result<Vec<Comparison>, VerifyError> {
    let source = format!("{path}/spec.yaml");
    let located = |problem: Problem| VerifyError::Spec(problem.in_source(&source));
    let golden = need("golden", spec.golden.clone(), Position::default()).map_err(located)?;
    let digests = need("golden.digests", golden.value.digests.clone(), golden.position);
    let digests = digests.map_err(located)?;
    if digests.value.is_empty() {
        let message = "golden.digests is empty; there is nothing to check";
        return Err(located(Problem::at(digests.position, message)));
    }
    let mut comparisons = Vec::new();
    for digest in &digests.value {
        let dataset = dataset(path, &golden, digest, library).map_err(located)?;
        let found = digest_only(&Recipe::of(&dataset), settings, watch)?;
        let pairs =
            [("crc32", &digest.crc32, found.crc32), ("sha256", &digest.sha256, found.sha256)];
        for (kind, expected, found) in pairs {
            let expected = need(kind, expected.clone(), digests.position).map_err(located)?;
            let what = format!("{kind} of {}", dataset.signal_type);
            comparisons.push(compare(&what, &expected.value.to_ascii_lowercase(), &found));
        }
    }
    Ok(comparisons)
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
    let rate = need("golden.sample_rate_hz", part.sample_rate_hz, golden.position)?;
    let blocks = need("golden.blocks", part.blocks, golden.position)?;
    let block_samples = need("golden.block_samples", part.block_samples, golden.position)?;
    let mut params = need("params", digest.params.clone(), golden.position)?;
    let samples = blocks.value as f64 * block_samples.value as f64;
    if let Value::Mapping(entries) = &mut params.value.value {
        entries.push(entry("duration_s", Value::Float(samples / rate.value)));
    }
    let config = DatasetConfig {
        path: Some(path.to_owned().into()),
        format: None,
        channels: Some(channels),
        sample_rate_hz: Some(rate),
        params: Some(params),
    };
    generated(&At { value: config, position: golden.position }, library)
}
