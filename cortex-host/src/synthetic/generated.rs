//! From the `dataset` table of a configuration to a generated dataset: for runs, manifests and the
//! command line.

use cortex_core::kernel::{MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ};

use super::GeneratedDataset;
use crate::base::{quoted, quoted_path};
use crate::config::value::{positive, whole};
use crate::config::{At, DatasetConfig, Position, Problem};
use crate::primitive::{Dataset, GeneratorSpec, Library, LookupError};

/// What every `dataset` table has to say, checked.
pub(crate) struct DatasetHead<'a> {
    /// Its path.
    pub(crate) path: &'a At<String>,
    /// Number of channels, `1..=MAX_CHANNELS`.
    pub(crate) channels: At<u64>,
    /// Sample rate in Hz.
    pub(crate) sample_rate_hz: At<f64>,
}

/// Checks path, channels and sample rate of `config`: first whether the path can be meant, which
/// decides what the others are.
///
/// # Errors
/// [`Problem`] at the wrong or missing value.
pub(crate) fn dataset_head<'a>(
    config: &'a At<DatasetConfig>,
    library: &Library,
) -> Result<DatasetHead<'a>, Problem> {
    let table = &config.value;
    if let Some(params) = &table.params {
        super::refuse_shape(&params.value)?;
    }
    let path = needed("path", table.path.as_ref(), config.position)?;
    if let Err(error @ LookupError::Reference(_)) = library.dataset(&path.value) {
        return Err(error.at(path.position));
    }
    let channels = *needed("channels", table.channels.as_ref(), config.position)?;
    let rate = *needed("sample_rate_hz", table.sample_rate_hz.as_ref(), config.position)?;
    whole("dataset.channels", Some(channels), 1, MAX_CHANNELS as u64)?;
    let sample_rate_hz = positive("dataset.sample_rate_hz", rate)?;
    if !(MIN_SAMPLE_RATE_HZ..=MAX_SAMPLE_RATE_HZ).contains(&sample_rate_hz) {
        let message = format!(
            "dataset.sample_rate_hz must lie between {MIN_SAMPLE_RATE_HZ} and {MAX_SAMPLE_RATE_HZ}, but it is {sample_rate_hz}"
        );
        return Err(Problem::at(rate.position, message));
    }
    Ok(DatasetHead { path, channels, sample_rate_hz: rate })
}

/// The dataset of the generator `primitive` with the parameters of `config`.
///
/// # Errors
/// [`Problem`] at the wrong or missing value.
pub(crate) fn of_generator(
    config: &At<DatasetConfig>,
    head: &DatasetHead<'_>,
    primitive: &str,
    spec: &GeneratorSpec,
) -> Result<GeneratedDataset, Problem> {
    if let Some(format) = config.value.format.as_ref().filter(|format| format.value != "float32") {
        let message = format!(
            "dataset.format is {}, but a generator makes float32; remove it",
            quoted(&format.value)
        );
        return Err(Problem::at(format.position, message));
    }
    if let Some(unit) = config.value.unit.as_ref().filter(|unit| unit.value != "uV") {
        let message = format!(
            "dataset.unit is {}, but a generator makes microvolts; remove it",
            quoted(&unit.value)
        );
        return Err(Problem::at(unit.position, message));
    }
    let version = spec.generator_version().map_err(|_| {
        let message = format!(
            "the spec.yaml of {} names no compiled generator of this version",
            quoted_path(primitive)
        );
        Problem::at(head.path.position, message)
    })?;
    let params = config.value.params.as_ref().ok_or_else(|| {
        let message = format!(
            "dataset.params is missing: {} is a generator; give params with signal_type and duration_s",
            quoted_path(primitive)
        );
        Problem::at(config.position, message)
    })?;
    super::from_config(primitive, version, &params.value, head.channels, head.sample_rate_hz)
}

/// Validates `config`, whose path must stand for a generator.
///
/// # Errors
/// [`Problem`] at the wrong or missing value, as for the `dataset` of a run.
pub fn generated(
    config: &At<DatasetConfig>,
    library: &Library,
) -> Result<GeneratedDataset, Problem> {
    let head = dataset_head(config, library)?;
    match library.dataset(&head.path.value).map_err(|error| error.at(head.path.position))? {
        Dataset::Generator { primitive, spec } => of_generator(config, &head, &primitive, &spec),
        Dataset::File(_) => {
            let message = format!(
                "{} is a file, not a generator; name a primitive such as primitives/datasets/v1/synthetic",
                quoted_path(&head.path.value)
            );
            Err(Problem::at(config.position, message))
        }
    }
}

fn needed<'a, T>(
    key: &str,
    value: Option<&'a At<T>>,
    position: Position,
) -> Result<&'a At<T>, Problem> {
    value.ok_or_else(|| {
        let what = match key {
            "path" => "a recording, or a generator such as primitives/datasets/v1/synthetic",
            "channels" => "the number of channels",
            _ => "the sample rate in Hz",
        };
        Problem::at(position, format!("dataset.{key} is missing; give {what}"))
    })
}
