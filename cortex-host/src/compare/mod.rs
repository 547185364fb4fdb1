//! Two sides of runs: what differs in what was run, and in how long it took.
//!
//! For each kernel of both sides the change B − A of the median and of the 99th percentile is
//! given for kernel time and end-to-end latency, with a 95 % interval (`change`). On emulated
//! devices kernels are compared by their instructions, which are exact.
//!
//! # What the intervals promise
//! With one run a side they are of the windows of these two runs, which depend on each other
//! ([`crate::statistics`]): 95 ± 1.5 % of them cover the truth, at a lag-one correlation of 0.9
//! too. What differs from run to run (another load, another frequency, another page layout) is
//! not in them. With several runs a side the run is what is counted: the interval is Student's,
//! of the runs' own quantiles, and what differs from run to run is in it.
//!
//! # What a verdict promises
//! Equal runs are called different in at most [`FALSE_ALARMS`] of all comparisons, however many
//! kernels they have: a verdict is an interval of that confidence, shared among all medians
//! compared (Bonferroni). With one run a side the scatter between runs is not known, and
//! [`RUN_SCATTER`] is put in its place. Medians within two steps of a clock are not different.

mod change;
mod conditions;
mod gate;
mod text;

use serde::Serialize;

pub use change::{
    Change, Generalization, Interval, LEAST_WINDOWS, RUN_SCATTER, Unit, Verdict, change,
};
pub use conditions::{Condition, conditions};
pub use gate::{
    CHECK_SCHEMA_VERSION, Check, CheckResult, Finding, LEAST_WITHOUT_MISS, Limits, miss_rate,
};
pub use text::table;

use crate::results::{KernelWindows, RunRecord, Window};
use crate::statistics::CONFIDENCE;

/// Version of the layout of `compare --json`.
pub const SCHEMA_VERSION: u32 = 2;

/// Share of comparisons of equal runs that may name any difference.
pub const FALSE_ALARMS: f64 = 0.02;

/// Two sides compared.
#[derive(Clone, Debug, schemars::JsonSchema, Serialize)]
pub struct RunComparison {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// `run_id` of each run of the first side.
    pub runs_a: Vec<String>,
    /// `run_id` of each run of the second side.
    pub runs_b: Vec<String>,
    /// The gravest verdict of any kernel; none when no median could be judged.
    pub verdict: Option<Verdict>,
    /// Whether all ran the same configuration on the same data with the same tool on the same
    /// machine.
    pub same_conditions: bool,
    /// What differs between them besides the latencies.
    pub conditions: Vec<Condition>,
    /// Confidence of the intervals, 0.95.
    pub confidence: f64,
    /// Kernels of every run, in the first one's order.
    pub kernels: Vec<KernelComparison>,
    /// Kernels that only the first side has.
    pub only_in_a: Vec<String>,
    /// Kernels that only the second side has.
    pub only_in_b: Vec<String>,
}

/// One kernel on both sides.
#[derive(Clone, Debug, schemars::JsonSchema, Serialize)]
pub struct KernelComparison {
    /// The kernel.
    pub name: String,
    /// Measured windows with a result, on each side.
    pub windows: (usize, usize),
    /// Windows that failed, on each side.
    pub failed: (usize, usize),
    /// Measured windows that missed their deadline, on each side.
    pub deadline_missed: (usize, usize),
    /// Median of the kernel time, or of its instructions when all devices are emulated; none
    /// when only some are: the two cannot be compared.
    pub kernel_p50: Option<Change>,
    /// 99th percentile of the same.
    pub kernel_p99: Option<Change>,
    /// Median of the end-to-end latency.
    pub end_to_end_p50: Option<Change>,
    /// 99th percentile of the end-to-end latency.
    pub end_to_end_p99: Option<Change>,
}

