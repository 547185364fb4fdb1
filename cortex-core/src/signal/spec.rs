//! What a generator is asked for, and what is wrong with a bad request.
//!
//! [`SourceSpec`] is all that decides the bits of a channel, together with the channel's
//! index: it goes into manifests and, in seeded mode, over the wire.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::parameter::{ParameterError, below_nyquist, positive, positive_within, within};

/// A frozen generator: the version in `primitives/datasets/<version>/synthetic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GeneratorVersion {
    /// Streaming IIR plus FFT pink noise, and sine waves.
    V1,
    /// IIR-only pink noise with a free exponent, and more signals.
    V2,
}

impl fmt::Display for GeneratorVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GeneratorVersion::V1 => "v1",
            GeneratorVersion::V2 => "v2",
        })
    }
}

/// A signal and its own parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Signal {
    /// `amplitude_uv_peak * sin(2 pi frequency_hz t)`, the same in every channel.
    SineWave {
        /// Frequency in Hz, above 0 and below half the sample rate.
        frequency_hz: f64,
        /// Peak amplitude in microvolts, positive.
        amplitude_uv_peak: f64,
    },
    /// Stationary Gaussian noise with a power spectral density proportional to `1/f` above
    /// `low_corner_hz` and flat well below it. Channels are independent.
    PinkNoise {
        /// Standard deviation of the process in microvolts, positive.
        amplitude_uv_rms: f64,
        /// Where the 1/f law begins, in Hz: it holds from ten times this value on.
        low_corner_hz: f64,
    },
    /// v2's pink noise. Stationary Gaussian noise with a power spectral density proportional
    /// to `(f² + low_corner_hz²)^(-exponent/2)`. Channels are independent.
    PowerLawNoise {
        /// Standard deviation of the process in microvolts, positive.
        amplitude_uv_rms: f64,
        /// Where the power law begins, in Hz.
        low_corner_hz: f64,
        /// The exponent b of 1/f^b, 0.01 to 1.99. One is pink.
        exponent: f64,
    },
    /// Independent Gaussian samples.
    WhiteNoise {
        /// Standard deviation in microvolts, positive.
        amplitude_uv_rms: f64,
    },
    /// A sine whose frequency sweeps from `start_hz` to `end_hz` in `sweep_s` and starts again
    /// at phase 0, the same in every channel.
    Chirp {
        /// Frequency at the start of a sweep in Hz, above 0 and below half the sample rate.
        start_hz: f64,
        /// Frequency at the end of a sweep in Hz, above 0 and below half the sample rate.
        end_hz: f64,
        /// Duration of one sweep in seconds, positive.
        sweep_s: f64,
        /// How the frequency moves.
        sweep: Sweep,
        /// Peak amplitude in microvolts, positive.
        amplitude_uv_peak: f64,
    },
}

/// How a chirp's frequency moves from start to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sweep {
    /// The same number of Hz every second.
    Linear,
    /// The same ratio every second.
    Logarithmic,
}

/// A sine added to every channel, as mains hum is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineNoise {
    /// Frequency in Hz, above 0 and below half the sample rate.
    pub frequency_hz: f64,
    /// Peak amplitude in microvolts, positive.
    pub amplitude_uv: f64,
}

/// What v2 does to any signal, in this order: add line noise, add the offset, clip, drop samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Effects {
    /// Mains hum, if any.
    pub line_noise: Option<LineNoise>,
    /// Added to every sample, in microvolts.
    pub dc_offset_uv: f64,
    /// Samples beyond plus or minus this many microvolts stay at it, if given; positive.
    pub saturation_level_uv: Option<f64>,
    /// Probability, 0 to 1, that a sample is NaN; drawn from a random stream of its own.
    pub nan_rate: f64,
}

impl Effects {
    /// No effect at all: the only choice in v1.
    pub const NONE: Self =
        Self { line_noise: None, dc_offset_uv: 0.0, saturation_level_uv: None, nan_rate: 0.0 };

    /// Name of the first parameter that is not at its default.
    fn first_set(&self) -> &'static str {
        if self.line_noise.is_some() {
            "line_noise"
        } else if self.saturation_level_uv.is_some() {
            "saturation_level_uv"
        } else if self.nan_rate != 0.0 {
            "nan_rate"
        } else {
            "dc_offset_uv"
        }
    }
}

/// Everything that decides the samples of a channel, together with the channel's index.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceSpec {
    /// The generator's version.
    pub version: GeneratorVersion,
    /// The signal.
    pub signal: Signal,
    /// Sample rate in Hz, finite and positive.
    pub sample_rate_hz: f64,
    /// Seed of all random streams.
    pub seed: u64,
    /// What is done to the signal (v2 only).
    pub effects: Effects,
}

impl SourceSpec {
    /// A specification without effects.
    #[must_use]
    pub fn new(version: GeneratorVersion, signal: Signal, sample_rate_hz: f64, seed: u64) -> Self {
        Self { version, signal, sample_rate_hz, seed, effects: Effects::NONE }
    }
}

