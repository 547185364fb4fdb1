//! Two runs side by side: what differs in what was run, and in how long it took.
//!
//! For each kernel of both runs the difference B − A of the median and of the 99th percentile is
//! given for kernel time and end-to-end latency, with a 95 % interval from a block bootstrap
//! (percentile method, both runs resampled independently; [`bootstrap`] has the sources). On
//! emulated devices kernels are compared by their instructions.
//!
//! # What the intervals promise
//! On AR(1) series of 500 windows the interval of the difference of medians covers the truth in
//! 94 % of the cases without correlation and in 92 % with a lag-one correlation of 0.6, where a
//! bootstrap of single windows covers it in 76 %; the test `report_compare` measures it.
//! They describe the windows of these two
//! runs: what differs from run to run (another load, another frequency, another page layout) is in
//! no interval. A gate's percentage should therefore lie above what two equal runs show. With k
//! kernels and a true slowdown of exactly the percentage, `--fail-if-slower` is wrong with a
//! probability of 2.5 % per kernel.

pub mod bootstrap;
mod conditions;
mod text;

use std::thread;

use serde::Serialize;

pub use conditions::{Condition, conditions};
pub use text::table;

use crate::results::{KernelWindows, RunRecord, Window};

/// Confidence of the intervals.
pub const CONFIDENCE: f64 = 0.95;

/// Windows that each run needs for an interval of the median.
pub const LEAST_WINDOWS: usize = 30;

/// Windows that each run needs for an interval of the 99th percentile: ten above it.
pub const LEAST_WINDOWS_P99: usize = 1000;

/// Bootstrap resamples.
const RESAMPLES: usize = 1000;

/// Two runs compared.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// `run_id` of the first run.
    pub run_a: String,
    /// `run_id` of the second run.
    pub run_b: String,
    /// Whether both ran the same configuration on the same data with the same tool on the same
    /// machine.
    pub same_conditions: bool,
    /// What differs between them besides the latencies.
    pub conditions: Vec<Condition>,
    /// Confidence of the intervals, 0.95.
    pub confidence: f64,
    /// Kernels of both runs, in the first one's order.
    pub kernels: Vec<KernelComparison>,
    /// Kernels that only the first run has.
    pub only_in_a: Vec<String>,
    /// Kernels that only the second run has.
    pub only_in_b: Vec<String>,
}

/// One kernel in both runs.
#[derive(Clone, Debug, Serialize)]
pub struct KernelComparison {
    /// The kernel.
    pub name: String,
    /// Measured windows with a result, in each run.
    pub windows: (usize, usize),
    /// Windows that failed, in each run.
    pub failed: (usize, usize),
    /// Measured windows that missed their deadline, in each run.
    pub deadline_missed: (usize, usize),
    /// Median of the kernel time, or of its instructions when both devices are emulated; none
    /// when only one is: the two cannot be compared.
    pub kernel_p50: Option<Change>,
    /// 99th percentile of the same.
    pub kernel_p99: Option<Change>,
    /// Median of the end-to-end latency.
    pub end_to_end_p50: Option<Change>,
    /// 99th percentile of the end-to-end latency.
    pub end_to_end_p99: Option<Change>,
}

/// What a quantile is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Microseconds.
    Us,
    /// Instructions of an emulated device.
    Instructions,
}

/// A quantile in both runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Of `a`, `b` and the differences.
    pub unit: Unit,
    /// In the first run.
    pub a: f64,
    /// In the second run.
    pub b: f64,
    /// B − A.
    pub difference: f64,
    /// (B − A) / A in percent.
    pub change_percent: f64,
    /// Its interval; none with too few windows.
    pub interval: Option<Interval>,
}

/// A confidence interval of B − A.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    /// Lower and upper end, in the change's unit.
    pub difference: (f64, f64),
    /// Lower and upper end in percent of A.
    pub change_percent: (f64, f64),
    /// Block lengths used, in windows, in each run.
    pub block_windows: (usize, usize),
}

