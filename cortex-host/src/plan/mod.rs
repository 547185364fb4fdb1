//! The plan of a run: everything a configuration decides, validated and with defaults filled in.
//!
//! Nothing after the plan reads YAML. A plan that exists can be carried out: its dataset is
//! there and long enough, its parameters lie in their ranges, and every kernel has at least
//! one measured window.

mod build;
mod dtype;
mod encoding;
mod execution;
mod kernels;
mod output;
mod own_kernels;
mod realtime;
mod resolved;
mod samples;

use std::path::PathBuf;

use cortex_core::kernel::KernelForm;
use sha2::{Digest, Sha256};

use crate::base::digest::hex;
use crate::config::Node;
use crate::device::{DeviceAddress, OwnDeviceKernel};
use crate::foreign::{CommandSetup, Dtype, Feed, Interface, KernelSetup, OutputShape, Parameters};
use crate::harness::{RealtimeSettings, windows_in};
use crate::recording::{FORMATS, Format, OpenOptions, OptionSource, Unit};
use crate::synthetic::GeneratedDataset;

pub use build::{Overrides, load, load_node, load_training, load_with, plan_of, read_source};
pub(crate) use dtype::named_fixed_point;
pub use encoding::{ReturnedResults, SampleEncoding};
pub use execution::ExecutionPlan;
pub(crate) use kernels::{DEFAULT_WINDOW, named_kernel};
pub use output::{OutputPlan, TelemetryFormat};

/// The schema of a configuration file as pretty-printed JSON, ending in a newline; the text of
/// docs/reference/config.schema.json.
#[must_use]
pub fn json_schema() -> String {
    crate::config::json_schema(&FORMATS.map(|format| format.key))
}

/// What a plan is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Kernels are tried with the run's shape.
    Run,
    /// A kernel that cannot run before it has learnt is not tried.
    Training,
}

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
    pub device: DeviceAddress,
    /// The image of an emulated board, or the folder that it is built in, as configured.
    pub firmware: Option<String>,
    /// Where that was found.
    pub firmware_path: Option<PathBuf>,
    /// What crosses the link to a device.
    pub transfer: Transfer,
    /// How input samples are sent.
    pub encoding: SampleEncoding,
    /// What is sent back of each window.
    pub results: ReturnedResults,
    /// Scheduling wishes for the native device.
    pub realtime: RealtimeSettings,
    /// The configuration with every default filled in, as YAML that `run` takes again.
    pub config_text: String,
    /// The same as a tree, for programs that read `summary.json`.
    pub config: serde_json::Value,
}

impl Plan {
    /// SHA-256 of [`Plan::config_text`], in lower-case hexadecimal: two runs with the same
    /// digest were asked for the same thing.
    #[must_use]
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.config_text.as_bytes()))
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
        windows_in(self.samples_per_repeat(), kernel.window, kernel.hop)
    }
}

/// The samples of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum DatasetPlan {
    /// A recording, of any format that can be opened.
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
    /// Where it was found; it could be opened as a recording of this shape.
    pub path: PathBuf,
    /// The file of the samples, when it is nothing but interleaved little-endian `f32` in
    /// microvolts, which needs no conversion.
    pub raw: Option<PathBuf>,
    /// Its format.
    pub format: &'static Format,
    /// The unit that the configuration gives.
    pub unit: Option<Unit>,
    /// Number of channels, at least 1.
    pub channels: usize,
    /// Sample rate in Hz, finite and positive.
    pub sample_rate_hz: f64,
    /// Samples per channel in the file, at least 1.
    pub samples: u64,
}

impl StaticDataset {
    /// How the file was opened for the plan, and is opened again for the run.
    #[must_use]
    pub fn open_options(&self) -> OpenOptions {
        OpenOptions {
            channel_count: Some(self.channels),
            sample_rate_hz: Some(self.sample_rate_hz),
            unit: self.unit,
            option_source: OptionSource::Configuration,
            ..OpenOptions::default()
        }
    }
}

