//! Power-law noise, generator v2's `pink_noise`: IIR only, so it needs no transform and
//! vectorises across channels from end to end.
//!
//! White Gaussian noise through parallel one-pole sections and two direct taps:
//! `y[n] = c0 w[n] + c1 w[n-1] + sum of gain_i x_i[n]`. Stationary from the first sample: random
//! block 0 of a channel draws the sections' state at n = -2 (normals 0..) and `w[-1]` (the last
//! normal); block 1 is the noise of samples 0 to 63, and so on.

mod design;

use design::Design;

use super::one_pole::Bank;
use super::spec::{amplitude, check_amplitude, check_low_corner, low_corner};
use super::{
    Amplitude, BLOCK_SAMPLES, HISTORY_SAMPLES, LaneBlock, Lanes, MAX_POLES, NoiseBuffers, Scratch,
    SignalInfo, Source,
};
use crate::math;
use crate::parameter::{ParameterError, number, parameters, positive_within};
use crate::random::{self, StreamKey};

const DOMAIN: &str = "cortex/pink/v2";
/// Random block that holds the noise of sample 0.
pub(super) const FIRST_NOISE_BLOCK: u64 = 1;

/// Least and greatest exponent.
const EXPONENTS: [f64; 2] = [0.01, 1.99];

parameters! {
    /// v2's pink noise. Stationary Gaussian noise with a power spectral density proportional to
    /// `(f² + low_corner_hz²)^(-exponent/2)`. Channels are independent.
    #[derive(Copy)]
    pub struct PowerLawNoise {
        /// Standard deviation of the process.
        pub amplitude_uv_rms: f64 = amplitude(),
        /// Where the power law begins: it holds from ten times this value on.
        pub low_corner_hz: f64 = low_corner(),
        /// The exponent b of 1/f^b; one is pink.
        pub exponent: f64 = number(1.0, "", EXPONENTS[0], EXPONENTS[1]),
    }
}

/// What N streams of noise keep from one block to the next.
pub(super) struct NoiseState<'a, const N: usize> {
    /// The one-pole sections.
    pub poles: &'a mut [[f32; N]; MAX_POLES],
    /// The last white-noise sample.
    pub last: &'a mut [f32; N],
}

/// Coefficients of power-law noise.
#[derive(Clone, Debug)]
pub(super) struct PowerLaw {
    pub(super) key: StreamKey,
    bank: Bank,
    /// On the current and on the previous noise sample.
    taps: [f32; 2],
    sample_rate_hz: f64,
}

impl PowerLaw {
    /// The noise from the streams of `key`; its parameters were checked.
    pub(super) fn with_key(
        key: StreamKey,
        sample_rate_hz: f64,
        amplitude_uv_rms: f64,
        low_corner_hz: f64,
        exponent: f64,
    ) -> Self {
        let design = Design::new(low_corner_hz / sample_rate_hz, exponent);
        let scale = amplitude_uv_rms / math::sqrt(design.variance());
        Self {
            key,
            bank: Bank::new(design.poles(), scale),
            taps: design.taps.map(|tap| (tap * scale) as f32),
            sample_rate_hz,
        }
    }

    /// The state of streams `first_stream .. first_stream + N` before sample 0.
    #[inline(always)]
    pub(super) fn start_noise<const N: usize>(&self, first_stream: u32, state: NoiseState<'_, N>) {
        let mut normals = [[0.0; N]; BLOCK_SAMPLES];
        self.bank.draw_start(&self.key, first_stream, &mut normals, state.poles);
        let last = &normals[BLOCK_SAMPLES - 1..];
        self.bank.advance(state.poles, last);
        *state.last = last[0];
    }

    /// Writes block `block` of the streams to `out`.
    #[inline(always)]
    pub(super) fn fill_noise<const N: usize>(
        &self,
        first_stream: u32,
        block: u64,
        state: NoiseState<'_, N>,
        buffers: NoiseBuffers<'_, N>,
        out: &mut LaneBlock<N>,
    ) {
        let random_block = FIRST_NOISE_BLOCK.wrapping_add(block);
        self.key.words(first_stream, random_block, buffers.0);
        self.filter_words(state, buffers, out);
    }