impl Comparison {
    /// Compares run `b` with run `a`.
    #[must_use]
    pub fn of(a: &RunRecord, b: &RunRecord) -> Self {
        let pairs: Vec<(&KernelWindows, &KernelWindows)> = a
            .kernels
            .iter()
            .filter_map(|one| Some((one, b.kernels.iter().find(|two| two.name == one.name)?)))
            .collect();
        let without = |one: &RunRecord, other: &RunRecord| {
            let missing =
                one.kernels.iter().filter(|k| other.kernels.iter().all(|o| o.name != k.name));
            missing.map(|kernel| kernel.name.clone()).collect()
        };
        // Each kernel has random numbers of its own, so threads change nothing.
        let kernels = thread::scope(|scope| {
            let workers = thread::available_parallelism().map_or(1, usize::from);
            let mut compared = Vec::new();
            for (first, pairs) in pairs.chunks(workers).enumerate() {
                let running: Vec<_> = pairs
                    .iter()
                    .enumerate()
                    .map(|(index, (one, two))| {
                        let stream = (first * workers + index) as u32 * 4;
                        scope.spawn(move || compare_kernel(one, two, stream))
                    })
                    .collect();
                for thread in running {
                    match thread.join() {
                        Ok(kernel) => compared.push(kernel),
                        Err(panic) => std::panic::resume_unwind(panic),
                    }
                }
            }
            compared
        });
        let conditions = conditions(a, b);
        Self {
            run_a: a.summary.run_id.clone(),
            run_b: b.summary.run_id.clone(),
            same_conditions: conditions.is_empty(),
            conditions,
            confidence: CONFIDENCE,
            kernels,
            only_in_a: without(a, b),
            only_in_b: without(b, a),
        }
    }

    /// Kernels whose median kernel time or median end-to-end latency in B is slower by more than
    /// `percent`, the whole interval of the change being above it. Of an emulated device only the
    /// instructions count: how fast the emulator runs says nothing of the kernel.
    #[must_use]
    pub fn slower_than(&self, percent: f64) -> Vec<&KernelComparison> {
        let slower = |change: &Option<Change>| {
            change
                .and_then(|change| change.interval)
                .is_some_and(|interval| interval.change_percent.0 > percent)
        };
        self.kernels
            .iter()
            .filter(|kernel| {
                let emulated = kernel.kernel_p50.is_some_and(|c| c.unit == Unit::Instructions);
                slower(&kernel.kernel_p50) || !emulated && slower(&kernel.end_to_end_p50)
            })
            .collect()
    }

    /// Kernels that no gate can judge: without an interval of the median.
    #[must_use]
    pub fn undecidable(&self) -> Vec<&KernelComparison> {
        let known = |change: &Option<Change>| change.is_some_and(|c| c.interval.is_some());
        self.kernels.iter().filter(|kernel| !known(&kernel.kernel_p50)).collect()
    }
}

/// Compares two series in the order of time, of nanoseconds ([`Unit::Us`]) or instructions: changes
/// of the median and of the 99th percentile. `stream` chooses random numbers; it takes two streams.
#[must_use]
pub fn compare_series(a: &[u64], b: &[u64], unit: Unit, stream: u32) -> [Option<Change>; 2] {
    const QUANTILES: [f64; 2] = [0.5, 0.99];
    let sorted = |series: &[u64]| {
        let mut sorted = series.to_vec();
        sorted.sort_unstable();
        sorted
    };
    let (sorted_a, sorted_b) = (sorted(a), sorted(b));
    let least = a.len().min(b.len());
    [(QUANTILES[0], LEAST_WINDOWS, 0), (QUANTILES[1], LEAST_WINDOWS_P99, 1)].map(
        |(quantile, needed, index)| {
            let a_ticks = bootstrap::quantile(&sorted_a, quantile)?;
            let b_ticks = bootstrap::quantile(&sorted_b, quantile)?;
            let interval = (least >= needed).then(|| {
                let blocks =
                    (bootstrap::block_length(a, quantile), bootstrap::block_length(b, quantile));
                // Both runs and both quantiles have streams of their own.
                let draws = |series: &[u64], block, stream| {
                    bootstrap::replicates(series, &[quantile], block, RESAMPLES, stream)
                        .pop()
                        .unwrap_or_default()
                };
                let stream = stream.wrapping_add(index << 30);
                let draws_a = draws(a, blocks.0, stream);
                let draws_b = draws(b, blocks.1, stream + 1);
                interval(&draws_a, &draws_b, unit, blocks)
            });
            Some(Change {
                unit,
                a: unit.of(a_ticks),
                b: unit.of(b_ticks),
                difference: unit.difference(a_ticks, b_ticks),
                change_percent: percent(a_ticks, b_ticks),
                interval,
            })
        },
    )
}

