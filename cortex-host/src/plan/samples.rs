//! The dataset of a plan: a file that is there and whole, or a generator with right parameters.

use std::path::Path;

use super::{DatasetPlan, StaticDataset};
use crate::base::{listed, quoted};
use crate::config::{At, DatasetConfig, Problem};
use crate::primitive::{Dataset, Library};
use crate::recording::{DatasetError, FLOAT32, FORMATS, Format, Recording, ShapePart, Unit};
use crate::synthetic::{DatasetHead, dataset_head, of_generator};

/// Decides the dataset.
pub(super) fn plan_dataset(
    config: &At<DatasetConfig>,
    library: &Library,
) -> Result<DatasetPlan, Problem> {
    let head = dataset_head(config, library)?;
    let path = head.path;
    match library.dataset(&path.value).map_err(|error| error.at(path.position))? {
        Dataset::File(found) => {
            if let Some(params) = &config.value.params {
                let message = "dataset.params is for generators, but dataset.path is a file; remove params, or set path to a generator such as primitives/datasets/v1/synthetic";
                return Err(Problem::at(params.position, message));
            }
            static_dataset(&config.value, &head, &found)
        }
        Dataset::Generator { primitive, spec } => {
            of_generator(config, &head, &primitive, &spec).map(DatasetPlan::Generated)
        }
    }
}

/// The file `found`, opened as every command opens recordings: what is refused there is refused
/// here.
fn static_dataset(
    config: &DatasetConfig,
    head: &DatasetHead<'_>,
    found: &Path,
) -> Result<DatasetPlan, Problem> {
    let (path, channels) = (head.path, head.channels);
    check_known(config.format.as_ref())?;
    let mut dataset = StaticDataset {
        configured_path: path.value.clone(),
        path: found.to_path_buf(),
        raw: None,
        format: &FLOAT32,
        unit: config.unit.as_ref().map(unit).transpose()?,
        channels: channels.value as usize,
        // As configured: a header keeps an interval, whose reciprocal may miss by a last bit.
        sample_rate_hz: head.sample_rate_hz.value,
        samples: 0,
    };
    let recording = Recording::open(found, &dataset.open_options()).map_err(|error| {
        let position = match &error {
            DatasetError::Shape { part: ShapePart::Channels, .. } => channels.position,
            DatasetError::Shape { part: ShapePart::SampleRate, .. } => head.sample_rate_hz.position,
            _ => path.position,
        };
        Problem::from_failure(position, &error.into())
    })?;
    check_format(config.format.as_ref(), recording.format)?;
    dataset.samples = recording.samples;
    dataset.format = recording.format;
    dataset.raw = recording.is_raw().then(|| recording.data_path.clone());
    Ok(DatasetPlan::Static(dataset))
}

fn unit(text: &At<String>) -> Result<Unit, Problem> {
    text.value.parse().map_err(|_| {
        let message =
            format!("dataset.unit must be one of uV, mV, V, nV, but it is {}", quoted(&text.value));
        Problem::at(text.position, message)
    })
}

fn check_known(format: Option<&At<String>>) -> Result<(), Problem> {
    match format {
        Some(said) if FORMATS.iter().all(|format| format.key != said.value) => {
            let known = listed(FORMATS.iter().map(|format| format.key));
            let found = quoted(&said.value);
            let message = format!("dataset.format must be one of {known}, but it is {found}");
            Err(Problem::at(said.position, message))
        }
        _ => Ok(()),
    }
}

/// A configuration may say the format, which is known without; it must be right then.
fn check_format(said: Option<&At<String>>, found: &Format) -> Result<(), Problem> {
    match said {
        Some(said) if said.value != found.key => Err(Problem::at(
            said.position,
            format!(
                "dataset.format is {}, but the file is {}; correct it, or remove dataset.format",
                quoted(&said.value),
                found.key
            ),
        )),
        _ => Ok(()),
    }
}
