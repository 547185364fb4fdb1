//! The portable description of a kernel, and its way to a built one.

use serde::{Deserialize, Serialize};

use super::{
    AnyKernel, BandpassFir, BandpassFirParams, Car, Fft, FftParams, Goertzel, GoertzelParams,
    KernelError, KernelName, KernelShape, Noop, NotchIir, NotchIirParams, WelchPsd, WelchPsdParams,
};
use crate::parameter::{count_within, positive_within};

/// Greatest number of channels.
pub const MAX_CHANNELS: usize = 65_536;

/// Longest window in samples.
pub const MAX_WINDOW: usize = 1 << 20;

/// Lowest sample rate in Hz.
pub const MIN_SAMPLE_RATE_HZ: f64 = 1e-3;

/// Highest sample rate in Hz.
pub const MAX_SAMPLE_RATE_HZ: f64 = 1e9;

/// Most state a kernel may have, in `f32` values (1 GiB).
pub const MAX_STATE_LEN: u64 = 1 << 28;

/// A kernel's name and parameters: all that decides its outputs, together with the shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KernelSpec {
    /// [`Noop`].
    Noop,
    /// [`Car`].
    Car,
    /// [`NotchIir`].
    NotchIir(NotchIirParams),
    /// [`BandpassFir`].
    BandpassFir(BandpassFirParams),
    /// [`Goertzel`].
    Goertzel(GoertzelParams),
    /// [`WelchPsd`].
    WelchPsd(WelchPsdParams),
    /// [`Fft`].
    Fft(FftParams),
}

impl KernelSpec {
    /// The kernel `name` with its default parameters.
    #[must_use]
    pub fn with_defaults(name: KernelName) -> Self {
        match name {
            KernelName::Noop => KernelSpec::Noop,
            KernelName::Car => KernelSpec::Car,
            KernelName::NotchIir => KernelSpec::NotchIir(NotchIirParams::default()),
            KernelName::BandpassFir => KernelSpec::BandpassFir(BandpassFirParams::default()),
            KernelName::Goertzel => KernelSpec::Goertzel(GoertzelParams::default()),
            KernelName::WelchPsd => KernelSpec::WelchPsd(WelchPsdParams::default()),
            KernelName::Fft => KernelSpec::Fft(FftParams::default()),
        }
    }

    /// Which kernel this is.
    #[must_use]
    pub fn name(&self) -> KernelName {
        match self {
            KernelSpec::Noop => KernelName::Noop,
            KernelSpec::Car => KernelName::Car,
            KernelSpec::NotchIir(_) => KernelName::NotchIir,
            KernelSpec::BandpassFir(_) => KernelName::BandpassFir,
            KernelSpec::Goertzel(_) => KernelName::Goertzel,
            KernelSpec::WelchPsd(_) => KernelName::WelchPsd,
            KernelSpec::Fft(_) => KernelName::Fft,
        }
    }

    /// Validates everything and designs the kernel.
    ///
    /// # Errors
    /// [`KernelError`] names the parameter (or `channels`, `window`, `hop`, `sample_rate_hz`), its
    /// value and what is allowed.
    pub fn build(&self, shape: KernelShape) -> Result<AnyKernel, KernelError> {
        let channels = count_within("channels", shape.channels, 1, MAX_CHANNELS)?;
        count_within("window", shape.window, 1, MAX_WINDOW)?;
        count_within("hop", shape.hop, 1, shape.window)?;
        let rate_hz = shape.sample_rate_hz;
        positive_within("sample_rate_hz", rate_hz, MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ)?;
        Ok(match self {
            KernelSpec::Noop => AnyKernel::Noop(Noop::new(channels)),
            KernelSpec::Car => AnyKernel::Car(Car::new(channels)),
            KernelSpec::NotchIir(params) => AnyKernel::NotchIir(NotchIir::new(*params, shape)?),
            KernelSpec::BandpassFir(params) => {
                let kernel = BandpassFir::new(*params, shape)?;
                fits(kernel.state_values())?;
                AnyKernel::BandpassFir(kernel)
            }
            KernelSpec::Goertzel(params) => {
                let kernel = Goertzel::new(params, shape)?;
                fits(kernel.state_values())?;
                AnyKernel::Goertzel(kernel)
            }
            KernelSpec::WelchPsd(params) => {
                let kernel = WelchPsd::new(*params, shape)?;
                fits(kernel.state_values())?;
                AnyKernel::WelchPsd(kernel)
            }
            KernelSpec::Fft(params) => {
                let kernel = Fft::new(*params, shape)?;
                fits(kernel.state_values())?;
                AnyKernel::Fft(kernel)
            }
        })
    }
}

/// Refuses a state longer than [`MAX_STATE_LEN`], so that lengths never overflow `usize`.
fn fits(values: u64) -> Result<(), KernelError> {
    if values <= MAX_STATE_LEN {
        Ok(())
    } else {
        Err(KernelError::StateTooLarge { values, max: MAX_STATE_LEN })
    }
}
