//! What is wrong with a kernel's parameters or shape: parameter, value, what is allowed.

use core::fmt;

/// Why a [`KernelSpec`](super::KernelSpec) cannot be built for a
/// [`KernelShape`](super::KernelShape). `parameter` is the name used in configurations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KernelError {
    /// The value is NaN, infinite, zero or negative where a positive number is needed.
    NotPositive {
        /// The parameter at fault.
        parameter: &'static str,
        /// Its value.
        value: f64,
    },
    /// The value is outside the closed range given.
    OutOfRange {
        /// The parameter at fault.
        parameter: &'static str,
        /// Its value.
        value: f64,
        /// Least value allowed.
        min: f64,
        /// Greatest value allowed.
        max: f64,
    },
    /// A frequency at or above half the sample rate cannot be represented.
    AboveNyquist {
        /// The parameter at fault.
        parameter: &'static str,
        /// Its value in Hz.
        frequency_hz: f64,
        /// Half the sample rate in Hz.
        nyquist_hz: f64,
    },
    /// A band's lower edge is not below its upper edge.
    EmptyBand {
        /// Lower edge in Hz.
        low_hz: f64,
        /// Upper edge in Hz.
        high_hz: f64,
    },
    /// The notch is so wide that its band reaches the Nyquist frequency.
    NotchTooWide {
        /// The quality factor asked.
        q: f64,
        /// The quality factor must be above this.
        above: f64,
    },
    /// The length of an FFT is no power of two.
    NotPowerOfTwo {
        /// The parameter at fault.
        parameter: &'static str,
        /// Its value.
        value: usize,
    },
    /// A list of bands is empty.
    NoBands,
    /// Channels x window (or taps) need more state than a kernel may have.
    StateTooLarge {
        /// Number of `f32` values needed.
        values: u64,
        /// Number of `f32` values allowed.
        max: u64,
    },
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            KernelError::NotPositive { parameter, value } => {
                write!(f, "{parameter} must be a finite number above 0, but it is {value}")
            }
            KernelError::OutOfRange { parameter, value, min, max } => {
                write!(f, "{parameter} must lie between {min} and {max}, but it is {value}")
            }
            KernelError::AboveNyquist { parameter, frequency_hz, nyquist_hz } => write!(
                f,
                "{parameter} is {frequency_hz} Hz, at or above the Nyquist frequency of {nyquist_hz} Hz; lower it or raise the sample rate"
            ),
            KernelError::EmptyBand { low_hz, high_hz } => write!(
                f,
                "low_hz must be below high_hz, but the band is {low_hz} Hz to {high_hz} Hz"
            ),
            KernelError::NotchTooWide { q, above } => write!(
                f,
                "q is {q}, which makes the notch wider than the Nyquist frequency; it must be above {above}"
            ),
            KernelError::NotPowerOfTwo { parameter, value } => {
                write!(f, "{parameter} must be a power of two, but it is {value}")
            }
            KernelError::NoBands => f.write_str("bands must hold at least one band"),
            KernelError::StateTooLarge { values, max } => write!(
                f,
                "channels x window need {values} values of state, more than the {max} a kernel may have; use fewer channels or a shorter window"
            ),
        }
    }
}

impl core::error::Error for KernelError {}

/// Refuses anything but a finite number above zero.
pub(super) fn positive(parameter: &'static str, value: f64) -> Result<f64, KernelError> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(KernelError::NotPositive { parameter, value })
    }
}

/// Refuses a whole number outside `min..=max`.
pub(super) fn in_range(
    parameter: &'static str,
    value: usize,
    min: usize,
    max: usize,
) -> Result<usize, KernelError> {
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(KernelError::OutOfRange {
            parameter,
            value: value as f64,
            min: min as f64,
            max: max as f64,
        })
    }
}

/// Refuses a frequency at or above the Nyquist frequency of `sample_rate_hz` (NaN too).
pub(super) fn below_nyquist(
    parameter: &'static str,
    frequency_hz: f64,
    sample_rate_hz: f64,
) -> Result<f64, KernelError> {
    let nyquist_hz = sample_rate_hz / 2.0;
    if frequency_hz < nyquist_hz {
        Ok(frequency_hz)
    } else {
        Err(KernelError::AboveNyquist { parameter, frequency_hz, nyquist_hz })
    }
}
