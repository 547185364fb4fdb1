//! White Gaussian noise: the random numbers as they are, scaled.

use super::spec::{amplitude, check_amplitude};
use super::{Amplitude, LaneBlock, Lanes, Scratch, SignalInfo, Source};
use crate::parameter::{ParameterError, parameters};
use crate::random::{self, StreamKey};

const DOMAIN: &str = "cortex/white/v2";

parameters! {
    /// Independent Gaussian samples.
    #[derive(Copy)]
    pub struct WhiteNoise {
        /// Standard deviation.
        pub amplitude_uv_rms: f64 = amplitude(),
    }
}

/// Coefficients of white noise.
#[derive(Clone, Debug)]
pub(super) struct White {
    key: StreamKey,
    amplitude_uv: f32,
}

impl Source for White {
    const INFO: SignalInfo<'static> = SignalInfo {
        name: "white_noise",
        summary: "independent Gaussian samples",
        parameters: WhiteNoise::PARAMETERS,
        max_channels: usize::MAX,
    };

    type Params = WhiteNoise;

    const SILENT: Self = Self { key: StreamKey::ZERO, amplitude_uv: 0.0 };

    fn check(params: &WhiteNoise, _rate_hz: f64) -> Result<(), ParameterError> {
        check_amplitude("amplitude_uv_rms", params.amplitude_uv_rms).map(drop)
    }

    fn design(&mut self, params: &WhiteNoise, _rate_hz: f64, seed: u64) {
        let amplitude_uv = params.amplitude_uv_rms as f32;
        *self = Self { key: StreamKey::new(seed, DOMAIN), amplitude_uv };
    }

    fn amplitude(params: &WhiteNoise) -> Amplitude {
        Amplitude::Rms(params.amplitude_uv_rms)
    }

    fn specimen() -> WhiteNoise {
        WhiteNoise { amplitude_uv_rms: 100.0 }
    }

    /// The same at every frequency.
    fn power_response(&self, _frequency_hz: f64) -> Option<f64> {
        Some(f64::from(self.amplitude_uv) * f64::from(self.amplitude_uv))
    }

    #[inline(always)]
    fn fill<const N: usize>(
        &self,
        lanes: &mut Lanes<N>,
        scratch: &mut Scratch<N>,
        out: &mut LaneBlock<N>,
    ) {
        self.key.words(lanes.first_channel, lanes.next_block, &mut scratch.words);
        let amplitude_uv = self.amplitude_uv;
        random::normals_by(scratch.roots, &scratch.words, out, |normal| normal * amplitude_uv);
    }
}
