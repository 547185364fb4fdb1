//! The kernels of a run, one after another, each on a measuring thread of its own.

use std::panic::resume_unwind;
use std::thread;

use cortex_core::kernel::Output;

use super::built::BuiltKernel;
use super::data::Data;
use super::kernel_job::kernel_job;
use super::own;
use super::record::Run;
use super::seeded;
use super::target::Target;
use crate::base::{Failure, Level, Progress};
use crate::device::{Connection, DeviceClock, LinkError};
use crate::foreign::Refusal;
use crate::harness::{
    AppliedRealtime, Device, Ending, InSteps, KernelRun, KernelRunError, LinkDevice, Monotonic,
    Pace, SampleFile, apply_realtime, run_windows,
};
use crate::plan::{DatasetPlan, KernelSource, Plan, Transfer};
use crate::results::{
    FixedPointFacts, KernelSummary, OUTPUTS_NAME, OutputCheck, OutputsFile, OwnKernel,
    TelemetrySettings, TelemetryWriter, terminal_line,
};

/// Runs all kernels over the data; each one's summary is added to `run` when it has ended.
pub(super) fn run_all(
    run: &mut Run<'_>,
    kernels: Vec<BuiltKernel>,
    mut target: Target,
    mut data: Data,
) -> Result<Ending, Failure> {
    let plan = run.plan;
    if plan.execution.pace == Pace::Realtime && plan.transfer == Transfer::Streamed {
        let data_s = plan.samples_per_repeat() as f64 / plan.dataset.sample_rate_hz();
        let repeats = f64::from(plan.execution.repeat_count);
        let total_s = data_s * repeats * kernels.len() as f64;
        run.observer
            .message(Level::Info, &format!("At the data's own pace this takes {total_s:.0} s"));
    }
    for (number, built) in kernels.into_iter().enumerate() {
        let samples = &mut data.samples;
        let ended = match &mut target {
            Target::Native => natively(run, built, samples),
            Target::Linked(linked) => {
                let refusal = linked.refusals.get(number).cloned().flatten();
                let ended = match (refusal, plan.transfer, &plan.dataset) {
                    (Some(refusal), _, _) => {
                        run.add(KernelSummary::not_run(&built.kernel_run, refusal))?;
                        Ok(Ending::Complete)
                    }
                    (None, Transfer::Seeded, DatasetPlan::Generated(dataset)) => {
                        let (summary, ending) = seeded::run_kernel(
                            run,
                            &built,
                            dataset,
                            &mut linked.connection,
                            samples,
                        )?;
                        run.say(&terminal_line(&summary));
                        run.add(summary)?;
                        Ok(ending)
                    }
                    (None, _, _) => stream(run, &built, &mut linked.connection, samples),
                };
                run.summary.link = Some(linked.figures(&run.summary));
                run.save()?;
                ended
            }
        };
        if ended? == Ending::Interrupted {
            return Ok(Ending::Interrupted);
        }
        if matches!(plan.dataset, DatasetPlan::Static(_)) {
            data.samples.check_unchanged()?;
        }
    }
    target.close();
    Ok(Ending::Complete)
}

/// Runs one kernel on this computer. One of the user's own may be lost: it ends by name, and the next
/// one follows.
fn natively(
    run: &mut Run<'_>,
    built: BuiltKernel,
    samples: &mut SampleFile,
) -> Result<Ending, Failure> {
    let mut device = match own::open(&built, &run.plan.realtime) {
        Ok(device) => device,
        Err(refusal) => return refused(run, &built, refusal),
    };
    let kernel_run = &built.kernel_run;
    let (mut summary, ended) = run_one(run, &built, &mut *device, None, samples)?;
    let saturated = device.saturated_samples();
    summary.own = own::facts(&built.source, saturated);
    if let (Some(OwnKernel { scale_uv: Some(scale_uv), dtype, .. }), 1..) =
        (&summary.own, saturated)
    {
        run.warn(&format!(
            "{}: {saturated} samples lie beyond the range of {dtype} in steps of {scale_uv} µV and \
             were set to its end; set a larger scale_uv",
            kernel_run.name
        ));
    }
    let ended = match ended {
        Err(lost @ KernelRunError::KernelLost { .. }) => {
            summary.error = Some(lost.to_string());
            Ok(Ending::Complete)
        }
        ended => {
            // What the first window that failed was about, in the kernel's own words.
            summary.error = device.loss().filter(|_| summary.windows.failed > 0);
            ended
        }
    };
    run.say(&terminal_line(&summary));
    if let Some(error) = &summary.error {
        run.warn(&format!("{}: {error}", kernel_run.name));
    }
    run.add(summary)?;
    Ok(ended?)
}

/// Notes a kernel that cannot be opened on this computer; the next one follows.
fn refused(run: &mut Run<'_>, built: &BuiltKernel, refusal: Refusal) -> Result<Ending, Failure> {
    run.warn(&format!("{} will not run: {refusal}", built.kernel_run.name));
    let not_run = KernelSummary::not_run(&built.kernel_run, refusal.message);
    run.add(KernelSummary { own: own::facts(&built.source, 0), ..not_run })?;
    Ok(Ending::Complete)
}