    /// Writes to `out` what the words of a block give; their normal numbers stay in the buffer of
    /// noise, behind its history.
    #[inline(always)]
    pub(super) fn filter_words<const N: usize>(
        &self,
        state: NoiseState<'_, N>,
        (words, noise, roots): NoiseBuffers<'_, N>,
        out: &mut LaneBlock<N>,
    ) {
        // The noise, behind the last sample of the block before.
        let noise = &mut noise[HISTORY_SAMPLES - 1..];
        noise[0] = *state.last;
        let Some(fresh) = noise[1..].first_chunk_mut() else { return };
        random::normals_by(roots, words, fresh, |normal| normal);
        *state.last = fresh[BLOCK_SAMPLES - 1];
        self.taps(noise, out);
        if let Some(fresh) = noise[1..].first_chunk() {
            self.bank.add(state.poles, fresh, out);
        }
    }

    /// The direct taps: `noise` begins one sample before the block.
    #[inline(always)]
    fn taps<const N: usize>(&self, noise: &[[f32; N]], out: &mut LaneBlock<N>) {
        let [c0, c1] = self.taps;
        let before = noise[..BLOCK_SAMPLES].as_flattened();
        let current = noise[1..].as_flattened();
        for ((y, w), v) in out.as_flattened_mut().iter_mut().zip(current).zip(before) {
            *y = c0 * w + c1 * v;
        }
    }
}

impl Source for PowerLaw {
    const INFO: SignalInfo<'static> = SignalInfo {
        name: "pink_noise",
        summary: "Gaussian noise with a 1/f^b spectrum, channels independent",
        parameters: PowerLawNoise::PARAMETERS,
        max_channels: usize::MAX,
    };

    type Params = PowerLawNoise;

    const SILENT: Self =
        Self { key: StreamKey::ZERO, bank: Bank::EMPTY, taps: [0.0; 2], sample_rate_hz: 0.0 };

    fn check(params: &PowerLawNoise, rate_hz: f64) -> Result<(), ParameterError> {
        check_amplitude("amplitude_uv_rms", params.amplitude_uv_rms)?;
        positive_within("exponent", params.exponent, EXPONENTS[0], EXPONENTS[1])?;
        check_low_corner(params.low_corner_hz, rate_hz)?;
        Ok(())
    }

    fn design(&mut self, params: &PowerLawNoise, rate_hz: f64, seed: u64) {
        let PowerLawNoise { amplitude_uv_rms, low_corner_hz, exponent } = *params;
        let key = StreamKey::new(seed, DOMAIN);
        *self = Self::with_key(key, rate_hz, amplitude_uv_rms, low_corner_hz, exponent);
    }

    fn amplitude(params: &PowerLawNoise) -> Amplitude {
        Amplitude::Rms(params.amplitude_uv_rms)
    }

    fn specimen() -> PowerLawNoise {
        PowerLawNoise { amplitude_uv_rms: 100.0, low_corner_hz: 0.05, exponent: 1.0 }
    }

    fn power_response(&self, frequency_hz: f64) -> Option<f64> {
        let angle = core::f64::consts::TAU * frequency_hz / self.sample_rate_hz;
        let (re, im) = self.bank.response(angle);
        let (c0, c1) = (f64::from(self.taps[0]), f64::from(self.taps[1]));
        let (re, im) = (re + c0 + c1 * math::cos(angle), im - c1 * math::sin(angle));
        Some(re * re + im * im)
    }

    #[inline(always)]
    fn start<const N: usize>(&self, lanes: &mut Lanes<N>) {
        self.start_noise(lanes.first_channel, lanes.noise_state());
    }

    #[inline(always)]
    fn fill<const N: usize>(
        &self,
        lanes: &mut Lanes<N>,
        scratch: &mut Scratch<N>,
        out: &mut LaneBlock<N>,
    ) {
        let (first, block) = (lanes.first_channel, lanes.next_block);
        self.fill_noise(first, block, lanes.noise_state(), scratch.noise_buffers(), out);
    }
}
