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

use super::spec::Sweep;
use super::{BLOCK_SAMPLES, LaneBlock, Lanes};
use crate::math;

/// Fractions of a turn in the linear sweep's phase: 2^96, so that steps below half a turn per
/// sample and whole turns above fit 128 bits.
const TURN: f64 = 79_228_162_514_264_337_593_543_950_336.0;

/// Coefficients of a chirp.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chirp {
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

impl Chirp {
    /// A sweep from `start_hz` to `end_hz` in `sweep_s`, all of them checked.
    pub(super) fn new(
        sample_rate_hz: f64,
        start_hz: f64,
        end_hz: f64,
        sweep_s: f64,
        sweep: Sweep,
        amplitude_uv_peak: f64,
    ) -> Self {
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
        Self { amplitude_uv: amplitude_uv_peak as f32, sweep_samples: samples as u64, law }
    }

    #[inline(always)]
    pub(super) fn fill<const N: usize>(&self, lanes: &Lanes<N>, out: &mut LaneBlock<N>) {
        let first = lanes.next_block.wrapping_mul(BLOCK_SAMPLES as u64);
        for (row, sample) in out.iter_mut().zip(first..) {
            let turn = self.phase(sample % self.sweep_samples);
            *row = [self.amplitude_uv * math::sin_cos_turn(turn).0; N];
        }
    }

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
