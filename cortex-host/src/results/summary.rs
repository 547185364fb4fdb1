//! `summary.json`: what a run was and what came of it. docs/reference/results.md describes
//! every field; [`SCHEMA_VERSION`] changes when a field changes its meaning or goes away.

use serde::{Deserialize, Serialize};

use super::HostFacts;
use super::statistics::{KernelStatistics, Latency};
use crate::harness::{AppliedRealtime, Job};

/// Version of the layout of `summary.json`.
pub const SCHEMA_VERSION: u32 = 1;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// It has not ended, or was killed before it could say how.
    Running,
    /// Every window was run and none failed.
    Complete,
    /// Stopped by the user; the windows up to then are there.
    Interrupted,
    /// Windows failed, or the run broke off with an error.
    Failed,
}

impl RunStatus {
    /// The spelling in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Complete => "complete",
            RunStatus::Interrupted => "interrupted",
            RunStatus::Failed => "failed",
        }
    }
}

/// Everything in `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The run folder's name.
    pub run_id: String,
    /// How the run ended.
    pub status: RunStatus,
    /// Why it broke off, when it did.
    pub error: Option<String>,
    /// When it started, RFC 3339 in UTC.
    pub started_at: String,
    /// When it ended; none while it runs.
    pub finished_at: Option<String>,
    /// Seconds from start to end, generation included.
    pub elapsed_s: f64,
    /// What ran.
    pub tool: ToolFacts,
    /// Where it ran.
    pub host: HostFacts,
    /// What the kernels ran on, as configured: `native`, `serial://...`.
    pub device: String,
    /// `realtime` or `max`.
    pub pace: String,
    /// Scheduling of the measuring thread.
    pub realtime: AppliedRealtime,
    /// SHA-256 of the resolved configuration, `config.yaml`.
    pub plan_sha256: String,
    /// What the kernels were fed.
    pub dataset: DatasetFacts,
    /// The command that does the same again, from the folder the run was started in.
    pub reproduce: String,
    /// One entry per kernel that was started, in order.
    pub kernels: Vec<KernelSummary>,
}

/// The program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolFacts {
    /// `cortex-host`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Architecture and operating system it was built for.
    pub target: String,
    /// Whether it was built with optimisation; a debug build's latencies mean little.
    pub optimized: bool,
}

impl ToolFacts {
    /// Of this program.
    #[must_use]
    pub fn here() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            optimized: !cfg!(debug_assertions),
        }
    }
}

/// The data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetFacts {
    /// `generator` or `static`.
    pub kind: String,
    /// The path in the configuration.
    pub path: String,
    /// The generator's signal; none for static data.
    pub signal_type: Option<String>,
    /// The generator's seed; none for static data.
    pub seed: Option<u64>,
    /// Number of channels.
    pub channels: usize,
    /// Sample rate in Hz.
    pub sample_rate_hz: f64,
    /// Samples per channel in the dataset.
    pub samples_per_channel: u64,
    /// Samples per channel that each repeat used.
    pub samples_used: u64,
    /// SHA-256 of the dataset's bytes.
    pub sha256: String,
    /// The manifest in the run's folder; none for static data.
    pub manifest: Option<String>,
}

/// Numbers of windows, over all repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowCounts {
    /// Windows the plan asked for, warm-up included.
    pub planned: u64,
    /// Windows that were run.
    pub run: u64,
    /// Of those, warm-up: in no statistics.
    pub warmup: u64,
    /// Of those, measured.
    pub measured: u64,
    /// Windows without a result, warm-up included.
    pub failed: u64,
    /// Measured windows without a result at their deadline; a failed window counts.
    pub deadline_missed: u64,
}

/// How much data went through.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// Measured windows with a result, per second of the run.
    pub windows_per_s: f64,
    /// New samples, over all channels, per second of the run.
    pub samples_per_s: f64,
    /// Time between two releases over the mean kernel time: how many times faster than the data
    /// arrives the kernel is.
    pub realtime_factor: f64,
}

/// One kernel's outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelSummary {
    /// The kernel, and its folder below `kernel-data/`: `-2`, `-3` ... is appended to a name that
    /// the configuration has more than once.
    pub name: String,
    /// Window length in samples.
    pub window: usize,
    /// Hop in samples.
    pub hop: usize,
    /// Number of channels.
    pub channels: usize,
    /// Sample rate in Hz.
    pub sample_rate_hz: f64,
    /// Time from release to deadline in microseconds.
    pub deadline_us: f64,
    /// Times the kernel went through the data.
    pub repeats: u32,
    /// How many windows of each sort.
    pub windows: WindowCounts,
    /// Samples that the kernel met as missing (NaN, infinite or absurd) in its last repeat, when
    /// the device tells.
    pub missing_samples: Option<u32>,
    /// Time in the kernel, in microseconds; none when no measured window has a result.
    pub kernel_time_us: Option<Latency>,
    /// Time from release to result, in microseconds.
    pub end_to_end_us: Option<Latency>,
    /// End-to-end less kernel time, window by window, in microseconds.
    pub harness_cost_us: Option<Latency>,
    /// How much data went through.
    pub throughput: Option<Throughput>,
}

impl KernelSummary {
    /// The outcome of `job`.
    #[must_use]
    pub fn new(job: &Job, missing_samples: Option<u32>, statistics: &KernelStatistics) -> Self {
        Self {
            name: job.name.clone(),
            window: job.shape.window,
            hop: job.shape.hop,
            channels: job.shape.channels,
            sample_rate_hz: job.shape.sample_rate_hz,
            deadline_us: job.deadline_ns as f64 / 1e3,
            repeats: job.repeats,
            windows: statistics.counts(),
            missing_samples,
            kernel_time_us: statistics.kernel_time(),
            end_to_end_us: statistics.end_to_end(),
            harness_cost_us: statistics.harness_cost(),
            throughput: statistics.throughput(),
        }
    }
}

impl Summary {
    /// Windows without a result, over all kernels.
    #[must_use]
    pub fn failed_windows(&self) -> u64 {
        self.kernels.iter().map(|kernel| kernel.windows.failed).sum()
    }

    /// The text of `summary.json`.
    ///
    /// # Panics
    /// Never: the structure has string keys only and no number that JSON lacks (all are finite).
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .unwrap_or_else(|error| unreachable!("a summary is plain data: {error}"));
        text.push('\n');
        text
    }
}
