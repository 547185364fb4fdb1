//! Whether a run held.
//!
//! On an emulated device the kernel's instructions are exact, and the slowest call must be over by
//! the deadline at so many instructions a second. Elsewhere deadlines count:
//!
//! - a miss rate of more than 0 must lie above the upper bound of the run's rate
//!   ([`rate_bounds`]);
//! - with a miss rate of 0 no deadline may be missed, and the slowest window must leave so much time
//!   that the slowest of a further run as long also meets it. How far windows lie beyond the median
//!   has a heavy tail, here taken to be a power law of index α = 3: the excess of the slowest
//!   window of a run has Fréchet's distribution with that index, and in a further run it is more than
//!   c times as great with probability 1 / (1 + c^α). A confidence C so needs
//!   c = (C / (1 − C))^(1/α): 2.67 for 95 %.
//!
//! A short trial only looks for too much work: that at most half of the deadlines are missed, or the
//! miss rate where that is more. One window that another program held up is not too much work.

use cortex_core::math;

use super::search::Length;
use crate::results::{KernelSummary, RunRecord, grouped, micros};
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

/// Index of the tail of latencies.
const TAIL_INDEX: f64 = 3.0;

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

/// Judges every kernel of `record`; the first that does not hold decides.
pub(super) fn judge(record: &RunRecord, criterion: &Criterion, length: Length) -> Judgement {
    let mut last = Judgement::no("no kernel was run".to_owned());
    for kernel in &record.summary.kernels {
        last = match &kernel.error {
            Some(error) => Judgement::no(error.clone()),
            None => of_kernel(record, kernel, criterion, length),
        };
        if !last.holds {
            break;
        }
    }
    last
}

fn of_kernel(
    record: &RunRecord,
    kernel: &KernelSummary,
    criterion: &Criterion,
    length: Length,
) -> Judgement {
    let windows = kernel.windows;
    if windows.failed > 0 {
        return Judgement::no(format!("{} windows failed", grouped(windows.failed as f64)));
    }
    let clock = record.summary.device_facts.as_ref().map(|facts| &facts.clock);
    if let Some(instruction_ns) = clock.and_then(|clock| clock.instruction_ns) {
        let counted = kernel.kernel_instructions.map(|latency| latency.max);
        let Some(most) = counted.or(kernel.seeded.as_ref().map(|seeded| seeded.kernel_max)) else {
            return Judgement::no("no window has a result".to_owned());
        };
        return by_instructions(most, kernel.deadline_us, criterion.rate(instruction_ns));
    }
    if let Some(seeded) = &kernel.seeded {
        let holds = seeded.kernel_max <= kernel.deadline_us;
        let (took, deadline) = (micros(seeded.kernel_max), micros(kernel.deadline_us));
        let why = format!("the slowest call took {took} µs of the deadline's {deadline} µs");
        return Judgement { holds, why };
    }
    let Some(latency) = kernel.end_to_end_us else {
        return Judgement::no("no window has a result".to_owned());
    };
    let (missed, measured) = (windows.deadline_missed, windows.measured);
    let deadlines = format!(
        "{} of {} deadlines missed, slowest window {} of {} µs",
        grouped(missed as f64),
        grouped(measured as f64),
        micros(latency.max),
        micros(kernel.deadline_us),
    );
    let limit = criterion.miss_rate_percent / 100.0;
    if length == Length::Short {
        let rate = missed as f64 / measured.max(1) as f64;
        return Judgement { holds: rate <= limit.max(0.5), why: deadlines };
    }
    if limit > 0.0 {
        let (_, upper) = rate_bounds(missed, measured, criterion.confidence);
        return Judgement {
            holds: upper <= limit,
            why: format!("{deadlines}, a rate of at most {:.3} %", upper * 100.0),
        };
    }
    if missed > 0 {
        return Judgement::no(deadlines);
    }
    let share = criterion.confidence / (1.0 - criterion.confidence);
    let reach = latency.p50 + math::pow(share, 1.0 / TAIL_INDEX) * (latency.max - latency.p50);
    Judgement {
        holds: reach <= kernel.deadline_us,
        why: format!("{deadlines}, {} µs expected of a further run at most", micros(reach)),
    }
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
