//! Signal-processing kernels, the things a run benchmarks.
//!
//! A kernel's coefficients live in `&self`; its delay lines live in a caller-owned slice of
//! `f32`, so that the same code runs from a `Vec` on a desktop and from a static array on a
//! microcontroller, and so that "fresh state" is one call.
//!
//! Data is interleaved: a hop of `rows` samples of `channels` channels is a slice of
//! `rows * channels` values, sample-major, in microvolts. Every new sample enters a kernel
//! exactly once; windowed kernels keep their own ring of the last `window` samples.
//! The harness feeds `window` rows first and `hop` rows from then on.

use core::fmt;

/// What a kernel is built for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelShape {
    /// Number of channels, at least 1.
    pub channels: usize,
    /// Window length W in samples, at least 1.
    pub window: usize,
    /// Hop H in samples, 1..=W: new samples per window after the first.
    pub hop: usize,
    /// Sample rate in Hz, finite and positive.
    pub sample_rate_hz: f64,
}

/// Why one call of [`Kernel::process`] failed. The window counts as failed; the state is as
/// it was before the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelFault {
    /// `input` is not a whole, non-zero number of rows the kernel accepts.
    InputLength,
    /// `output` is shorter than [`Kernel::output_len`] says.
    OutputLength,
    /// `state` is shorter than [`Kernel::state_len`] says.
    StateLength,
}

impl fmt::Display for KernelFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KernelFault::InputLength => "the input is not a whole number of rows",
            KernelFault::OutputLength => "the output buffer is too short",
            KernelFault::StateLength => "the state buffer is too short",
        })
    }
}

impl core::error::Error for KernelFault {}

/// One signal-processing kernel.
pub trait Kernel {
    /// Length of the state slice, in `f32` values.
    fn state_len(&self) -> usize;

    /// Puts `state` (at least [`Kernel::state_len`] long) into the state before the first sample.
    fn reset(&self, state: &mut [f32]);

    /// Number of output values for `rows` input rows.
    fn output_len(&self, rows: usize) -> usize;

    /// Takes `input` (interleaved rows), advances `state`, writes exactly
    /// [`Kernel::output_len`] values to the front of `output` and returns their number.
    ///
    /// # Errors
    /// [`KernelFault`] when a slice has the wrong length; nothing was changed then.
    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault>;
}
