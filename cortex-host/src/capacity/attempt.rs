//! One run of a search.

use super::answer::{Quantity, Trial};
use super::judge::{Criterion, Judgement, RUNS, Told, told};
use super::search::Length;
use crate::base::{ExitCode, Failure, Level, Observer, Progress};
use crate::compare::LEAST_WITHOUT_MISS;
use crate::plan::Plan;
use crate::report::SweepRow;
use crate::results::RunStatus;
use crate::run::Options;
use crate::statistics::least_without;
use crate::sweep::{Ran, Series};

/// A short trial is this part of the full length ...
const SHORT: f64 = 30.0;

/// ... but has at least so many windows.
const LEAST_SHORT_WINDOWS: u64 = 20;

/// Runs of a value on an emulated board that is lost, which only a busy machine brings about.
const MOST_ATTEMPTS: u32 = 3;

/// Most repeats of a run.
const MOST_REPEATS: u64 = 10_000;

/// One value tried on one kernel.
pub(super) struct Attempt<'a> {
    pub(super) series: &'a Series,
    pub(super) quantity: Quantity,
    pub(super) kernel: &'a str,
    pub(super) criterion: &'a Criterion,
    pub(super) emulated: bool,
}

/// A run of an [`Attempt`].
pub(super) struct Made {
    pub(super) told: Told,
    /// The run's folder within the series'; none when the value was refused.
    pub(super) run: Option<String>,
    /// Whether it was there before.
    pub(super) before: bool,
    pub(super) rows: Vec<SweepRow>,
}

impl Attempt<'_> {
    /// Makes the run number `nth` of `value`, or reads it. What cannot be planned, or does not fit
    /// the device, does not hold; but when it is the `first`, the configuration as it stands, that
    /// is an error.
    pub(super) fn run(
        &self,
        value: u64,
        length: Length,
        nth: u32,
        first: bool,
        options: &Options,
        observer: &dyn Observer,
    ) -> Result<Made, Failure> {
        let refused = |failure: Failure| Made {
            told: Told::Fact(Judgement::no(failure.to_string())),
            run: None,
            before: false,
            rows: Vec::new(),
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
            point = self.series.point_again(&kernels, values, nth)?;
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
        let told = match record.summary.status {
            RunStatus::Running => {
                Told::Fact(Judgement::no("the run never said how it ended".to_owned()))
            }
            _ => told(record, self.criterion),
        };
        let shown = [(self.quantity.name().to_owned(), value.to_string())];
        Ok(Made {
            told,
            run: Some(record.summary.run_id.clone()),
            before: ran.before,
            rows: SweepRow::of(record, &shown, self.criterion.instructions_per_s),
        })
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

    pub(super) fn tell(&self, observer: &dyn Observer, trial: &Trial, nth: u32, before: bool) {
        let verdict = match (trial.holds, trial.full) {
            (true, true) if self.emulated || nth >= RUNS => "holds".to_owned(),
            (true, true) => format!("held in {nth} of {RUNS} runs"),
            (true, false) => "may hold".to_owned(),
            (false, _) => "does not hold".to_owned(),
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