fn compare_kernel(a: &KernelWindows, b: &KernelWindows, stream: u32) -> KernelComparison {
    let series = |kernel: &KernelWindows, of: fn(&Window) -> Option<u64>| -> Vec<u64> {
        kernel.measured().filter_map(of).collect()
    };
    let count =
        |kernel: &KernelWindows, of: fn(&&Window) -> bool| kernel.windows.iter().filter(of).count();
    let (all_a, all_b) = (series(a, |w| w.end_to_end_ns), series(b, |w| w.end_to_end_ns));
    let [kernel_p50, kernel_p99] = match (a.emulated(), b.emulated()) {
        (false, false) => {
            let time = |kernel| series(kernel, |w| w.kernel_ns);
            compare_series(&time(a), &time(b), Unit::Us, stream)
        }
        (true, true) => {
            let instructions = |kernel| series(kernel, |w| w.instructions);
            compare_series(&instructions(a), &instructions(b), Unit::Instructions, stream)
        }
        _ => [None, None],
    };
    let [end_to_end_p50, end_to_end_p99] = compare_series(&all_a, &all_b, Unit::Us, stream + 2);
    let missed = |window: &&Window| window.deadline_missed && !window.warmup;
    let failed = |window: &&Window| window.kernel_ns.is_none();
    KernelComparison {
        name: a.name.clone(),
        windows: (all_a.len(), all_b.len()),
        failed: (count(a, failed), count(b, failed)),
        deadline_missed: (count(a, missed), count(b, missed)),
        kernel_p50,
        kernel_p99,
        end_to_end_p50,
        end_to_end_p99,
    }
}

/// The middle part of the differences of independent draws.
fn interval(
    draws_a: &[u64],
    draws_b: &[u64],
    unit: Unit,
    block_windows: (usize, usize),
) -> Interval {
    let pairs = || draws_a.iter().zip(draws_b);
    let differences = pairs().map(|(a, b)| unit.difference(*a, *b)).collect();
    let changes = pairs().map(|(a, b)| percent(*a, *b)).collect();
    Interval { difference: middle(differences), change_percent: middle(changes), block_windows }
}

/// The ends of the middle [`CONFIDENCE`] of `values`.
fn middle(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let outside = (values.len() as f64 * (1.0 - CONFIDENCE) / 2.0) as usize;
    let low = values.get(outside).copied().unwrap_or(f64::NAN);
    let high = values.iter().rev().nth(outside).copied().unwrap_or(f64::NAN);
    (low, high)
}

/// The change from `a` to `b` ticks in percent; one tick is the least a window can have taken.
fn percent(a: u64, b: u64) -> f64 {
    let a = a.max(1) as f64;
    (b.max(1) as f64 - a) / a * 100.0
}

impl Unit {
    /// A count of nanoseconds or instructions in this unit.
    fn of(self, ticks: u64) -> f64 {
        match self {
            Unit::Us => ticks as f64 / 1e3,
            Unit::Instructions => ticks as f64,
        }
    }

    /// B − A in this unit, exact to the tick.
    fn difference(self, a: u64, b: u64) -> f64 {
        let size = self.of(b.abs_diff(a));
        if b < a { -size } else { size }
    }
}
