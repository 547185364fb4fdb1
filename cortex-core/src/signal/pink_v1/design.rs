//! The filter of v1 pink noise: taps and poles from the ratio of low corner to sample rate.
//!
//! Target: the half-integrator `h[0] = 1, h[k] = h[k-1] (k - 1/2) / k` (Kasdin 1995), whose
//! power response is `1 / (2 sin(w/2))`, times a symmetric 17-tap FIR for the factor
//! `(2 sin(w/2)) / w` between that and true 1/f.
//!
//! Tail: for large k, `h[k] ~ k^(-1/2) / sqrt(pi)`, and
//! `k^(-1/2) = 1/sqrt(pi) * integral of exp(u/2 - k e^u) du`. The trapezoid rule with step
//! ln 4 turns the integral into one-pole sections with rates `a` a factor of 4 apart and gains
//! `ln 4 sqrt(a) / pi`; its ripple is 0.02 dB. The sum begins at a quarter of the low corner;
//! the sections left out below it would each add `gain / (j w)` at the frequencies that
//! matter, a geometric series that the slowest section carries by having its gain doubled.
//! (That replaces two or three further sections: the error near the corner falls from 0.1 dB
//! to 0.05 dB with fewer of them.)
//!
//! Head: what the target has and the tail has not, in the first 33 taps; the offset at tap 33
//! (where head and tail differ by the 1/(8k) term of the asymptotic series) is taken off all
//! of them, so there is no step. Checked by a test: |H|² within 0.055 dB of true 1/f from ten
//! times the low corner to half the sample rate.

use crate::math;
use crate::signal::MAX_POLES;
use crate::signal::one_pole::{Pole, overlap};

/// Taps of the FIR head.
pub(super) const HEAD_TAPS: usize = 33;

/// The correction FIR is symmetric about this tap; the tail starts there.
pub(super) const TAIL_DELAY: usize = 8;

/// Ratio of neighbouring section rates.
const RATE_STEP: f64 = 4.0;

/// The fastest section's rate is at least this, so that what lies beyond has died at tap 33.
const FASTEST_RATE: f64 = 8.0 / HEAD_TAPS as f64;

/// Centre tap and one side of the FIR for the amplitude `sqrt((2 sin(w/2)) / w)`: minimax in
/// relative error (0.0467 dB over all frequencies), exactly 1 at zero frequency.
const CORRECTION: [f64; TAIL_DELAY + 1] = [
    0.932_452_626,
    0.041_438_624,
    -0.009_864_433,
    0.004_863_067,
    -0.002_258_763,
    0.002_018_695,
    -0.000_810_592,
    0.001_132_454,
    -0.002_745_365,
];

/// Taps and poles for unit-variance noise in, not yet scaled.
#[derive(Clone, Debug)]
pub(super) struct Design {
    pub head: [f64; HEAD_TAPS],
    poles: [Pole; MAX_POLES],
    pole_count: usize,
}

impl Design {
    /// The design for a low corner of `corner` cycles per sample, within 1e-9 to 0.02.
    pub(super) fn new(corner: f64) -> Self {
        let mut design =
            Self { head: [0.0; HEAD_TAPS], poles: [Pole::default(); MAX_POLES], pole_count: 0 };
        design.place_poles(corner);
        design.fit_head();
        design
    }

    /// The sections, slowest first.
    pub(super) fn poles(&self) -> &[Pole] {
        &self.poles[..self.pole_count]
    }

    /// Variance of the filtered noise: the sum of the squared impulse response, term by term
    /// in the head and in closed form beyond.
    pub(super) fn variance(&self) -> f64 {
        let mut variance = 0.0;
        for (k, head) in self.head.iter().enumerate() {
            let tap = head + self.tail(k);
            variance += tap * tap;
        }
        // Beyond: sum over k of (sum_i g_i p_i^(k - delay))².
        for a in self.poles() {
            for b in self.poles() {
                variance +=
                    delayed(a, HEAD_TAPS) * delayed(b, HEAD_TAPS) / overlap(a.decay, b.decay);
            }
        }
        variance
    }

    fn place_poles(&mut self, corner: f64) {
        let mut rate = core::f64::consts::TAU * corner / RATE_STEP;
        let mut weight = 2.0;
        while self.pole_count < MAX_POLES {
            let decay = -math::expm1(-rate) as f32;
            let gain =
                weight * core::f64::consts::LN_2 * 2.0 * math::sqrt(rate) / core::f64::consts::PI;
            let pole = Pole { decay, gain };
            self.poles[self.pole_count] = Pole { gain: gain * correction_at(&pole), ..pole };
            self.pole_count += 1;
            if rate >= FASTEST_RATE {
                break;
            }
            rate *= RATE_STEP;
            weight = 1.0;
        }
    }

    fn fit_head(&mut self) {
        // The half-integrator from 2 * TAIL_DELAY before tap 0, where it is zero.
        let mut integrator = [0.0; 2 * TAIL_DELAY + HEAD_TAPS + 1];
        let mut h = 1.0;
        for (k, slot) in integrator[2 * TAIL_DELAY..].iter_mut().enumerate() {
            if k > 0 {
                h *= (k as f64 - 0.5) / k as f64;
            }
            *slot = h;
        }
        let target = |k: usize| {
            let centre = k + TAIL_DELAY;
            let mut sum = CORRECTION[0] * integrator[centre];
            for (m, tap) in CORRECTION.iter().enumerate().skip(1) {
                sum += tap * (integrator[centre - m] + integrator[centre + m]);
            }
            sum
        };
        let offset = target(HEAD_TAPS) - self.tail(HEAD_TAPS);
        for k in 0..HEAD_TAPS {
            self.head[k] = target(k) - self.tail(k) - offset;
        }
    }

    /// Impulse response of the sections together at tap `k`.
    fn tail(&self, k: usize) -> f64 {
        self.poles().iter().map(|pole| delayed(pole, k)).sum()
    }
}

/// Impulse response of a section at tap `k`: the tail begins late.
fn delayed(pole: &Pole, k: usize) -> f64 {
    k.checked_sub(TAIL_DELAY).map_or(0.0, |k| pole.response_at(k))
}

/// What the correction FIR makes of the section `pole^k`: its transfer function at the pole,
/// without the delay.
fn correction_at(pole: &Pole) -> f64 {
    let ln_pole = math::ln_1p(-f64::from(pole.decay));
    let mut sum = CORRECTION[0];
    for (m, tap) in CORRECTION.iter().enumerate().skip(1) {
        sum += tap * (math::exp(m as f64 * ln_pole) + math::exp(-(m as f64) * ln_pole));
    }
    sum
}
