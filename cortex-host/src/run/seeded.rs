//! A kernel in seeded mode: parameters cross the link, digests return.

use cortex_core::link::message::Seeded;

use super::built::BuiltKernel;
use super::kernel_job::kernel_job;
use super::record::Run;
use crate::base::Failure;
use crate::device::DeviceClock;
use crate::device::{
    Connection, KernelSettings, LinkError, LinkStats, SeededComparison, compare_seeded,
};
use crate::harness::{Ending, KernelRun, SampleFile, check_kernel_run};
use crate::results::{KernelStatistics, KernelSummary, OutputCheck, SeededStats};
use crate::synthetic::GeneratedDataset;

/// What all repeats of a kernel found.
#[derive(Default)]
struct SeededTotals {
    repeats: u64,
    min_ticks: Option<u64>,
    max_ticks: u64,
    sum_ticks: u64,
    generate_ticks: u64,
    check: OutputCheck,
    digests: Option<(u32, u32)>,
    error: Option<String>,
}

/// Runs every repeat of a kernel on input that the device generates; before that streams one block
/// of the dataset and checks that streamed and seeded are the same.
pub(super) fn run_kernel(
    run: &mut Run<'_>,
    built: &BuiltKernel,
    dataset: &GeneratedDataset,
    connection: &mut Connection,
    samples: &mut SampleFile,
) -> Result<(KernelSummary, Ending), Failure> {
    let kernel_run = &built.kernel_run;
    check_kernel_run(kernel_run)?;
    let too_many = || Failure::usage(format!("kernel {}: more than 2^32 windows", kernel_run.name));
    let blocks = u32::try_from(kernel_run.windows_per_repeat()).map_err(|_| too_many())?;
    let warmup = u32::try_from(kernel_run.warmup_windows).map_err(|_| too_many())?;
    let (clock, before) = (connection.device_clock(), connection.stats());
    let mut totals = SeededTotals::default();
    let kernel_job = kernel_job(run.plan, built)?;
    let blocks_measured = warmup..blocks;
    let outcome = run_repeats(
        kernel_run,
        &kernel_job,
        dataset,
        connection,
        samples,
        blocks_measured,
        &mut totals,
    );
    let ending = match outcome {
        Ok(()) => Ok(Ending::Complete),
        Err(SeededError::Failure(failure)) => Err(failure),
        Err(SeededError::Link(_)) if run.progress.is_cancelled() => Ok(Ending::Interrupted),
        Err(SeededError::Link(error)) => Err(Failure::from(error)),
    };

    let mut summary = KernelSummary::new(kernel_run, None, &KernelStatistics::new(kernel_run));
    let measured = u64::from(blocks - warmup);
    summary.windows.run = totals.repeats * u64::from(blocks);
    summary.windows.warmup = totals.repeats * u64::from(warmup);
    summary.windows.measured = totals.repeats * measured;
    let samples_per_repeat = measured * (kernel_run.shape.hop * kernel_run.shape.channels) as u64;
    summary.seeded = totals.figures(&clock, measured, samples_per_repeat);
    summary.outputs = Some(totals.check);
    summary.error = totals.error.take();
    let latency = connection.clock().map(|sample| sample.round_trip_ns());
    let exchange = std::time::Duration::ZERO;
    if ending.is_ok() {
        // A device that is gone by now is named by the next request.
        let _ = connection.read_losses();
    }
    summary.link = Some(LinkStats::new(&before, &connection.stats(), exchange, latency));
    match ending {
        Ok(ending) => Ok((summary, ending)),
        Err(failure) => {
            run.add(summary)?;
            Err(failure)
        }
    }
}

/// Why a seeded kernel broke off.
enum SeededError {
    Link(LinkError),
    Failure(Failure),
}

impl From<LinkError> for SeededError {
    fn from(error: LinkError) -> Self {
        SeededError::Link(error)
    }
}

fn run_repeats(
    kernel_run: &KernelRun,
    kernel_job: &KernelSettings,
    dataset: &GeneratedDataset,
    connection: &mut Connection,
    samples: &mut SampleFile,
    blocks: std::ops::Range<u32>,
    totals: &mut SeededTotals,
) -> Result<(), SeededError> {
    let mut window = vec![0.0; kernel_run.shape.window * kernel_run.shape.channels];
    samples.read_rows(0, &mut window).map_err(|error| SeededError::Failure(error.into()))?;
    if let Some(format) = kernel_job.kernel.built_in().and_then(|form| form.fixed) {
        format.encode(&mut window);
    }
    let configured = connection.configure(kernel_job)?;
    let mut output = vec![0.0; configured.output_values as usize];
    let streamed = connection.run_block(0, &window, &mut output, || {})?.end;
    let generator_digest = connection.info().generator_digest(dataset.spec.version);
    connection.configure(kernel_job)?;
    let one = Seeded { source: dataset.spec, first: 0, count: 1, generator_digest };
    let seeded = connection.run_seeded(&one)?;
    if (streamed.input_crc, streamed.output_crc) != (seeded.input_crc, seeded.output_crc) {
        totals.check.different += 1;
        totals.check.first_different = Some(0);
        totals.error = Some("block 0 streamed differs from block 0 generated on the device".into());
    }
    for _ in 0..kernel_run.repeats {
        let compared = compare_seeded(connection, kernel_job, &dataset.spec, blocks.clone())?;
        totals.take(&compared, blocks.clone());
    }
    Ok(())
}

impl SeededTotals {
    fn take(&mut self, compared: &SeededComparison, blocks: std::ops::Range<u32>) {
        let device = compared.device;
        self.repeats += 1;
        self.min_ticks =
            Some(self.min_ticks.map_or(device.min_ticks, |min| min.min(device.min_ticks)));
        self.max_ticks = self.max_ticks.max(device.max_ticks);
        self.sum_ticks = self.sum_ticks.saturating_add(device.sum_ticks);
        self.generate_ticks = self.generate_ticks.saturating_add(device.generate_ticks);
        self.digests.get_or_insert((device.input_crc, device.output_crc));
        let equal_until = compared.first_difference.unwrap_or(blocks.end);
        self.check.equal += u64::from(equal_until - blocks.start);
        self.check.different += u64::from(blocks.end - equal_until);
        if let Some(window) = compared.first_difference {
            self.check.first_different.get_or_insert(window);
        }
    }

    /// The figures of `windows` measured windows and `samples` generated samples a repeat.
    fn figures(&self, clock: &DeviceClock, windows: u64, samples: u64) -> Option<SeededStats> {
        let ((input, output), min_ticks) = (self.digests?, self.min_ticks?);
        let amount = |ticks: u64| match clock.instructions(ticks) {
            Some(instructions) => instructions as f64,
            None => clock.ns(ticks) as f64 / 1e3,
        };
        let unit = if clock.instruction_ns.is_some() { "instructions" } else { "us" };
        Some(SeededStats {
            unit: unit.to_owned(),
            kernel_min: amount(min_ticks),
            kernel_mean: amount(self.sum_ticks) / (self.repeats * windows).max(1) as f64,
            kernel_max: amount(self.max_ticks),
            generator_per_sample: amount(self.generate_ticks)
                / (self.repeats * samples).max(1) as f64,
            input_crc32: format!("{input:08x}"),
            output_crc32: format!("{output:08x}"),
            kernel_ticks: self.sum_ticks,
            generate_ticks: self.generate_ticks,
        })
    }
}