impl RunComparison {
    /// Compares the runs `b` with the runs `a`, at least one each.
    #[must_use]
    pub fn of(a: &[RunRecord], b: &[RunRecord]) -> Self {
        let names = |side: &[RunRecord]| {
            let first = side.first().map(|run| run.kernels.as_slice()).unwrap_or_default();
            let everywhere = first.iter().filter(|kernel| {
                side.iter().all(|run| run.kernels.iter().any(|k| k.name == kernel.name))
            });
            everywhere.map(|kernel| kernel.name.clone()).collect::<Vec<_>>()
        };
        let (names_a, names_b) = (names(a), names(b));
        let both: Vec<&String> = names_a.iter().filter(|name| names_b.contains(name)).collect();
        let tests = 2 * both.len();
        let kernels: Vec<KernelComparison> =
            both.into_iter().map(|name| compare_kernel(name, a, b, tests)).collect();
        let conditions = conditions(a, b);
        let verdicts = kernels.iter().flat_map(KernelComparison::verdicts);
        let without = |one: &[String], other: &[String]| {
            one.iter().filter(|name| !other.contains(name)).cloned().collect()
        };
        let ids = |side: &[RunRecord]| side.iter().map(|run| run.summary.run_id.clone()).collect();
        Self {
            schema_version: SCHEMA_VERSION,
            runs_a: ids(a),
            runs_b: ids(b),
            verdict: verdicts.max(),
            same_conditions: conditions.is_empty(),
            conditions,
            confidence: CONFIDENCE,
            only_in_a: without(&names_a, &names_b),
            only_in_b: without(&names_b, &names_a),
            kernels,
        }
    }

    /// Kernels whose median kernel time or median end-to-end latency in B is slower by more than
    /// `percent` beyond doubt. Of an emulated device only the instructions count: how fast the
    /// emulator runs says nothing of the kernel.
    #[must_use]
    pub fn slower_than(&self, percent: f64) -> Vec<&KernelComparison> {
        let slower = |change: &&Change| change.beyond_doubt.is_some_and(|(low, _)| low > percent);
        self.kernels.iter().filter(|kernel| kernel.judged().any(|c| slower(&c))).collect()
    }

    /// Kernels that no gate can judge: without an interval of the median.
    #[must_use]
    pub fn undecidable(&self) -> Vec<&KernelComparison> {
        let known = |change: &Option<Change>| change.is_some_and(|c| c.interval.is_some());
        self.kernels.iter().filter(|kernel| !known(&kernel.kernel_p50)).collect()
    }
}

impl KernelComparison {
    /// The changes that a verdict is given on.
    fn judged(&self) -> impl Iterator<Item = &Change> {
        let emulated = self.kernel_p50.is_some_and(|c| c.unit == Unit::Instructions);
        self.kernel_p50.iter().chain(self.end_to_end_p50.iter().filter(move |_| !emulated))
    }

    fn verdicts(&self) -> impl Iterator<Item = Verdict> {
        self.judged().filter_map(|change| change.verdict)
    }
}

/// One kernel, which every run has, on both sides.
fn compare_kernel(name: &str, a: &[RunRecord], b: &[RunRecord], tests: usize) -> KernelComparison {
    let side = |runs: &'_ [RunRecord]| -> Vec<KernelWindows> {
        let of = |run: &RunRecord| run.kernels.iter().find(|kernel| kernel.name == name).cloned();
        runs.iter().filter_map(of).collect()
    };
    let (a, b) = (side(a), side(b));
    let series = |kernels: &[KernelWindows], of: fn(&Window) -> Option<u64>| -> Vec<Vec<u64>> {
        kernels.iter().map(|kernel| kernel.measured().filter_map(of).collect()).collect()
    };
    let emulated = |kernels: &[KernelWindows]| {
        let count = kernels.iter().filter(|kernel| kernel.emulated()).count();
        (count == 0 || count == kernels.len()).then_some(count > 0)
    };
    let changes = |of: fn(&Window) -> Option<u64>, unit| {
        let (a, b) = (series(&a, of), series(&b, of));
        [0.5, 0.99].map(|q| change(&a, &b, q, unit, tests))
    };
    let [kernel_p50, kernel_p99] = match (emulated(&a), emulated(&b)) {
        (Some(false), Some(false)) => changes(|window| window.kernel_ns, Unit::Us),
        (Some(true), Some(true)) => changes(|window| window.instructions, Unit::Instructions),
        _ => [None, None],
    };
    let [end_to_end_p50, end_to_end_p99] = changes(|window| window.end_to_end_ns, Unit::Us);
    let count = |kernels: &[KernelWindows], of: fn(&Window) -> bool| {
        kernels.iter().flat_map(|kernel| &kernel.windows).filter(|window| of(window)).count()
    };
    let both = |of: fn(&Window) -> bool| (count(&a, of), count(&b, of));
    KernelComparison {
        name: name.to_owned(),
        windows: both(|window| !window.warmup && window.end_to_end_ns.is_some()),
        failed: both(|window| window.kernel_ns.is_none()),
        deadline_missed: both(|window| window.deadline_missed && !window.warmup),
        kernel_p50,
        kernel_p99,
        end_to_end_p50,
        end_to_end_p99,
    }
}
