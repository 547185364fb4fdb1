//! How much a device can do: for each kernel of a configuration the most channels or taps, the
//! highest sample rate or the shortest hop that holds, and the next value that does not.
//!
//! Every candidate is a run of a [`Series`], so a search that was stopped goes on where it was.
//! Candidates are tried with short runs first; what is then said to hold was shown by three runs of
//! the full length. Datasets are gone through as often as that takes. What "holds" means is in
//! `judge`.

mod answer;
mod attempt;
mod evidence;
mod judge;
mod search;
#[cfg(test)]
mod simulated;

pub use answer::{Capacity, KernelCapacity, Quantity, SCHEMA_VERSION, Trial};
pub use search::{Found, Length, Range, search};

use self::attempt::Attempt;
use self::evidence::Evidence;
use self::judge::Judgement;
use crate::base::{Failure, Observer};
use crate::device::DeviceAddress;
use crate::plan::DatasetPlan;
use crate::report::SweepRow;
use crate::run::Options;
use crate::sweep::Series;
pub use judge::Criterion;

/// Between the value that holds and the one that does not, relative; emulated devices are exact, so
/// there they are neighbours.
const TOLERANCE: f64 = 0.02;

/// A search as far as it has come.
pub struct Progressed<'a> {
    /// What is known.
    pub capacity: &'a Capacity,
    /// The longest run of each value, for a chart.
    pub rows: &'a [SweepRow],
}

/// Searches for every kernel of the configuration, only those of `kernels` when there are any, and
/// tells `progressed` after each run.
///
/// # Errors
/// [`Failure`]: the configuration as it is cannot be carried out, a run could not be made, or it was
/// interrupted (exit code 130); the same call goes on from there.
pub fn capacity(
    series: &Series,
    quantity: Quantity,
    kernels: &[String],
    criterion: &Criterion,
    options: &Options,
    observer: &dyn Observer,
    mut progressed: impl FnMut(&Progressed<'_>) -> Result<(), Failure>,
) -> Result<Capacity, Failure> {
    let plan = series.point(kernels, Vec::new())?.plan;
    let recorded = matches!(plan.dataset, DatasetPlan::Static(_));
    if recorded && matches!(quantity, Quantity::Channels | Quantity::Rate) {
        return Err(Failure::usage(format!(
            "the dataset is a recording, whose {} cannot vary; use a generator such as \
             primitives/datasets/v1/synthetic",
            if quantity == Quantity::Rate { "sample rate" } else { "channels" }
        )));
    }
    let emulated = matches!(plan.device, DeviceAddress::Qemu { .. });
    if criterion.instructions_per_s.is_some() && !emulated {
        return Err(Failure::usage(format!(
            "--instructions-per-s is for an emulated board, but the device is {}; leave it out, or \
             add --device qemu:BOARD",
            plan.device
        )));
    }
    let mut answer = Capacity {
        schema_version: SCHEMA_VERSION,
        quantity,
        device: plan.device.to_string(),
        miss_rate_percent: criterion.miss_rate_percent,
        confidence: criterion.confidence,
        seconds: if emulated { 0.0 } else { criterion.seconds },
        instructions_per_s: emulated.then(|| criterion.rate(crate::device::qemu::INSTRUCTION_NS)),
        kernels: Vec::new(),
    };
    let mut rows = Vec::new();
    for (index, kernel) in plan.kernels.iter().enumerate() {
        if plan.kernels.iter().take(index).any(|before| before.name == kernel.name) {
            continue;
        }
        let Some(start) = quantity.value(&plan, index) else { continue };
        answer.kernels.push(KernelCapacity {
            kernel: kernel.name.clone(),
            holds: None,
            fails: None,
            limit: None,
            trials: Vec::new(),
        });
        let tolerance = if emulated { 0.0 } else { TOLERANCE };
        let of = Attempt { series, quantity, kernel: &kernel.name, criterion, emulated };
        let mut evidence = Evidence::default();
        let trial = |value: u64, length: Length| {
            // An emulated board tells the same however long it is asked.
            let length = if emulated { Length::Full } else { length };
            loop {
                let known = evidence.judged(value, length, criterion);
                if let Some(judgement) = known {
                    let full = length == Length::Full;
                    return Ok::<bool, Failure>(answer.judged(value, full, judgement));
                }
                let nth = evidence.runs(value, length) + 1;
                let first = evidence.is_empty();
                let made = of.run(value, length, nth, first, options, observer)?;
                let judgement = evidence.add(value, length, made.told, criterion);
                let trial = Trial {
                    value,
                    full: length == Length::Full,
                    holds: judgement.holds,
                    why: judgement.why,
                    run: made.run,
                };
                of.tell(observer, &trial, nth, made.before);
                if let Some(kernel) = answer.kernels.last_mut() {
                    kernel.trials.push(trial);
                }
                // The last run of a value is the longest.
                rows.retain(|row: &SweepRow| !made.rows.iter().any(|new| same_point(row, new)));
                rows.extend(made.rows);
                progressed(&Progressed { capacity: &answer, rows: &rows })?;
            }
        };
        let found = search(quantity.range(kernel), start, tolerance, trial)?;
        if let Some(kernel) = answer.kernels.last_mut() {
            let failed = |trial: &&Trial| !trial.holds && Some(trial.value) == found.fails;
            kernel.limit = kernel.trials.iter().rev().find(failed).map(|trial| trial.why.clone());
            (kernel.holds, kernel.fails) = (found.holds, found.fails);
        }
        progressed(&Progressed { capacity: &answer, rows: &rows })?;
    }
    if answer.kernels.is_empty() {
        return Err(Failure::usage(format!(
            "no kernel of this configuration has {}; add one that has, such as bandpass_fir",
            quantity.name()
        )));
    }
    Ok(answer)
}

fn same_point(a: &SweepRow, b: &SweepRow) -> bool {
    a.kernel == b.kernel && a.values == b.values
}

impl Capacity {
    /// Writes what is known now to the last trial of `value` of the kernel that is searched, and
    /// says whether it holds.
    fn judged(&mut self, value: u64, full: bool, judgement: Judgement) -> bool {
        let trials = self.kernels.last_mut().map(|kernel| kernel.trials.iter_mut().rev());
        let of = |trial: &&mut Trial| trial.value == value && trial.full == full;
        if let Some(trial) = trials.into_iter().flatten().find(of) {
            (trial.holds, trial.why) = (judgement.holds, judgement.why);
        }
        judgement.holds
    }
}
