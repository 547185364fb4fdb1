//! Latency statistics of one kernel, gathered window by window in bounded memory.
//!
//! Up to 2^20 windows the quantiles are exact, and so is their order in time, from which the
//! intervals come ([`crate::statistics`]). Beyond that quantiles come from a high-dynamic-range
//! histogram with three significant digits, at most 0.1 % above the exact ones, and the dependence
//! of windows from the first 2^20. Minimum and maximum are exact, mean and standard deviation to a
//! nanosecond (Welford's recurrence, so that long runs lose no digits).

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::device::DeviceClock;
use crate::harness::{KernelRun, Pace, ReleaseSchedule, WindowRecord};
use crate::statistics::{CONFIDENCE, MOST_ORDERED, Sample, at_position, least_windows, quantile};

/// Numbers of windows, over all repeats.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize,
)]
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
#[derive(Clone, Copy, Debug, PartialEq, schemars::JsonSchema, Serialize, Deserialize)]
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

/// Lower and upper end of a quantile's 95 % interval; none for an end that so few windows cannot
/// bound.
pub type Bounds = (Option<f64>, Option<f64>);

/// Statistics of one kind of latency, in microseconds, or of kernel calls in instructions. A
/// quantile is there only where the number of windows supports it: p95 from 20, p99 from 100,
/// p99.9 from 1,000.
#[derive(Clone, Copy, Debug, PartialEq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct Latency {
    /// Windows that these statistics are of.
    #[serde(default)]
    pub n: u64,
    /// Least.
    pub min: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Median; the mean of the two middle values of an even number.
    pub p50: f64,
    /// Its interval.
    pub p50_interval: Option<Bounds>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// Its interval.
    pub p95_interval: Option<Bounds>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Its interval.
    pub p99_interval: Option<Bounds>,
    /// 99.9th percentile.
    pub p99_9: Option<f64>,
    /// Its interval.
    pub p99_9_interval: Option<Bounds>,
    /// Greatest.
    pub max: f64,
    /// Standard deviation (population).
    pub standard_deviation: f64,
    /// Jitter as p95 - p50.
    pub jitter_p95_minus_p50: Option<f64>,
    /// Jitter as p99 - p50.
    pub jitter_p99_minus_p50: Option<f64>,
}

