//! A generated dataset without a whole run around it: for the command line and for manifests.

use crate::base::quoted;
use crate::config::{At, DatasetConfig, Problem};
use crate::plan::samples::plan_dataset;
use crate::plan::{DatasetPlan, GeneratedDataset};
use crate::primitive::Library;

/// Validates `config`, whose path must stand for a generator.
///
/// # Errors
/// [`Problem`] at the wrong or missing value, as for the `dataset` of a run.
pub fn generated(
    config: &At<DatasetConfig>,
    library: &Library,
) -> Result<GeneratedDataset, Problem> {
    match plan_dataset(config, library)? {
        DatasetPlan::Generated(dataset) => Ok(dataset),
        DatasetPlan::Static(dataset) => {
            let message = format!(
                "{} is a file, not a generator; name a primitive such as primitives/datasets/v1/synthetic",
                quoted(&dataset.configured_path)
            );
            Err(Problem::at(config.position, message))
        }
    }
}
