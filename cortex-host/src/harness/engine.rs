//! The run loop: release, run, record, for each window of each repeat of one kernel.
//!
//! Between a window's release and its end nothing here allocates, locks or writes: the samples
//! are read ahead of the release (when there is time before it), buffers are touched before the
//! first window, and records go to a [`WindowSink`] after the end.

use cortex_core::kernel::KernelShape;
use thiserror::Error;

use super::Clock;
use super::device::{Device, DeviceTiming, WindowFault};
use super::samples::{SampleFile, SampleFileError};
use super::schedule::{ReleaseSchedule, windows_in};
use crate::base::Progress;
use crate::base::{ExitCode, Failure};
use crate::device::DeviceClock;
use crate::platform::aligned::AlignedSamples;

/// With this much time before the next release, the sink may do slow work.
const IDLE_NS: u64 = 1_000_000;

/// In a longer wait than twice this the device is asked whether it is still there.
const CHECK_NS: u64 = 200_000_000;

/// Time between the reading of the first window and the instant when the first sample of a repeat
/// "arrives".
const LEAD_NS: u64 = 1_000_000;

/// When a window is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// When its last sample would have been recorded at the sample rate.
    Realtime,
    /// As soon as the window before it is done: for throughput and for quick checks. A window's
    /// latency then is its kernel time plus all that the harness does between two windows, reading
    /// included.
    Max,
}

impl Pace {
    /// The spelling in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Pace::Realtime => "realtime",
            Pace::Max => "max",
        }
    }
}

/// One kernel over one dataset: everything the loop has to know.
#[derive(Clone, Debug)]
pub struct KernelRun {
    /// The kernel's name: `plugin` in telemetry.
    pub name: String,
    /// Channels, window, hop and sample rate.
    pub shape: KernelShape,
    /// Time from release to deadline, in nanoseconds.
    pub deadline_ns: u64,
    /// Samples per channel to use, at most the dataset's.
    pub rows: u64,
    /// Windows at the start of each repeat that do not count.
    pub warmup_windows: u64,
    /// How often to go through the data, each time from fresh state; at least 1.
    pub repeats: u32,
    /// When a window is released.
    pub pace: Pace,
}

impl KernelRun {
    /// Windows per repeat, warm-up included.
    #[must_use]
    pub fn windows_per_repeat(&self) -> u64 {
        windows_in(self.rows, self.shape.window, self.shape.hop)
    }

    /// Windows over all repeats, warm-up included.
    #[must_use]
    pub fn windows_total(&self) -> u64 {
        self.windows_per_repeat().saturating_mul(u64::from(self.repeats))
    }
}

/// One window's facts. Instants are nanoseconds of the harness's monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowRecord {
    /// Number of the window within its repeat, from 0.
    pub index: u64,
    /// Number of the repeat, from 0.
    pub repeat: u32,
    /// Whether the window is one of the warm-up and stays out of all statistics.
    pub warmup: bool,
    /// When its last sample had arrived.
    pub release_ns: u64,
    /// When its result was due.
    pub deadline_ns: u64,
    /// When it was handed to the device.
    pub start_ns: u64,
    /// When its result was there, or its failure known.
    pub end_ns: u64,
    /// The device's own instants; all zero for a failed window.
    pub device: DeviceTiming,
    /// Why there is no result.
    pub fault: Option<WindowFault>,
}

impl WindowRecord {
    /// Whether there was no result at the deadline: a failed window always missed it.
    #[must_use]
    pub fn deadline_missed(&self) -> bool {
        self.fault.is_some() || self.end_ns > self.deadline_ns
    }

    /// Time the kernel took on the device, in nanoseconds; none for a failed window.
    #[must_use]
    pub fn kernel_ns(&self) -> Option<u64> {
        self.fault.is_none().then(|| self.device.end_ns.saturating_sub(self.device.start_ns))
    }

    /// Instructions of the kernel on an emulated device; none on others and for a failed window.
    #[must_use]
    pub fn instructions(&self, clock: &DeviceClock) -> Option<u64> {
        let ticks = self.device.ticks.filter(|_| self.fault.is_none())?;
        clock.instructions(ticks.end.saturating_sub(ticks.start))
    }

    /// Time from release to result, in nanoseconds; none for a failed window.
    #[must_use]
    pub fn end_to_end_ns(&self) -> Option<u64> {
        self.fault.is_none().then(|| self.end_ns.saturating_sub(self.release_ns))
    }
}

