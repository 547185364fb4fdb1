//! Whole experiments.

use std::path::PathBuf;

use cortex_host::{Progress, Value};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::cancellable::cancellable;
use crate::convert::{entries, exception};

/// Runs a configuration; the folder it left and, if so, why it broke off.
#[pyfunction]
#[pyo3(signature = (path, table, settings, kernels, device, directory, name))]
#[allow(clippy::too_many_arguments, reason = "the Python package names them")]
pub(crate) fn run(
    py: Python<'_>,
    path: Option<&str>,
    table: Option<&Bound<'_, PyDict>>,
    settings: &Bound<'_, PyDict>,
    kernels: Vec<String>,
    device: Option<&str>,
    directory: Option<PathBuf>,
    name: Option<&str>,
) -> PyResult<(PathBuf, Option<String>)> {
    let progress = Progress::new();
    let mut experiment = cortex_host::experiment().progress(&progress);
    if let Some(path) = path {
        experiment = experiment.config(path);
    }
    if let Some(table) = table {
        experiment = experiment.table(Value::Table(entries(table)?));
    }
    for (key, value) in entries(settings)? {
        experiment = experiment.set(&key, value);
    }
    for kernel in &kernels {
        experiment = experiment.only(kernel);
    }
    if let Some(device) = device {
        experiment = experiment.device(device);
    }
    if let Some(directory) = directory {
        experiment = experiment.directory(directory);
    }
    if let Some(name) = name {
        experiment = experiment.name(name);
    }
    let finished = cancellable(py, &progress, || experiment.run())?;
    Ok((finished.folder, finished.failure.map(|failure| exception(failure).value(py).to_string())))
}