/// One kernel of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct KernelPlan {
    /// Name of the kernel primitive, such as `bandpass_fir`.
    pub name: String,
    /// What the configuration calls it in results.
    pub label: Option<String>,
    /// What it is; it can be built for the dataset's shape.
    pub source: KernelSource,
    /// Window length W in samples, at least 1.
    pub window: usize,
    /// Hop H in samples, 1..=W.
    pub hop: usize,
    /// Deadline of a window, in microseconds after its release.
    pub deadline_us: f64,
}

impl KernelPlan {
    /// What the kernel is called in results, where no other one is called so.
    #[must_use]
    pub fn called(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }
}

/// Where a kernel comes from, with everything it is built from.
#[derive(Clone, Debug, PartialEq)]
pub enum KernelSource {
    /// This program.
    BuiltIn(KernelForm),
    /// A shared library.
    Library(Box<LibraryKernel>),
    /// A program of its own.
    Program(Box<ProgramKernel>),
}

/// A kernel of a shared library.
#[derive(Clone, Debug, PartialEq)]
pub struct LibraryKernel {
    /// The library as the configuration spells it.
    pub configured: String,
    /// SHA-256 of the library when the plan was made, in lower-case hexadecimal.
    pub sha256: String,
    /// The interface it speaks.
    pub interface: Interface,
    /// Where it is run.
    pub isolation: Isolation,
    /// Everything it is built from.
    pub setup: KernelSetup,
    /// Whether it promises the same bits on every target.
    pub bit_exact: bool,
    /// Shape of its output.
    pub output: OutputShape,
    /// The trained state as the configuration spells it.
    pub configured_state: Option<String>,
    /// All parameters, as the configuration would give them.
    pub params: Option<Node>,
}

impl LibraryKernel {
    /// The same kernel as an image of the user's has it.
    ///
    /// # Errors
    /// [`NotOnADevice`]: a board runs kernels of `cortex_kernel.h` with float32 samples, without
    /// trained state and with parameters that fit into a message.
    pub fn on_a_device(&self) -> Result<OwnDeviceKernel, NotOnADevice> {
        let setup = &self.setup;
        let refused = |key, why: &str| Err(NotOnADevice { key, why: why.to_owned() });
        let Parameters::Values(values) = &setup.parameters else {
            return refused(
                "library",
                "a library of the original's cortex_plugin.h cannot be linked into an image; a board \
                 runs kernels of cortex_kernel.h",
            );
        };
        if setup.dtype != Dtype::F32 {
            return refused("dtype", "a board gives its kernels f32 samples; use dtype: f32");
        }
        if setup.state.is_some() {
            return refused(
                "state",
                "a board has no memory for trained state, and the link carries none; build it into \
                 the image's sources as a constant",
            );
        }
        let whole_windows = setup.feed == Feed::Windows;
        let kernel = OwnDeviceKernel {
            name: setup.kernel.clone(),
            hop: setup.hop as usize,
            whole_windows,
            parameters: values.iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
            max_output_values: self.output.values(setup.window),
            bit_exact: self.bit_exact,
        };
        match kernel.wire_bytes() {
            Some(_) => Ok(kernel),
            None => refused(
                "library",
                "its parameters do not fit into one message to a board, which has room for 9, or for \
                 more of them with a short name",
            ),
        }
    }
}

/// Why a board cannot run a kernel of the user's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotOnADevice {
    /// The key of `kernels[]` at fault.
    pub key: &'static str,
    /// A sentence.
    pub why: String,
}

/// A program as a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramKernel {
    /// The command as the configuration spells it.
    pub configured: Vec<String>,
    /// Everything it is told.
    pub setup: CommandSetup,
    /// Its parameters, as the configuration gives them.
    pub params: Option<Node>,
}

/// Where a library's kernel is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// In a process of its own.
    Process,
    /// In this process, which it can take with it.
    None,
}

impl Isolation {
    /// Both.
    pub const ALL: [Isolation; 2] = [Isolation::Process, Isolation::None];

    /// The spelling in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Isolation::Process => "process",
            Isolation::None => "none",
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