/// Gathers one kind of latency.
struct LatencyGatherer {
    histogram: Histogram<u64>,
    /// The first [`MOST_ORDERED`] values in the order of time.
    ordered: Vec<u64>,
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
        Self {
            histogram,
            ordered: Vec::new(),
            count: 0,
            min_ns: u64::MAX,
            max_ns: 0,
            mean_ns: 0.0,
            deviations: 0.0,
        }
    }

    fn record(&mut self, ns: u64) {
        self.histogram.saturating_record(ns);
        if self.ordered.len() < MOST_ORDERED {
            self.ordered.push(ns);
        }
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
        let sample = Sample::new(&self.ordered);
        let exact = self.count == self.ordered.len() as u64;
        // A bin's upper edge may lie beyond the greatest value in it.
        let binned = |q| self.histogram.value_at_quantile(q).clamp(self.min_ns, self.max_ns) as f64;
        // To a nanosecond or an instruction: there is nothing finer, but the middle of two.
        let tick = |value: f64| value.round() / unit;
        let half_tick = |value: f64| (value * 2.0).round() / 2.0 / unit;
        let known = |q: f64| {
            (self.count >= least_windows(q)).then(|| match exact {
                true => half_tick(quantile(sample.sorted(), q).unwrap_or_default()),
                false => tick(binned(q)),
            })
        };
        let bounds = |q: f64| {
            known(q)?;
            let (low, high) = sample.positions(q, self.count, CONFIDENCE);
            let at = |position: Option<f64>| match exact {
                true => at_position(sample.sorted(), position?).map(tick),
                false => position.map(|position| tick(binned(position))),
            };
            Some((at(low), at(high)))
        };
        let p50 = known(0.5).unwrap_or_default();
        let (p95, p99) = (known(0.95), known(0.99));
        let jitter = |high: Option<f64>| high.map(|high| half_tick((high - p50) * unit));
        Some(Latency {
            n: self.count,
            min: self.min_ns as f64 / unit,
            mean: tick(self.mean_ns),
            p50,
            p50_interval: bounds(0.5),
            p95,
            p95_interval: bounds(0.95),
            p99,
            p99_interval: bounds(0.99),
            p99_9: known(0.999),
            p99_9_interval: bounds(0.999),
            max: self.max_ns as f64 / unit,
            standard_deviation: tick((self.deviations / self.count as f64).sqrt()),
            jitter_p95_minus_p50: jitter(p95),
            jitter_p99_minus_p50: jitter(p99),
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
    /// Nothing gathered yet, for `kernel_run` natively.
    #[must_use]
    pub fn new(kernel_run: &KernelRun) -> Self {
        Self::of_device(kernel_run, None)
    }

    /// Nothing gathered yet, for `kernel_run` on a device with `clock`.
    #[must_use]
    pub fn of_device(kernel_run: &KernelRun, clock: Option<&DeviceClock>) -> Self {
        let shape = &kernel_run.shape;
        let period_ns =
            ReleaseSchedule::new(shape.window, shape.hop, shape.sample_rate_hz).period_ns();
        Self {
            kernel: LatencyGatherer::new(),
            end_to_end: LatencyGatherer::new(),
            harness: LatencyGatherer::new(),
            counts: WindowCounts { planned: kernel_run.windows_total(), ..WindowCounts::default() },
            span_ns: None,
            repeat: 0,
            elapsed_ns: 0,
            arrival_ns: match kernel_run.pace {
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

    /// 1..=count µs in a scrambled order (7919 is prime to all counts here).
    fn scrambled(count: u64) -> LatencyGatherer {
        let mut gatherer = LatencyGatherer::new();
        for index in 0..count {
            gatherer.record((index * 7919 % count + 1) * 1000);
        }
        gatherer
    }

    #[test]
    fn quantiles_are_exact_and_bounded() {
        let latency = scrambled(10_000).latency().unwrap();
        assert_eq!((latency.n, latency.min, latency.max), (10_000, 1.0, 10_000.0));
        assert_eq!(latency.p50, 5000.5);
        assert_eq!((latency.p95, latency.p99), (Some(9500.5), Some(9900.5)));
        assert_eq!(latency.p99_9, Some(9990.5));
        assert_eq!(latency.jitter_p99_minus_p50, Some(4900.0));
        assert_eq!(latency.mean, 5000.5);
        // Population standard deviation of 1..=n is sqrt((n^2 - 1) / 12).
        let exact = ((1e8 - 1.0) / 12.0f64).sqrt();
        assert!((latency.standard_deviation - exact).abs() <= 0.0005);
        for (value, bounds) in [(latency.p50, latency.p50_interval), (9900.5, latency.p99_interval)]
        {
            let (Some(low), Some(high)) = bounds.unwrap() else { panic!("{bounds:?}") };
            assert!(low < value && value < high, "{low} {value} {high}");
        }
    }

    #[test]
    fn beyond_the_windows_kept_quantiles_are_within_a_thousandth() {
        let count = MOST_ORDERED as u64 + 10_000;
        let mut gatherer = LatencyGatherer::new();
        for index in 0..count {
            gatherer.record(index % 1000 * 1000 + 1000);
        }
        let latency = gatherer.latency().unwrap();
        assert_eq!((latency.n, gatherer.ordered.len()), (count, MOST_ORDERED));
        for (got, exact) in [(latency.p50, 500.0), (latency.p99.unwrap(), 990.0)] {
            assert!((exact * 0.998..=exact * 1.002).contains(&got), "{got} for {exact}");
        }
        assert!(matches!(latency.p99_interval, Some((Some(_), Some(_)))));
    }

    /// A quantile is shown where at least one window is expected beyond it.
    #[test]
    fn few_windows_have_few_quantiles() {
        let shown = |count: u64| {
            let latency = scrambled(count).latency().unwrap();
            [latency.p95, latency.p99, latency.p99_9].map(|quantile| quantile.is_some())
        };
        assert_eq!(shown(19), [false, false, false]);
        assert_eq!(shown(99), [true, false, false]);
        assert_eq!(shown(100), [true, true, false]);
        assert_eq!(shown(1000), [true, true, true]);
        // 0.99^100 = 0.37: the greatest of 100 does not bound a p99 from above.
        let bounds = scrambled(100).latency().unwrap().p99_interval.unwrap();
        assert!(bounds.0.is_some() && bounds.1.is_none(), "{bounds:?}");
        assert_eq!(LatencyGatherer::new().latency(), None);
    }

    #[test]
    fn one_value_is_the_median_and_both_ends() {
        let mut gatherer = LatencyGatherer::new();
        gatherer.record(123_457);
        let latency = gatherer.latency().unwrap();
        assert_eq!([latency.min, latency.p50, latency.max], [123.457; 3]);
        assert_eq!((latency.p50_interval, latency.p99), (Some((None, None)), None));
        assert_eq!(latency.standard_deviation, 0.0);
    }
}
