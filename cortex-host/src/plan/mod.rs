//! The plan of a run: everything a configuration decides, validated and with defaults filled in.
//!
//! Nothing after the plan reads YAML. A plan that exists can be carried out: its dataset is
//! there and long enough, its parameters lie in their ranges, and every kernel has at least
//! one measured window.

mod build;
mod encoding;
mod kernel_params;
mod kernels;
mod resolved;
pub(crate) mod samples;
pub(crate) mod value;

use std::path::PathBuf;

use cortex_core::kernel::KernelSpec;
use cortex_core::signal::{GeneratorVersion, SourceSpec};
use sha2::{Digest, Sha256};

use crate::device::Device;

pub use build::{Overrides, load, load_with};
pub use encoding::{ReturnedResults, SampleEncoding};

/// A validated run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where the samples come from.
    pub dataset: DatasetPlan,
    /// The kernels, in the order they are run; at least one.
    pub kernels: Vec<KernelPlan>,
    /// How long and how often.
    pub execution: ExecutionPlan,
    /// Where results go.
    pub output: OutputPlan,
    /// What runs the kernels.
    pub device: Device,
    /// What crosses the link to a device.
    pub transfer: Transfer,
    /// How input samples are sent.
    pub encoding: SampleEncoding,
    /// What is sent back of each window.
    pub results: ReturnedResults,
    /// Scheduling wishes for the native device.
    pub realtime: RealtimePlan,
    /// The configuration with every default filled in, as YAML that `run` takes again.
    pub config_text: String,
}

impl Plan {
    /// SHA-256 of [`Plan::config_text`], in lower-case hexadecimal: two runs with the same
    /// digest were asked for the same thing.
    #[must_use]
    pub fn digest(&self) -> String {
        Sha256::digest(self.config_text.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Samples per channel that one repeat streams: the whole dataset, or the part that
    /// `execution.duration_seconds` asks for.
    #[must_use]
    pub fn samples_per_repeat(&self) -> u64 {
        self.execution.samples.min(self.dataset.samples())
    }

    /// Windows of `kernel` in one repeat, warm-up included:
    /// `(samples - window) / hop + 1`, 0 when not even one window fits.
    #[must_use]
    pub fn windows_per_repeat(&self, kernel: &KernelPlan) -> u64 {
        windows(self.samples_per_repeat(), kernel.window as u64, kernel.hop as u64)
    }
}

/// Windows of `window` samples, `hop` apart, in `samples` samples.
fn windows(samples: u64, window: u64, hop: u64) -> u64 {
    if samples < window { 0 } else { (samples - window) / hop.max(1) + 1 }
}

/// The samples of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum DatasetPlan {
    /// A file of interleaved little-endian `f32` in microvolts, sample-major.
    Static(StaticDataset),
    /// Samples made by a compiled generator.
    Generated(GeneratedDataset),
}

impl DatasetPlan {
    /// Number of channels, at least 1.
    #[must_use]
    pub fn channels(&self) -> usize {
        match self {
            DatasetPlan::Static(dataset) => dataset.channels,
            DatasetPlan::Generated(dataset) => dataset.channels,
        }
    }

    /// Sample rate in Hz, finite and positive.
    #[must_use]
    pub fn sample_rate_hz(&self) -> f64 {
        match self {
            DatasetPlan::Static(dataset) => dataset.sample_rate_hz,
            DatasetPlan::Generated(dataset) => dataset.spec.sample_rate_hz,
        }
    }

    /// Samples per channel, at least 1.
    #[must_use]
    pub fn samples(&self) -> u64 {
        match self {
            DatasetPlan::Static(dataset) => dataset.samples,
            DatasetPlan::Generated(dataset) => dataset.samples,
        }
    }

    /// Size in bytes: `channels * samples * 4`, which the plan made sure does not overflow.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.channels() as u64 * self.samples() * 4
    }
}

