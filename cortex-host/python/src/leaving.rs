//! Threads that are at work when the interpreter ends.
//!
//! A daemon thread that asks for the interpreter's lock after that is ended by CPython in the middle
//! of this library's frames (pthread_exit), which no Rust frame outlives. So at exit all work is
//! cancelled, and a thread that comes back from it, or begins some, waits for the end of the process.

use std::sync::OnceLock;
use std::thread::{self, ThreadId};
use std::time::Duration;

use pyo3::prelude::*;

/// The thread that ends the interpreter. It still calls what users registered with `atexit`.
static LEAVING: OnceLock<ThreadId> = OnceLock::new();

/// Whether the interpreter is about to end, and another thread ends it.
pub(crate) fn is_over() -> bool {
    LEAVING.get().is_some_and(|leaving| *leaving != thread::current().id())
}

/// Does `work` without the interpreter's lock.
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    py.detach(|| {
        wait_for_the_end();
        let outcome = work();
        wait_for_the_end();
        outcome
    })
}

fn wait_for_the_end() {
    while is_over() {
        thread::park();
    }
}

/// Called by `atexit`.
#[pyfunction]
pub(crate) fn leave(py: Python<'_>) {
    LEAVING.get_or_init(|| thread::current().id());
    // Those that already wait for the lock get it.
    py.detach(|| thread::sleep(Duration::from_millis(20)));
}

/// Has [`leave`] called when the interpreter ends.
///
/// # Errors
/// Python's own.
pub(crate) fn announce(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let leave = module.getattr("leave")?;
    module.py().import("atexit")?.call_method1("register", (leave,))?;
    Ok(())
}
