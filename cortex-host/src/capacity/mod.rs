//! How much a device can do: for each kernel of a configuration the most channels or taps, the
//! highest sample rate or the shortest hop that holds, and the next value that does not.
//!
//! Every candidate is a run of a [`Series`], so a search that was stopped goes on where it was.
//! Candidates are tried with short runs first; what is then said to hold was shown by three runs of
//! the full length. Datasets are gone through as often as that takes. What "holds" means is in
//! `judge`.

mod attempt;
mod evidence;
mod judge;
mod search;

use cortex_core::kernel::{MAX_CHANNELS, MAX_SAMPLE_RATE_HZ};
use serde::Serialize;

pub use search::{Found, Length, Range, search};

use self::attempt::Attempt;
use self::evidence::Evidence;
use self::judge::Judgement;
use crate::base::{Failure, Observer};
use crate::config::{Node, Value};
use crate::device::DeviceAddress;
use crate::plan::{DatasetPlan, KernelPlan, Plan};
use crate::report::SweepRow;
use crate::run::Options;
use crate::sweep::Series;
pub use judge::Criterion;

/// Version of the layout of `capacity.json`.
pub const SCHEMA_VERSION: u32 = 1;

/// Between the value that holds and the one that does not, relative; emulated devices are exact, so
/// there they are neighbours.
const TOLERANCE: f64 = 0.02;

/// What is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantity {
    /// The most channels.
    Channels,
    /// The shortest hop, in samples.
    Hop,
    /// The highest sample rate, in whole Hz; window and hop keep their samples.
    Rate,
    /// The most taps.
    Taps,
}

/// One run of the search.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct Trial {
    /// The value that was tried.
    pub value: u64,
    /// Whether it was tried for the full length.
    pub full: bool,
    /// Whether the value held, as far as it was tried by then.
    pub holds: bool,
    /// The figures, or why nothing could be run.
    pub why: String,
    /// The run's folder within the series'; none when the value was refused.
    pub run: Option<String>,
}

/// What was found for one kernel.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct KernelCapacity {
    /// The kernel's name in the configuration.
    pub kernel: String,
    /// The hardest value that holds; null when not even the easiest does.
    pub holds: Option<u64>,
    /// The nearest value that does not hold; null when the hardest that a configuration may have
    /// does.
    pub fails: Option<u64>,
    /// Why that does not hold.
    pub limit: Option<String>,
    /// Every run, in the order in which they were made.
    pub trials: Vec<Trial>,
}

/// `capacity.json`.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct Capacity {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What was sought.
    pub quantity: Quantity,
    /// The device.
    pub device: String,
    /// Most deadlines missed, in percent.
    pub miss_rate_percent: f64,
    /// Confidence of the answer, 0.5 to 1.
    pub confidence: f64,
    /// How long a value had to hold, in seconds; 0 on an emulated device, where every run tells
    /// the same.
    pub seconds: f64,
    /// Instructions per second that an emulated device was taken to run.
    pub instructions_per_s: Option<f64>,
    /// One entry for each kernel.
    pub kernels: Vec<KernelCapacity>,
}

/// A search as far as it has come.
pub struct Progressed<'a> {
    /// What is known.
    pub capacity: &'a Capacity,
    /// The longest run of each value, for a chart.
    pub rows: &'a [SweepRow],
}

impl Quantity {
    /// All of them.
    pub const ALL: [Quantity; 4] =
        [Quantity::Channels, Quantity::Hop, Quantity::Rate, Quantity::Taps];

    /// The spelling on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Quantity::Channels => "channels",
            Quantity::Hop => "hop",
            Quantity::Rate => "rate",
            Quantity::Taps => "taps",
        }
    }

    /// The configuration's key of it for a kernel.
    fn key(self, kernel: &str) -> String {
        match self {
            Quantity::Channels => "dataset.channels".to_owned(),
            Quantity::Rate => "dataset.sample_rate_hz".to_owned(),
            Quantity::Hop => format!("kernels.{kernel}.hop"),
            Quantity::Taps => format!("kernels.{kernel}.taps"),
        }
    }

    /// The values there are for `kernel`.
    fn range(self, kernel: &KernelPlan) -> Range {
        match self {
            Quantity::Channels => Range { easiest: 1, hardest: MAX_CHANNELS as u64 },
            Quantity::Rate => Range { easiest: 1, hardest: MAX_SAMPLE_RATE_HZ as u64 },
            Quantity::Hop => Range { easiest: kernel.window as u64, hardest: 1 },
            // What a kernel refuses, it refuses when it is planned.
            Quantity::Taps => Range { easiest: 1, hardest: 1 << 20 },
        }
    }

    /// The value in the configuration for kernel `index`; none when it has no such parameter.
    fn value(self, plan: &Plan, index: usize) -> Option<u64> {
        match self {
            Quantity::Channels => Some(plan.dataset.channels() as u64),
            Quantity::Rate => Some(plan.dataset.sample_rate_hz().round().max(1.0) as u64),
            Quantity::Hop => plan.kernels.get(index).map(|kernel| kernel.hop as u64),
            Quantity::Taps => {
                let config = Node::parse(&plan.config_text).ok()?;
                let Value::List(kernels) = &config.entry("kernels")?.node.value else {
                    return None;
                };
                let params = &kernels.get(index)?.entry("params")?.node;
                match params.entry("taps")?.node.value {
                    Value::Integer(taps) => u64::try_from(taps).ok(),
                    _ => None,
                }
            }
        }
    }
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
