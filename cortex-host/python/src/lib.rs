//! `cortex._cortex`: the library's own interface (`cortex_host::{generate, kernel, experiment}`) for
//! the Python package beside it, which documents it. Work is done without the interpreter's lock,
//! and Ctrl-C ends it.

mod cancellable;
mod convert;
mod dataset;
mod experiment;
mod kernel;
mod leaving;

#[pyo3::pymodule]
mod _cortex {
    #[pymodule_export]
    use crate::dataset::{Blocks, Dataset, Manifest, channel_names, reproduce};
    #[pymodule_export]
    use crate::experiment::run;
    #[pymodule_export]
    use crate::kernel::Kernel;
    #[pymodule_export]
    use crate::leaving::leave;

    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        crate::leaving::announce(module)
    }
}
