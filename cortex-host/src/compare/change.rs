//! How a quantile changed between two sides, with its interval and a verdict.

use cortex_core::math;
use serde::Serialize;

use super::FALSE_ALARMS;
use crate::statistics::{CONFIDENCE, Sample, least_windows, quantile, two_sided_t, two_sided_z};

/// Windows that each run needs for an interval of the median.
pub const LEAST_WINDOWS: usize = 30;

/// Standard deviation of a run's median from run to run, relative, that a verdict on one run a
/// side reckons with. Medians of `bandpass_fir` in equal runs on a busy machine of two cores
/// scattered by 0.3 %.
pub const RUN_SCATTER: f64 = 0.006;

/// A latency is the difference of two readings of a clock that steps by some 10 ns on desktops, so
/// that two medians may differ by two steps for no other reason: a verdict needs more.
const CLOCK_STEPS_NS: f64 = 20.0;

/// What a quantile is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Microseconds.
    Us,
    /// Instructions of an emulated device.
    Instructions,
}

/// What is beyond doubt about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// None was shown; there may be one too small for so few windows or runs.
    NoDifference,
    /// B takes less.
    Faster,
    /// B takes more.
    Slower,
}

/// A quantile on both sides.
#[derive(Clone, Copy, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct Change {
    /// Of `a`, `b` and the differences.
    pub unit: Unit,
    /// On the first side: the run's quantile, or the geometric mean of the runs' quantiles.
    pub a: f64,
    /// On the second side.
    pub b: f64,
    /// B − A.
    pub difference: f64,
    /// (B − A) / A in percent.
    pub change_percent: f64,
    /// Its interval; none with too few windows.
    pub interval: Option<Interval>,
    /// The change in percent that the verdict is certain of: an interval of greater confidence,
    /// scatter between runs and the clock's steps included. Medians only.
    pub beyond_doubt: Option<(f64, f64)>,
    /// Which side of nothing that is. Medians only.
    pub verdict: Option<Verdict>,
}

/// A confidence interval of B − A.
#[derive(Clone, Copy, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct Interval {
    /// What was drawn at random, in the interval's eyes.
    pub of: Generalization,
    /// Lower and upper end, in the change's unit.
    pub difference: (f64, f64),
    /// Lower and upper end in percent of A.
    pub change_percent: (f64, f64),
}

/// What an interval generalises to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Generalization {
    /// More windows of the same two runs.
    Windows,
    /// More runs.
    Runs,
}

/// Compares a quantile (0 to 1) of two sides, each at least one run's ticks (nanoseconds for
/// [`Unit::Us`], or instructions) in the order of time. `tests` is the number of medians among
/// which the false alarms are shared. None when a run has too few windows for the quantile.
///
/// All intervals are of the logarithm of the ratio B / A:
///
/// - with one run a side from the two runs' intervals, by the method of variance estimates
///   recovery (Zou and Donner 2008, "Construction of confidence intervals about effect measures");
/// - with several Student's, the variance from run to run pooled over the sides.
#[must_use]
pub fn change(a: &[Vec<u64>], b: &[Vec<u64>], q: f64, unit: Unit, tests: usize) -> Option<Change> {
    let (runs_a, runs_b) = (quantiles(a, q)?, quantiles(b, q)?);
    let enough = a.iter().chain(b).all(|series| series.len() >= LEAST_WINDOWS);
    // A verdict is on medians only.
    let sure = (q <= 0.5).then(|| 1.0 - FALSE_ALARMS / tests.max(1) as f64);
    let (of, shown, certain) = match (a, b) {
        ([a], [b]) => {
            let (a, b) = (Sample::new(a), Sample::new(b));
            let certain = sure.and_then(|sure| {
                let scatter = match unit {
                    Unit::Us => math::sqrt(2.0) * RUN_SCATTER * two_sided_z(sure),
                    Unit::Instructions => 0.0,
                };
                of_windows(&a, &b, q, sure, scatter)
            });
            (Generalization::Windows, of_windows(&a, &b, q, CONFIDENCE, 0.0), certain)
        }
        _ => {
            let of = |confidence| of_runs(&runs_a, &runs_b, confidence);
            (Generalization::Runs, Some(of(CONFIDENCE)), sure.map(of))
        }
    };
    let (a, b) = (middle(&runs_a), middle(&runs_b));
    let percent = |log: f64| math::expm1(log) * 100.0;
    let both = |(low, high): (f64, f64), of: &dyn Fn(f64) -> f64| (of(low), of(high));
    let interval = shown.filter(|_| enough).map(|logs| Interval {
        of,
        difference: both(logs, &|log| unit.of(a * math::expm1(log))),
        change_percent: both(logs, &percent),
    });
    let step = match unit {
        Unit::Us => math::ln_1p(CLOCK_STEPS_NS / a.min(b)),
        Unit::Instructions => 0.0,
    };
    let beyond_doubt =
        certain.filter(|_| enough).map(|(low, high)| both((low - step, high + step), &percent));
    Some(Change {
        unit,
        a: unit.of(a),
        b: unit.of(b),
        difference: unit.of(b - a),
        change_percent: (b - a) / a * 100.0,
        interval,
        beyond_doubt,
        verdict: beyond_doubt.map(|(low, high)| match (low > 0.0, high < 0.0) {
            (true, _) => Verdict::Slower,
            (_, true) => Verdict::Faster,
            _ => Verdict::NoDifference,
        }),
    })
}

