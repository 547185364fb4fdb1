//! `summary.json`: what a run was and what came of it. docs/reference/results.md describes
//! every field; [`SCHEMA_VERSION`] changes when a field changes its meaning or goes away.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::HostInfo;
use super::statistics::{KernelStatistics, Latency, Throughput, WindowCounts};
use crate::base::built_for;
use crate::base::digest::ContentDigest;
use crate::device::{DeviceSummary, LinkStats};
use crate::harness::{AppliedRealtime, KernelRun};
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
    /// Format of that file: `float32`, `edf`, `bdf`, `brainvision` or `npy`.
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

/// One kernel's outcome.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct KernelSummary {
    /// Its label or name, and its folder below `kernel-data/`: `-2`, `-3` ... is appended to a
    /// name that the configuration has more than once.
    pub name: String,
    /// The kernel, such as `goertzel`; empty in runs of a version that did not say.
    #[serde(default)]
    pub kernel: String,
    /// A name that no other kernel of the run has: with what sets it apart when the configuration
    /// has a kernel more than once, such as `goertzel bands=8-13`.
    #[serde(default)]
    pub label: String,
    /// Its parameters, every default filled in.
    #[serde(default)]
    pub parameters: serde_json::Map<String, serde_json::Value>,
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
    /// Why the kernel was not run, or its results are wrong.
    #[serde(default)]
    pub error: Option<String>,
    /// How many windows of each sort.
    pub windows: WindowCounts,
    /// Samples that the kernel met as missing (NaN, infinite or absurd) in its last repeat, when
    /// the device tells.
    pub missing_samples: Option<u32>,
    /// Time in the kernel, in microseconds; none when no measured window has a result.
    pub kernel_time_us: Option<Latency>,
    /// Instructions of a kernel call on an emulated device; none on others.
    #[serde(default)]
    pub kernel_instructions: Option<Latency>,
    /// Time from release to result, in microseconds.
    pub end_to_end_us: Option<Latency>,
    /// End-to-end less kernel time, window by window, in microseconds.
    pub harness_cost_us: Option<Latency>,
    /// How much data went through.
    pub throughput: Option<Throughput>,
    /// How the device's results compare with the same kernel run here; none natively.
    #[serde(default)]
    pub outputs: Option<OutputCheck>,
    /// The outputs kept with `output.include_raw_data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs_file: Option<OutputsFile>,
    /// What crossed the link for this kernel; none natively.
    #[serde(default)]
    pub link: Option<LinkStats>,
    /// With `transfer: seeded`, what the device found.
    #[serde(default)]
    pub seeded: Option<SeededStats>,
    /// Where a kernel of the user's own came from; none for one of this program.
    #[serde(default)]
    pub own: Option<OwnKernel>,
    /// Of a kernel of this program in fixed point: its samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_point: Option<FixedPointFacts>,
}

/// A kernel of this program in fixed point: its samples, and what did not fit them.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct FixedPointFacts {
    /// `q15` or `q31`.
    pub dtype: String,
    /// Microvolts per step.
    pub scale_uv: f64,
    /// Samples and outputs that lay beyond the range and were set to its end.
    pub saturated_samples: u64,
}

impl FixedPointFacts {
    /// In one line.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { dtype, scale_uv, saturated_samples } = self;
        let plural = if *saturated_samples == 1 { "" } else { "s" };
        format!("{dtype} in steps of {scale_uv} µV, {saturated_samples} sample{plural} saturated")
    }

    /// What to do about saturated samples of the kernel `name`.
    #[must_use]
    pub fn warning(&self, name: &str) -> String {
        format!(
            "{name}: {} samples or outputs lie beyond the range of {} in steps of {} µV and were \
             set to its end; set a larger scale_uv",
            self.saturated_samples, self.dtype, self.scale_uv
        )
    }
}

/// A kernel of the user's own: what was run, and how.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct OwnKernel {
    /// Absolute path of the library.
    pub library: Option<String>,
    /// SHA-256 of the library.
    pub sha256: Option<String>,
    /// The interface it speaks: `cortex_kernel 1`, `cortex_plugin 2` or `cortex_plugin 3`.
    pub interface: Option<String>,
    /// `process` or `none`.
    pub isolation: Option<String>,
    /// The program and its arguments, when it is no library.
    pub command: Option<Vec<String>>,
    /// `hops` or `windows`.
    pub feed: String,
    /// `f32`, `q15` or `q31`.
    pub dtype: String,
    /// Microvolts per step of `q15` and `q31`.
    pub scale_uv: Option<f64>,
    /// Absolute path of the trained state.
    pub state: Option<String>,
    /// Where kernel time was taken, in words.
    pub timed: String,
    /// Samples that lay beyond the range of `q15` or `q31` and were set to its end.
    pub saturated_samples: u64,
}

