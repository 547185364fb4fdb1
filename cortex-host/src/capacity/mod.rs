//! How much a device can do: for each kernel of a configuration the most channels or taps, the
//! highest sample rate or the shortest hop that holds, and the next value that does not.
//!
//! Every candidate is a run of a [`Series`], so a search that was stopped goes on where it was.
//! Candidates are tried with short runs first; what is then said to hold was shown by a run of the
//! full length. Datasets are gone through as often as that takes. What "holds" means is in
//! `judge`.

mod judge;
mod search;

use cortex_core::kernel::{MAX_CHANNELS, MAX_SAMPLE_RATE_HZ};
use serde::Serialize;

pub use search::{Found, Length, Range, search};

use crate::base::{ExitCode, Failure, Level, Observer, Progress};
use crate::compare::LEAST_WITHOUT_MISS;
use crate::config::{Node, Value};
use crate::device::DeviceAddress;
use crate::plan::{DatasetPlan, KernelPlan, Plan};
use crate::report::SweepRow;
use crate::results::RunStatus;
use crate::run::Options;
use crate::statistics::least_without;
use crate::sweep::{Ran, Series};
pub use judge::Criterion;
use judge::{Judgement, judge};

/// Version of the layout of `capacity.json`.
pub const SCHEMA_VERSION: u32 = 1;

/// Between the value that holds and the one that does not, relative; emulated devices are exact, so
/// there they are neighbours.
const TOLERANCE: f64 = 0.02;

/// A short trial is this part of the full length ...
const SHORT: f64 = 30.0;

/// ... but has at least so many windows.
const LEAST_SHORT_WINDOWS: u64 = 20;

/// Runs of a value on an emulated board that is lost, which only a busy machine brings about.
const MOST_ATTEMPTS: u32 = 3;

/// Most repeats of a run.
const MOST_REPEATS: u64 = 10_000;

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
    /// Whether it held.
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
/// interrupted ([`ExitCode::Interrupted`]); the same call goes on from there.
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
        let trial = |value: u64, length: Length| {
            let full = emulated || length == Length::Full;
            let before = answer.kernels.last().and_then(|kernel| {
                kernel.trials.iter().find(|trial| trial.value == value && trial.full == full)
            });
            if let Some(before) = before {
                return Ok::<bool, Failure>(before.holds);
            }
            let length = if full { Length::Full } else { Length::Short };
            let of = Attempt { series, quantity, kernel: &kernel.name, criterion, emulated };
            let first = answer.kernels.last().is_none_or(|kernel| kernel.trials.is_empty());
            let (trial, run_rows) = of.run(value, length, first, options, observer)?;
            let holds = trial.holds;
            if let Some(kernel) = answer.kernels.last_mut() {
                kernel.trials.push(trial);
            }
            // The last run of a value is the longest.
            rows.retain(|row: &SweepRow| !run_rows.iter().any(|new| same_point(row, new)));
            rows.extend(run_rows);
            progressed(&Progressed { capacity: &answer, rows: &rows })?;
            Ok(holds)
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

/// One value tried on one kernel.
struct Attempt<'a> {
    series: &'a Series,
    quantity: Quantity,
    kernel: &'a str,
    criterion: &'a Criterion,
    emulated: bool,
}

