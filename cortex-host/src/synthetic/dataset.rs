//! A generated dataset: a generator and everything that decides its samples.

use cortex_core::signal::{GeneratorVersion, SourceSpec};

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
