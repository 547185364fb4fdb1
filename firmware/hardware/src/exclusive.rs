//! Static memory that is handed out once.

use core::cell::{Cell, UnsafeCell};

/// A static value that one owner takes for ever: large buffers never pass over the stack.
#[derive(Debug)]
pub struct Exclusive<T> {
    taken: Cell<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: `taken` is only used within a critical section; `value` only by whoever took it, so
// handing the owner's reference to another context needs no more than `T: Send`.
#[allow(unsafe_code)]
unsafe impl<T: Send> Sync for Exclusive<T> {}

impl<T> Exclusive<T> {
    /// Not taken yet.
    #[must_use]
    pub const fn new(value: T) -> Self {
        Self { taken: Cell::new(false), value: UnsafeCell::new(value) }
    }

    /// The value, to the first who asks.
    #[allow(unsafe_code, clippy::mut_from_ref)]
    pub fn take(&'static self) -> Option<&'static mut T> {
        if critical_section::with(|_| self.taken.replace(true)) {
            return None;
        }
        // SAFETY: only the first caller comes here, so this is the only reference there will be.
        Some(unsafe { &mut *self.value.get() })
    }
}
