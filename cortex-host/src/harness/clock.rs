//! Time as the harness sees it: nanoseconds of a monotonic clock, and waiting for an instant.
//!
//! [`Monotonic`] is `CLOCK_MONOTONIC`; [`Manual`] is a clock that stands still until something
//! advances it, so that tests can assert exact latencies without depending on a machine's load.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::Progress;

/// How long before an instant [`Monotonic::wait_until`] stops sleeping and polls the clock: a
/// sleeping thread is woken some tens of microseconds late, a polling one is not. Windows' timers of
/// high resolution tick every 0.5 ms.
pub const SPIN_NS: u64 = if cfg!(windows) { 1_000_000 } else { 100_000 };

/// The longest sleep between two looks at whether to stop.
const SLEEP_SLICE_NS: u64 = 50_000_000;

/// A monotonic clock that can be waited on.
pub trait Clock {
    /// Nanoseconds since an arbitrary fixed instant; never runs backwards.
    fn now_ns(&self) -> u64;

    /// Returns true once [`Clock::now_ns`] has reached `instant_ns` (at once if it has already),
    /// false if `progress` was cancelled first.
    fn wait_until(&self, instant_ns: u64, progress: &Progress) -> bool;
}

/// The operating system's monotonic clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct Monotonic;

/// A clock that moves only when told to, or when waited on.
#[derive(Debug, Default)]
pub struct Manual(AtomicU64);

impl Manual {
    /// A clock standing at `now_ns`.
    #[must_use]
    pub fn new(now_ns: u64) -> Self {
        Self(AtomicU64::new(now_ns))
    }

    /// Moves the clock forward by `ns` nanoseconds.
    pub fn advance(&self, ns: u64) {
        self.0.fetch_add(ns, Ordering::SeqCst);
    }
}

impl Clock for Manual {
    fn now_ns(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn wait_until(&self, instant_ns: u64, progress: &Progress) -> bool {
        if progress.is_cancelled() {
            return false;
        }
        self.0.fetch_max(instant_ns, Ordering::SeqCst);
        true
    }
}

impl Clock for Monotonic {
    fn now_ns(&self) -> u64 {
        #[cfg(unix)]
        {
            let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
            // Both fields are non-negative for this clock; 2^64 ns are 584 years of uptime.
            now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
        }
        #[cfg(not(unix))]
        {
            static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
            START.get_or_init(std::time::Instant::now).elapsed().as_nanos() as u64
        }
    }

    fn wait_until(&self, instant_ns: u64, progress: &Progress) -> bool {
        loop {
            if progress.is_cancelled() {
                return false;
            }
            let now_ns = self.now_ns();
            let Some(left_ns) = instant_ns.checked_sub(now_ns).filter(|&left| left > 0) else {
                return true;
            };
            if left_ns > SPIN_NS {
                sleep_until((instant_ns - SPIN_NS).min(now_ns + SLEEP_SLICE_NS), now_ns);
            } else {
                std::hint::spin_loop();
            }
        }
    }
}

/// Sleeps until `instant_ns` or a little longer; may return early (a signal came).
#[cfg(target_os = "linux")]
fn sleep_until(instant_ns: u64, _now_ns: u64) {
    let request = rustix::time::Timespec {
        tv_sec: (instant_ns / 1_000_000_000) as _,
        tv_nsec: (instant_ns % 1_000_000_000) as _,
    };
    // An interrupted sleep is an early return: the caller's loop looks at the clock again.
    let _ = rustix::thread::clock_nanosleep_absolute(rustix::thread::ClockId::Monotonic, &request);
}

/// Sleeps until `instant_ns` or a little longer; may return early.
#[cfg(not(target_os = "linux"))]
fn sleep_until(instant_ns: u64, now_ns: u64) {
    std::thread::sleep(std::time::Duration::from_nanos(instant_ns - now_ns));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_at_or_after_the_instant_and_never_before() {
        let (clock, progress) = (Monotonic, Progress::new());
        for wait_ns in [0, 1, 50_000, 400_000, 3_000_000] {
            let instant_ns = clock.now_ns() + wait_ns;
            assert!(clock.wait_until(instant_ns, &progress));
            assert!(clock.now_ns() >= instant_ns);
        }
        assert!(clock.wait_until(0, &progress), "an instant in the past is no wait");
    }

    #[test]
    fn cancelling_ends_a_long_wait() {
        let progress = Progress::new();
        let raiser = progress.clone();
        std::thread::scope(|scope| {
            scope.spawn(move || raiser.cancel());
            assert!(!Monotonic.wait_until(u64::MAX / 2, &progress));
        });
    }
}
