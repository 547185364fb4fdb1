//! The kernels in fixed point, for processors without a floating-point unit.
//!
//! Samples are whole *steps* of `scale_uv` microvolts: q15 steps from -32,767 to 32,767, q31 steps
//! from -(2^31 - 1) to 2^31 - 1. The least number of the type stands for a missing sample.
//! Arithmetic is on integers, so that results are the same bits everywhere; `docs/numerics.md` says
//! how each kernel rounds, saturates and keeps its sums from overflowing.
//!
//! Memory is that of every [`Kernel`]: slices of 32-bit values. A value is the bits of a step, one
//! step a value ([`FixedPoint::encode`]); outputs are steps ([`FixedKernel::output`]) or, where they
//! are powers, single-precision numbers. Every state ends with two counters: of missing samples and
//! of saturated outputs.

use bytemuck::{cast_slice, cast_slice_mut};
use serde::{Deserialize, Serialize};

use super::shape::fits;
use super::{
    Design, Kernel, KernelError, KernelFault, KernelShape, KernelSpec, SAMPLE_LIMIT_UV, rows,
};
use crate::parameter::positive_within;

mod bandpass_fir;
mod car;
mod fft;
mod goertzel;
mod notch_iir;
mod rfft;
mod ring;
mod welch_psd;
mod word;

use bandpass_fir::BandpassFir;
use fft::Fft;
use goertzel::Goertzel;
use notch_iir::NotchIir;
use ring::Counters;
use welch_psd::WelchPsd;
use word::{Q15, Q31, Word};

/// Type of fixed-point samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixedType {
    /// 16 bits.
    Q15,
    /// 32 bits.
    Q31,
}

impl FixedType {
    /// The greatest step; the least is its negative.
    #[must_use]
    pub const fn limit(self) -> i32 {
        match self {
            FixedType::Q15 => Q15::LIMIT,
            FixedType::Q31 => Q31::LIMIT,
        }
    }

    /// The step of a missing sample.
    #[must_use]
    pub const fn missing(self) -> i32 {
        -self.limit() - 1
    }

    /// The spelling in configurations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            FixedType::Q15 => "q15",
            FixedType::Q31 => "q31",
        }
    }
}

/// Fixed-point samples: their type and what one step is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixedPoint {
    /// The type.
    pub dtype: FixedType,
    /// Microvolts per step, finite and above 0.
    pub scale_uv: f64,
}

impl FixedPoint {
    /// Turns samples in microvolts into steps, in place: to the nearest, ties to even. What lies
    /// beyond the range becomes its end; returns how many did. A missing sample (not finite, or
    /// beyond [`SAMPLE_LIMIT_UV`]) becomes the step for that.
    pub fn encode(self, values: &mut [f32]) -> u32 {
        let limit = f64::from(self.dtype.limit());
        let mut saturated = 0;
        for value in values {
            let step = if value.abs() <= SAMPLE_LIMIT_UV {
                let steps = f64::from(*value) / self.scale_uv;
                saturated += u32::from(steps.abs() >= limit + 0.5);
                // Within 2^51, adding and taking away 1.5 * 2^52 rounds to an integer, ties to even.
                const ROUND: f64 = 6_755_399_441_055_744.0;
                ((steps.clamp(-limit, limit) + ROUND) - ROUND) as i32
            } else {
                self.dtype.missing()
            };
            *value = f32::from_bits(step as u32);
        }
        saturated
    }

    /// Turns steps of this type into microvolts, in place; missing ones into NaN.
    pub fn decode(self, values: &mut [f32]) {
        for value in values {
            let step = value.to_bits() as i32;
            *value = if step == self.dtype.missing() {
                f32::NAN
            } else {
                (f64::from(step) * self.scale_uv) as f32
            };
        }
    }
}

/// What the values of a fixed-point kernel's output are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FixedOutput {
    /// Steps of the input's type and scale.
    Samples(FixedPoint),
    /// 32-bit steps of another scale; none is missing.
    Steps32 {
        /// Microvolts per step.
        scale_uv: f64,
    },
    /// Single-precision numbers in the kernel's unit.
    Single,
}

impl FixedOutput {
    /// Turns output values into numbers in the kernel's unit, in place.
    pub fn decode(self, values: &mut [f32]) {
        match self {
            FixedOutput::Samples(format) => format.decode(values),
            FixedOutput::Steps32 { scale_uv } => {
                for value in values {
                    *value = (f64::from(value.to_bits() as i32) * scale_uv) as f32;
                }
            }
            FixedOutput::Single => {}
        }
    }
}

/// What one of the kernels does, of samples of type `W`.
#[derive(Clone, Debug)]
enum Process<W> {
    Noop,
    Car,
    NotchIir(NotchIir<W>),
    BandpassFir(BandpassFir<W>),
    Goertzel(Goertzel<W>),
    WelchPsd(WelchPsd<W>),
    Fft(Fft<W>),
}

