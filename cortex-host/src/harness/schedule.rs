//! When windows are due: the sample clock, not the harness, decides.
//!
//! Window `w` of a kernel with window length W and hop H is complete when its last sample would
//! have arrived, `(W + w H) / fs` after the first sample's instant `t0`. That is its release;
//! its deadline follows a fixed time later. A stalled kernel therefore makes every later window
//! late until it has caught up: latencies are measured from the schedule, so that one slow window
//! cannot hide the waiting of those behind it (coordinated omission).

/// Release times of one kernel's windows, in nanoseconds after `t0`.
#[derive(Clone, Copy, Debug)]
pub struct ReleaseSchedule {
    window: u64,
    hop: u64,
    sample_rate_hz: f64,
}

impl ReleaseSchedule {
    /// The schedule of windows of `window` samples every `hop` samples at `sample_rate_hz`.
    #[must_use]
    pub fn new(window: usize, hop: usize, sample_rate_hz: f64) -> Self {
        Self { window: window as u64, hop: hop as u64, sample_rate_hz }
    }

    /// Release of window `index`, in nanoseconds after `t0`.
    ///
    /// Computed from the sample count each time, so it does not drift; one rounding to double
    /// (relative 1.2e-16) and one to a nanosecond keep it within 1 ns for 50 days of samples.
    #[must_use]
    pub fn release_ns(&self, index: u64) -> u64 {
        let samples = self.window.saturating_add(index.saturating_mul(self.hop));
        (samples as f64 * 1e9 / self.sample_rate_hz).round() as u64
    }

    /// The time between two releases, in nanoseconds: the default deadline.
    #[must_use]
    pub fn period_ns(&self) -> u64 {
        (self.hop as f64 * 1e9 / self.sample_rate_hz).round() as u64
    }
}

/// Number of whole windows in `samples` samples per channel.
#[must_use]
pub fn windows_in(samples: u64, window: usize, hop: usize) -> u64 {
    let (window, hop) = (window as u64, (hop as u64).max(1));
    samples.checked_sub(window).map_or(0, |rest| rest / hop + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_follow_the_sample_clock() {
        let schedule = ReleaseSchedule::new(160, 80, 160.0);
        assert_eq!(schedule.release_ns(0), 1_000_000_000);
        assert_eq!(schedule.release_ns(1), 1_500_000_000);
        assert_eq!(schedule.period_ns(), 500_000_000);
        // 30 kHz: 64 samples are 2133333.3 ns; rounding never accumulates.
        let fast = ReleaseSchedule::new(64, 64, 30_000.0);
        assert_eq!(fast.release_ns(0), 2_133_333);
        assert_eq!(fast.release_ns(2), 6_400_000);
        assert_eq!(fast.release_ns(2_999_999_999), 6_400_000_000_000_000);
    }

    #[test]
    fn only_whole_windows_count() {
        assert_eq!(windows_in(159, 160, 80), 0);
        assert_eq!(windows_in(160, 160, 80), 1);
        assert_eq!(windows_in(239, 160, 80), 1);
        assert_eq!(windows_in(240, 160, 80), 2);
        assert_eq!(windows_in(0, 1, 1), 0);
    }
}
