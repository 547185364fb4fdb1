//! `summary.json`: what a run was and what came of it. docs/reference/results.md describes
//! every field; [`SCHEMA_VERSION`] changes when a field changes its meaning or goes away.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::HostInfo;
use super::kernel_summary::{KernelSummary, describe};
use crate::base::digest::ContentDigest;
use crate::base::{built_for, counted};
use crate::device::{DeviceSummary, LinkStats};
use crate::harness::AppliedRealtime;
use crate::platform::simd::SimdPath;

/// Version of the layout of `summary.json`. 2: quantiles that so few windows do not support are
/// null, and have intervals.
pub const SCHEMA_VERSION: u32 = 2;

/// The oldest layout that is still read.
pub const OLDEST_SCHEMA_VERSION: u32 = 1;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize, Deserialize)]
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
    pub tool: ToolInfo,
    /// Where it ran.
    pub host: HostInfo,
    /// What the kernels ran on, as configured: `native`, `serial://...`.
    pub device: String,
    /// `realtime` or `max`.
    pub pace: String,
    /// What crosses the link to a device: `streamed` or `seeded`.
    #[serde(default)]
    pub transfer: String,
    /// How samples were sent to a device: `f32`, or `i16` after rounding to `scale_uv`.
    #[serde(default)]
    pub encoding: String,
    /// With `i16` the step in microvolts: device and host both computed on the rounded samples.
    #[serde(default)]
    pub scale_uv: Option<f64>,
    /// What a device sent back of each window: `samples` or `digests`.
    #[serde(default)]
    pub results: String,
    /// What the device says about itself; none natively.
    #[serde(default)]
    pub device_facts: Option<DeviceSummary>,
    /// What crossed the link in the whole run; none natively.
    #[serde(default)]
    pub link: Option<LinkStats>,
    /// The faults that were put on the line on purpose, as `--fault` and `--fault-seed` ask for
    /// them again.
    #[serde(default)]
    pub faults: Option<String>,
    /// Scheduling of the measuring thread.
    pub realtime: AppliedRealtime,
    /// SHA-256 of the resolved configuration, `config.yaml`.
    pub plan_sha256: String,
    /// That configuration; null in a run of a version that did not write it.
    #[serde(default)]
    pub config: serde_json::Value,
    /// What the kernels were fed.
    pub dataset: DatasetInfo,
    /// The command that does the same again, from the folder the run was started in.
    pub reproduce: String,
    /// One entry per kernel that was started, in order.
    pub kernels: Vec<KernelSummary>,
}

/// The program.
#[derive(Clone, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct ToolInfo {
    /// `cortex-host`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Architecture and operating system it was built for.
    pub target: String,
    /// Whether it was built with optimisation; a debug build's latencies mean little.
    pub optimized: bool,
    /// The commit it was built from; none outside a checkout.
    #[serde(default)]
    pub commit: Option<String>,
    /// The compiler it was built with.
    #[serde(default)]
    pub compiler: Option<String>,
    /// The vector instructions in use: `avx2`, `neon` ...
    #[serde(default)]
    pub vector_level: Option<String>,
}

impl fmt::Display for ToolInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)?;
        let commit = self.commit.as_ref().map(|commit| format!("commit {commit}"));
        let vectors = self.vector_level.as_ref().map(|level| format!("{level} vectors"));
        let facts = [commit, self.compiler.clone(), Some(self.target.clone()), vectors];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        write!(f, " ({})", facts.join(", "))
    }
}

impl ToolInfo {
    /// Of this program.
    #[must_use]
    pub fn here() -> Self {
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            target: built_for(),
            optimized: !cfg!(debug_assertions),
            commit: known(env!("CORTEX_COMMIT")),
            compiler: known(env!("CORTEX_COMPILER")),
            vector_level: Some(SimdPath::best().level().to_string()),
        }
    }
}

/// The data.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct DatasetInfo {
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
    /// Digest of the file of the dataset's samples: `blake3` of what `generate` makes, else `sha256`.
    #[serde(flatten)]
    pub digest: ContentDigest,
    /// Format of that file: `float32`, `edf`, `bdf`, `brainvision`, `npy`, `i16` or `i24`.
    #[serde(default = "float32")]
    pub format: String,
    /// The manifest in the run's folder: of a generated dataset, or of a file made by `generate`.
    pub manifest: Option<String>,
    /// The recording's events in the run's folder, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<String>,
}

/// The only format there was before summaries named it.
fn float32() -> String {
    "float32".to_owned()
}

impl Summary {
    /// Whether the device was emulated: its kernels are measured in instructions.
    #[must_use]
    pub fn emulated(&self) -> bool {
        self.device_facts.as_ref().is_some_and(|device| device.emulated)
    }

    /// What has to be known of kernel times on this computer at realtime pace.
    #[must_use]
    pub fn cold_cache_note(&self) -> Option<&'static str> {
        (self.pace == "realtime" && self.device == "native").then_some(
            "The processor sleeps between windows, so these are times with cold caches: several \
             times those of a kernel that runs without a pause, which pace: max measures.",
        )
    }

    /// Deadlines missed and windows measured, over all kernels that have deadlines: a device that
    /// generates its own input tells of no single window.
    #[must_use]
    pub fn deadlines(&self) -> (u64, u64) {
        let timed = || self.kernels.iter().filter(|kernel| kernel.seeded.is_none());
        let sum = |of: fn(&KernelSummary) -> u64| timed().map(of).sum();
        (sum(|kernel| kernel.windows.deadline_missed), sum(|kernel| kernel.windows.measured))
    }

    /// Gives the kernels parameters and labels, from the resolved configuration: its kernels are
    /// in the same order.
    pub fn describe_kernels(&mut self) {
        describe(&mut self.kernels, &self.config);
    }

    /// A sentence that says what was measured with what, for a paper.
    #[must_use]
    pub fn citation(&self) -> String {
        let tool = &self.tool;
        let data = &self.dataset;
        let commit = tool.commit.as_ref().map_or(String::new(), |c| format!(", commit {c}"));
        let source = match (&data.signal_type, data.seed) {
            (Some(signal), Some(seed)) => format!("{signal} (seed {seed})"),
            _ => format!("`{}`", data.path),
        };
        format!(
            "Latencies were measured with CORTEX-rs {}{commit}, on {source}, {} channels at {} Hz \
             (dataset {} {}; configuration SHA-256 {}), device {}, {}.",
            tool.version,
            data.channels,
            data.sample_rate_hz,
            data.digest.algorithm().name(),
            data.digest.hex().get(..16).unwrap_or(data.digest.hex()),
            self.plan_sha256.get(..16).unwrap_or(&self.plan_sha256),
            self.device,
            self.host.cpu.as_deref().unwrap_or("unknown processor"),
        )
    }

    /// Windows without a result, over all kernels.
    #[must_use]
    pub fn failed_windows(&self) -> u64 {
        self.kernels.iter().map(|kernel| kernel.windows.failed).sum()
    }

    /// What is wrong with a run that came to its end, as one sentence; none when nothing is.
    #[must_use]
    pub fn finding(&self) -> Option<String> {
        let mut findings = Vec::new();
        let failed = self.failed_windows();
        if failed > 0 {
            findings.push(format!(
                "{} failed; error_code in kernel-data/*/telemetry says why",
                counted(failed, "window")
            ));
        }
        for kernel in &self.kernels {
            if let Some(error) = &kernel.error {
                findings.push(format!("kernel {}: {error}", kernel.name));
            }
        }
        (!findings.is_empty()).then(|| findings.join("; "))
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
