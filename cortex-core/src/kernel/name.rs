//! The registry: every kernel's name, one line about it and what it writes.

use serde::{Deserialize, Serialize};

/// A compiled kernel: the name in `primitives/kernels/v1/<name>` and in configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KernelName {
    /// [`Noop`](super::Noop).
    Noop,
    /// [`Car`](super::Car).
    Car,
    /// [`NotchIir`](super::NotchIir).
    NotchIir,
    /// [`BandpassFir`](super::BandpassFir).
    BandpassFir,
    /// [`Goertzel`](super::Goertzel).
    Goertzel,
    /// [`WelchPsd`](super::WelchPsd).
    WelchPsd,
    /// [`Fft`](super::Fft).
    Fft,
}

impl KernelName {
    /// Every kernel, cheapest first.
    pub const ALL: [KernelName; 7] = [
        KernelName::Noop,
        KernelName::Car,
        KernelName::NotchIir,
        KernelName::BandpassFir,
        KernelName::Goertzel,
        KernelName::WelchPsd,
        KernelName::Fft,
    ];

    /// The name in configurations.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            KernelName::Noop => "noop",
            KernelName::Car => "car",
            KernelName::NotchIir => "notch_iir",
            KernelName::BandpassFir => "bandpass_fir",
            KernelName::Goertzel => "goertzel",
            KernelName::WelchPsd => "welch_psd",
            KernelName::Fft => "fft",
        }
    }

    /// The kernel of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kernel| kernel.as_str() == name)
    }

    /// One line of description.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            KernelName::Noop => "identity: the cost of everything around a kernel",
            KernelName::Car => "common average reference over the valid channels",
            KernelName::NotchIir => "second-order notch against the power line (scipy iirnotch)",
            KernelName::BandpassFir => "linear-phase Hamming band-pass (scipy firwin)",
            KernelName::Goertzel => "band power by Goertzel's algorithm",
            KernelName::WelchPsd => "power spectral density by Welch's method (scipy welch, Hann)",
            KernelName::Fft => "spectrum of the window (numpy rfft)",
        }
    }

    /// Shape of one output.
    #[must_use]
    pub const fn output_shape(self) -> &'static str {
        match self {
            KernelName::Noop | KernelName::Car | KernelName::NotchIir | KernelName::BandpassFir => {
                "rows x channels"
            }
            KernelName::Goertzel => "bands x channels",
            KernelName::WelchPsd => "(nfft/2 + 1) x channels",
            KernelName::Fft => "(nfft/2 + 1) x channels x 2",
        }
    }

    /// Units of the output values.
    #[must_use]
    pub const fn output_units(self) -> &'static str {
        match self {
            KernelName::Goertzel => "uV^2",
            KernelName::WelchPsd => "uV^2/Hz",
            _ => "uV",
        }
    }

    /// Whether the kernel gives one result per window (else one output row per input row).
    #[must_use]
    pub const fn is_windowed(self) -> bool {
        matches!(self, KernelName::Goertzel | KernelName::WelchPsd | KernelName::Fft)
    }
}

impl core::fmt::Display for KernelName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}
