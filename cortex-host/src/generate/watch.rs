//! Progress out, cancellation in.

use std::sync::atomic::{AtomicBool, Ordering};

/// Who is told of progress and may end the work.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Called from any thread with the number of values (samples × channels) made since the
    /// last call.
    pub progress: &'a (dyn Fn(u64) + Sync),
    /// Set by a signal handler: the work ends with [`GenerateError::Interrupted`](super::GenerateError::Interrupted).
    pub cancel: &'a AtomicBool,
}

static NEVER: AtomicBool = AtomicBool::new(false);

impl Watch<'_> {
    /// Nobody watches.
    #[must_use]
    pub fn nobody() -> Self {
        Watch { progress: &|_| {}, cancel: &NEVER }
    }

    /// Whether the work is to end.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}