/// A kernel on samples of type `W`.
#[derive(Clone, Debug)]
struct Typed<W> {
    format: FixedPoint,
    channels: usize,
    process: Process<W>,
}

/// Missing samples and saturated outputs, at a state's end.
const COUNTERS: usize = 2;

impl<W: Word> Typed<W> {
    fn build(
        spec: &KernelSpec,
        shape: KernelShape,
        format: FixedPoint,
    ) -> Result<Self, KernelError> {
        shape.check()?;
        positive_within("scale_uv", format.scale_uv, 1e-12, 1e12)?;
        let process = design(spec, shape, format)?;
        let kernel = Self { format, channels: shape.channels, process };
        fits(kernel.state_values())?;
        Ok(kernel)
    }

    fn output(&self) -> FixedOutput {
        match &self.process {
            Process::Fft(kernel) => FixedOutput::Steps32 {
                scale_uv: self.format.scale_uv / power_of_two(kernel.shift()),
            },
            Process::Goertzel(_) | Process::WelchPsd(_) => FixedOutput::Single,
            _ => FixedOutput::Samples(self.format),
        }
    }

    fn state_values(&self) -> u64 {
        self.process.state_len() + COUNTERS as u64
    }
}

/// A kernel in fixed point of either type; made by [`KernelForm::build`](super::KernelForm::build) or
/// [`FixedKernel::build`].
#[derive(Clone, Debug)]
pub struct FixedKernel(EitherType);

#[derive(Clone, Debug)]
enum EitherType {
    Q15(Typed<Q15>),
    Q31(Typed<Q31>),
}

/// A kernel in q15, for flash that does not hold both types.
#[derive(Clone, Debug)]
pub struct Q15Kernel(Typed<Q15>);

impl FixedKernel {
    /// Validates everything and designs the fixed-point form of the kernel of `spec`.
    ///
    /// # Errors
    /// What [`KernelSpec::build`] refuses, a kernel without such a form, and parameters that
    /// integers of this size cannot hold.
    pub fn build(
        spec: &KernelSpec,
        shape: KernelShape,
        format: FixedPoint,
    ) -> Result<Self, KernelError> {
        Ok(Self(match format.dtype {
            FixedType::Q15 => EitherType::Q15(Typed::build(spec, shape, format)?),
            FixedType::Q31 => EitherType::Q31(Typed::build(spec, shape, format)?),
        }))
    }

    /// The samples that it takes.
    #[must_use]
    pub fn format(&self) -> FixedPoint {
        match &self.0 {
            EitherType::Q15(kernel) => kernel.format,
            EitherType::Q31(kernel) => kernel.format,
        }
    }

    /// What its output is.
    #[must_use]
    pub fn output(&self) -> FixedOutput {
        match &self.0 {
            EitherType::Q15(kernel) => kernel.output(),
            EitherType::Q31(kernel) => kernel.output(),
        }
    }
}

impl Q15Kernel {
    /// [`FixedKernel::build`] in q15, in steps of `scale_uv` microvolts.
    ///
    /// # Errors
    /// As [`FixedKernel::build`].
    pub fn build(
        spec: &KernelSpec,
        shape: KernelShape,
        scale_uv: f64,
    ) -> Result<Self, KernelError> {
        Typed::build(spec, shape, FixedPoint { dtype: FixedType::Q15, scale_uv }).map(Self)
    }
}

fn design<W: Word>(
    spec: &KernelSpec,
    shape: KernelShape,
    format: FixedPoint,
) -> Result<Process<W>, KernelError> {
    let FixedPoint { dtype, scale_uv } = format;
    Ok(match spec {
        KernelSpec::Noop(_) => Process::Noop,
        KernelSpec::Car(_) => Process::Car,
        KernelSpec::NotchIir(params) => Process::NotchIir(NotchIir::of(params, shape, dtype)?),
        KernelSpec::BandpassFir(params) => {
            Process::BandpassFir(BandpassFir::of(super::BandpassFir::design(params, shape)?))
        }
        KernelSpec::Goertzel(params) => {
            let single = super::Goertzel::design(params, shape)?;
            Process::Goertzel(Goertzel::of(&single, scale_uv, dtype)?)
        }
        KernelSpec::WelchPsd(params) => {
            Process::WelchPsd(WelchPsd::of(&super::WelchPsd::design(params, shape)?, scale_uv))
        }
        KernelSpec::Fft(params) => Process::Fft(Fft::of(&super::Fft::design(params, shape)?)),
        #[allow(unreachable_patterns, reason = "a kernel without a fixed-point form")]
        _ => return Err(KernelError::NoFixedPoint { kernel: spec.name().as_str() }),
    })
}

impl<W: Word> Process<W> {
    fn state_len(&self) -> u64 {
        match self {
            Process::Noop | Process::Car => 0,
            Process::NotchIir(kernel) => kernel.state_len(),
            Process::BandpassFir(kernel) => kernel.state_len(),
            Process::Goertzel(kernel) => kernel.state_len(),
            Process::WelchPsd(kernel) => kernel.state_len(),
            Process::Fft(kernel) => kernel.state_len(),
        }
    }