/// The quantile of each run in ticks, at least one: the least a window can have taken.
fn quantiles(runs: &[Vec<u64>], q: f64) -> Option<Vec<f64>> {
    let of = |series: &Vec<u64>| {
        let mut sorted = series.clone();
        sorted.sort_unstable();
        let enough = sorted.len() as u64 >= least_windows(q);
        quantile(&sorted, q).filter(|_| enough).map(|ticks| ticks.max(1.0))
    };
    let all: Option<Vec<f64>> = runs.iter().map(of).collect();
    all.filter(|all| !all.is_empty())
}

/// The geometric mean.
fn middle(runs: &[f64]) -> f64 {
    match runs {
        [only] => *only,
        _ => math::exp(runs.iter().map(|ticks| math::ln(*ticks)).sum::<f64>() / runs.len() as f64),
    }
}

/// The interval of ln(B / A) from those of one run a side, `scatter` added to its half-widths
/// as to a standard error; none when an end is open.
fn of_windows(a: &Sample, b: &Sample, q: f64, confidence: f64, scatter: f64) -> Option<(f64, f64)> {
    let logs = |sample: &Sample| {
        let estimate = sample.estimate(q, confidence)?;
        let log = |ticks: f64| math::ln(ticks.max(1.0));
        Some((log(estimate.low?), log(estimate.value), log(estimate.high?)))
    };
    let ((low_a, log_a, high_a), (low_b, log_b, high_b)) = (logs(a)?, logs(b)?);
    let half = |x: f64, y: f64| math::sqrt(x * x + y * y + scatter * scatter);
    let difference = log_b - log_a;
    Some((
        difference - half(log_b - low_b, high_a - log_a),
        difference + half(high_b - log_b, log_a - low_a),
    ))
}

/// Student's interval of ln(B / A) of several runs, variances pooled.
fn of_runs(a: &[f64], b: &[f64], confidence: f64) -> (f64, f64) {
    let moments = |runs: &[f64]| {
        let logs: Vec<f64> = runs.iter().map(|ticks| math::ln(*ticks)).collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        (mean, logs.iter().map(|log| (log - mean) * (log - mean)).sum::<f64>())
    };
    let ((mean_a, squares_a), (mean_b, squares_b)) = (moments(a), moments(b));
    let freedom = (a.len() + b.len() - 2) as f64;
    let share = 1.0 / a.len() as f64 + 1.0 / b.len() as f64;
    let error = math::sqrt((squares_a + squares_b) / freedom * share);
    let half = two_sided_t(confidence, freedom) * error;
    (mean_b - mean_a - half, mean_b - mean_a + half)
}

impl Unit {
    /// A count of nanoseconds or instructions in this unit.
    fn of(self, ticks: f64) -> f64 {
        match self {
            Unit::Us => ticks / 1e3,
            Unit::Instructions => ticks,
        }
    }
}