impl Attempt<'_> {
    /// Makes the run, or reads it. What cannot be planned, or does not fit the device, does not
    /// hold; but when it is the `first`, the configuration as it stands, that is an error.
    fn run(
        &self,
        value: u64,
        length: Length,
        first: bool,
        options: &Options,
        observer: &dyn Observer,
    ) -> Result<(Trial, Vec<SweepRow>), Failure> {
        let refused = |failure: Failure| {
            let trial = Trial {
                value,
                full: length == Length::Full,
                holds: false,
                why: failure.to_string(),
                run: None,
            };
            self.tell(observer, &trial, false);
            (trial, Vec::new())
        };
        let kernels = [self.kernel.to_owned()];
        let mut values = vec![(self.quantity.key(self.kernel), value.to_string())];
        let mut point = match self.series.point(&kernels, values.clone()) {
            Ok(point) => point,
            Err(failure) if first => return Err(failure),
            Err(failure) => return Ok(refused(failure)),
        };
        if !self.emulated {
            let repeats = self.repeats(&point.plan, length)?;
            values.push(("execution.repeat_count".to_owned(), repeats.to_string()));
            point = self.series.point(&kernels, values)?;
        }
        let mut attempts = 0;
        let ran = loop {
            attempts += 1;
            match point.run(options, &Warnings(observer)) {
                Err(failure) if failure.is_of_too_much() => return Ok(refused(failure)),
                // A run that broke off is made anew.
                ran if self.lost_emulator(&ran) && attempts < MOST_ATTEMPTS => {}
                ran => break ran?,
            }
        };
        let record = &ran.record;
        match (ran.code(), &ran.failure) {
            (ExitCode::Interrupted, _) => {
                return Err(Failure::new(ExitCode::Interrupted, "interrupted"));
            }
            // A run that broke off; failed windows are judged.
            (ExitCode::Device | ExitCode::InputOutput, Some(failure)) => {
                return Err(failure.clone());
            }
            _ => {}
        }
        let Judgement { holds, why } = match record.summary.status {
            RunStatus::Running => Judgement::no("the run never said how it ended".to_owned()),
            _ => judge(record, self.criterion, length),
        };
        let run = Some(record.summary.run_id.clone());
        let trial = Trial { value, full: length == Length::Full, holds, why, run };
        self.tell(observer, &trial, ran.before);
        let shown = [(self.quantity.name().to_owned(), value.to_string())];
        Ok((trial, SweepRow::of(record, &shown, self.criterion.instructions_per_s)))
    }

    /// Whether an emulated board was lost, which can be started again.
    fn lost_emulator(&self, ran: &Result<Ran, Failure>) -> bool {
        let code = ran.as_ref().map_or_else(Failure::code, Ran::code);
        self.emulated && code == ExitCode::Device
    }

    /// How often the data are gone through.
    fn repeats(&self, plan: &Plan, length: Length) -> Result<u64, Failure> {
        let Some(kernel) = plan.kernels.first() else { return Ok(1) };
        let period_s = kernel.hop as f64 / plan.dataset.sample_rate_hz();
        let warmup = plan.execution.warmup_windows;
        let measured = plan.windows_per_repeat(kernel).saturating_sub(warmup).max(1);
        let criterion = self.criterion;
        let least = match criterion.miss_rate_percent {
            percent if percent > 0.0 => least_without(percent / 100.0, criterion.confidence),
            _ => LEAST_WITHOUT_MISS as u64,
        };
        let windows = |seconds: f64| (seconds / period_s).ceil() as u64;
        let full = windows(criterion.seconds).max(least);
        let wanted = match length {
            Length::Full => full,
            Length::Short => full.min(windows(criterion.seconds / SHORT).max(LEAST_SHORT_WINDOWS)),
        };
        let repeats = wanted.div_ceil(measured);
        if repeats > MOST_REPEATS {
            return Err(Failure::usage(format!(
                "{wanted} windows of {} need {repeats} repeats of the data, and a run has at most \
                 {MOST_REPEATS}; lengthen dataset.params.duration_s or shorten --seconds",
                self.kernel
            )));
        }
        Ok(repeats)
    }

    fn tell(&self, observer: &dyn Observer, trial: &Trial, before: bool) {
        let verdict = match (trial.holds, trial.full) {
            (true, true) => "holds",
            (true, false) => "may hold",
            (false, _) => "does not hold",
        };
        let (kernel, value, name) = (self.kernel, trial.value, self.quantity.name());
        let before = if before { "; run before" } else { "" };
        let text = format!("{kernel}, {name} {value}: {verdict} ({}{before})", trial.why);
        observer.message(Level::Info, &text);
    }
}

/// Hears of a run what may spoil it, and how far it is; the rest is said trial by trial.
struct Warnings<'a>(&'a dyn Observer);

impl Observer for Warnings<'_> {
    fn message(&self, level: Level, text: &str) {
        if level == Level::Warning {
            self.0.message(level, text);
        }
    }

    fn step(&self, progress: &Progress, label: &str, total: u64) -> Progress {
        self.0.step(progress, label, total)
    }
}