/// Where records go: telemetry files, or a `Vec` in a test.
pub trait WindowSink {
    /// Takes a window's record and what the kernel returned (empty for a failed window).
    /// Called between windows, so it must be quick.
    ///
    /// # Errors
    /// When records cannot be stored any more; the run ends.
    fn window(&mut self, record: &WindowRecord, output: &[f32]) -> std::io::Result<()>;

    /// There is time before the next release: hand on what has been gathered.
    ///
    /// # Errors
    /// As [`WindowSink::window`].
    fn idle(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl WindowSink for Vec<WindowRecord> {
    fn window(&mut self, record: &WindowRecord, _output: &[f32]) -> std::io::Result<()> {
        self.push(*record);
        Ok(())
    }
}

/// How a kernel run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Every window of every repeat was run.
    Complete,
    /// It was cancelled first.
    Interrupted,
}

/// Why a kernel run could not go on.
#[derive(Debug, Error)]
pub enum KernelRunError {
    /// The dataset does not hold one window, or none beside the warm-up.
    #[error(
        "kernel {name}: {rows} samples per channel give {windows} windows of {window} samples, \
         and {warmup_windows} of them are warm-up, so there is nothing to measure; use more data \
         (duration), a shorter window or fewer warm-up windows"
    )]
    NothingToMeasure {
        /// The kernel.
        name: String,
        /// Samples per channel.
        rows: u64,
        /// Whole windows in them.
        windows: u64,
        /// Window length in samples.
        window: usize,
        /// Warm-up windows wanted.
        warmup_windows: u64,
    },
    /// The dataset could not be read.
    #[error(transparent)]
    Samples(#[from] SampleFileError),
    /// Telemetry could not be written.
    #[error("cannot write telemetry: {0}")]
    Sink(#[from] std::io::Error),
    /// The kernel is gone: its run has ended, others can follow.
    #[error("in window {index} of repeat {repeat} {cause}")]
    KernelLost {
        /// The window.
        index: u64,
        /// The repeat.
        repeat: u32,
        /// What happened, as a sentence.
        cause: String,
    },
    /// The device is gone.
    #[error("kernel {name}: the device was lost in window {index} of repeat {repeat}: {cause}")]
    DeviceLost {
        /// The kernel.
        name: String,
        /// The window.
        index: u64,
        /// The repeat.
        repeat: u32,
        /// What happened, as a sentence.
        cause: String,
    },
}

impl From<KernelRunError> for Failure {
    fn from(error: KernelRunError) -> Self {
        let code = match &error {
            KernelRunError::NothingToMeasure { .. } => ExitCode::Usage,
            KernelRunError::Samples(_) | KernelRunError::Sink(_) => ExitCode::InputOutput,
            KernelRunError::KernelLost { .. } => ExitCode::CheckFailed,
            KernelRunError::DeviceLost { .. } => ExitCode::Device,
        };
        Failure::new(code, error.to_string())
    }
}

/// Refuses a kernel run without a window to measure.
///
/// # Errors
/// [`KernelRunError::NothingToMeasure`].
pub fn check_kernel_run(kernel_run: &KernelRun) -> Result<(), KernelRunError> {
    let windows = kernel_run.windows_per_repeat();
    if windows > kernel_run.warmup_windows && kernel_run.repeats > 0 {
        return Ok(());
    }
    Err(KernelRunError::NothingToMeasure {
        name: kernel_run.name.clone(),
        rows: kernel_run.rows,
        windows,
        window: kernel_run.shape.window,
        warmup_windows: kernel_run.warmup_windows,
    })
}

/// Runs every window of `kernel_run` on `device` and gives each record to `sink`.
///
/// # Errors
/// [`KernelRunError`]; records given to the sink before stay valid.
pub fn run_windows(
    kernel_run: &KernelRun,
    samples: &mut SampleFile,
    device: &mut dyn Device,
    clock: &dyn Clock,
    progress: &Progress,
    sink: &mut dyn WindowSink,
) -> Result<Ending, KernelRunError> {
    check_kernel_run(kernel_run)?;
    let channels = kernel_run.shape.channels;
    let mut buffers = Buffers {
        input: touched(kernel_run.shape.window * channels),
        output: touched(device.max_output_len()),
    };
    for repeat in 0..kernel_run.repeats {
        if let Err(fault) = device.reset() {
            return lost(kernel_run, repeat, 0, fault, device, progress);
        }
        let ending =
            run_repeat(kernel_run, repeat, samples, device, clock, progress, sink, &mut buffers)?;
        if ending == Ending::Interrupted {
            return Ok(ending);
        }
    }
    sink.idle()?;
    Ok(Ending::Complete)
}

/// What every window reuses.
struct Buffers {
    input: AlignedSamples,
    output: AlignedSamples,
}

#[expect(clippy::too_many_arguments, reason = "the loop's parts, each used in every window")]
fn run_repeat(
    kernel_run: &KernelRun,
    repeat: u32,
    samples: &mut SampleFile,
    device: &mut dyn Device,
    clock: &dyn Clock,
    progress: &Progress,
    sink: &mut dyn WindowSink,
    buffers: &mut Buffers,
) -> Result<Ending, KernelRunError> {
    let KernelShape { channels, window, hop, sample_rate_hz } = kernel_run.shape;
    let schedule = ReleaseSchedule::new(window, hop, sample_rate_hz);
    let mut previous_end_ns = clock.now_ns();
    let mut t0_ns = 0;
    for index in 0..kernel_run.windows_per_repeat() {
        let (first_row, rows) = match index {
            0 => (0, window),
            _ => (window as u64 + (index - 1) * hop as u64, hop),
        };
        let input = &mut buffers.input[..rows * channels];
        samples.read_rows(first_row, input)?;
        if index == 0 {
            // Once the window is there: from a disk, a long one takes longer than the lead.
            t0_ns = clock.now_ns() + LEAD_NS;
        }
        let release_ns = match kernel_run.pace {
            Pace::Max => previous_end_ns,
            Pace::Realtime => {
                let release_ns = t0_ns + schedule.release_ns(index);
                if release_ns > clock.now_ns() + IDLE_NS {
                    sink.idle()?;
                }
                while release_ns > clock.now_ns() + 2 * CHECK_NS {
                    if let Err(fault) = device.check() {
                        return lost(kernel_run, repeat, index, fault, device, progress);
                    }
                    if !clock.wait_until(clock.now_ns() + CHECK_NS, progress) {
                        return Ok(Ending::Interrupted);
                    }
                }
                release_ns
            }
        };
        // With pace max this is only a look at the flag: the release lies in the past.
        if !clock.wait_until(release_ns, progress) {
            sink.idle()?;
            return Ok(Ending::Interrupted);
        }
        let start_ns = clock.now_ns();
        let result = device.run_window(index, input, &mut buffers.output, clock);
        let end_ns = clock.now_ns();
        if result == Err(WindowFault::DeviceLost) && progress.is_cancelled() {
            sink.idle()?;
            return Ok(Ending::Interrupted);
        }

        let done = result.unwrap_or_default();
        let record = WindowRecord {
            index,
            repeat,
            warmup: index < kernel_run.warmup_windows,
            release_ns,
            deadline_ns: release_ns.saturating_add(kernel_run.deadline_ns),
            start_ns,
            end_ns,
            device: done.timing,
            fault: result.err(),
        };
        sink.window(&record, buffers.output.get(..done.output_len).unwrap_or_default())?;
        if let Some(fault @ (WindowFault::DeviceLost | WindowFault::KernelLost)) = record.fault {
            sink.idle()?;
            return lost(kernel_run, repeat, index, fault, device, progress);
        }
        previous_end_ns = end_ns;
    }
    Ok(Ending::Complete)
}

/// How a kernel run ends whose device or kernel is gone; the user's own wish to stop comes first.
fn lost(
    kernel_run: &KernelRun,
    repeat: u32,
    index: u64,
    fault: WindowFault,
    device: &dyn Device,
    progress: &Progress,
) -> Result<Ending, KernelRunError> {
    if progress.is_cancelled() {
        return Ok(Ending::Interrupted);
    }
    let cause = device.loss().unwrap_or_else(|| fault.to_string());
    if fault == WindowFault::KernelLost {
        return Err(KernelRunError::KernelLost { index, repeat, cause });
    }
    Err(KernelRunError::DeviceLost { name: kernel_run.name.clone(), index, repeat, cause })
}

/// A buffer whose pages the system has really given.
fn touched(len: usize) -> AlignedSamples {
    let mut buffer = AlignedSamples::zeros(len);
    std::hint::black_box(&mut buffer).fill(0.0);
    buffer
}