/// Streams the data through one kernel on a device.
fn stream(
    run: &mut Run<'_>,
    built: &BuiltKernel,
    connection: &mut Connection,
    samples: &mut SampleFile,
) -> Result<Ending, Failure> {
    let clock = connection.device_clock();
    let kernel_run = &built.kernel_run;
    let reference = match own::open(built, &run.plan.realtime) {
        Ok(reference) => reference,
        Err(refusal) => return refused(run, built, refusal),
    };
    let mut device = match LinkDevice::new(connection, kernel_job(run.plan, built)?, reference) {
        Ok(device) => device,
        Err(LinkError::Interrupted) => return Ok(Ending::Interrupted),
        Err(error) => return Err(error.into()),
    };
    let (mut summary, ended) = run_one(run, built, &mut device, Some(clock), samples)?;
    summary.own = own::facts(&built.source, 0);
    let ended = match ended {
        Err(lost @ KernelRunError::KernelLost { .. }) => {
            summary.error = Some(lost.to_string());
            Ok(Ending::Complete)
        }
        ended => {
            if summary.own.is_some() && summary.windows.failed > 0 {
                summary.error = device.loss();
            }
            ended
        }
    };
    let checks = device.checks();
    let outputs = OutputCheck {
        equal: checks.identical,
        different: checks.different,
        first_different: checks.first_different,
    };
    if outputs.first_different.is_some() {
        summary.error = Some(outputs.sentence());
    }
    summary.outputs = Some(outputs);
    let figures = device.figures();
    summary.link = Some(figures);
    if let (Some(scale_uv), saturated @ 1..) =
        (run.plan.encoding.scale_uv(), figures.saturated_samples)
    {
        run.warn(&format!(
            "{}: {saturated} samples lie beyond the ±{} µV of i16 in steps of {scale_uv} µV and \
             were sent as that; set a larger scale_uv",
            kernel_run.name,
            scale_uv * 32_767.0
        ));
    }
    run.say(&terminal_line(&summary));
    run.add(summary)?;
    Ok(ended?)
}

/// Runs one kernel and gathers its summary; the second value is how it ended.
fn run_one(
    run: &mut Run<'_>,
    built: &BuiltKernel,
    device: &mut dyn Device,
    clock: Option<DeviceClock>,
    samples: &mut SampleFile,
) -> Result<(KernelSummary, Result<Ending, KernelRunError>), Failure> {
    let kernel_run = &built.kernel_run;
    let fixed = built.fixed_point();
    let mut in_steps;
    let device = match fixed {
        Some((format, output)) => {
            in_steps = InSteps::new(device, format, output);
            &mut in_steps as &mut dyn Device
        }
        None => device,
    };
    let folder = run.folder.create_kernel_folder(&kernel_run.name)?;
    // Each kernel before this one has its summary.
    let output = match run.plan.kernels.get(run.summary.kernels.len()).map(|kernel| &kernel.source)
    {
        Some(KernelSource::BuiltIn(form)) => form.spec.name().info().output,
        _ => Output::Window { shape: "values", unit: "" },
    };
    let settings = TelemetrySettings {
        run_id: run.folder.run_id().to_owned(),
        plugin: kernel_run.name.clone(),
        adapter_name: device.adapter_name().to_owned(),
        format: run.plan.output.format,
        include_raw_data: run.plan.output.include_raw_data,
        max_output_len: device.max_output_len(),
        output_sizes: output_sizes(output, device.max_output_len(), kernel_run.shape.channels),
        clock,
        labels: run.labels.clone(),
    };
    // The writer's thread starts before the measuring one gets its priority, and keeps none. It
    // drops the step when it ends.
    let step = run.observer.step(run.progress, &kernel_run.name, kernel_run.windows_total());
    let mut writer = TelemetryWriter::create(&folder, settings, kernel_run, step)?;
    let (applied, ending) =
        measure(run.plan, kernel_run, device, samples, run.progress, &mut writer);
    let statistics = writer.finish();

    if run.summary.kernels.is_empty() {
        for warning in &applied.warnings {
            run.warn(warning);
        }
        run.summary.realtime = applied;
    }
    // A telemetry error is the cause of the kernel run's "sink" error, so it is told first.
    let mut summary = KernelSummary::new(kernel_run, device.missing_samples(), &statistics?);
    if let Some((format, _)) = fixed {
        let facts = FixedPointFacts {
            dtype: format.dtype.as_str().to_owned(),
            scale_uv: format.scale_uv,
            saturated_samples: device.saturated_samples(),
        };
        if facts.saturated_samples > 0 {
            run.warn(&facts.warning(&kernel_run.name));
        }
        summary.fixed_point = Some(facts);
    }
    if run.plan.output.include_raw_data {
        summary.outputs_file = Some(OutputsFile {
            file: format!("kernel-data/{}/{OUTPUTS_NAME}", kernel_run.name),
            axes: if output.is_windowed() {
                format!("windows x {}", output.shape())
            } else {
                output.shape().to_owned()
            },
            unit: output.unit().to_owned(),
        });
    }
    Ok((summary, ending))
}

/// Sizes of one entry of a kernel's outputs: of a row, or of a window's `values` numbers.
pub(crate) fn output_sizes(output: Output<'_>, values: usize, channels: usize) -> Vec<u64> {
    let (values, channels) = (values as u64, channels as u64);
    let complex = if output.shape().ends_with("x channels x 2") { 2 } else { 1 };
    if !output.is_windowed() {
        vec![channels]
    } else if !output.shape().contains("x channels") || !values.is_multiple_of(channels * complex) {
        vec![values]
    } else if complex == 2 {
        vec![values / channels / 2, channels, 2]
    } else {
        vec![values / channels, channels]
    }
}

/// Runs the windows on a thread of its own, under the scheduling that the plan wishes.
fn measure(
    plan: &Plan,
    kernel_run: &KernelRun,
    device: &mut dyn Device,
    samples: &mut SampleFile,
    progress: &Progress,
    writer: &mut TelemetryWriter,
) -> (AppliedRealtime, Result<Ending, KernelRunError>) {
    thread::scope(|scope| {
        let measuring = scope.spawn(|| {
            let applied = apply_realtime(&plan.realtime);
            (applied, run_windows(kernel_run, samples, device, &Monotonic, progress, writer))
        });
        measuring.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
