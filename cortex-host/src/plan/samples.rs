//! The dataset of a plan: a file that is there and whole, or a generator with right parameters.

use std::fs;
use std::path::Path;

use cortex_core::kernel::MAX_CHANNELS;

use super::value::{positive, whole};
use super::{DatasetPlan, StaticDataset};
use crate::base::quoted;
use crate::config::{At, DatasetConfig, Position, Problem};
use crate::primitive::{Dataset, Library};
use crate::recording::shape;
use crate::synthetic;

/// Decides the dataset.
pub(crate) fn plan_dataset(
    config: &At<DatasetConfig>,
    library: &Library,
) -> Result<DatasetPlan, Problem> {
    let table = &config.value;
    let path = needed("path", table.path.as_ref(), config.position)?;
    let channels = *needed("channels", table.channels.as_ref(), config.position)?;
    let rate = *needed("sample_rate_hz", table.sample_rate_hz.as_ref(), config.position)?;
    check_format(table.format.as_ref())?;
    whole("dataset.channels", Some(channels), 1, MAX_CHANNELS as u64)?;
    let sample_rate_hz = positive("dataset.sample_rate_hz", rate)?;
    if !(1e-3..=1e7).contains(&sample_rate_hz) {
        let message = format!(
            "dataset.sample_rate_hz must lie between 0.001 and 10000000, but it is {sample_rate_hz}"
        );
        return Err(Problem::at(rate.position, message));
    }
    match library.dataset(&path.value).map_err(|error| error.at(path.position))? {
        Dataset::File(found) => {
            if let Some(params) = &table.params {
                let message = "dataset.params is for generators, but dataset.path is a file; remove params, or set path to a generator such as primitives/datasets/v1/synthetic";
                return Err(Problem::at(params.position, message));
            }
            static_dataset(path, &found, channels, sample_rate_hz)
        }
        Dataset::Generator { primitive, spec } => {
            let version = spec.generator_version().map_err(|_| {
                let message = format!(
                    "the spec.yaml of {} names no compiled generator of this version",
                    quoted(&primitive)
                );
                Problem::at(path.position, message)
            })?;
            let params = table.params.as_ref().ok_or_else(|| {
                let message = format!("dataset.params is missing: {} is a generator; give params with signal_type and duration_s", quoted(&primitive));
                Problem::at(config.position, message)
            })?;
            synthetic::from_config(&primitive, version, &params.value, channels, rate)
                .map(DatasetPlan::Generated)
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
            "path" => "a .float32 file, or a generator such as primitives/datasets/v1/synthetic",
            "channels" => "the number of channels",
            _ => "the sample rate in Hz",
        };
        Problem::at(position, format!("dataset.{key} is missing; give {what}"))
    })
}

fn check_format(format: Option<&At<String>>) -> Result<(), Problem> {
    match format {
        Some(format) if format.value != "float32" => Err(Problem::at(
            format.position,
            format!(
                "dataset.format must be float32, but it is {}; convert the file first",
                quoted(&format.value)
            ),
        )),
        _ => Ok(()),
    }
}

fn static_dataset(
    configured: &At<String>,
    found: &Path,
    channels: At<u64>,
    sample_rate_hz: f64,
) -> Result<DatasetPlan, Problem> {
    let name = quoted(&configured.value);
    let metadata = fs::metadata(found).map_err(|error| {
        Problem::at(configured.position, format!("cannot read dataset {name}: {error}"))
            .input_output()
    })?;
    if !metadata.is_file() {
        let message =
            format!("dataset {name} is no regular file; write the samples to a file first");
        return Err(Problem::at(configured.position, message).input_output());
    }
    // What lies beside the file may know its shape too; two answers are one too many.
    let configured_shape = shape::Claim {
        origin: "the configuration".to_owned(),
        channels: usize::try_from(channels.value).ok(),
        sample_rate_hz: Some(sample_rate_hz),
        samples: None,
    };
    shape::beside(found)
        .and_then(|beside| {
            shape::agree(found, std::iter::once(&configured_shape).chain(&beside.claims)).map(drop)
        })
        .map_err(|error| Problem::at(configured.position, error.to_string()))?;
    let bytes = metadata.len();
    let row_bytes = channels.value * 4;
    if bytes == 0 {
        let message = format!("dataset {name} is empty; it holds no samples");
        return Err(Problem::at(configured.position, message).input_output());
    }
    if bytes % row_bytes != 0 {
        return Err(Problem::at(
            channels.position,
            format!(
                "dataset {name} has {bytes} bytes, which is no whole number of rows of {} channels x 4 bytes; correct dataset.channels or the file",
                channels.value
            ),
        ));
    }
    fs::File::open(found).map_err(|error| {
        Problem::at(configured.position, format!("cannot open dataset {name}: {error}"))
            .input_output()
    })?;
    Ok(DatasetPlan::Static(StaticDataset {
        configured_path: configured.value.clone(),
        path: found.to_path_buf(),
        channels: channels.value as usize,
        sample_rate_hz,
        samples: bytes / row_bytes,
    }))
}
