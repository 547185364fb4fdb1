//! What is wrong with a parameter's value, and what is allowed: one sentence for generators
//! and kernels.

use core::fmt;

/// A value that is not allowed. `parameter` is the name used in configurations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterError {
    /// The value is NaN, infinite, zero or negative where a positive number is needed.
    NotPositive {
        /// The parameter at fault.
        parameter: &'static str,
        /// Its value.
        value: f64,
    },
    /// The value is NaN or infinite.
    NotFinite {
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
}

impl ParameterError {
    /// The parameter at fault.
    #[must_use]
    pub fn parameter(&self) -> &'static str {
        match *self {
            ParameterError::NotPositive { parameter, .. }
            | ParameterError::NotFinite { parameter, .. }
            | ParameterError::OutOfRange { parameter, .. }
            | ParameterError::AboveNyquist { parameter, .. } => parameter,
        }
    }
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParameterError::NotPositive { parameter, value } => {
                write!(f, "{parameter} must be a finite number above 0, but it is {value}")
            }
            ParameterError::NotFinite { parameter, value } => {
                write!(f, "{parameter} must be a finite number, but it is {value}")
            }
            ParameterError::OutOfRange { parameter, value, min, max } => {
                write!(f, "{parameter} must lie between {min} and {max}, but it is {value}")
            }
            ParameterError::AboveNyquist { parameter, frequency_hz, nyquist_hz } => write!(
                f,
                "{parameter} is {frequency_hz} Hz, at or above the Nyquist frequency of {nyquist_hz} Hz; lower it or raise the sample rate"
            ),
        }
    }
}

impl core::error::Error for ParameterError {}

/// Refuses anything but a finite number above zero.
pub(crate) fn positive(parameter: &'static str, value: f64) -> Result<f64, ParameterError> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(ParameterError::NotPositive { parameter, value })
    }
}

/// Refuses what [`positive`] refuses and what lies outside `min..=max`.
pub(crate) fn positive_within(
    parameter: &'static str,
    value: f64,
    min: f64,
    max: f64,
) -> Result<f64, ParameterError> {
    within(parameter, positive(parameter, value)?, min, max)
}

/// Refuses NaN, infinities and what lies outside `min..=max`.
pub(crate) fn within(
    parameter: &'static str,
    value: f64,
    min: f64,
    max: f64,
) -> Result<f64, ParameterError> {
    if value >= min && value <= max {
        Ok(value)
    } else if value.is_finite() {
        Err(ParameterError::OutOfRange { parameter, value, min, max })
    } else {
        Err(ParameterError::NotFinite { parameter, value })
    }
}

/// Refuses a whole number outside `min..=max`.
pub(crate) fn count_within(
    parameter: &'static str,
    value: usize,
    min: usize,
    max: usize,
) -> Result<usize, ParameterError> {
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        let (value, min, max) = (value as f64, min as f64, max as f64);
        Err(ParameterError::OutOfRange { parameter, value, min, max })
    }
}

/// Refuses a frequency at or above the Nyquist frequency of `sample_rate_hz` (NaN too).
pub(crate) fn below_nyquist(
    parameter: &'static str,
    frequency_hz: f64,
    sample_rate_hz: f64,
) -> Result<f64, ParameterError> {
    let nyquist_hz = sample_rate_hz / 2.0;
    if frequency_hz < nyquist_hz {
        Ok(frequency_hz)
    } else {
        Err(ParameterError::AboveNyquist { parameter, frequency_hz, nyquist_hz })
    }
}
