//! Latency statistics of one kernel, gathered window by window in constant memory.
//!
//! Quantiles come from a high-dynamic-range histogram with three significant digits: a quantile
//! is at most 0.1 % above the exact one. Minimum and maximum are exact, mean and standard deviation
//! to a nanosecond (Welford's recurrence, so that long runs lose no digits). The exact latencies
//! are in the telemetry.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::device::DeviceClock;
use crate::harness::{Job, Pace, Schedule, WindowRecord};

/// Numbers of windows, over all repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowCounts {
    /// Windows the plan asked for, warm-up included.
    pub planned: u64,
    /// Windows that were run.
    pub run: u64,
    /// Of those, warm-up: in no statistics.
    pub warmup: u64,
    /// Of those, measured.
    pub measured: u64,
    /// Windows without a result, warm-up included.
    pub failed: u64,
    /// Measured windows without a result at their deadline; a failed window counts.
    pub deadline_missed: u64,
}

/// How much data went through.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Measured windows with a result, per second of the run.
    pub windows_per_s: f64,
    /// New samples, over all channels, per second of the run.
    pub samples_per_s: f64,
    /// Time between two releases over the mean kernel time: how many times faster than the data
    /// arrives the kernel is. None on an emulated device.
    pub realtime_factor: Option<f64>,
}

/// Latencies above this (one hour) count as this in quantiles.
const HIGHEST_NS: u64 = 3_600_000_000_000;

/// Significant decimal digits of the histogram.
const DIGITS: u8 = 3;

/// Statistics of one kind of latency, in microseconds, or of kernel calls in instructions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Least.
    pub min: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Greatest.
    pub max: f64,
    /// Standard deviation (population).
    pub standard_deviation: f64,
    /// Jitter as p95 - p50.
    pub jitter_p95_minus_p50: f64,
    /// Jitter as p99 - p50.
    pub jitter_p99_minus_p50: f64,
}

/// Gathers one kind of latency.
struct LatencyGatherer {
    histogram: Histogram<u64>,
    count: u64,
    min_ns: u64,
    max_ns: u64,
    mean_ns: f64,
    /// Sum of squared deviations from the mean.
    deviations: f64,
}

impl LatencyGatherer {
    fn new() -> Self {
        // The bounds and digits are constants that the histogram accepts.
        let histogram = Histogram::new_with_bounds(1, HIGHEST_NS, DIGITS)
            .unwrap_or_else(|_| unreachable!("1 < HIGHEST_NS / 2 and DIGITS <= 5"));
        Self { histogram, count: 0, min_ns: u64::MAX, max_ns: 0, mean_ns: 0.0, deviations: 0.0 }
    }

    fn record(&mut self, ns: u64) {
        self.histogram.saturating_record(ns);
        self.count += 1;
        self.min_ns = self.min_ns.min(ns);
        self.max_ns = self.max_ns.max(ns);
        let before = ns as f64 - self.mean_ns;
        self.mean_ns += before / self.count as f64;
        self.deviations += before * (ns as f64 - self.mean_ns);
    }

    /// None when nothing was recorded: a kernel whose every window failed has no latency.
    fn latency(&self) -> Option<Latency> {
        self.distribution(1e3)
    }

    /// What was recorded, in units of `unit` recorded ones.
    fn distribution(&self, unit: f64) -> Option<Latency> {
        if self.count == 0 {
            return None;
        }
        // A bin's upper edge may lie beyond the greatest value in it.
        let quantile =
            |q| self.histogram.value_at_quantile(q).clamp(self.min_ns, self.max_ns) as f64 / unit;
        let (p50, p95, p99) = (quantile(0.50), quantile(0.95), quantile(0.99));
        // To a nanosecond or an instruction: there is nothing finer.
        let tick = |value: f64| (value * unit).round() / unit;
        Some(Latency {
            min: self.min_ns as f64 / unit,
            mean: tick(self.mean_ns / unit),
            p50,
            p95,
            p99,
            max: self.max_ns as f64 / unit,
            standard_deviation: tick((self.deviations / self.count as f64).sqrt() / unit),
            jitter_p95_minus_p50: tick(p95 - p50),
            jitter_p99_minus_p50: tick(p99 - p50),
        })
    }
}

/// Everything gathered about one kernel, over all repeats. Warm-up windows are only counted.
pub struct KernelStatistics {
    kernel: LatencyGatherer,
    end_to_end: LatencyGatherer,
    harness: LatencyGatherer,
    counts: WindowCounts,
    /// First release and last end of the repeat being gathered.
    span_ns: Option<(u64, u64)>,
    repeat: u32,
    /// Spans of the repeats before.
    elapsed_ns: u64,
    /// What a span starts before its first release: the time in which the data arrived.
    arrival_ns: u64,
    period_ns: u64,
    new_samples_per_window: u64,
    /// The device's counter, when it is emulated: kernel times are instructions then.
    instructions: Option<DeviceClock>,
}

impl KernelStatistics {
    /// Nothing gathered yet, for `job` natively.
    #[must_use]
    pub fn new(job: &Job) -> Self {
        Self::of_device(job, None)
    }

