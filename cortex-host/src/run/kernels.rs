//! The kernels of a run, one after another, each on a measuring thread of its own.

use std::panic::resume_unwind;
use std::thread;

use super::data::Data;
use super::loaded::Loaded;
use super::seeded;
use super::target::{Target, kernel_job};
use crate::base::Failure;
use crate::base::Interrupt;
use crate::cli::Talk;
use crate::cli::run::Run;
use crate::device::DeviceClock;
use crate::device::{Connection, LinkError};
use crate::harness::{
    AppliedRealtime, Device, Ending, Job, JobError, Monotonic, NativeDevice, SampleFile,
    VectorKernel, apply_realtime, run_job,
};
use crate::harness::{LinkDevice, LinkDeviceError};
use crate::plan::{DatasetPlan, Pace, Plan, Transfer};
use crate::platform::simd::SimdPath;
use crate::results::{
    KernelSummary, OutputCheck, TelemetrySettings, TelemetryWriter, terminal_line,
};

/// Runs all kernels over the data; each one's summary is added to `run` when it has ended.
pub(crate) fn run_all(
    plan: &Plan,
    kernels: Vec<Loaded>,
    mut target: Target,
    mut data: Data,
    run: &mut Run,
    interrupt: &Interrupt,
    talk: &Talk,
) -> Result<Ending, Failure> {
    if plan.execution.pace == Pace::Realtime && plan.transfer == Transfer::Streamed {
        let data_s = plan.samples_per_repeat() as f64 / plan.dataset.sample_rate_hz();
        let repeats = f64::from(plan.execution.repeat_count);
        let total_s = data_s * repeats * kernels.len() as f64;
        talk.detail(1, &format!("At the data's own pace this takes {total_s:.0} s"));
    }
    for (number, loaded) in kernels.into_iter().enumerate() {
        let samples = &mut data.samples;
        let ended = match &mut target {
            Target::Native => {
                let Loaded { job, kernel, .. } = loaded;
                let kernel = VectorKernel::new(kernel, SimdPath::best());
                let mut device = NativeDevice::new(Box::new(kernel), &job.shape);
                let (summary, ended) =
                    run_one(plan, &job, &mut device, None, samples, run, interrupt, talk)?;
                talk.say(&terminal_line(&summary));
                run.add(summary)?;
                ended.map_err(Failure::from)
            }
            Target::Linked(linked) => {
                let refusal = linked.refusals.get(number).cloned().flatten();
                let ended = match (refusal, plan.transfer, &plan.dataset) {
                    (Some(refusal), _, _) => {
                        run.add(KernelSummary::not_run(&loaded.job, refusal))?;
                        Ok(Ending::Complete)
                    }
                    (None, Transfer::Seeded, DatasetPlan::Generated(dataset)) => {
                        let (summary, ending) = seeded::run_kernel(
                            plan,
                            &loaded,
                            dataset,
                            &mut linked.connection,
                            samples,
                            run,
                            interrupt,
                        )?;
                        talk.say(&terminal_line(&summary));
                        run.add(summary)?;
                        Ok(ending)
                    }
                    (None, _, _) => {
                        stream(plan, &loaded, &mut linked.connection, samples, run, interrupt, talk)
                    }
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

/// Streams the data through one kernel on a device.
fn stream(
    plan: &Plan,
    loaded: &Loaded,
    connection: &mut Connection,
    samples: &mut SampleFile,
    run: &mut Run,
    interrupt: &Interrupt,
    talk: &Talk,
) -> Result<Ending, Failure> {
    let clock = connection.device_clock();
    let job = &loaded.job;
    let mut device = match LinkDevice::new(connection, kernel_job(plan, loaded)) {
        Ok(device) => device,
        Err(LinkDeviceError::Link(LinkError::Interrupted)) => return Ok(Ending::Interrupted),
        Err(LinkDeviceError::Link(error)) => return Err(error.into()),
        Err(error) => return Err(Failure::usage(format!("kernel {}: {error}", job.name))),
    };
    let (mut summary, ended) =
        run_one(plan, job, &mut device, Some(clock), samples, run, interrupt, talk)?;
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
    if let (Some(scale_uv), saturated @ 1..) = (plan.encoding.scale_uv(), figures.saturated_samples)
    {
        talk.warn(&format!(
            "{}: {saturated} samples lie beyond the ±{} µV of i16 in steps of {scale_uv} µV and \
             were sent as that; set a larger scale_uv",
            job.name,
            scale_uv * 32_767.0
        ));
    }
    talk.say(&terminal_line(&summary));
    run.add(summary)?;
    Ok(ended?)
}

/// Runs one kernel and gathers its summary; the second value is how it ended.
#[expect(clippy::too_many_arguments, reason = "what a kernel's run needs, each used once")]
fn run_one(
    plan: &Plan,
    job: &Job,
    device: &mut dyn Device,
    clock: Option<DeviceClock>,
    samples: &mut SampleFile,
    run: &mut Run,
    interrupt: &Interrupt,
    talk: &Talk,
) -> Result<(KernelSummary, Result<Ending, JobError>), Failure> {
    let folder = run.folder.create_kernel_folder(&job.name)?;
    let settings = TelemetrySettings {
        run_id: run.folder.run_id().to_owned(),
        plugin: job.name.clone(),
        adapter_name: device.adapter_name().to_owned(),
        format: plan.output.format,
        include_raw_data: plan.output.include_raw_data,
        max_output_len: device.max_output_len(),
        clock,
    };
    let bar = talk.progress(job.windows_total(), &job.name);
    // The writer's thread starts before the measuring one gets its priority, and keeps none.
    let drawn = bar.clone();
    let mut writer =
        TelemetryWriter::create(&folder, settings, job, move |windows| drawn.inc(windows))?;
    let (applied, ending) = measure(plan, job, device, samples, interrupt, &mut writer);
    let statistics = writer.finish();
    bar.finish_and_clear();

    if run.summary.kernels.is_empty() {
        for warning in &applied.warnings {
            talk.warn(warning);
        }
        run.summary.realtime = applied;
    }
    // A telemetry error is the cause of the job's "sink" error, so it is told first.
    Ok((KernelSummary::new(job, device.missing_samples(), &statistics?), ending))
}

/// Runs the job on a thread of its own, under the scheduling that the plan wishes.
fn measure(
    plan: &Plan,
    job: &Job,
    device: &mut dyn Device,
    samples: &mut SampleFile,
    interrupt: &Interrupt,
    writer: &mut TelemetryWriter,
) -> (AppliedRealtime, Result<Ending, JobError>) {
    thread::scope(|scope| {
        let measuring = scope.spawn(|| {
            let applied = apply_realtime(&plan.realtime);
            (applied, run_job(job, samples, device, &Monotonic, interrupt, writer))
        });
        measuring.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
