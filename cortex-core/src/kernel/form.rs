//! A kernel in one of its forms: in single precision, or in fixed point.

use serde::{Deserialize, Serialize};

use super::{
    AnyKernel, FixedKernel, FixedOutput, FixedPoint, Kernel, KernelError, KernelFault, KernelShape,
    KernelSpec,
};

/// A kernel, its parameters, and the samples it is to take: what a configuration and the wire carry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelForm {
    /// The kernel and its parameters.
    pub spec: KernelSpec,
    /// Its samples; none for single precision, in microvolts.
    pub fixed: Option<FixedPoint>,
}

impl From<KernelSpec> for KernelForm {
    fn from(spec: KernelSpec) -> Self {
        Self { spec, fixed: None }
    }
}

impl KernelForm {
    /// Validates everything and designs the kernel.
    ///
    /// # Errors
    /// As [`KernelSpec::build`] and [`FixedKernel::build`].
    pub fn build(&self, shape: KernelShape) -> Result<AnyForm, KernelError> {
        match self.fixed {
            None => self.spec.build(shape).map(AnyForm::Single),
            Some(format) => FixedKernel::build(&self.spec, shape, format).map(AnyForm::Fixed),
        }
    }

    /// Reads the bytes of [`KernelForm::write`]: the specification as postcard, and behind it the
    /// samples, if they are fixed-point.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (spec, rest) = postcard::take_from_bytes(bytes).ok()?;
        let fixed = if rest.is_empty() { None } else { Some(postcard::from_bytes(rest).ok()?) };
        Some(Self { spec, fixed })
    }

    /// Writes itself to the front of `buffer`; `None` when it does not fit.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let mut written = postcard::to_slice(&self.spec, buffer).ok()?.len();
        if let Some(format) = &self.fixed {
            written += postcard::to_slice(format, buffer.get_mut(written..)?).ok()?.len();
        }
        buffer.get(..written)
    }
}

/// Any kernel in either form; made by [`KernelForm::build`].
#[derive(Clone, Debug)]
pub enum AnyForm {
    /// In single precision.
    Single(AnyKernel),
    /// In fixed point.
    Fixed(FixedKernel),
}

impl AnyForm {
    /// What the output of a fixed-point kernel is.
    #[must_use]
    pub fn fixed_output(&self) -> Option<FixedOutput> {
        match self {
            AnyForm::Single(_) => None,
            AnyForm::Fixed(kernel) => Some(kernel.output()),
        }
    }
}

macro_rules! forward {
    ($self:ident, $kernel:ident => $call:expr) => {
        match $self {
            AnyForm::Single($kernel) => $call,
            AnyForm::Fixed($kernel) => $call,
        }
    };
}

impl Kernel for AnyForm {
    fn state_len(&self) -> usize {
        forward!(self, kernel => kernel.state_len())
    }

    fn reset(&self, state: &mut [f32]) {
        forward!(self, kernel => kernel.reset(state));
    }

    fn output_len(&self, rows: usize) -> usize {
        forward!(self, kernel => kernel.output_len(rows))
    }

    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        forward!(self, kernel => kernel.process(state, input, output))
    }

    #[cfg_attr(feature = "std", inline(always))]
    fn process_abreast<const LANES: usize>(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        forward!(self, kernel => kernel.process_abreast::<LANES>(state, input, output))
    }

    fn missing_samples(&self, state: &[f32]) -> u32 {
        forward!(self, kernel => kernel.missing_samples(state))
    }

    fn saturated_samples(&self, state: &[f32]) -> u32 {
        forward!(self, kernel => kernel.saturated_samples(state))
    }

    fn fixed_point(&self) -> Option<FixedPoint> {
        forward!(self, kernel => kernel.fixed_point())
    }
}
