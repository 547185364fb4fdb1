//! Signal-processing kernels, the things a run benchmarks.
//!
//! A kernel's few scalar coefficients live in `&self`; its delay lines, its scratch and the
//! tables that depend on the design (filter taps, window function) live in a caller-owned slice
//! of `f32`, so that the same code runs from a `Vec` on a desktop and from a static array on a
//! microcontroller, and so that "fresh state" is one call of [`Kernel::reset`].
//!
//! Data is interleaved: a hop of `rows` samples of `channels` channels is a slice of
//! `rows * channels` values, sample-major, in microvolts. Every new sample enters a kernel
//! exactly once; windowed kernels keep their own ring of the last `window` samples.
//! The harness feeds `window` rows first and `hop` rows from then on.
//!
//! - streaming kernels ([`Noop`], [`Car`], [`NotchIir`], [`BandpassFir`]) write one output row per
//!   input row: any split of the rows into calls gives the same bits;
//! - windowed kernels ([`Goertzel`], [`WelchPsd`], [`Fft`]) write one result per call, of the last
//!   `window` samples (zeros stand before the first sample).
//!
//! [`KernelSpec`] is the portable description (name and parameters) that a configuration and
//! the wire carry; [`KernelSpec::build`] validates it and designs an [`AnyKernel`]. Designs use
//! double precision once; the data path is single precision: additions, multiplications and
//! comparisons in one fixed order, so outputs are bit-identical on every target and a
//! [digest](crate::digest) of them can be compared anywhere ([`golden`] does).
//!
//! # Missing samples
//! A sample that is NaN, infinite or larger in magnitude than [`SAMPLE_LIMIT_UV`] is *missing*:
//! it must not poison a recursion forever. [`NotchIir`], [`BandpassFir`] and the windowed kernels
//! replace it by the channel's previous sample (zero before the first), [`Car`] leaves it out of
//! the average and writes NaN in its place, [`Noop`] passes it through. All but [`Noop`] count
//! them: [`Kernel::missing_samples`].

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::parameter::{Parameter, parameters};

mod bandpass_fir;
mod car;
mod error;
mod fft;
mod fixed;
mod form;
mod goertzel;
pub mod golden;
mod lanes;
mod noop;
mod notch_iir;
mod registry;
mod rfft;
mod ring;
mod rows;
mod shape;
mod welch_psd;

pub use error::KernelError;
pub use fixed::{FixedKernel, FixedOutput, FixedPoint, FixedType, Q15Kernel};
pub use form::{AnyForm, KernelForm};
pub use lanes::{BASELINE_LANES, MAX_LANES};
pub use rfft::{MAX_FFT_LEN, MIN_FFT_LEN};
pub use shape::{
    KernelShape, MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, MAX_STATE_LEN, MAX_WINDOW, MIN_SAMPLE_RATE_HZ,
};

// A kernel's place is its number on the wire: a new one comes last.
registry::kernels! {
    noop::Noop,
    car::Car,
    notch_iir::NotchIir,
    bandpass_fir::BandpassFir,
    goertzel::Goertzel,
    welch_psd::WelchPsd,
    fft::Fft,
}

/// Largest sample magnitude taken for a measurement, in microvolts (a million volts): small enough
/// that no recursion overflows single precision on it (the square of a sum over the longest window is
/// 1.1e36), far above any amplifier.
pub const SAMPLE_LIMIT_UV: f32 = 1e12;

/// What a kernel is, what it takes and what it puts out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Info<'a> {
    /// The name in configurations, in snake case.
    pub name: &'a str,
    /// One line of description.
    pub summary: &'a str,
    /// What one call puts out.
    pub output: Output<'a>,
    /// Its parameters; an empty list for none.
    pub parameters: &'a [Parameter<'a>],
}

/// What one call of a kernel puts out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// One row of `channels` values per input row.
    Rows {
        /// Unit of the values.
        unit: &'a str,
    },
    /// One result, of the last `window` samples.
    Window {
        /// Its shape in words, such as `bands x channels`.
        shape: &'a str,
        /// Unit of the values.
        unit: &'a str,
    },
}

impl<'a> Output<'a> {
    /// The shape in words.
    #[must_use]
    pub const fn shape(self) -> &'a str {
        match self {
            Output::Rows { .. } => "rows x channels",
            Output::Window { shape, .. } => shape,
        }
    }

    /// Unit of the values.
    #[must_use]
    pub const fn unit(self) -> &'a str {
        match self {
            Output::Rows { unit } | Output::Window { unit, .. } => unit,
        }
    }

    /// Whether there is one result per window, else one output row per input row.
    #[must_use]
    pub const fn is_windowed(self) -> bool {
        matches!(self, Output::Window { .. })
    }
}

/// What makes a [`Kernel`] of this crate: its description, its parameters and its design.
pub trait Design: Kernel + Sized {
    /// The description. Constant data that only a host names.
    const INFO: Info<'static>;