/// A recorded or pregenerated file.
#[derive(Clone, Debug, PartialEq)]
pub struct StaticDataset {
    /// The path as the configuration spells it.
    pub configured_path: String,
    /// Where it was found; its size was a whole number of rows when the plan was made.
    pub path: PathBuf,
    /// Number of channels, at least 1.
    pub channels: usize,
    /// Sample rate in Hz, finite and positive.
    pub sample_rate_hz: f64,
    /// Samples per channel in the file, at least 1.
    pub samples: u64,
}

/// A parametric dataset: the primitive and all its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratedDataset {
    /// The generator primitive, such as `primitives/datasets/v1/synthetic`.
    pub primitive: String,
    /// The generator's version, equal to `spec.version`.
    pub version: GeneratorVersion,
    /// Everything that decides the samples of a channel.
    pub spec: SourceSpec,
    /// What the file's writer does to each channel as a whole.
    pub normalize: Normalize,
    /// The signal's name in configurations, such as `pink_noise`.
    pub signal_type: String,
    /// The duration asked for, in seconds.
    pub duration_s: f64,
    /// Number of channels, at least 1.
    pub channels: usize,
    /// Samples per channel: `duration_s * sample_rate_hz`, rounded to the nearest, at least 1.
    pub samples: u64,
}

/// What is done to each channel as a whole once it is known: for files only, since it needs the
/// data twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Normalize {
    /// Nothing: amplitudes hold for the process, not for each stretch of it.
    #[default]
    None,
    /// Zero mean and exactly the RMS asked for, in every channel.
    Exact,
}

/// One kernel of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelPlan {
    /// Name of the kernel primitive, such as `bandpass_fir`.
    pub name: String,
    /// The kernel and its parameters; it can be built for the dataset's shape.
    pub spec: KernelSpec,
    /// Window length W in samples, at least 1.
    pub window: usize,
    /// Hop H in samples, 1..=W.
    pub hop: usize,
    /// Deadline of a window, in microseconds after its release.
    pub deadline_us: f64,
}

/// How long, how often and how fast a run streams.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExecutionPlan {
    /// Windows at the start of every repeat that do not enter the statistics.
    pub warmup_windows: u64,
    /// Samples per channel that one repeat streams, at most those of the dataset.
    pub samples: u64,
    /// Times each kernel is run, from fresh state, at least 1.
    pub repeat_count: u32,
    /// Whether windows are released by the sample clock.
    pub pace: Pace,
}

/// When a window is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// When its last sample would have been recorded at the sample rate.
    Realtime,
    /// As soon as the window before it is done: for throughput and for quick checks.
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

/// Where and how results are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputPlan {
    /// The folder that run folders are made in, relative to the current one unless absolute.
    pub directory: PathBuf,
    /// Format of the telemetry files.
    pub format: TelemetryFormat,
    /// Whether kernel outputs are kept beside the telemetry.
    pub include_raw_data: bool,
}

/// Format of the telemetry files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TelemetryFormat {
    /// One JSON object a line.
    Ndjson,
    /// Comma-separated values with a header line.
    Csv,
}

impl TelemetryFormat {
    /// The spelling in configurations, which is also the file extension.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TelemetryFormat::Ndjson => "ndjson",
            TelemetryFormat::Csv => "csv",
        }
    }
}

/// What crosses the link to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// New samples, hop by hop.
    Streamed,
    /// Only the generator's parameters: the device makes its own input.
    Seeded,
}

impl Transfer {
    /// The spelling in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Transfer::Streamed => "streamed",
            Transfer::Seeded => "seeded",
        }
    }
}

/// Scheduling wishes; without the privilege a run goes on and says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealtimePlan {
    /// The scheduling policy.
    pub scheduler: Scheduler,
    /// Priority 1..=99 for `fifo` and `rr`.
    pub priority: Option<u8>,
    /// Cores the run may use; empty means all.
    pub cpu_affinity: Vec<usize>,
}

/// Scheduling policy of the measuring thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheduler {
    /// The system's default, time-shared.
    #[default]
    Other,
    /// SCHED_FIFO.
    Fifo,
    /// SCHED_RR.
    Rr,
}

impl Scheduler {
    /// The spelling in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scheduler::Other => "other",
            Scheduler::Fifo => "fifo",
            Scheduler::Rr => "rr",
        }
    }
}
