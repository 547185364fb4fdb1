//! Carrying a plan out: device, data, kernels, one results folder.
//!
//! [`run`] is what `cortex-host run` calls, and what any other program may call: it prints nothing
//! and asks nobody. Everything that can be refused is refused before the run's folder is made; from
//! then on whatever happens, the windows up to there are kept and `summary.json` says how it ended.

mod built;
mod data;
mod kernel_job;
mod kernels;
mod line_rate;
mod own;
mod record;
mod seeded;
mod target;
mod training;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;

pub use crate::device::OpenOptions as Options;
pub(crate) use kernels::output_sizes;

use crate::base::{ExitCode, Failure, Observer};
use crate::harness::{Device, InSteps};
use crate::plan::Plan;
use crate::results::{RunFolder, RunStatus, Summary};
use record::{Run, first_summary};
use target::Target;

pub use training::{Trained, train};

/// A run that left a results folder.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The folder.
    pub folder: PathBuf,
    /// What its `summary.json` says.
    pub summary: Summary,
    /// What broke the run off, or is wrong with its windows.
    pub failure: Option<Failure>,
}

impl Outcome {
    /// The exit code of a command that did nothing but this run.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        match (&self.failure, self.summary.status) {
            (Some(failure), _) => failure.code(),
            (None, RunStatus::Interrupted) => ExitCode::Interrupted,
            (None, _) => ExitCode::Success,
        }
    }
}

/// Opens kernel `index` of `plan` on this computer, without data and without a folder.
///
/// # Errors
/// [`Failure`]: the kernel cannot be built or loaded.
///
/// # Panics
/// When there is no such kernel.
pub fn open_kernel(plan: &Plan, index: usize) -> Result<Box<dyn Device>, Failure> {
    let kernel = &plan.kernels[index];
    let built = built::build_one(plan, kernel, kernel.name.clone())?;
    let device = own::open(&built, &plan.realtime)
        .map_err(|refusal| Failure::usage(format!("kernel {}: {refusal}", kernel.name)))?;
    Ok(match built.fixed_point() {
        Some((format, output)) => Box::new(InSteps::new(device, format, output)),
        None => device,
    })
}

/// Carries `plan` out and leaves a results folder with telemetry, summary and report.
///
/// `options` say what lies between this program and a device, and hold the progress that cancels
/// the run: the windows up to then are kept. `observer` is told of what happens; `&()` hears
/// nothing.
///
/// # Errors
/// [`Failure`] when nothing was run: a kernel cannot be built, the device cannot be reached or was
/// lost before its first window, the data cannot be had, the folder cannot be written. A run that
/// broke off later is an [`Outcome`] with a `failure`.
pub fn run(plan: &Plan, options: &Options, observer: &dyn Observer) -> Result<Outcome, Failure> {
    let kernels = built::build(plan)?;
    let target = Target::open(plan, &kernels, options, observer)?;
    let (started, start) = (Timestamp::now(), Instant::now());
    let folder = match &plan.output.name {
        Some(name) => RunFolder::create_named(&plan.output.directory, name)?,
        None => RunFolder::create(&plan.output.directory, started)?,
    };
    let mut data = match data::prepare(plan, &folder, &options.progress, observer) {
        Ok(data) => data,
        Err(failure) => {
            folder.discard();
            return Err(failure);
        }
    };
    let mut summary = first_summary(plan, &folder, &data, started);
    summary.faults = options.fault.map(|(spec, seed)| format!("{spec}, seed {seed}"));
    if let Target::Linked(linked) = &target {
        summary.device_facts = Some(linked.facts.clone());
    }
    let labels = data.labels.take().map(Arc::new);
    let progress = &options.progress;
    let mut run = Run { plan, progress, observer, folder, summary, labels, start };
    run.folder.write_text("config.yaml", &plan.config_text)?;
    run.save()?;

    run.say("Running harness...");
    let ending = kernels::run_all(&mut run, kernels, target, data);
    if let Err(failure) = &ending
        && failure.code() == ExitCode::Device
        && run.summary.kernels.iter().all(|kernel| kernel.windows.run == 0)
    {
        // The device was lost before its first window: there is nothing to keep.
        run.folder.discard();
        return Err(failure.clone());
    }
    let failure = run.conclude(ending)?;
    Ok(Outcome { folder: run.folder.path().to_owned(), summary: run.summary, failure })
}
