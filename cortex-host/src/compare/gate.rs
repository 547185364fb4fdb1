//! Limits a run is held to: deadlines missed, p99, and no slower than a baseline.
//!
//! Each limit has one of three answers. A limit that the windows measured can neither show to be
//! kept nor to be broken, with 95 % confidence, is undecided: a gate that passes for want of windows
//! passes everything.

use serde::Serialize;

use super::{LEAST_WINDOWS, RunComparison};
use crate::results::{KernelWindows, RunRecord, RunStatus, Window};
use crate::statistics::{CONFIDENCE, Sample, least_windows, rate_bounds};

/// Version of the layout of `check --format json`.
pub const CHECK_SCHEMA_VERSION: u32 = 1;

/// Windows without a miss that a limit of no miss at all needs.
pub const LEAST_WITHOUT_MISS: usize = 100;

/// What is known about a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckResult {
    /// It is kept.
    Pass,
    /// There are too few windows to say.
    Undecided,
    /// It is broken.
    Fail,
}

/// The limits asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Most deadlines missed, in percent of the measured windows.
    pub miss_rate_percent: Option<f64>,
    /// Greatest 99th percentile of the end-to-end latency, in microseconds.
    pub p99_us: Option<f64>,
    /// Most that a kernel's median may be slower than the baseline's, in percent.
    pub slowdown_percent: f64,
}

/// One limit on one kernel.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct Finding {
    /// The kernel's label.
    pub kernel: String,
    /// `miss_rate`, `p99`, `baseline`, or `complete` of the whole run.
    pub limit: &'static str,
    /// What is known about it.
    pub answer: CheckResult,
    /// The figures, as a sentence.
    pub message: String,
}

/// A run held to limits.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct Check {
    /// [`CHECK_SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The run.
    pub run_id: String,
    /// The gravest answer.
    pub answer: CheckResult,
    /// Every limit on every kernel.
    pub findings: Vec<Finding>,
}

impl Check {
    /// Holds `run` to `limits` and, when there are runs in it, to `baseline`.
    #[must_use]
    pub fn of(run: &RunRecord, limits: &Limits, baseline: &[RunRecord]) -> Self {
        let mut findings = Vec::new();
        // A failed run has its windows; what would have come of the rest of another nobody knows.
        if matches!(run.summary.status, RunStatus::Interrupted | RunStatus::Running) {
            findings.push(Finding {
                kernel: "run".to_owned(),
                limit: "complete",
                answer: CheckResult::Undecided,
                message: "the run did not come to its end".to_owned(),
            });
        }
        for kernel in &run.kernels {
            let known = run.summary.kernels.iter().find(|known| known.name == kernel.name);
            let label = known.map_or(kernel.name.as_str(), |known| known.label()).to_owned();
            let mut add = |limit, (answer, message)| {
                findings.push(Finding { kernel: label.clone(), limit, answer, message });
            };
            if let Some(percent) = limits.miss_rate_percent {
                let missed = kernel.measured().filter(|window| window.deadline_missed).count();
                add("miss_rate", miss_rate(missed, kernel.measured().count(), percent));
            }
            if let Some(limit_us) = limits.p99_us {
                add("p99", p99(kernel, limit_us));
            }
        }
        if !baseline.is_empty() {
            findings.extend(against(run, baseline, limits.slowdown_percent));
        }
        let answer = findings.iter().map(|finding| finding.answer).max();
        Self {
            schema_version: CHECK_SCHEMA_VERSION,
            run_id: run.summary.run_id.clone(),
            // Nothing to judge is nothing shown to be kept.
            answer: answer.unwrap_or(CheckResult::Undecided),
            findings,
        }
    }
}

/// Whether `missed` of `measured` deadlines are at most `percent`: the one-sided 95 % bounds of the
/// rate ([`rate_bounds`]) lie below or above it.
#[must_use]
pub fn miss_rate(missed: usize, measured: usize, percent: f64) -> (CheckResult, String) {
    let limit = percent / 100.0;
    let (lower, upper) = rate_bounds(missed as u64, measured as u64, CONFIDENCE);
    let answer = if measured == 0 {
        CheckResult::Undecided
    } else if lower > limit || (percent <= 0.0 && missed > 0) {
        CheckResult::Fail
    } else if upper <= limit || (percent <= 0.0 && measured >= LEAST_WITHOUT_MISS) {
        CheckResult::Pass
    } else {
        CheckResult::Undecided
    };
    let message = format!(
        "{missed} of {measured} deadlines missed, a rate of {:.3} to {:.3} %; at most {percent} %",
        lower * 100.0,
        upper * 100.0
    );
    (answer, message)
}