impl OwnKernel {
    /// In one line: where it came from and where it was timed.
    #[must_use]
    pub fn line(&self) -> String {
        let from = match (&self.library, &self.command) {
            (Some(library), _) => {
                let sha256 = self.sha256.as_deref().unwrap_or_default();
                format!("{library}, SHA-256 {sha256}")
            }
            (None, Some(command)) => command.join(" "),
            (None, None) => String::new(),
        };
        format!("{from}, timed {}", self.timed)
    }
}

/// What a kernel returned in the first repeat, as a NumPy array in the run's folder.
#[derive(Clone, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct OutputsFile {
    /// Its path in the run's folder.
    pub file: String,
    /// What the array's axes are, such as `windows x bands x channels`.
    pub axes: String,
    /// Unit of the numbers.
    pub unit: String,
}

/// The device's results beside those of the same kernel run here, bit by bit.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize,
)]
pub struct OutputCheck {
    /// Windows whose output is the same, warm-up included.
    pub equal: u64,
    /// Windows whose output differs. After the first one a kernel with state stays different.
    pub different: u64,
    /// The first window that differs (its number within its repeat).
    pub first_different: Option<u32>,
}

impl OutputCheck {
    /// The finding as a sentence's end: `outputs equal to the host's, bit for bit: 12 windows`.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self.first_different {
            None => {
                let plural = if self.equal == 1 { "" } else { "s" };
                format!("outputs equal to the host's, bit for bit: {} window{plural}", self.equal)
            }
            Some(window) => format!("outputs differ from the host's from window {window} on"),
        }
    }
}

/// What a device found that generated its own input, over all measured blocks and repeats. Times
/// are microseconds of the device's clock, or instructions when it is emulated.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct SeededStats {
    /// `us` or `instructions`.
    pub unit: String,
    /// Shortest kernel call.
    pub kernel_min: f64,
    /// Mean kernel call.
    pub kernel_mean: f64,
    /// Longest kernel call.
    pub kernel_max: f64,
    /// Generating one sample of one channel.
    pub generator_per_sample: f64,
    /// CRC-32 of the input, equal at both ends unless `outputs` says otherwise.
    pub input_crc32: String,
    /// CRC-32 of the output.
    pub output_crc32: String,
    /// Sum of all kernel calls in ticks of the device's counter.
    pub kernel_ticks: u64,
    /// Generation in ticks.
    pub generate_ticks: u64,
}

impl KernelSummary {
    /// The outcome of `kernel_run`.
    #[must_use]
    pub fn new(
        kernel_run: &KernelRun,
        missing_samples: Option<u32>,
        statistics: &KernelStatistics,
    ) -> Self {
        Self {
            name: kernel_run.name.clone(),
            kernel: String::new(),
            label: String::new(),
            parameters: serde_json::Map::new(),
            window: kernel_run.shape.window,
            hop: kernel_run.shape.hop,
            channels: kernel_run.shape.channels,
            sample_rate_hz: kernel_run.shape.sample_rate_hz,
            deadline_us: kernel_run.deadline_ns as f64 / 1e3,
            repeats: kernel_run.repeats,
            error: None,
            windows: statistics.counts(),
            missing_samples,
            kernel_time_us: statistics.kernel_time(),
            kernel_instructions: statistics.kernel_instructions(),
            end_to_end_us: statistics.end_to_end(),
            harness_cost_us: statistics.harness_cost(),
            throughput: statistics.throughput(),
            outputs: None,
            outputs_file: None,
            link: None,
            seeded: None,
            own: None,
            fixed_point: None,
        }
    }

    /// The label, or the name in a run of a version that had none.
    #[must_use]
    pub fn label(&self) -> &str {
        if self.label.is_empty() { &self.name } else { &self.label }
    }

    /// The parameters as `f0_hz=50 q=30`; before them the kernel, where the label does not say it.
    #[must_use]
    pub fn parameters_text(&self) -> String {
        let kernel = (!self.kernel.is_empty() && !self.label().starts_with(&self.kernel))
            .then(|| self.kernel.clone());
        let parameters = self.parameters.iter().map(setting);
        kernel.into_iter().chain(parameters).collect::<Vec<_>>().join(" ")
    }

