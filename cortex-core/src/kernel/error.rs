//! What is wrong with a kernel's parameters or shape: parameter, value, what is allowed.

use core::fmt;

use super::FixedType;
use crate::parameter::ParameterError;

/// Why a [`KernelSpec`](super::KernelSpec) cannot be built for a
/// [`KernelShape`](super::KernelShape). `parameter` is the name used in configurations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KernelError {
    /// A parameter's value is not allowed.
    Parameter(ParameterError),
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
    /// The kernel has no fixed-point form.
    NoFixedPoint {
        /// The kernel.
        kernel: &'static str,
    },
    /// A parameter's value asks more of the kernel's fixed-point form than its integers hold.
    FixedPointRange {
        /// The parameter at fault.
        parameter: &'static str,
        /// Its value.
        value: f64,
        /// The type of the samples.
        dtype: FixedType,
    },
    /// Channels x window (or taps) need more state than a kernel may have.
    StateTooLarge {
        /// Number of `f32` values needed.
        values: u64,
        /// Number of `f32` values allowed.
        max: u64,
    },
}

impl KernelError {
    /// The parameter at fault.
    #[must_use]
    pub fn parameter(&self) -> &'static str {
        match self {
            KernelError::Parameter(error) => error.parameter(),
            KernelError::NotPowerOfTwo { parameter, .. }
            | KernelError::FixedPointRange { parameter, .. } => parameter,
            KernelError::NoFixedPoint { .. } => "dtype",
            KernelError::EmptyBand { .. } => "low_hz",
            KernelError::NotchTooWide { .. } => "q",
            KernelError::NoBands => "bands",
            KernelError::StateTooLarge { .. } => "window",
        }
    }
}

impl From<ParameterError> for KernelError {
    fn from(error: ParameterError) -> Self {
        KernelError::Parameter(error)
    }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            KernelError::Parameter(error) => error.fmt(f),
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
            KernelError::NoFixedPoint { kernel } => {
                write!(f, "{kernel} has no fixed-point form; remove dtype, or set it to f32")
            }
            KernelError::FixedPointRange { parameter, value, dtype } => write!(
                f,
                "{parameter} is {value}, too much for dtype {}: too few bits of a sample would be left; lower it, or use another dtype",
                dtype.as_str()
            ),
            KernelError::NoBands => f.write_str("bands must hold at least one band"),
            KernelError::StateTooLarge { values, max } => write!(
                f,
                "channels x window need {values} values of state, more than the {max} a kernel may have; use fewer channels or a shorter window"
            ),
        }
    }
}

impl core::error::Error for KernelError {}
