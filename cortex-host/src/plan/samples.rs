//! The dataset of a plan: a file that is there and whole, or a generator with right parameters.

use std::fs;
use std::path::Path;

use super::{DatasetPlan, StaticDataset};
use crate::base::quoted;
use crate::config::{At, DatasetConfig, Problem};
use crate::primitive::{Dataset, Library};
use crate::recording::shape;
use crate::synthetic::{dataset_head, of_generator};

/// Decides the dataset.
pub(super) fn plan_dataset(
    config: &At<DatasetConfig>,
    library: &Library,
) -> Result<DatasetPlan, Problem> {
    let head = dataset_head(config)?;
    let path = head.path;
    match library.dataset(&path.value).map_err(|error| error.at(path.position))? {
        Dataset::File(found) => {
            if let Some(params) = &config.value.params {
                let message = "dataset.params is for generators, but dataset.path is a file; remove params, or set path to a generator such as primitives/datasets/v1/synthetic";
                return Err(Problem::at(params.position, message));
            }
            static_dataset(path, &found, head.channels, head.sample_rate_hz.value)
        }
        Dataset::Generator { primitive, spec } => {
            of_generator(config, &head, &primitive, &spec).map(DatasetPlan::Generated)
        }
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
