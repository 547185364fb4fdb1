//! Timers and limits of a host session.

/// Nanoseconds in a millisecond.
pub(super) const MS: u64 = 1_000_000;

/// Timers and limits of a host session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostOptions {
    /// Time one byte takes on the line (10 bits at 8N1), 0 when unknown.
    pub byte_ns: u64,
    /// HELLO is repeated at this interval, doubled from time to time up to
    /// `interval_limit_ns`.
    pub hello_interval_ns: u64,
    /// A device that has not answered HELLO after this time is silent.
    pub hello_limit_ns: u64,
    /// Silence after which the device is polled, while something is awaited and the round trip
    /// is not known. Doubled from poll to poll up to `interval_limit_ns`, until something moves on.
    pub poll_interval_ns: u64,
    /// The same once it is known: the smoothed round trip and four times its deviation, or this
    /// where that is less.
    pub poll_least_ns: u64,
    /// Longest poll interval.
    pub poll_most_ns: u64,
    /// Where intervals stop doubling, unless they begin longer.
    pub interval_limit_ns: u64,
    /// The same while the device computes.
    pub busy_interval_ns: u64,
    /// Silence that ends the session.
    pub silence_limit_ns: u64,
    /// Time that ends the session while the device computes the same block.
    pub busy_limit_ns: u64,
    /// Time without one new frame accepted at either end that ends the session.
    pub progress_limit_ns: u64,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            byte_ns: 0,
            hello_interval_ns: 100 * MS,
            hello_limit_ns: 3_000 * MS,
            poll_interval_ns: 60 * MS,
            poll_least_ns: 20 * MS,
            poll_most_ns: 1_000 * MS,
            interval_limit_ns: 400 * MS,
            busy_interval_ns: 500 * MS,
            silence_limit_ns: 4_500 * MS,
            busy_limit_ns: 9_500 * MS,
            progress_limit_ns: 9_500 * MS,
        }
    }
}
