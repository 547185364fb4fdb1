//! The user's wish to stop: raised by Ctrl-C, SIGTERM or SIGHUP, looked at between windows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::base::{ExitCode, Failure};

/// A flag shared by the signal handler and everything that can take long. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// A flag nobody has raised.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a stop. Returns true if that had been asked before.
    pub fn raise(&self) -> bool {
        self.0.swap(true, Ordering::SeqCst)
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The flag itself, for work that takes an `&AtomicBool`.
    #[must_use]
    pub fn flag(&self) -> &AtomicBool {
        &self.0
    }

    /// A flag raised by the process's handler: the first SIGINT, SIGTERM or SIGHUP raises it, the
    /// second ends the process at once with exit code 130.
    ///
    /// # Errors
    /// When the process already has a handler or the system refuses one.
    pub fn installed() -> Result<Self, Failure> {
        let interrupt = Self::new();
        let flag = interrupt.clone();
        ctrlc::set_handler(move || {
            if flag.raise() {
                leave();
            }
        })
        .map_err(unwatched)?;
        Ok(interrupt)
    }

    /// For commands that wait long for others and whose files no kill can harm: the first signal
    /// calls `last_words` and ends the process with exit code 130.
    ///
    /// # Errors
    /// As [`Interrupt::installed`].
    pub fn leave_at_once(last_words: impl Fn() + Send + 'static) -> Result<(), Failure> {
        ctrlc::set_handler(move || {
            last_words();
            leave();
        })
        .map_err(unwatched)
    }
}

fn leave() {
    std::process::exit(ExitCode::Interrupted.code().into());
}

fn unwatched(error: ctrlc::Error) -> Failure {
    Failure::input_output(format!("cannot watch for Ctrl-C: {error}; try again"))
}
