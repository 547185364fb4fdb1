//! What a generator is asked for, and what is wrong with a bad request.
//!
//! [`SourceSpec`] is all that decides the bits of a channel, together with the channel's
//! index: it goes into manifests and, in seeded mode, over the wire.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{Effects, Signal};
use crate::kernel::{MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ};
#[cfg(feature = "v3")]
use crate::parameter::count_within;
use crate::parameter::{
    Declaration, POSITIVE, Parameter, ParameterError, below_nyquist, number, positive,
    positive_within,
};

/// A frozen generator: the version in `primitives/datasets/<version>/synthetic`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GeneratorVersion {
    /// Streaming IIR plus FFT pink noise, and sine waves.
    V1,
    /// IIR-only pink noise with a free exponent, and more signals.
    V2,
    /// Signals whose truth is known: spikes and EEG.
    #[cfg(feature = "v3")]
    V3,
}

impl GeneratorVersion {
    /// Every version, the oldest first.
    pub const ALL: [GeneratorVersion; 2 + cfg!(feature = "v3") as usize] = [
        GeneratorVersion::V1,
        GeneratorVersion::V2,
        #[cfg(feature = "v3")]
        GeneratorVersion::V3,
    ];

    /// The spelling in paths and manifests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            GeneratorVersion::V1 => "v1",
            GeneratorVersion::V2 => "v2",
            #[cfg(feature = "v3")]
            GeneratorVersion::V3 => "v3",
        }
    }

    /// The effects that the version's signals take.
    #[must_use]
    pub const fn effects(self) -> &'static [Parameter<'static>] {
        match self {
            GeneratorVersion::V2 => Effects::PARAMETERS,
            _ => &[],
        }
    }
}

impl fmt::Display for GeneratorVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
    /// What is done to the signal (v2 only; v3's signals have a front end among their parameters).
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

impl SourceSpec {
    /// Checks every value: what passes can be generated.
    ///
    /// # Errors
    /// [`SpecError`] names the parameter that cannot be generated and what is allowed.
    pub fn check(&self) -> Result<(), SpecError> {
        let (min, max) = (MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ);
        let rate_hz = positive_within("sample_rate_hz", self.sample_rate_hz, min, max)?;
        let version = self.version;
        if cfg!(not(feature = "v2")) && version == GeneratorVersion::V2 {
            return Err(SpecError::UnknownSignal { version });
        }
        self.signal.check(version, rate_hz)?;
        match version {
            GeneratorVersion::V2 => Ok(self.effects.check(rate_hz)?),
            _ if self.effects != Effects::NONE => {
                let parameter = self.effects.first_set();
                Err(SpecError::UnknownParameter { version, parameter })
            }
            _ => Ok(()),
        }
    }
}

/// Least amplitude of a signal, in microvolts.
pub(super) const MIN_AMPLITUDE_UV: f64 = 1e-12;

/// The largest amplitude or offset in microvolts: far above any electrode, far below `f32` overflow.
pub(super) const MAX_AMPLITUDE_UV: f64 = 1e12;

/// Declares an amplitude.
pub(super) const fn amplitude() -> Declaration<f64> {
    number(100.0, "µV", MIN_AMPLITUDE_UV, MAX_AMPLITUDE_UV)
}

/// Refuses an amplitude beyond 1e-12 to 1e12 microvolts.
#[inline(never)]
pub(super) fn check_amplitude(parameter: &'static str, value: f64) -> Result<f64, ParameterError> {
    positive_within(parameter, value, MIN_AMPLITUDE_UV, MAX_AMPLITUDE_UV)
}

/// What a frequency must obey besides lying above 0.
pub(super) const BELOW_NYQUIST: &str = "below half the sample rate";

/// Refuses a frequency in Hz that is not above 0 and below half the sample rate.
#[inline(never)]
pub(super) fn check_frequency(
    parameter: &'static str,
    value: f64,
    rate_hz: f64,
) -> Result<f64, ParameterError> {
    below_nyquist(parameter, positive(parameter, value)?, rate_hz)
}

/// Refuses sines of `hz` and its multiples, `count` in all, that are not all below half the sample
/// rate: by the number of them, where the first one is.
#[cfg(feature = "v3")]
pub(super) fn check_harmonics(
    [fundamental, harmonics]: [&'static str; 2],
    (hz, count): (f64, usize),
    most: usize,
    rate_hz: f64,
) -> Result<usize, ParameterError> {
    below_nyquist(fundamental, hz, rate_hz)?;
    // The first one fits.
    let fit = (1..=most).take_while(|&harmonic| harmonic as f64 * hz < rate_hz / 2.0).count();
    count_within(harmonics, count, 1, fit)
}

/// Declares where a power law begins.
pub(super) const fn low_corner() -> Declaration<f64> {
    number(0.05, "Hz", POSITIVE, f64::INFINITY).limit("1e-9 to 0.02 of the sample rate")
}

/// Refuses a corner beyond 1e-9 to 0.02 of the sample rate.
pub(super) fn check_low_corner(value: f64, rate_hz: f64) -> Result<f64, ParameterError> {
    check_low_corner_of("low_corner_hz", value, rate_hz)
}

/// [`check_low_corner`] of another parameter.
#[inline(never)]
pub(super) fn check_low_corner_of(
    parameter: &'static str,
    value: f64,
    rate_hz: f64,
) -> Result<f64, ParameterError> {
    positive_within(parameter, value, 1e-9 * rate_hz, 0.02 * rate_hz)
}
