//! A kernel's part of `summary.json`.

use serde::{Deserialize, Serialize};

use super::statistics::{KernelStatistics, Latency, Throughput, WindowCounts};
use crate::base::counted;
use crate::device::LinkStats;
use crate::harness::KernelRun;

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
            None => format!(
                "outputs equal to the host's, bit for bit: {}",
                counted(self.equal, "window")
            ),
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

/// Gives kernels their parameters, and labels: the configuration's, else the name alone where only
/// one has it, else with what differs from the others of that name, else with the number that its
/// folder has.
pub(super) fn describe(kernels: &mut [KernelSummary], config: &serde_json::Value) {
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
