//! How far work is, and whether it is to stop: one value that goes along with whatever takes long.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{ExitCode, Failure};

/// Told by the work of what is done, and tells the work when to stop. Clones share both.
#[derive(Clone, Default)]
pub struct Progress {
    cancelled: Arc<AtomicBool>,
    report: Option<Arc<dyn Fn(u64) + Send + Sync>>,
}

impl Progress {
    /// Nobody is told, and nobody has cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled by the first SIGINT, SIGTERM or SIGHUP; the second ends the process at once with
    /// exit code 130.
    ///
    /// # Errors
    /// When the process already has a handler or the system refuses one.
    pub fn cancelled_by_signals() -> Result<Self, Failure> {
        let progress = Self::new();
        let handled = progress.clone();
        on_signal(move || {
            if handled.cancel() {
                leave();
            }
        })?;
        Ok(progress)
    }

    /// The same wish to stop, with `report` told of what is done: from any thread, the number of
    /// units (rows, windows, values) since the last call.
    #[must_use]
    pub fn reporting(&self, report: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self { cancelled: self.cancelled.clone(), report: Some(Arc::new(report)) }
    }

    /// So many more units are done.
    pub fn add(&self, units: u64) {
        if let Some(report) = &self.report {
            report(units);
        }
    }

    /// Asks for a stop. Returns true if that had been asked before.
    pub fn cancel(&self) -> bool {
        self.cancelled.swap(true, Ordering::SeqCst)
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("cancelled", &self.is_cancelled()).finish()
    }
}

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What is going on.
    Info,
    /// What may spoil a result, and what to do about it.
    Warning,
}

/// Who is told what a long command is doing. Every method may be left as it is; `()` hears nothing.
pub trait Observer: Sync {
    /// A sentence for the user.
    fn message(&self, _level: Level, _text: &str) {}

    /// A step of `total` units begins. What is returned goes along with the work; the step ends
    /// when the last clone of it is dropped.
    fn step(&self, progress: &Progress, _label: &str, _total: u64) -> Progress {
        progress.clone()
    }
}

impl Observer for () {}

/// For commands that wait long for others and whose files no kill can harm: the first signal calls
/// `last_words` and ends the process with exit code 130.
///
/// # Errors
/// As [`Progress::cancelled_by_signals`].
pub fn leave_on_signal(last_words: impl Fn() + Send + 'static) -> Result<(), Failure> {
    on_signal(move || {
        last_words();
        leave();
    })
}

fn on_signal(handler: impl FnMut() + Send + 'static) -> Result<(), Failure> {
    ctrlc::set_handler(handler).map_err(|error| {
        Failure::input_output(format!("cannot watch for Ctrl-C: {error}; try again"))
    })
}

fn leave() {
    std::process::exit(ExitCode::Interrupted.code().into());
}
