//! The user's wish to stop: raised by Ctrl-C, SIGTERM or SIGHUP, looked at between windows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

    /// Installs the process's handler: the first SIGINT, SIGTERM or SIGHUP raises the flag, the
    /// second ends the process at once with exit code 130.
    ///
    /// # Errors
    /// When the process already has a handler or the system refuses one.
    pub fn install(&self) -> Result<(), ctrlc::Error> {
        let flag = self.clone();
        ctrlc::set_handler(move || {
            if flag.raise() {
                std::process::exit(130);
            }
        })
    }
}