    /// A kernel that was not run, and why.
    #[must_use]
    pub fn not_run(kernel_run: &KernelRun, error: String) -> Self {
        Self {
            error: Some(error),
            ..Self::new(kernel_run, None, &KernelStatistics::new(kernel_run))
        }
    }
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
            let plural = if failed == 1 { "" } else { "s" };
            findings.push(format!(
                "{failed} window{plural} failed; error_code in kernel-data/*/telemetry says why"
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

/// `key=value`; of a list of tables the values: `bands=8-13,13-30`.
fn setting((key, value): (&String, &serde_json::Value)) -> String {
    fn text(value: &serde_json::Value) -> String {
        let join = |values: Vec<String>, by: &str| values.join(by);
        match value {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Array(items) => join(items.iter().map(text).collect(), ","),
            serde_json::Value::Object(entries) => join(entries.values().map(text).collect(), "-"),
            serde_json::Value::Number(number) => match number.as_f64() {
                Some(value) if number.is_f64() => value.to_string(),
                _ => number.to_string(),
            },
            other => other.to_string(),
        }
    }
    format!("{key}={}", text(value))
}

/// Labels kernels: as the configuration does, else the name alone where only one has it, else with what differs from the others of
/// that name, else with the number that its folder has.
fn describe(kernels: &mut [KernelSummary], config: &serde_json::Value) {
    for (index, kernel) in kernels.iter_mut().enumerate() {
        let parameters = config.pointer(&format!("/kernels/{index}/params"));
        kernel.parameters =
            parameters.and_then(|value| value.as_object()).cloned().unwrap_or_default();
    }
    let given = |index: usize| {
        config.pointer(&format!("/kernels/{index}/label")).and_then(|label| label.as_str())
    };
    let plain = |index: usize, kernel: &KernelSummary| {
        let name = config.pointer(&format!("/kernels/{index}/name")).and_then(|name| name.as_str());
        name.unwrap_or(&kernel.name).to_owned()
    };
    let settings = |kernel: &KernelSummary| {
        let shape = [("window", kernel.window), ("hop", kernel.hop)];
        let shape = shape.map(|(key, value)| format!("{key}={value}"));
        kernel.parameters.iter().map(setting).chain(shape).collect::<Vec<_>>()
    };
    let all: Vec<(String, Vec<String>)> = kernels
        .iter()
        .enumerate()
        .map(|(i, kernel)| (plain(i, kernel), settings(kernel)))
        .collect();
    let labels: Vec<String> = all
        .iter()
        .map(|(name, settings)| {
            let others = || all.iter().filter(|(other, _)| other == name);
            let apart = settings.iter().filter(|one| others().any(|(_, two)| !two.contains(one)));
            let words: Vec<&str> =
                std::iter::once(name.as_str()).chain(apart.map(String::as_str)).collect();
            words.join(" ")
        })
        .collect();
    for (index, kernel) in kernels.iter_mut().enumerate() {
        kernel.kernel = all.get(index).map(|(name, _)| name.clone()).unwrap_or_default();
        let label = labels.get(index).cloned().unwrap_or_default();
        if let Some(given) = given(index) {
            kernel.label = given.to_owned();
            continue;
        }
        let unique = labels.iter().filter(|other| **other == label).count() == 1;
        kernel.label = if unique { label } else { kernel.name.clone() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Pace;
    use cortex_core::kernel::KernelShape;
    use serde_json::json;

    #[test]
    fn kernels_of_one_name_are_told_apart_by_what_differs() {
        let goertzel = |low_hz: f64, high_hz: f64| {
            let bands = json!([{ "low_hz": low_hz, "high_hz": high_hz }]);
            json!({ "name": "goertzel", "params": { "bands": bands, "order": 2 } })
        };
        let car = json!({ "name": "car" });
        let config = json!({ "kernels": [goertzel(8.0, 13.0), car, goertzel(13.0, 30.0), car] });
        let shape = KernelShape { channels: 1, window: 50, hop: 25, sample_rate_hz: 250.0 };
        let kernel = |name: &str| {
            let kernel_run = KernelRun {
                name: name.to_owned(),
                shape,
                deadline_ns: 1,
                rows: 50,
                warmup_windows: 0,
                repeats: 1,
                pace: Pace::Max,
            };
            KernelSummary::not_run(&kernel_run, String::new())
        };
        let mut kernels: Vec<KernelSummary> =
            ["goertzel", "car", "goertzel-2", "car-2"].map(kernel).into();
        describe(&mut kernels, &config);
        let labels: Vec<&str> = kernels.iter().map(KernelSummary::label).collect();
        assert_eq!(labels, ["goertzel bands=8-13", "car", "goertzel bands=13-30", "car-2"]);
        assert_eq!(kernels[2].parameters_text(), "bands=13-30 order=2");
    }
}