/// Whether the p99 of the end-to-end latency is at most `limit_us`: whether at most one window in a
/// hundred is beyond it, by the bounds of [`miss_rate`]. That needs no estimate of the quantile,
/// whose interval is wide where latencies jump.
fn p99(kernel: &KernelWindows, limit_us: f64) -> (CheckResult, String) {
    let of = |window: &Window| window.end_to_end_ns;
    let series: Vec<u64> = kernel.measured().filter_map(of).collect();
    let few = (series.len() as u64) < least_windows(0.99);
    let Some(estimate) = Sample::new(&series).estimate(0.99, CONFIDENCE).filter(|_| !few) else {
        let (count, plural) = (series.len(), if series.len() == 1 { "" } else { "s" });
        let least = least_windows(0.99);
        let message = format!("{count} window{plural} with a result; a p99 needs {least}");
        return (CheckResult::Undecided, message);
    };
    let beyond = series.iter().filter(|&&ns| ns as f64 > limit_us * 1e3).count();
    let (answer, _) = miss_rate(beyond, series.len(), 1.0);
    let message = format!(
        "p99 {:.1} µs, {beyond} of {} windows beyond {limit_us} µs; at most 1 %",
        estimate.value / 1e3,
        series.len()
    );
    (answer, message)
}

/// Whether the kernels are slower than in the baseline, by more than `percent`.
fn against(run: &RunRecord, baseline: &[RunRecord], percent: f64) -> Vec<Finding> {
    let comparison = RunComparison::of(baseline, std::slice::from_ref(run));
    let slower: Vec<&str> =
        comparison.slower_than(percent).iter().map(|kernel| kernel.name.as_str()).collect();
    let unknown: Vec<&str> =
        comparison.undecidable().iter().map(|kernel| kernel.name.as_str()).collect();
    let mut findings: Vec<Finding> = comparison
        .kernels
        .iter()
        .map(|kernel| {
            let answer = match kernel.name.as_str() {
                name if slower.contains(&name) => CheckResult::Fail,
                name if unknown.contains(&name) => CheckResult::Undecided,
                _ => CheckResult::Pass,
            };
            let message = match kernel.kernel_p50 {
                Some(change) => format!(
                    "median {:+.1} % against {} baseline run{}; slower by at most {percent} %",
                    change.change_percent,
                    baseline.len(),
                    if baseline.len() == 1 { "" } else { "s" }
                ),
                None => format!("no median to compare; each run needs {LEAST_WINDOWS} windows"),
            };
            Finding { kernel: kernel.name.clone(), limit: "baseline", answer, message }
        })
        .collect();
    findings.extend(comparison.only_in_a.iter().map(|name| Finding {
        kernel: name.clone(),
        limit: "baseline",
        answer: CheckResult::Undecided,
        message: "only the baseline has it".to_owned(),
    }));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Exact bounds: 0 of 299 has a one-sided 95 % bound of 1 − 0.05^(1/299) = 0.997 %, 0 of 298 of
    /// 1.0003 %; 1 of 1 of 5 %.
    #[test]
    fn miss_rates_are_judged_by_exact_bounds() {
        let answer = |missed, measured, percent| miss_rate(missed, measured, percent).0;
        assert_eq!(answer(0, 299, 1.0), CheckResult::Pass);
        assert_eq!(answer(0, 298, 1.0), CheckResult::Undecided);
        assert_eq!(answer(20, 1000, 1.0), CheckResult::Fail);
        assert_eq!(answer(12, 1000, 1.0), CheckResult::Undecided);
        assert_eq!(answer(1000, 1000, 50.0), CheckResult::Fail);
        assert_eq!(answer(1, 1000, 0.0), CheckResult::Fail);
        assert_eq!(answer(0, 1000, 0.0), CheckResult::Pass);
        assert_eq!(answer(0, 99, 0.0), CheckResult::Undecided);
        assert_eq!(answer(0, 0, 50.0), CheckResult::Undecided);
        assert_eq!(answer(50, 50, 100.0), CheckResult::Pass);
    }
}
