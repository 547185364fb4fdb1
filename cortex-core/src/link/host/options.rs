//! Timers and limits of a host session.

use crate::link::window::WINDOW_FRAMES;

/// Nanoseconds in a millisecond.
pub(super) const MS: u64 = 1_000_000;

/// Timers and limits of a host session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostOptions {
    /// Time one byte takes on the line (10 bits at 8N1), 0 when unknown.
    pub byte_ns: u64,
    /// Most frames on the way, 1..=32.
    pub window_frames: u16,
    /// HELLO is repeated at this interval.
    pub hello_interval_ns: u64,
    /// A device that has not answered HELLO after this time is silent.
    pub hello_limit_ns: u64,
    /// Silence after which the device is polled, while something is awaited. Doubled from poll
    /// to poll up to half a second.
    pub poll_interval_ns: u64,
    /// The same while the device computes.
    pub busy_interval_ns: u64,
    /// Silence that ends the session.
    pub silence_limit_ns: u64,
    /// Silence that ends the session while the device computes.
    pub busy_limit_ns: u64,
    /// Time without one new frame accepted at either end that ends the session.
    pub progress_limit_ns: u64,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            byte_ns: 0,
            window_frames: WINDOW_FRAMES,
            hello_interval_ns: 100 * MS,
            hello_limit_ns: 3_000 * MS,
            poll_interval_ns: 60 * MS,
            busy_interval_ns: 1_000 * MS,
            silence_limit_ns: 5_000 * MS,
            busy_limit_ns: 60_000 * MS,
            progress_limit_ns: 10_000 * MS,
        }
    }
}