    /// The parameters.
    type Params: Default + Clone;

    /// Validates the parameters and computes the coefficients for `shape`, which was checked.
    ///
    /// # Errors
    /// [`KernelError`] names the parameter, its value and what is allowed.
    fn design(params: &Self::Params, shape: KernelShape) -> Result<Self, KernelError>;

    /// `params` with what a kernel of `shape` takes for those that are left out.
    #[must_use]
    fn resolved(params: &Self::Params, _shape: KernelShape) -> Self::Params {
        params.clone()
    }

    /// [`Kernel::state_len`] before it is known to fit a `usize`.
    fn state_values(&self) -> u64 {
        self.state_len() as u64
    }
}

parameters! {
    /// The parameters of a kernel that has none.
    #[derive(Copy)]
    pub struct NoParams {}
}

impl KernelName {
    /// The kernel of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kernel| kernel.as_str() == name)
    }
}

impl fmt::Display for KernelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why one call of [`Kernel::process`] failed. The window counts as failed; unless the kernel
/// reported it, the state is as it was before the call. The numbers are those of telemetry's `error_code` and of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelFault {
    /// `input` is not a whole, non-zero number of rows the kernel accepts.
    InputLength = 1,
    /// `output` is shorter than [`Kernel::output_len`] says.
    OutputLength = 2,
    /// `state` is shorter than [`Kernel::state_len`] says.
    StateLength = 3,
    /// The kernel reported a status of its own ([`Kernel::reported_status`]); its state is what the
    /// kernel left.
    Reported = 4,
}

impl KernelFault {
    /// All of them.
    pub const ALL: [KernelFault; 4] = [
        KernelFault::InputLength,
        KernelFault::OutputLength,
        KernelFault::StateLength,
        KernelFault::Reported,
    ];

    /// The fault with this number.
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| *fault as u32 == code)
    }
}

impl fmt::Display for KernelFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KernelFault::InputLength => "the input is not a whole number of rows",
            KernelFault::OutputLength => "the output buffer is too short",
            KernelFault::StateLength => "the state buffer is too short",
            KernelFault::Reported => "the kernel reported a status of its own",
        })
    }
}

impl core::error::Error for KernelFault {}

/// One signal-processing kernel.
pub trait Kernel {
    /// Length of the state slice, in `f32` values.
    fn state_len(&self) -> usize;

    /// Puts `state` (at least [`Kernel::state_len`] long) into the state before the first sample
    /// and writes the kernel's tables into it. Must be called before the first
    /// [`Kernel::process`]. Without tables that is all zeros.
    ///
    /// # Panics
    /// When `state` is shorter than [`Kernel::state_len`].
    fn reset(&self, state: &mut [f32]) {
        state[..self.state_len()].fill(0.0);
    }

    /// Number of output values for `rows` input rows.
    fn output_len(&self, rows: usize) -> usize;

    /// Takes `input` (interleaved rows, any number of them from 1 on), advances `state`, writes
    /// exactly [`Kernel::output_len`] values to the front of `output` and returns their number.
    ///
    /// # Errors
    /// [`KernelFault`] when a slice has the wrong length, and nothing was changed then, or when a
    /// kernel of the user's own fails the window.
    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault>;

    /// [`Kernel::process`] with up to `LANES` channels abreast: 1, 8, 16 or 32. Inlined into a function that is
    /// compiled for wider vectors it becomes instructions of that width. The outputs are the same bits for
    /// every `LANES`, but a state's layout is not: from one reset to the next it goes with one `LANES`.
    ///
    /// # Errors
    /// As [`Kernel::process`].
    #[inline(always)]
    fn process_abreast<const LANES: usize>(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault>
    where
        Self: Sized,
    {
        self.process(state, input, output)
    }

    /// Number of missing samples since the last reset, saturating at 2^24; counted in the state's last
    /// value by every kernel that has a state.
    ///
    /// # Panics
    /// When `state` is shorter than [`Kernel::state_len`].
    fn missing_samples(&self, state: &[f32]) -> u32 {
        self.state_len().checked_sub(1).map_or(0, |counter| state[counter] as u32)
    }

    /// Number of outputs since the last reset that were set to the end of their range; 0 for a kernel
    /// in floating point.
    ///
    /// # Panics
    /// When `state` is shorter than [`Kernel::state_len`].
    fn saturated_samples(&self, state: &[f32]) -> u32 {
        let _ = state;
        0
    }

    /// What the kernel's input is in place of microvolts; none for a kernel in floating point.
    fn fixed_point(&self) -> Option<FixedPoint> {
        None
    }

    /// The status behind the last [`KernelFault::Reported`]; 0 for a kernel that reports none.
    fn reported_status(&self, state: &[f32]) -> i32 {
        let _ = state;
        0
    }
}
