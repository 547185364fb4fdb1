//! Static dispatch over every kernel.

use super::{
    BandpassFir, Car, Fft, Goertzel, Kernel, KernelFault, KernelName, Noop, NotchIir, WelchPsd,
};

/// Any built kernel; made by [`KernelSpec::build`](super::KernelSpec::build).
#[derive(Clone, Debug)]
pub enum AnyKernel {
    /// See [`Noop`].
    Noop(Noop),
    /// See [`Car`].
    Car(Car),
    /// See [`NotchIir`].
    NotchIir(NotchIir),
    /// See [`BandpassFir`].
    BandpassFir(BandpassFir),
    /// See [`Goertzel`].
    Goertzel(Goertzel),
    /// See [`WelchPsd`].
    WelchPsd(WelchPsd),
    /// See [`Fft`].
    Fft(Fft),
}

macro_rules! each {
    ($any:expr, $kernel:ident => $body:expr) => {
        match $any {
            AnyKernel::Noop($kernel) => $body,
            AnyKernel::Car($kernel) => $body,
            AnyKernel::NotchIir($kernel) => $body,
            AnyKernel::BandpassFir($kernel) => $body,
            AnyKernel::Goertzel($kernel) => $body,
            AnyKernel::WelchPsd($kernel) => $body,
            AnyKernel::Fft($kernel) => $body,
        }
    };
}

impl AnyKernel {
    /// Which kernel this is.
    #[must_use]
    pub fn name(&self) -> KernelName {
        match self {
            AnyKernel::Noop(_) => KernelName::Noop,
            AnyKernel::Car(_) => KernelName::Car,
            AnyKernel::NotchIir(_) => KernelName::NotchIir,
            AnyKernel::BandpassFir(_) => KernelName::BandpassFir,
            AnyKernel::Goertzel(_) => KernelName::Goertzel,
            AnyKernel::WelchPsd(_) => KernelName::WelchPsd,
            AnyKernel::Fft(_) => KernelName::Fft,
        }
    }
}

impl Kernel for AnyKernel {
    fn state_len(&self) -> usize {
        each!(self, kernel => kernel.state_len())
    }

    fn reset(&self, state: &mut [f32]) {
        each!(self, kernel => kernel.reset(state))
    }

    fn output_len(&self, rows: usize) -> usize {
        each!(self, kernel => kernel.output_len(rows))
    }

    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        each!(self, kernel => kernel.process(state, input, output))
    }

    #[cfg_attr(feature = "std", inline(always))]
    fn process_abreast<const LANES: usize>(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        each!(self, kernel => kernel.process_abreast::<LANES>(state, input, output))
    }

    fn missing_samples(&self, state: &[f32]) -> u32 {
        each!(self, kernel => kernel.missing_samples(state))
    }
}