    fn reset(&self, state: &mut [i32]) {
        match self {
            Process::Noop | Process::Car | Process::NotchIir(_) => {}
            Process::BandpassFir(kernel) => kernel.reset(state),
            Process::Goertzel(kernel) => kernel.reset(state),
            Process::WelchPsd(kernel) => kernel.reset(state),
            Process::Fft(kernel) => kernel.reset(state),
        }
    }

    fn output_len(&self, values: usize) -> usize {
        match self {
            Process::Noop | Process::Car | Process::NotchIir(_) | Process::BandpassFir(_) => values,
            Process::Goertzel(kernel) => kernel.output_len(),
            Process::WelchPsd(kernel) => kernel.output_len(),
            Process::Fft(kernel) => kernel.output_len(),
        }
    }

    /// Runs the kernel; the lengths are right.
    fn run(
        &self,
        channels: usize,
        state: &mut [i32],
        input: &[i32],
        output: &mut [f32],
    ) -> Counters {
        let mut counters = Counters::default();
        let count = &mut counters;
        match self {
            Process::Noop => cast_slice_mut(output).copy_from_slice(input),
            Process::Car => car::reference::<W>(channels, input, cast_slice_mut(output), count),
            Process::NotchIir(kernel) => {
                kernel.process(state, input, cast_slice_mut(output), count);
            }
            Process::BandpassFir(kernel) => {
                kernel.process(state, input, cast_slice_mut(output), count);
            }
            Process::Goertzel(kernel) => kernel.process(state, input, output, count),
            Process::WelchPsd(kernel) => kernel.process(state, input, output, count),
            Process::Fft(kernel) => kernel.process(state, input, cast_slice_mut(output), count),
        }
        counters
    }
}

impl<W: Word> Kernel for Typed<W> {
    fn state_len(&self) -> usize {
        self.state_values() as usize
    }

    fn reset(&self, state: &mut [f32]) {
        let state: &mut [i32] = cast_slice_mut(&mut state[..self.state_len()]);
        state.fill(0);
        self.process.reset(state);
    }

    fn output_len(&self, rows: usize) -> usize {
        self.process.output_len(rows * self.channels)
    }

    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        let len = self.state_len();
        let rows =
            rows::check(self.channels, input, state, len, output, |rows| self.output_len(rows))?;
        let written = self.output_len(rows);
        let state: &mut [i32] = cast_slice_mut(&mut state[..len]);
        let (state, totals) = state.split_at_mut(len - COUNTERS);
        let (input, output) = (cast_slice(input), &mut output[..written]);
        let counters = self.process.run(self.channels, state, input, output);
        for (total, more) in totals.iter_mut().zip([counters.missing, counters.saturated]) {
            *total = (*total as u32).saturating_add(more) as i32;
        }
        Ok(written)
    }

    fn missing_samples(&self, state: &[f32]) -> u32 {
        state[self.state_len() - COUNTERS].to_bits()
    }

    fn saturated_samples(&self, state: &[f32]) -> u32 {
        state[self.state_len() - 1].to_bits()
    }

    fn fixed_point(&self) -> Option<FixedPoint> {
        Some(self.format)
    }
}

/// A kernel that is one of others.
macro_rules! forward {
    ($type:ident: $($variant:pat => $kernel:ident),+) => {
        impl Kernel for $type {
            fn state_len(&self) -> usize {
                match &self.0 { $($variant => $kernel.state_len(),)+ }
            }

            fn reset(&self, state: &mut [f32]) {
                match &self.0 { $($variant => $kernel.reset(state),)+ }
            }

            fn output_len(&self, rows: usize) -> usize {
                match &self.0 { $($variant => $kernel.output_len(rows),)+ }
            }

            fn process(
                &self,
                state: &mut [f32],
                input: &[f32],
                output: &mut [f32],
            ) -> Result<usize, KernelFault> {
                match &self.0 { $($variant => $kernel.process(state, input, output),)+ }
            }

            fn missing_samples(&self, state: &[f32]) -> u32 {
                match &self.0 { $($variant => $kernel.missing_samples(state),)+ }
            }

            fn saturated_samples(&self, state: &[f32]) -> u32 {
                match &self.0 { $($variant => $kernel.saturated_samples(state),)+ }
            }

            fn fixed_point(&self) -> Option<FixedPoint> {
                match &self.0 { $($variant => $kernel.fixed_point(),)+ }
            }
        }
    };
}

forward!(FixedKernel: EitherType::Q15(kernel) => kernel, EitherType::Q31(kernel) => kernel);
forward!(Q15Kernel: kernel => kernel);

/// 2^exponent, for exponents from -62 to 62.
fn power_of_two(exponent: i32) -> f64 {
    let power = (1_i64 << exponent.unsigned_abs()) as f64;
    if exponent < 0 { 1.0 / power } else { power }
}

#[inline(always)]
fn squared(x: i32) -> u64 {
    let x = u64::from(x.unsigned_abs());
    x * x
}
