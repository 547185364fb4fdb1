//! Threads that are at work when the interpreter ends.
//!
//! A daemon thread that asks for the interpreter's lock after that is ended by CPython in the middle
//! of this library's frames (pthread_exit), which no Rust frame outlives. So at exit all work is
//! cancelled, and a thread that still comes back from it waits for the end of the process.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

static LEAVING: AtomicBool = AtomicBool::new(false);

/// Whether the interpreter is about to end.
pub(crate) fn is_leaving() -> bool {
    LEAVING.load(Ordering::SeqCst)
}

/// Does `work` without the interpreter's lock.
pub(crate) fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    // What is called at exit itself, by a user's own function, comes back.
    let at_exit = is_leaving();
    py.detach(|| {
        let outcome = work();
        while is_leaving() && !at_exit {
            thread::park();
        }
        outcome
    })
}

/// Called by `atexit`.
#[pyfunction]
pub(crate) fn leave(py: Python<'_>) {
    LEAVING.store(true, Ordering::SeqCst);
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