/// Why a [`SourceSpec`] cannot be generated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SpecError {
    /// A parameter's value is not allowed.
    Parameter(ParameterError),
    /// This generator version does not have this signal.
    UnknownSignal {
        /// The version asked.
        version: GeneratorVersion,
    },
    /// This generator version does not have this parameter.
    UnknownParameter {
        /// The version asked.
        version: GeneratorVersion,
        /// The parameter.
        parameter: &'static str,
    },
}

impl From<ParameterError> for SpecError {
    fn from(error: ParameterError) -> Self {
        SpecError::Parameter(error)
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SpecError::Parameter(error) => error.fmt(f),
            SpecError::UnknownSignal { version } => {
                write!(f, "generator {version} does not have this signal")
            }
            SpecError::UnknownParameter { version, parameter } => {
                write!(f, "generator {version} does not have {parameter}; use v2")
            }
        }
    }
}

impl core::error::Error for SpecError {}

/// The largest amplitude or offset in microvolts: far above any electrode, far below `f32` overflow.
const MAX_AMPLITUDE_UV: f64 = 1e12;

impl SourceSpec {
    /// Checks every value: what passes can be generated.
    ///
    /// # Errors
    /// [`SpecError`] names the parameter that cannot be generated and what is allowed.
    pub fn check(&self) -> Result<(), SpecError> {
        let rate_hz = positive_within("sample_rate_hz", self.sample_rate_hz, 1e-3, 1e7)?;
        self.check_signal(rate_hz)?;
        let version = self.version;
        match version {
            GeneratorVersion::V1 if self.effects != Effects::NONE => {
                let parameter = self.effects.first_set();
                Err(SpecError::UnknownParameter { version, parameter })
            }
            GeneratorVersion::V1 => Ok(()),
            GeneratorVersion::V2 => self.effects.check(rate_hz),
        }
    }

    fn check_signal(&self, rate_hz: f64) -> Result<(), SpecError> {
        if cfg!(not(feature = "v2")) && self.version == GeneratorVersion::V2 {
            return Err(SpecError::UnknownSignal { version: self.version });
        }
        let low_corner = |low_corner_hz| {
            positive_within("low_corner_hz", low_corner_hz, 1e-9 * rate_hz, 0.02 * rate_hz)
        };
        match (self.version, self.signal) {
            (_, Signal::SineWave { frequency_hz, amplitude_uv_peak }) => {
                frequency("frequency_hz", frequency_hz, rate_hz)?;
                amplitude("amplitude_uv_peak", amplitude_uv_peak)?;
            }
            (GeneratorVersion::V1, Signal::PinkNoise { amplitude_uv_rms, low_corner_hz }) => {
                amplitude("amplitude_uv_rms", amplitude_uv_rms)?;
                low_corner(low_corner_hz)?;
            }
            (
                GeneratorVersion::V2,
                Signal::PowerLawNoise { amplitude_uv_rms, low_corner_hz, exponent },
            ) => {
                amplitude("amplitude_uv_rms", amplitude_uv_rms)?;
                positive_within("exponent", exponent, 0.01, 1.99)?;
                low_corner(low_corner_hz)?;
            }
            (GeneratorVersion::V2, Signal::WhiteNoise { amplitude_uv_rms }) => {
                amplitude("amplitude_uv_rms", amplitude_uv_rms)?;
            }
            (
                GeneratorVersion::V2,
                Signal::Chirp { start_hz, end_hz, sweep_s, amplitude_uv_peak, .. },
            ) => {
                amplitude("amplitude_uv_peak", amplitude_uv_peak)?;
                frequency("start_hz", start_hz, rate_hz)?;
                frequency("end_hz", end_hz, rate_hz)?;
                // Between 2 and 1e12 samples.
                positive_within("sweep_s", sweep_s, 2.0 / rate_hz, 1e12 / rate_hz)?;
            }
            (version, _) => return Err(SpecError::UnknownSignal { version }),
        }
        Ok(())
    }
}

impl Effects {
    fn check(&self, rate_hz: f64) -> Result<(), SpecError> {
        within("dc_offset_uv", self.dc_offset_uv, -MAX_AMPLITUDE_UV, MAX_AMPLITUDE_UV)?;
        within("nan_rate", self.nan_rate, 0.0, 1.0)?;
        if let Some(limit) = self.saturation_level_uv {
            amplitude("saturation_level_uv", limit)?;
        }
        if let Some(line) = self.line_noise {
            frequency("line_noise.frequency_hz", line.frequency_hz, rate_hz)?;
            amplitude("line_noise.amplitude_uv", line.amplitude_uv)?;
        }
        Ok(())
    }
}

/// An amplitude in microvolts, within 1e-12 to 1e12.
fn amplitude(parameter: &'static str, value: f64) -> Result<f64, ParameterError> {
    positive_within(parameter, value, 1.0 / MAX_AMPLITUDE_UV, MAX_AMPLITUDE_UV)
}

/// A frequency in Hz, above 0 and below half the sample rate.
fn frequency(parameter: &'static str, value: f64, rate_hz: f64) -> Result<f64, ParameterError> {
    below_nyquist(parameter, positive(parameter, value)?, rate_hz)
}
