//! What is sought, and the answer: `capacity.json`.

use cortex_core::kernel::{MAX_CHANNELS, MAX_SAMPLE_RATE_HZ};
use serde::Serialize;

use super::search::Range;
use crate::plan::{KernelPlan, Plan};

/// Version of the layout of `capacity.json`.
pub const SCHEMA_VERSION: u32 = 1;

/// What is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantity {
    /// The most channels.
    Channels,
    /// The shortest hop, in samples.
    Hop,
    /// The highest sample rate, in whole Hz; window and hop keep their samples.
    Rate,
    /// The most taps.
    Taps,
}

/// One run of the search.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct Trial {
    /// The value that was tried.
    pub value: u64,
    /// Whether it was tried for the full length.
    pub full: bool,
    /// Whether the value held, as far as it was tried by then.
    pub holds: bool,
    /// The figures, or why nothing could be run.
    pub why: String,
    /// The run's folder within the series'; none when the value was refused.
    pub run: Option<String>,
}

/// What was found for one kernel.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct KernelCapacity {
    /// The kernel's name in the configuration.
    pub kernel: String,
    /// The hardest value that holds; null when not even the easiest does.
    pub holds: Option<u64>,
    /// The nearest value that does not hold; null when the hardest that a configuration may have
    /// does.
    pub fails: Option<u64>,
    /// Why that does not hold.
    pub limit: Option<String>,
    /// Every run, in the order in which they were made.
    pub trials: Vec<Trial>,
}

/// `capacity.json`.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct Capacity {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What was sought.
    pub quantity: Quantity,
    /// The device.
    pub device: String,
    /// Most deadlines missed, in percent.
    pub miss_rate_percent: f64,
    /// Confidence of the answer, 0.5 to 1.
    pub confidence: f64,
    /// How long a value had to hold, in seconds; 0 on an emulated device, where every run tells
    /// the same.
    pub seconds: f64,
    /// Instructions per second that an emulated device was taken to run.
    pub instructions_per_s: Option<f64>,
    /// One entry for each kernel.
    pub kernels: Vec<KernelCapacity>,
}

impl Quantity {
    /// All of them.
    pub const ALL: [Quantity; 4] =
        [Quantity::Channels, Quantity::Hop, Quantity::Rate, Quantity::Taps];

    /// The spelling on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Quantity::Channels => "channels",
            Quantity::Hop => "hop",
            Quantity::Rate => "rate",
            Quantity::Taps => "taps",
        }
    }

    /// The configuration's key of it for a kernel.
    pub(super) fn key(self, kernel: &str) -> String {
        match self {
            Quantity::Channels => "dataset.channels".to_owned(),
            Quantity::Rate => "dataset.sample_rate_hz".to_owned(),
            Quantity::Hop => format!("kernels.{kernel}.hop"),
            Quantity::Taps => format!("kernels.{kernel}.taps"),
        }
    }

    /// The values there are for `kernel`.
    pub(super) fn range(self, kernel: &KernelPlan) -> Range {
        match self {
            Quantity::Channels => Range { easiest: 1, hardest: MAX_CHANNELS as u64 },
            Quantity::Rate => Range { easiest: 1, hardest: MAX_SAMPLE_RATE_HZ as u64 },
            Quantity::Hop => Range { easiest: kernel.window as u64, hardest: 1 },
            // What a kernel refuses, it refuses when it is planned.
            Quantity::Taps => Range { easiest: 1, hardest: 1 << 20 },
        }
    }

    /// The value in the configuration for kernel `index`; none when it has no such parameter.
    pub(super) fn value(self, plan: &Plan, index: usize) -> Option<u64> {
        match self {
            Quantity::Channels => Some(plan.dataset.channels() as u64),
            Quantity::Rate => Some(plan.dataset.sample_rate_hz().round().max(1.0) as u64),
            Quantity::Hop => plan.kernels.get(index).map(|kernel| kernel.hop as u64),
            Quantity::Taps => plan.config["kernels"][index]["params"]["taps"].as_u64(),
        }
    }
}
