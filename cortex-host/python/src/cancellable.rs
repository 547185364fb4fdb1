//! Long work that Ctrl-C ends.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use cortex_host::{Error, Progress};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::convert::exception;
use crate::leaving::{detached, is_over};

/// How often the interpreter is asked whether somebody pressed Ctrl-C.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// Does `work`, which `progress` cancels, on a thread of its own and without the interpreter's lock.
///
/// # Errors
/// As `work`, or the exception that a signal's handler raised; `RuntimeError` when the system has no
/// further thread.
pub(crate) fn cancellable<T: Send>(
    py: Python<'_>,
    progress: &Progress,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    detached(py, || {
        thread::scope(|scope| {
            let (done, waiting) = sync_channel(1);
            let started = thread::Builder::new().spawn_scoped(scope, move || done.send(work()));
            if let Err(error) = started {
                let message = format!("no thread can be started to work with: {error}");
                return Err(PyRuntimeError::new_err(message));
            }
            let mut interrupted = None;
            loop {
                match waiting.recv_timeout(LOOK) {
                    Ok(outcome) => {
                        return match interrupted {
                            Some(error) => Err(error),
                            None => outcome.map_err(exception),
                        };
                    }
                    Err(RecvTimeoutError::Timeout) if is_over() => {
                        progress.cancel();
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        if let Err(error) = Python::attach(|py| py.check_signals()) {
                            progress.cancel();
                            interrupted = Some(error);
                        }
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        let message = "the work ended without an outcome";
                        return Err(PyRuntimeError::new_err(message));
                    }
                }
            }
        })
    })
}
