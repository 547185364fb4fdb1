//! Chirps: a sine whose frequency sweeps, the same in every channel, phase-exact.
//!
//! The sweep repeats every `sweep_s` (a whole number of samples, at least two) from phase 0.
//! Within a sweep of n samples, k = 0 .. n-1, with t = k / fs:
//!
//! - linear: `phase(k) = f0 t + (f1 - f0) t² / (2 T)` turns. In fractions of 2^-96 of a turn the
//!   phase step and its increment are integers, so the phase is exact to `k² 2^-97` turns plus
//!   the `f64` rounding of the two coefficients (2^-53 of the phase).
//! - logarithmic: `phase(k) = f0 T / ln(q) (q^(t/T) - 1)` turns, q = f1/f0, in `f64` for every
//!   sample: relative error 1e-15.

use serde::{Deserialize, Serialize};

use super::spec::{BELOW_NYQUIST, amplitude, check_amplitude, check_frequency};
use super::{Amplitude, BLOCK_SAMPLES, LaneBlock, Lanes, Scratch, SignalInfo, Source};
use crate::math;
use crate::parameter::{
    POSITIVE, ParameterError, choice, number, parameters, positive_within, required_number,
};

parameters! {
    /// A sine whose frequency sweeps from `start_hz` to `end_hz` in `sweep_s` and starts again at
    /// phase 0, the same in every channel.
    #[derive(Copy)]
    pub struct Chirp {
        /// Frequency at the start of a sweep.
        pub start_hz: f64 = number(1.0, "Hz", POSITIVE, f64::INFINITY).limit(BELOW_NYQUIST),
        /// Frequency at the end of a sweep.
        pub end_hz: f64 = required_number("Hz", POSITIVE, f64::INFINITY).limit(BELOW_NYQUIST),
        /// Duration of one sweep.
        pub sweep_s: f64 = required_number("s", POSITIVE, f64::INFINITY)
            .limit("at least two samples")
            .derived("duration_s"),
        /// How the frequency moves.
        pub sweep: Sweep = choice(Sweep::Linear, "linear", &["linear", "logarithmic"]),
        /// Peak amplitude.
        pub amplitude_uv_peak: f64 = amplitude(),
    }
}

/// How a chirp's frequency moves from start to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sweep {
    /// The same number of Hz every second.
    Linear,
    /// The same ratio every second.
    Logarithmic,
}

/// Fractions of a turn in the linear sweep's phase: 2^96, so that steps below half a turn per
/// sample and whole turns above fit 128 bits.
const TURN: f64 = 79_228_162_514_264_337_593_543_950_336.0;

/// Coefficients of a chirp.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChirpSource {
    amplitude_uv: f32,
    sweep_samples: u64,
    law: Law,
}

#[derive(Clone, Copy, Debug)]
enum Law {
    /// Phase step at k = 0 and its increment per sample, in 2^-96 turns.
    Linear { step: u128, increment: i128 },
    /// `scale * (exp(rate * k) - 1)` turns.
    Logarithmic { scale: f64, rate: f64 },
}

impl Source for ChirpSource {
    const INFO: SignalInfo<'static> = SignalInfo {
        name: "chirp",
        summary: "a sine whose frequency sweeps, the same in every channel",
        parameters: Chirp::PARAMETERS,
        max_channels: usize::MAX,
    };

    type Params = Chirp;

    const SILENT: Self =
        Self { amplitude_uv: 0.0, sweep_samples: 1, law: Law::Linear { step: 0, increment: 0 } };

    fn check(params: &Chirp, rate_hz: f64) -> Result<(), ParameterError> {
        check_amplitude("amplitude_uv_peak", params.amplitude_uv_peak)?;
        check_frequency("start_hz", params.start_hz, rate_hz)?;
        check_frequency("end_hz", params.end_hz, rate_hz)?;
        // Between 2 and 1e12 samples.
        positive_within("sweep_s", params.sweep_s, 2.0 / rate_hz, 1e12 / rate_hz)?;
        Ok(())
    }

    fn design(&mut self, params: &Chirp, sample_rate_hz: f64, _seed: u64) {
        let Chirp { start_hz, end_hz, sweep_s, sweep, amplitude_uv_peak } = *params;
        let samples = math::round(sweep_s * sample_rate_hz);
        // In cycles per sample, and per sample of the sweep.
        let (start, slope) =
            (start_hz / sample_rate_hz, (end_hz - start_hz) / sample_rate_hz / samples);
        let law = match sweep {
            Sweep::Logarithmic if start_hz != end_hz => {
                let rate = math::ln(end_hz / start_hz) / samples;
                Law::Logarithmic { scale: start / rate, rate }
            }
            _ => Law::Linear {
                // phase(k+1) - phase(k) = start + slope (2k + 1) / 2
                step: ((start + slope / 2.0) * TURN) as u128,
                increment: (slope * TURN) as i128,
            },
        };
        let amplitude_uv = amplitude_uv_peak as f32;
        *self = Self { amplitude_uv, sweep_samples: samples as u64, law };
    }

    fn amplitude(params: &Chirp) -> Amplitude {
        Amplitude::Peak(params.amplitude_uv_peak)
    }

    fn specimen() -> Chirp {
        Chirp {
            start_hz: 1.0,
            end_hz: 40.0,
            sweep_s: 0.25,
            sweep: Sweep::Logarithmic,
            amplitude_uv_peak: 100.0,
        }
    }

    #[inline(always)]
    fn fill<const N: usize>(
        &self,
        lanes: &mut Lanes<N>,
        _scratch: &mut Scratch<N>,
        out: &mut LaneBlock<N>,
    ) {
        let first = lanes.next_block.wrapping_mul(BLOCK_SAMPLES as u64);
        for (row, sample) in out.iter_mut().zip(first..) {
            let turn = self.phase(sample % self.sweep_samples);
            *row = [self.amplitude_uv * math::sin_cos_turn(turn).0; N];
        }
    }
}

impl ChirpSource {
    /// Phase of sample `k` of a sweep, in 2^-32 turns.
    fn phase(&self, k: u64) -> u32 {
        match self.law {
            Law::Linear { step, increment } => {
                let k = u128::from(k);
                let pairs = k * k.wrapping_sub(1) / 2;
                let phase =
                    k.wrapping_mul(step).wrapping_add((increment as u128).wrapping_mul(pairs));
                (phase.wrapping_add(1 << 63) >> 64) as u32
            }
            Law::Logarithmic { scale, rate } => {
                let turns = scale * math::expm1(rate * k as f64);
                let fraction = turns - math::floor(turns);
                math::floor(fraction * 4_294_967_296.0 + 0.5) as u64 as u32
            }
        }
    }
}
