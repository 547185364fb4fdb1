//! Pink noise, generator v1: a streaming IIR-plus-FFT filter on white Gaussian noise.
//!
//! The filter is linear and time-invariant, so the noise is Gaussian, stationary from its
//! first sample, without seams at block edges and never periodic. Its impulse response is the
//! half-integrator's (Kasdin 1995), corrected at high frequencies to true 1/f:
//!
//! - the head, [`design::HEAD_TAPS`] FIR taps, runs by overlap-save on a 64-point FFT: the
//!   first half of a block rides in the real part, the second half in the imaginary part;
//! - the tail is a handful of one-pole sections in parallel, on noise delayed by
//!   [`design::TAIL_DELAY`] samples.
//!
//! Random numbers of a channel, in blocks of 64: block 0 draws the sections' start state from
//! their stationary covariance, block 1 is the noise before sample 0, block 2 the noise of
//! samples 0 to 63, and so on. v1 is frozen: its bits are pinned in
//! `primitives/datasets/v1/synthetic/spec.yaml`.

mod design;
mod head;

use design::{Design, HEAD_TAPS, TAIL_DELAY};
use head::HeadFilter;

use super::one_pole::Bank;
use super::spec::{amplitude, check_amplitude, check_low_corner, low_corner};
use super::{
    Amplitude, BLOCK_SAMPLES, HISTORY_SAMPLES, LaneBlock, Lanes, Scratch, SignalInfo, Source,
};
use crate::math;
use crate::parameter::{ParameterError, parameters};
use crate::random::{self, StreamKey};

const DOMAIN: &str = "cortex/pink/v1";
/// Random block that holds the noise of sample 0.
const FIRST_NOISE_BLOCK: u64 = 2;

const _: () = assert!(HISTORY_SAMPLES == HEAD_TAPS - 1, "overlap-save needs taps - 1 samples");

parameters! {
    /// Stationary Gaussian noise with a power spectral density proportional to `1/f` above
    /// `low_corner_hz` and flat well below it. Channels are independent.
    #[derive(Copy)]
    pub struct PinkNoise {
        /// Standard deviation of the process.
        pub amplitude_uv_rms: f64 = amplitude(),
        /// Where the 1/f law begins: it holds from ten times this value on.
        pub low_corner_hz: f64 = low_corner(),
    }
}

/// Coefficients of v1 pink noise.
#[derive(Clone, Debug)]
pub(super) struct PinkV1 {
    key: StreamKey,
    tail: Bank,
    head: HeadFilter,
    sample_rate_hz: f64,
    /// Taps as realised, for [`PinkV1::power_response`].
    head_taps: [f32; HEAD_TAPS],
}

impl Source for PinkV1 {
    const INFO: SignalInfo<'static> = SignalInfo {
        name: "pink_noise",
        summary: "Gaussian noise with a 1/f spectrum, channels independent",
        parameters: PinkNoise::PARAMETERS,
        max_channels: usize::MAX,
    };

    type Params = PinkNoise;

    /// A kilobyte that no microcontroller has twice.
    const SILENT: Self = Self {
        key: StreamKey::ZERO,
        tail: Bank::EMPTY,
        head: HeadFilter::SILENT,
        sample_rate_hz: 0.0,
        head_taps: [0.0; HEAD_TAPS],
    };

    fn check(params: &PinkNoise, rate_hz: f64) -> Result<(), ParameterError> {
        check_amplitude("amplitude_uv_rms", params.amplitude_uv_rms)?;
        check_low_corner(params.low_corner_hz, rate_hz)?;
        Ok(())
    }

    /// 1/f from `10 * low_corner_hz` up to half the sample rate, flat below `low_corner_hz / 4`.
    fn design(&mut self, params: &PinkNoise, sample_rate_hz: f64, seed: u64) {
        self.key = StreamKey::new(seed, DOMAIN);
        self.sample_rate_hz = sample_rate_hz;
        self.design_filter(params.low_corner_hz / sample_rate_hz, params.amplitude_uv_rms);
        self.head.set(&self.head_taps);
    }

    fn amplitude(params: &PinkNoise) -> Amplitude {
        Amplitude::Rms(params.amplitude_uv_rms)
    }

    fn specimen() -> PinkNoise {
        PinkNoise { amplitude_uv_rms: 100.0, low_corner_hz: 0.05 }
    }

    fn power_response(&self, frequency_hz: f64) -> Option<f64> {
        let angle = core::f64::consts::TAU * frequency_hz / self.sample_rate_hz;
        let (mut re, mut im) = (0.0, 0.0);
        for (k, tap) in self.head_taps.iter().enumerate() {
            re += f64::from(*tap) * math::cos(angle * k as f64);
            im -= f64::from(*tap) * math::sin(angle * k as f64);
        }
        // The tail, delayed: times e^{-j delay}.
        let delay = angle * TAIL_DELAY as f64;
        let (tail_re, tail_im) = self.tail.response(angle);
        let (c, s) = (math::cos(delay), math::sin(delay));
        re += c * tail_re + s * tail_im;
        im += c * tail_im - s * tail_re;
        Some(re * re + im * im)
    }

    #[inline(always)]
    fn start<const N: usize>(&self, lanes: &mut Lanes<N>) {
        let mut noise = [[0.0; N]; BLOCK_SAMPLES];
        self.tail.draw_start(&self.key, lanes.first_channel, &mut noise, &mut lanes.poles);
        let mut words = [[0; N]; BLOCK_SAMPLES];
        self.key.words(lanes.first_channel, 1, &mut words);
        random::normals(&words, &mut noise);
        // The tail lags by TAIL_DELAY samples: bring it up to where block 0 takes over.
        self.tail.advance(&mut lanes.poles, &noise[..BLOCK_SAMPLES - TAIL_DELAY]);
        lanes.history.copy_from_slice(&noise[BLOCK_SAMPLES - HISTORY_SAMPLES..]);
    }

    #[inline(always)]
    fn fill<const N: usize>(
        &self,
        lanes: &mut Lanes<N>,
        scratch: &mut Scratch<N>,
        out: &mut LaneBlock<N>,
    ) {
        let random_block = FIRST_NOISE_BLOCK.wrapping_add(lanes.next_block);
        self.key.words(lanes.first_channel, random_block, &mut scratch.words);
        let (history, fresh) = scratch.noise.split_at_mut(HISTORY_SAMPLES);
        history.copy_from_slice(&lanes.history);
        if let Some(fresh) = fresh.first_chunk_mut() {
            random::normals_by(scratch.roots, &scratch.words, fresh, |normal| normal);
        }
        lanes.history.copy_from_slice(&scratch.noise[BLOCK_SAMPLES..]);
        self.head.filter(&scratch.noise, out);
        if let Some(delayed) = scratch.noise[HISTORY_SAMPLES - TAIL_DELAY..].first_chunk() {
            self.tail.add(&mut lanes.poles, delayed, out);
        }
    }
}

impl PinkV1 {
    /// Taps and sections. Not inlined: the design is off the stack when the transform begins.
    #[inline(never)]
    fn design_filter(&mut self, corner: f64, amplitude_uv_rms: f64) {
        let design = Design::new(corner);
        let scale = amplitude_uv_rms / math::sqrt(design.variance());
        self.head_taps = design.head.map(|tap| (tap * scale) as f32);
        self.tail = Bank::new(design.poles(), scale);
    }
}
