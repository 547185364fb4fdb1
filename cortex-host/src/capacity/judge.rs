//! Whether a value held.
//!
//! On an emulated device the kernel's instructions are exact, and the slowest call must be over by
//! the deadline at so many instructions a second. Elsewhere deadlines count, in [`RUNS`] runs of the
//! full length:
//!
//! - a miss rate of more than 0 must lie above the upper bound of the rate of all of them
//!   ([`rate_bounds`]) and above the rate of each;
//! - with a miss rate of 0 no deadline may be missed, and the slowest window must leave so much time
//!   that the slowest of a further run also meets it. How far windows lie beyond the median
//!   has a heavy tail, here taken to be a power law of index α = 2: the slowest window of k runs has
//!   Fréchet's distribution with that index, and in a further run a window lies more than c times
//!   as far beyond the median with probability 1 / (1 + k c^α). A confidence C so needs
//!   c = (C / (1 − C) / k)^(1/α): 4.36 after one run, 2.52 after three for 95 %. The runs of all
//!   values count: [`Delays`].
//!
//! A short trial looks for too much work: that at most half of the deadlines are missed, or the
//! miss rate where that is more, and that the median leaves time for the delays that are known, if
//! the runs that are still to be made show no greater ones. One window that another program held up
//! is not too much work.

use cortex_core::math;

use super::search::Length;
use crate::results::{KernelSummary, KernelWindows, RunRecord, grouped, micros};
use crate::statistics::rate_bounds;

/// When a value holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Criterion {
    /// Most deadlines missed, in percent of the windows.
    pub miss_rate_percent: f64,
    /// Certainty, between 0.5 and 1.
    pub confidence: f64,
    /// How long a value must hold, in seconds.
    pub seconds: f64,
    /// Instructions per second of an emulated device; that of the emulator when none is given.
    pub instructions_per_s: Option<f64>,
}

impl Criterion {
    /// Instructions per second when the emulator takes `instruction_ns` for each.
    pub(super) fn rate(&self, instruction_ns: u64) -> f64 {
        self.instructions_per_s.unwrap_or(1e9 / instruction_ns.max(1) as f64)
    }
}

/// Runs of the full length for which a value must hold.
pub(super) const RUNS: u32 = 3;

/// Index of the tail of delays.
const TAIL_INDEX: f64 = 2.0;

/// Whether a run held, and why not.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judgement {
    pub(super) holds: bool,
    /// A sentence with the figures.
    pub(super) why: String,
}

impl Judgement {
    pub(super) fn no(why: String) -> Self {
        Self { holds: false, why }
    }
}

/// What runs of the full length have shown of how far windows lie beyond the median.
///
/// A delay up to the median can be the work's own, such as memory that others use too, and is in
/// proportion to it. A longer one may be other work that had the processor, which takes as long
/// at every value: it is taken to be as long at more work. At less work it is taken in proportion,
/// until runs there show a longer one: what kept a device that was near its limit says too
/// little of one that is far from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Delays {
    /// Of each run: the median and how far the slowest window lies beyond it, in microseconds.
    runs: Vec<(f64, f64)>,
}

impl Delays {
    pub(super) fn add(&mut self, seen: &[Seen]) {
        let slowest = seen.iter().max_by(|a, b| a.delay_us.total_cmp(&b.delay_us));
        self.runs.extend(slowest.map(|kernel| (kernel.median_us, kernel.delay_us)));
    }

    /// What a window of a further run whose median is `median_us` lies beyond it at most, with
    /// `confidence`, if `to_come` more runs show no greater delay; 0 as long as nothing is known.
    fn bound_us(&self, median_us: f64, confidence: f64, to_come: u32) -> f64 {
        let at_median = |&(median_then_us, delay_us): &(f64, f64)| {
            let as_long = delay_us > median_then_us && median_us > median_then_us;
            if as_long { delay_us } else { delay_us * median_us / median_then_us }
        };
        let most_us = self.runs.iter().map(at_median).fold(0.0, f64::max);
        let odds = confidence / (1.0 - confidence);
        let runs = self.runs.len().max(1) as f64 + f64::from(to_come);
        math::pow(odds / runs, 1.0 / TAIL_INDEX) * most_us
    }
}

