//! Kernels on arrays.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cortex_host::{Error, Progress, StreamingKernel};
use numpy::{PyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::cancellable::cancellable;
use crate::convert::{count, entries, exception};
use crate::leaving::detached;

/// Calls with fewer values than this take less time than a look at Ctrl-C.
const LONG_VALUES: usize = 1 << 18;

/// A kernel with its state.
#[pyclass(frozen, module = "cortex._cortex")]
pub(crate) struct Kernel {
    kernel: Mutex<StreamingKernel>,
    #[pyo3(get)]
    is_windowed: bool,
    #[pyo3(get)]
    output_sizes: Vec<u64>,
    #[pyo3(get)]
    output_unit: &'static str,
}

impl Kernel {
    fn kernel(&self) -> MutexGuard<'_, StreamingKernel> {
        self.kernel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work` on `values` samples without the interpreter's lock, so that Ctrl-C ends it.
    fn call<T: Send>(
        &self,
        py: Python<'_>,
        values: usize,
        work: impl FnOnce(&mut StreamingKernel) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        let progress = Progress::new();
        let call = || {
            let mut kernel = self.kernel();
            kernel.cancelled_by(&progress);
            work(&mut kernel)
        };
        if values < LONG_VALUES {
            return detached(py, call).map_err(exception);
        }
        cancellable(py, &progress, call)
    }
}

/// The values of a C-contiguous array.
fn values<'a>(array: &'a PyReadonlyArray2<'_, f32>) -> PyResult<&'a [f32]> {
    array.as_slice().map_err(|error| PyValueError::new_err(error.to_string()))
}

#[pymethods]
impl Kernel {
    #[new]
    #[allow(clippy::too_many_arguments, reason = "the Python package names them")]
    fn new(
        name: &str,
        channels: &Bound<'_, PyAny>,
        sample_rate_hz: f64,
        window: Option<&Bound<'_, PyAny>>,
        hop: Option<&Bound<'_, PyAny>>,
        dtype: &str,
        scale_uv: Option<f64>,
        params: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let mut builder = cortex_host::kernel(name)
            .channels(count("channels", channels)?)
            .sample_rate_hz(sample_rate_hz)
            .dtype(dtype);
        if let Some(scale_uv) = scale_uv {
            builder = builder.scale_uv(scale_uv);
        }
        if let Some(window) = window {
            builder = builder.window(count("window", window)?);
        }
        if let Some(hop) = hop {
            builder = builder.hop(count("hop", hop)?);
        }
        for (name, value) in entries(params)? {
            builder = builder.set(&name, value);
        }
        let kernel = builder.build().map_err(exception)?;
        Ok(Self {
            is_windowed: kernel.is_windowed(),
            output_sizes: kernel.output_sizes(),
            output_unit: kernel.output_unit(),
            kernel: Mutex::new(kernel),
        })
    }

    #[getter]
    fn missing_samples(&self, py: Python<'_>) -> u32 {
        detached(py, || self.kernel().missing_samples())
    }

    #[getter]
    fn saturated_samples(&self, py: Python<'_>) -> u32 {
        detached(py, || self.kernel().saturated_samples())
    }

    fn reset(&self, py: Python<'_>) {
        detached(py, || self.kernel().reset());
    }

    /// The output of the next rows, flat.
    fn process<'py>(
        &self,
        py: Python<'py>,
        rows: PyReadonlyArray2<'py, f32>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let rows = values(&rows)?;
        let output = self.call(py, rows.len(), |kernel| kernel.process(rows))?;
        Ok(PyArray1::from_vec(py, output))
    }

    /// Number of windows and their outputs, flat.
    fn windows<'py>(
        &self,
        py: Python<'py>,
        samples: PyReadonlyArray2<'py, f32>,
    ) -> PyResult<(usize, Bound<'py, PyArray1<f32>>)> {
        let samples = values(&samples)?;
        let found = self.call(py, samples.len(), |kernel| kernel.windows(samples))?;
        Ok((found.count, PyArray1::from_vec(py, found.values)))
    }
}
