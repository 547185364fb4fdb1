//! Kernels on arrays.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cortex_host::StreamingKernel;
use numpy::{PyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{entries, exception};

/// A kernel with its state.
#[pyclass(frozen, module = "cortex._cortex")]
pub(crate) struct Kernel(Mutex<StreamingKernel>);

impl Kernel {
    fn kernel(&self) -> MutexGuard<'_, StreamingKernel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The values of a C-contiguous array.
fn values<'a>(array: &'a PyReadonlyArray2<'_, f32>) -> PyResult<&'a [f32]> {
    array.as_slice().map_err(|error| PyValueError::new_err(error.to_string()))
}

#[pymethods]
impl Kernel {
    #[new]
    fn new(
        name: &str,
        channels: usize,
        sample_rate_hz: f64,
        window: Option<usize>,
        hop: Option<usize>,
        dtype: &str,
        scale_uv: Option<f64>,
        params: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let mut builder = cortex_host::kernel(name)
            .channels(channels)
            .sample_rate_hz(sample_rate_hz)
            .dtype(dtype);
        if let Some(scale_uv) = scale_uv {
            builder = builder.scale_uv(scale_uv);
        }
        if let Some(window) = window {
            builder = builder.window(window);
        }
        if let Some(hop) = hop {
            builder = builder.hop(hop);
        }
        for (name, value) in entries(params)? {
            builder = builder.set(&name, value);
        }
        Ok(Self(Mutex::new(builder.build().map_err(exception)?)))
    }

    #[getter]
    fn is_windowed(&self) -> bool {
        self.kernel().is_windowed()
    }

    #[getter]
    fn output_sizes(&self) -> Vec<u64> {
        self.kernel().output_sizes()
    }

    #[getter]
    fn output_unit(&self) -> &'static str {
        self.kernel().output_unit()
    }

    #[getter]
    fn missing_samples(&self) -> u32 {
        self.kernel().missing_samples()
    }

    #[getter]
    fn saturated_samples(&self) -> u32 {
        self.kernel().saturated_samples()
    }

    fn reset(&self) {
        self.kernel().reset();
    }

    /// The output of the next rows, flat.
    fn process<'py>(
        &self,
        py: Python<'py>,
        rows: PyReadonlyArray2<'py, f32>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let rows = values(&rows)?;
        let output = py.detach(|| self.kernel().process(rows)).map_err(exception)?;
        Ok(PyArray1::from_vec(py, output))
    }

    /// Number of windows and their outputs, flat.
    fn windows<'py>(
        &self,
        py: Python<'py>,
        samples: PyReadonlyArray2<'py, f32>,
    ) -> PyResult<(usize, Bound<'py, PyArray1<f32>>)> {
        let samples = values(&samples)?;
        let found = py.detach(|| self.kernel().windows(samples)).map_err(exception)?;
        Ok((found.count, PyArray1::from_vec(py, found.values)))
    }
}
