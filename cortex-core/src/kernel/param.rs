//! The parameters of every kernel as configurations see them, and how one is set by name.

use super::{Band, GoertzelParams, KernelError, KernelName, KernelSpec, MAX_TAPS};

/// One parameter of a kernel. Every parameter is a number; [`Goertzel`](super::Goertzel) also
/// takes a list of bands, which [`GoertzelParams`] holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamInfo {
    /// Key in `kernels[].params`.
    pub name: &'static str,
    /// Unit, or "1" for a pure number.
    pub units: &'static str,
    /// Value when it is not given; `None` when it then follows from the shape or other
    /// parameters, as `summary` says.
    pub default: Option<f64>,
    /// Whether the value is a whole number.
    pub whole: bool,
    /// Allowed values, in words.
    pub range: &'static str,
    /// What it means.
    pub summary: &'static str,
}

const BELOW_NYQUIST: &str = "above 0, below sample_rate_hz / 2";

const NFFT: ParamInfo = ParamInfo {
    name: "nfft",
    units: "samples",
    default: None,
    whole: true,
    range: "a power of two, 8..=8192, at least the number of samples transformed",
    summary: "length of the zero-padded transform; default the next power of two",
};

const NOTCH_IIR: [ParamInfo; 2] = [
    ParamInfo {
        name: "f0_hz",
        units: "Hz",
        default: Some(60.0),
        whole: false,
        range: BELOW_NYQUIST,
        summary: "frequency removed",
    },
    ParamInfo {
        name: "q",
        units: "1",
        default: Some(30.0),
        whole: false,
        range: "above f0_hz / (sample_rate_hz / 2)",
        summary: "quality factor: f0_hz over the width between the -3 dB points",
    },
];

const BANDPASS_FIR: [ParamInfo; 3] = [
    ParamInfo {
        name: "low_hz",
        units: "Hz",
        default: Some(8.0),
        whole: false,
        range: "above 0, below high_hz",
        summary: "lower band edge (-6 dB)",
    },
    ParamInfo {
        name: "high_hz",
        units: "Hz",
        default: Some(30.0),
        whole: false,
        range: BELOW_NYQUIST,
        summary: "upper band edge (-6 dB)",
    },
    ParamInfo {
        name: "taps",
        units: "samples",
        default: Some(129.0),
        whole: true,
        range: "3..=8193",
        summary: "number of taps",
    },
];

const GOERTZEL: [ParamInfo; 2] = [
    ParamInfo {
        name: "low_hz",
        units: "Hz",
        default: None,
        whole: false,
        range: "0..=high_hz",
        summary: "lower edge of one band that replaces the default two; 8 if only high_hz is given",
    },
    ParamInfo {
        name: "high_hz",
        units: "Hz",
        default: None,
        whole: false,
        range: "at least low_hz, below sample_rate_hz / 2",
        summary: "upper edge of that band; 30 if only low_hz is given",
    },
];

const WELCH_PSD: [ParamInfo; 3] = [
    ParamInfo {
        name: "nperseg",
        units: "samples",
        default: None,
        whole: true,
        range: "8..=window, at most 8192",
        summary: "segment length; default the smaller of 256 and the window",
    },
    ParamInfo {
        name: "noverlap",
        units: "samples",
        default: None,
        whole: true,
        range: "0..nperseg",
        summary: "samples two neighbouring segments share; default half of nperseg",
    },
    NFFT,
];

const FFT: [ParamInfo; 1] = [NFFT];

impl KernelName {
    /// The kernel's parameters; empty when it has none.
    #[must_use]
    pub const fn params(self) -> &'static [ParamInfo] {
        match self {
            KernelName::Noop | KernelName::Car => &[],
            KernelName::NotchIir => &NOTCH_IIR,
            KernelName::BandpassFir => &BANDPASS_FIR,
            KernelName::Goertzel => &GOERTZEL,
            KernelName::WelchPsd => &WELCH_PSD,
            KernelName::Fft => &FFT,
        }
    }
}

impl KernelSpec {
    /// Sets the parameter called `name` (see [`KernelName::params`]); ranges are checked by
    /// [`KernelSpec::build`].
    ///
    /// # Errors
    /// [`KernelError::UnknownParameter`], or [`KernelError::NotWhole`] when a count is no whole
    /// number from 0 to 2^32 - 1.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), KernelError> {
        let kernel = self.name();
        let param = kernel.params().iter().find(|param| param.name == name);
        let param = param.ok_or(KernelError::UnknownParameter { kernel })?;
        // Saturates and truncates, so that it comes back equal only from a whole number.
        let whole = value as u32;
        if param.whole && f64::from(whole) != value {
            return Err(KernelError::NotWhole { parameter: param.name, value });
        }
        let whole = whole as usize;
        match (self, param.name) {
            (KernelSpec::NotchIir(params), "f0_hz") => params.f0_hz = value,
            (KernelSpec::NotchIir(params), "q") => params.q = value,
            (KernelSpec::BandpassFir(params), "low_hz") => params.low_hz = value,
            (KernelSpec::BandpassFir(params), "high_hz") => params.high_hz = value,
            (KernelSpec::BandpassFir(params), "taps") => params.taps = whole,
            (KernelSpec::Goertzel(params), "low_hz") => one_band(params).low_hz = value,
            (KernelSpec::Goertzel(params), "high_hz") => one_band(params).high_hz = value,
            (KernelSpec::WelchPsd(params), "nperseg") => params.nperseg = Some(whole),
            (KernelSpec::WelchPsd(params), "noverlap") => params.noverlap = Some(whole),
            (KernelSpec::WelchPsd(params), "nfft") => params.nfft = Some(whole),
            (KernelSpec::Fft(params), "nfft") => params.nfft = Some(whole),
            _ => return Err(KernelError::UnknownParameter { kernel }),
        }
        Ok(())
    }
}

/// The only band, in place of any other number of bands.
fn one_band(params: &mut GoertzelParams) -> &mut Band {
    if params.bands.len() != 1 {
        params.bands = heapless::Vec::from_array([Band { low_hz: 8.0, high_hz: 30.0 }]);
    }
    &mut params.bands[0]
}

// The range above says it in words.
const _: () = assert!(MAX_TAPS == 8_193);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_parameter_can_be_set_and_no_other() {
        for name in KernelName::ALL {
            let defaults = KernelSpec::with_defaults(name);
            for param in name.params() {
                let mut spec = defaults.clone();
                spec.set(param.name, 16.0).expect("listed");
                assert_ne!(spec, defaults, "{name} {}", param.name);
                let half = spec.set(param.name, 16.5);
                assert_eq!(half.is_err(), param.whole, "{name} {}", param.name);
                // The default that is listed is the one that is compiled.
                if let Some(default) = param.default {
                    spec = defaults.clone();
                    spec.set(param.name, default).expect("listed");
                    assert_eq!(spec, defaults, "{name} {}", param.name);
                }
            }
            let unknown = defaults.clone().set("frequency", 1.0);
            assert_eq!(unknown, Err(KernelError::UnknownParameter { kernel: name }));
        }
    }
}