/// What a run tells.
pub(super) enum Told {
    /// What no further run changes.
    Fact(Judgement),
    /// The kernels' deadlines.
    Deadlines(Vec<Seen>),
}

/// One kernel's deadlines in a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) missed: u64,
    pub(super) measured: u64,
    pub(super) median_us: f64,
    pub(super) slowest_us: f64,
    pub(super) deadline_us: f64,
    /// How far the slowest window that had not to wait for the one before it lies beyond the
    /// median.
    pub(super) delay_us: f64,
}

/// What `record` tells of its kernels; the first fact against one decides.
pub(super) fn told(record: &RunRecord, criterion: &Criterion) -> Told {
    let mut fact = Judgement::no("no kernel was run".to_owned());
    let mut seen = Vec::new();
    for kernel in &record.summary.kernels {
        match of_kernel(record, kernel, criterion) {
            Ok(deadlines) => seen.push(deadlines),
            Err(judgement) if judgement.holds => fact = judgement,
            Err(judgement) => return Told::Fact(judgement),
        }
    }
    if seen.is_empty() { Told::Fact(fact) } else { Told::Deadlines(seen) }
}

fn of_kernel(
    record: &RunRecord,
    kernel: &KernelSummary,
    criterion: &Criterion,
) -> Result<Seen, Judgement> {
    if let Some(error) = &kernel.error {
        return Err(Judgement::no(error.clone()));
    }
    let windows = kernel.windows;
    if windows.failed > 0 {
        let why = format!("{} windows failed", grouped(windows.failed as f64));
        return Err(Judgement::no(why));
    }
    let none = || Judgement::no("no window has a result".to_owned());
    let clock = record.summary.device_facts.as_ref().map(|facts| &facts.clock);
    if let Some(instruction_ns) = clock.and_then(|clock| clock.instruction_ns) {
        let counted = kernel.kernel_instructions.map(|latency| latency.max);
        let most = counted.or(kernel.seeded.as_ref().map(|seeded| seeded.kernel_max));
        let rate = criterion.rate(instruction_ns);
        return Err(by_instructions(most.ok_or_else(none)?, kernel.deadline_us, rate));
    }
    if let Some(seeded) = &kernel.seeded {
        let holds = seeded.kernel_max <= kernel.deadline_us;
        let (took, deadline) = (micros(seeded.kernel_max), micros(kernel.deadline_us));
        let why = format!("the slowest call took {took} µs of the deadline's {deadline} µs");
        return Err(Judgement { holds, why });
    }
    let latency = kernel.end_to_end_us.ok_or_else(none)?;
    let telemetry = record.kernels.iter().find(|known| known.name == kernel.name);
    let unhindered = telemetry.map_or(0.0, slowest_unhindered_us);
    Ok(Seen {
        missed: windows.deadline_missed,
        measured: windows.measured,
        median_us: latency.p50,
        slowest_us: latency.max,
        deadline_us: kernel.deadline_us,
        delay_us: (unhindered - latency.p50).max(0.0),
    })
}

/// The latency of the slowest window before which the device had nothing left to do, in
/// microseconds: others wait for those before them, which says nothing of what held them up.
fn slowest_unhindered_us(kernel: &KernelWindows) -> f64 {
    let mut free_ns = 0;
    let mut slowest_ns = 0;
    for window in &kernel.windows {
        let Some(latency_ns) = window.end_to_end_ns else { continue };
        if free_ns <= window.at_ns && !window.warmup {
            slowest_ns = slowest_ns.max(latency_ns);
        }
        free_ns = window.at_ns.saturating_add(latency_ns);
    }
    slowest_ns as f64 / 1e3
}

fn by_instructions(most: f64, deadline_us: f64, instructions_per_s: f64) -> Judgement {
    let budget = deadline_us * instructions_per_s / 1e6;
    Judgement {
        holds: most <= budget,
        why: format!(
            "the longest call takes {} instructions of the deadline's {}",
            grouped(most),
            grouped(budget)
        ),
    }
}

