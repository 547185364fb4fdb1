//! Datasets and manifests.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cortex_host::Progress;
use numpy::{PyArray1, PyReadwriteArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::cancellable::cancellable;
use crate::convert::{entries, exception};

/// A dataset that was checked and can be generated.
#[pyclass(frozen, module = "cortex._cortex")]
pub(crate) struct Dataset {
    dataset: cortex_host::Dataset,
    /// What `fill` and `write` are cancelled by.
    progress: Progress,
}

/// How a dataset was made.
#[pyclass(frozen, module = "cortex")]
pub(crate) struct Manifest(cortex_host::Manifest);

/// The blocks of a dataset, each as a flat array.
#[pyclass(frozen, module = "cortex._cortex")]
pub(crate) struct Blocks(Mutex<cortex_host::Blocks>);

#[pymethods]
impl Dataset {
    #[new]
    #[allow(clippy::too_many_arguments, reason = "the Python package names them")]
    #[pyo3(signature = (signal, channels, sample_rate_hz, generator, threads, replace, sha256, params))]
    fn new(
        signal: Option<&str>,
        channels: Option<u64>,
        sample_rate_hz: Option<f64>,
        generator: Option<&str>,
        threads: Option<usize>,
        replace: bool,
        sha256: bool,
        params: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let progress = Progress::new();
        let mut builder = match signal {
            Some(signal) => cortex_host::generate(signal),
            None => cortex_host::quickstart_dataset(),
        };
        builder = builder.replace(replace).sha256(sha256).progress(&progress);
        if let Some(generator) = generator {
            builder = builder.generator(generator);
        }
        if let Some(channels) = channels {
            builder = builder.channels(channels);
        }
        if let Some(sample_rate_hz) = sample_rate_hz {
            builder = builder.sample_rate_hz(sample_rate_hz);
        }
        if let Some(threads) = threads {
            builder = builder.threads(threads);
        }
        for (name, value) in entries(params)? {
            builder = builder.set(&name, value);
        }
        Ok(Self { dataset: builder.build().map_err(exception)?, progress })
    }

    #[getter]
    fn channels(&self) -> usize {
        self.dataset.channels()
    }

    #[getter]
    fn samples(&self) -> u64 {
        self.dataset.samples()
    }

    #[getter]
    fn sample_rate_hz(&self) -> f64 {
        self.dataset.sample_rate_hz()
    }

    /// Generates into `array`, samples x channels.
    fn fill(&self, py: Python<'_>, mut array: PyReadwriteArray2<'_, f32>) -> PyResult<()> {
        let samples =
            array.as_slice_mut().map_err(|error| PyValueError::new_err(error.to_string()))?;
        cancellable(py, &self.progress, || self.dataset.fill_slice(samples))
    }

    /// The same, with the manifest.
    fn fill_with_manifest(
        &self,
        py: Python<'_>,
        mut array: PyReadwriteArray2<'_, f32>,
    ) -> PyResult<Manifest> {
        let samples =
            array.as_slice_mut().map_err(|error| PyValueError::new_err(error.to_string()))?;
        cancellable(py, &self.progress, || self.dataset.fill_slice_with_manifest(samples))
            .map(Manifest)
    }

    fn write(&self, py: Python<'_>, path: PathBuf) -> PyResult<Manifest> {
        cancellable(py, &self.progress, || self.dataset.write(path)).map(Manifest)
    }

    fn blocks(&self, samples: usize) -> PyResult<Blocks> {
        Ok(Blocks(Mutex::new(self.dataset.blocks(samples).map_err(exception)?)))
    }
}

#[pymethods]
impl Manifest {
    /// Digest of the data's bytes: the function's name, `BLAKE3` or `SHA-256`, and lower-case
    /// hexadecimal.
    #[getter]
    fn digest(&self) -> String {
        self.0.digest()
    }

    /// What the format of the file written could not keep as it is: one sentence each.
    #[getter]
    fn warnings(&self) -> Vec<String> {
        self.0.warnings().to_vec()
    }

    /// The manifest's text: ``cortex-host reproduce`` and ``generate --from`` take it as a file.
    fn to_yaml(&self) -> String {
        self.0.to_yaml()
    }

    fn __repr__(&self) -> String {
        format!("<cortex.Manifest of {}>", self.0.digest())
    }
}

#[pymethods]
impl Blocks {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray1<f32>>>> {
        let next = py.detach(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).next());
        // A block is there within milliseconds: Ctrl-C waits for it.
        py.check_signals()?;
        let block = next.transpose().map_err(exception)?;
        Ok(block.map(|block| PyArray1::from_vec(py, block)))
    }
}

/// The names of a dataset's channels in headers.
#[pyfunction]
pub(crate) fn channel_names(channels: usize) -> Vec<String> {
    cortex_host::channel_names(channels)
}

/// Whether it was reproduced, the data file compared, and every comparison.
#[pyfunction]
pub(crate) fn reproduce<'py>(py: Python<'py>, path: PathBuf) -> PyResult<Bound<'py, PyDict>> {
    let progress = Progress::new();
    let found = cancellable(py, &progress, || cortex_host::reproduce(path, &progress))?;
    let comparisons = PyList::empty(py);
    for comparison in &found.comparisons {
        let one = PyDict::new(py);
        one.set_item("what", &comparison.what)?;
        one.set_item("expected", &comparison.expected)?;
        one.set_item("found", &comparison.found)?;
        one.set_item("equal", comparison.equal)?;
        comparisons.append(one)?;
    }
    let outcome = PyDict::new(py);
    outcome.set_item("reproduced", found.reproduced)?;
    outcome.set_item("data_file", &found.data_file)?;
    outcome.set_item("comparisons", comparisons)?;
    Ok(outcome)
}