    /// Nothing gathered yet, for `job` on a device with `clock`.
    #[must_use]
    pub fn of_device(job: &Job, clock: Option<&DeviceClock>) -> Self {
        let shape = &job.shape;
        let period_ns = Schedule::new(shape.window, shape.hop, shape.sample_rate_hz).period_ns();
        Self {
            kernel: LatencyGatherer::new(),
            end_to_end: LatencyGatherer::new(),
            harness: LatencyGatherer::new(),
            counts: WindowCounts { planned: job.windows_total(), ..WindowCounts::default() },
            span_ns: None,
            repeat: 0,
            elapsed_ns: 0,
            arrival_ns: match job.pace {
                Pace::Realtime => period_ns,
                Pace::Max => 0,
            },
            period_ns,
            new_samples_per_window: shape.hop as u64 * shape.channels as u64,
            instructions: clock.filter(|clock| clock.instruction_ns.is_some()).cloned(),
        }
    }

    /// Takes one window.
    pub fn record(&mut self, record: &WindowRecord) {
        self.counts.run += 1;
        if record.fault.is_some() {
            self.counts.failed += 1;
        }
        if record.warmup {
            self.counts.warmup += 1;
            return;
        }
        self.counts.measured += 1;
        if record.deadline_missed() {
            self.counts.deadline_missed += 1;
        }
        if record.repeat != self.repeat {
            self.elapsed_ns += self.span();
            self.span_ns = None;
            self.repeat = record.repeat;
        }
        let first_ns = self.span_ns.map_or(record.release_ns, |(first_ns, _)| first_ns);
        self.span_ns = Some((first_ns, record.end_ns));
        if let (Some(kernel_ns), Some(end_to_end_ns)) = (record.kernel_ns(), record.end_to_end_ns())
        {
            self.end_to_end.record(end_to_end_ns);
            match &self.instructions {
                Some(clock) => self.kernel.record(record.instructions(clock).unwrap_or(0)),
                None => {
                    self.kernel.record(kernel_ns);
                    self.harness.record(end_to_end_ns.saturating_sub(kernel_ns));
                }
            }
        }
    }

    /// How many windows of each sort.
    #[must_use]
    pub fn counts(&self) -> WindowCounts {
        self.counts
    }

    /// Time in the kernel; none on an emulated device.
    #[must_use]
    pub fn kernel_time(&self) -> Option<Latency> {
        self.instructions.is_none().then(|| self.kernel.latency()).flatten()
    }

    /// Instructions of a kernel call; none unless the device is emulated.
    #[must_use]
    pub fn kernel_instructions(&self) -> Option<Latency> {
        self.instructions.is_some().then(|| self.kernel.distribution(1.0)).flatten()
    }

    /// Time from release to result.
    #[must_use]
    pub fn end_to_end(&self) -> Option<Latency> {
        self.end_to_end.latency()
    }

    /// Time from release to result that was not the kernel's: waiting for earlier windows, waking
    /// up, handing over.
    #[must_use]
    pub fn harness_cost(&self) -> Option<Latency> {
        self.harness.latency()
    }

    /// How much data went through; none when nothing succeeded.
    #[must_use]
    pub fn throughput(&self) -> Option<Throughput> {
        let succeeded = self.kernel.count;
        let elapsed_s = (self.elapsed_ns + self.span()) as f64 / 1e9;
        if succeeded == 0 || elapsed_s <= 0.0 {
            return None;
        }
        let windows_per_s = succeeded as f64 / elapsed_s;
        // A clock tick is the least a kernel can be said to have taken.
        let kernel_ns = self.kernel.mean_ns.max(1.0);
        Some(Throughput {
            windows_per_s,
            samples_per_s: windows_per_s * self.new_samples_per_window as f64,
            realtime_factor: self
                .instructions
                .is_none()
                .then_some(self.period_ns as f64 / kernel_ns),
        })
    }

    fn span(&self) -> u64 {
        self.span_ns
            .map_or(0, |(first_ns, last_ns)| last_ns.saturating_sub(first_ns) + self.arrival_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_thousandth_of_the_exact_ones() {
        let mut gatherer = LatencyGatherer::new();
        // 1..=10000 in a scrambled order (7919 is prime to 10000).
        let values: Vec<u64> = (0..10_000u64).map(|i| (i * 7919 % 10_000 + 1) * 1000).collect();
        for &value in &values {
            gatherer.record(value);
        }
        let latency = gatherer.latency().unwrap();
        for (got, exact) in [(latency.p50, 5000.0), (latency.p95, 9500.0), (latency.p99, 9900.0)] {
            assert!((exact..=exact * 1.001).contains(&got), "{got} for {exact}");
        }
        assert_eq!((latency.min, latency.max), (1.0, 10_000.0));
        assert_eq!(latency.mean, 5000.5);
        // Population standard deviation of 1..=n is sqrt((n^2 - 1) / 12).
        let exact = ((1e8 - 1.0) / 12.0f64).sqrt();
        assert!((latency.standard_deviation - exact).abs() <= 0.0005);
    }

    #[test]
    fn one_value_is_every_quantile_and_none_has_no_latency() {
        let mut gatherer = LatencyGatherer::new();
        assert_eq!(gatherer.latency(), None);
        gatherer.record(123_457);
        let latency = gatherer.latency().unwrap();
        for value in [latency.min, latency.p50, latency.p95, latency.p99, latency.max] {
            assert_eq!(value, 123.457);
        }
        assert_eq!(latency.standard_deviation, 0.0);
    }
}