/// Judges the runs of one value, at least one, all of the same `length`: of a value that holds
/// as far as it was tried `holds` is true. The first kernel that does not hold decides.
pub(super) fn judge(
    runs: &[Vec<Seen>],
    criterion: &Criterion,
    length: Length,
    delays: &Delays,
) -> Judgement {
    let kernels = runs.first().map_or(0, Vec::len);
    let mut last = Judgement::no("no kernel was run".to_owned());
    for index in 0..kernels {
        let seen: Vec<Seen> = runs.iter().filter_map(|run| run.get(index).copied()).collect();
        last = judge_kernel(&seen, criterion, length, delays);
        if !last.holds {
            break;
        }
    }
    last
}

fn judge_kernel(
    runs: &[Seen],
    criterion: &Criterion,
    length: Length,
    delays: &Delays,
) -> Judgement {
    let missed = runs.iter().map(|run| run.missed).sum::<u64>();
    let measured = runs.iter().map(|run| run.measured).sum::<u64>();
    let most = |of: fn(&Seen) -> f64| runs.iter().map(of).fold(0.0, f64::max);
    let (median_us, deadline_us) = (most(|run| run.median_us), most(|run| run.deadline_us));
    let deadlines = format!(
        "{} of {} deadlines missed, slowest window {} of {} µs",
        grouped(missed as f64),
        grouped(measured as f64),
        micros(most(|run| run.slowest_us)),
        micros(deadline_us),
    );
    let limit = criterion.miss_rate_percent / 100.0;
    let worst_rate = most(|run| run.missed as f64 / run.measured.max(1) as f64);
    if length == Length::Short && worst_rate > limit.max(0.5) {
        return Judgement::no(deadlines);
    }
    // The best that may come of it: delays grow, so what does not hold then never will.
    let to_come = match length {
        Length::Short => RUNS,
        Length::Full => RUNS.saturating_sub(runs.len() as u32),
    };
    if limit > 0.0 {
        if length == Length::Short {
            return Judgement { holds: true, why: deadlines };
        }
        let runs_planned = runs.len() as u64 + u64::from(to_come);
        let planned = measured * runs_planned / runs.len().max(1) as u64;
        let (_, upper) = rate_bounds(missed, measured, criterion.confidence);
        // The best that may come of the runs that are still to be made.
        let (_, least_upper) = rate_bounds(missed, planned, criterion.confidence);
        return Judgement {
            holds: worst_rate <= limit && least_upper <= limit,
            why: format!("{deadlines}, a rate of at most {:.3} %", upper * 100.0),
        };
    }
    if length == Length::Full && missed > 0 {
        return Judgement::no(deadlines);
    }
    let reach_us = median_us + delays.bound_us(median_us, criterion.confidence, to_come);
    let expected =
        format!("{deadlines}, {} µs expected of a further run at most", micros(reach_us));
    let why = if delays.runs.is_empty() { deadlines } else { expected };
    Judgement { holds: reach_us <= deadline_us, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SplitMix64;

    const CRITERION: Criterion = Criterion {
        miss_rate_percent: 0.0,
        confidence: 0.95,
        seconds: 60.0,
        instructions_per_s: None,
    };

    fn seen(missed: u64, median_us: f64, delay_us: f64) -> Vec<Seen> {
        vec![Seen {
            missed,
            measured: 1000,
            median_us,
            slowest_us: median_us + delay_us,
            deadline_us: 1000.0,
            delay_us,
        }]
    }

    /// A further run stays within the bound with the confidence that was asked for, whatever
    /// number of runs was before it: of 20,000 draws from the law a share of 0.95 ± 0.005, five
    /// standard errors of 0.0015 and more.
    #[test]
    fn the_bound_of_delays_has_its_confidence() {
        let mut random = SplitMix64(1);
        let mut frechet = || math::pow(-math::ln(random.unit()), -1.0 / TAIL_INDEX);
        for runs in [1, 3, 7] {
            let mut within = 0;
            for _ in 0..20_000 {
                let mut delays = Delays::default();
                for _ in 0..runs {
                    delays.add(&seen(0, 1.0, frechet()));
                }
                within += u32::from(frechet() <= delays.bound_us(1.0, 0.95, 0));
            }
            let share = f64::from(within) / 20_000.0;
            assert!((share - 0.95).abs() < 0.008, "{runs} runs: {share}");
        }
    }

    #[test]
    fn delays_that_are_known_count_at_every_value() {
        let mut delays = Delays::default();
        let short = [seen(100, 900.0, 20.0)];
        // Nothing is known, and only one in ten was late.
        assert!(judge(&short, &CRITERION, Length::Short, &delays).holds);
        // A run of the full length: 50 µs late at most, so after three more 2.18 · 50 = 109 µs in a
        // further one.
        delays.add(&seen(0, 900.0, 50.0));
        let judged = judge(&short, &CRITERION, Length::Short, &delays);
        assert!(!judged.holds && judged.why.contains("009 µs expected"), "{}", judged.why);
        assert!(judge(&[seen(0, 890.0, 0.0)], &CRITERION, Length::Short, &delays).holds);
        // A first of three runs holds if two more as good would do: 2.52 · 50 / 900 of the median.
        let first =
            |median_us| judge(&[seen(0, median_us, 50.0)], &CRITERION, Length::Full, &delays);
        assert!(first(877.0).holds && !first(878.0).holds);
        assert!(!judge(&[seen(1, 1.0, 1.0)], &CRITERION, Length::Full, &delays).holds);
    }

    /// At less work a delay is in proportion: 100 of 900 are 10 of 90. At more work one up to the
    /// median is, and a longer one is as long.
    #[test]
    fn delays_are_told_from_one_amount_of_work_to_another() {
        let of = |delay_us: f64, median_us: f64| {
            let mut delays = Delays::default();
            delays.add(&seen(0, 900.0, delay_us));
            // At even odds the bound after one run is the longest delay.
            delays.bound_us(median_us, 0.5, 0)
        };
        for (delay_us, median_us, expected_us) in [
            (100.0, 90.0, 10.0),
            (1800.0, 90.0, 180.0),
            (100.0, 1800.0, 200.0),
            (1800.0, 1800.0, 1800.0),
        ] {
            assert!((of(delay_us, median_us) - expected_us).abs() < 1e-9, "{delay_us} {median_us}");
        }
    }

    /// With a rate of 1 %, 3 of 3,000 bound it by 0.26 %; but 11 of 1,000 in one run are too many,
    /// and so are 6 of 1,000 when even none in 2,000 more would leave a bound of 0.6 %.
    #[test]
    fn a_rate_is_bounded_by_all_runs_and_kept_by_each() {
        let of = |missed: &[u64], percent: f64| {
            let runs: Vec<Vec<Seen>> = missed.iter().map(|m| seen(*m, 1.0, 0.0)).collect();
            let criterion = Criterion { miss_rate_percent: percent, ..CRITERION };
            judge(&runs, &criterion, Length::Full, &Delays::default()).holds
        };
        assert!(of(&[1, 1, 1], 1.0) && !of(&[11, 0, 0], 1.0));
        assert!(!of(&[6], 0.5) && of(&[1], 0.5));
    }

    /// A window that waits for the one before it says nothing of what delays windows.
    #[test]
    fn a_backlog_is_no_delay() {
        let window = |at_ms: u64, took_ms: u64| crate::results::Window {
            at_ns: at_ms * 1_000_000,
            kernel_ns: Some(1),
            end_to_end_ns: Some(took_ms * 1_000_000),
            deadline_missed: false,
            warmup: false,
            instructions: None,
            label: None,
        };
        let windows = vec![window(0, 9), window(10, 13), window(20, 25), window(50, 9)];
        let kernel = KernelWindows { windows, ..KernelWindows::default() };
        assert_eq!(slowest_unhindered_us(&kernel), 13_000.0);
    }
}
