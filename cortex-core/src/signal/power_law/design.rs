//! The filter of power-law noise: poles by rule, gains by least squares, for any sample rate.
//!
//! Target: the minimum-phase filter T with `|T|² = (w² + c²)^(-b/2)` for 0 <= w <= pi, w in radians
//! per sample and c the low corner. It has a closed form. The fractional power
//! `(1 - e^{-c} z^-1)^(-b/2)` has the right shape but for the factor
//! `D = ((2 sin(w/2)) / w)^(b/2)`, and the minimum-phase filter of that amplitude is
//! `exp(b/2 (-l0 + sum of d_n z^-n))` where `l0 = ln(pi) - 1` and
//! `d_n = (2 Si(n pi)/pi - 1) / n`, from the cosine series of `ln(2 sin(w/2))` and of `ln w`.
//!
//! Poles: one at the corner rate c, then rates `c (1 + r^i)` in even ratios r of at most 5 up to
//! 1.2 radians per sample, and one negative pole at -0.7 for what happens near half the sample
//! rate. Gains of the poles and of two direct taps: linear least squares on the relative complex
//! error at 64 frequencies spaced evenly in log w from 0.3 c to pi.
//!
//! Checked by a test, for low corners of 0.05 Hz: within 0.06 dB of 1/f for b = 1, from ten times
//! the corner to half the sample rate, and within 0.09 dB of the target at every frequency for
//! b = 0.5 to 1.5. With the corner above a thousandth of the sample rate the region around half
//! the sample rate is up to 0.5 dB off the target, since c then matters there.

use crate::math;
use crate::signal::MAX_POLES;
use crate::signal::one_pole::{Pole, overlap};

const FASTEST_RATE: f64 = 1.2;
const LARGEST_RATIO: f64 = 5.0;
/// One minus the negative pole, -0.7.
const NEGATIVE_POLE_DECAY: f32 = 1.7;
const TAPS: usize = 2;
const UNKNOWNS: usize = MAX_POLES + TAPS;
const FREQUENCIES: usize = 64;
const LOWEST_FREQUENCY: f64 = 0.3;
/// Added to the normal equations' unit diagonal: far below the fit's error.
const RIDGE: f64 = 1e-13;

/// `(2 Si(n pi)/pi - 1) / n` for n = 1 to 64 (Si: sine integral); the rest sums to below 5e-5.
const LOG_CORRECTION: [f64; 64] = [
    0.178979744,
    -0.0485883332,
    0.0220621584,
    -0.0125151651,
    0.00804286568,
    -0.00559826083,
    0.00411885632,
    -0.00315644374,
    0.00249558947,
    -0.00202236577,
    0.00167195309,
    -0.00140527472,
    0.00119763966,
    -0.00103282723,
    0.00089982593,
    -0.000790948103,
    0.000700695049,
    -0.000625049685,
    0.000561022152,
    -0.000506350043,
    0.000459295934,
    -0.00041850772,
    0.000382920452,
    -0.000351686155,
    0.000324122868,
    -0.000299677116,
    0.000277895928,
    -0.000258405702,
    0.000240896088,
    -0.000225107558,
    0.000210821739,
    -0.000197853822,
    0.000186046558,
    -0.000175265469,
    0.000165395003,
    -0.000156335426,
    0.000148000291,
    -0.000140314372,
    0.00013321196,
    -0.000126635451,
    0.00012053418,
    -0.000114863438,
    0.000109583652,
    -0.000104659695,
    0.000100060297,
    -9.57575482e-05,
    9.17264772e-05,
    -8.79446848e-05,
    8.43920338e-05,
    -8.10503799e-05,
    7.79033398e-05,
    -7.49360901e-05,
    7.21351922e-05,
    -6.94884399e-05,
    6.69847266e-05,
    -6.46139279e-05,
    6.23668e-05,
    -6.02348885e-05,
    5.82104495e-05,
    -5.6286379e-05,
    5.44561503e-05,
    -5.27137586e-05,
    5.1053672e-05,
    -4.94707873e-05,
];

/// Poles and taps for unit-variance noise in, not yet scaled.
#[derive(Clone, Debug)]
pub(super) struct Design {
    pub taps: [f64; TAPS],
    poles: [Pole; MAX_POLES],
    pole_count: usize,
}

/// A complex number.
#[derive(Clone, Copy)]
struct Complex {
    re: f64,
    im: f64,
}

impl Design {
    /// The design for a low corner of `corner` cycles per sample, within 1e-9 to 0.02.
    pub(super) fn new(corner: f64, exponent: f64) -> Self {
        let mut design =
            Self { taps: [0.0; TAPS], poles: [Pole::default(); MAX_POLES], pole_count: 0 };
        let corner_rate = core::f64::consts::TAU * corner;
        design.place_poles(corner_rate);
        design.fit_gains(corner_rate, exponent);
        design
    }

    /// The sections, slowest first, the negative pole last.
    pub(super) fn poles(&self) -> &[Pole] {
        &self.poles[..self.pole_count]
    }

    /// Variance of the filtered noise, in closed form: tap by tap and section by section.
    pub(super) fn variance(&self) -> f64 {
        let [c0, c1] = self.taps;
        let mut variance = c0 * c0 + c1 * c1;
        for a in self.poles() {
            // The section's impulse response is gain * pole^k: it meets the taps at k = 0 and 1.
            variance += 2.0 * a.gain * (c0 + c1 * (1.0 - f64::from(a.decay)));
            for b in self.poles() {
                variance += a.gain * b.gain / overlap(a.decay, b.decay);
            }
        }
        variance
    }

    fn push(&mut self, decay: f32) {
        if let Some(slot) = self.poles.get_mut(self.pole_count) {
            *slot = Pole { decay, gain: 0.0 };
            self.pole_count += 1;
        }
    }

    fn place_poles(&mut self, corner_rate: f64) {
        let span = FASTEST_RATE / corner_rate;
        // The least number of ratios that are at most LARGEST_RATIO, by repeated multiplication:
        // between 2 and 12 for the corners allowed.
        let (mut ratios, mut reach) = (1_usize, LARGEST_RATIO);
        while reach < span {
            ratios += 1;
            reach *= LARGEST_RATIO;
        }
        let ratio = math::pow(span - 1.0, 1.0 / ratios as f64);
        self.push(-math::expm1(-corner_rate) as f32);
        let mut step = 1.0;
        for _ in 0..=ratios {
            self.push(-math::expm1(-corner_rate * (1.0 + step)) as f32);
            step *= ratio;
        }
        self.push(NEGATIVE_POLE_DECAY);
    }

    fn fit_gains(&mut self, corner_rate: f64, exponent: f64) {
        let unknowns = self.pole_count + TAPS;
        let mut normal = [[0.0; UNKNOWNS]; UNKNOWNS];
        let mut right = [0.0; UNKNOWNS];
        let lowest = math::ln(LOWEST_FREQUENCY * corner_rate);
        let highest = math::ln(core::f64::consts::PI);
        for i in 0..FREQUENCIES {
            let part = i as f64 / (FREQUENCIES - 1) as f64;
            let angle = math::exp(lowest + (highest - lowest) * part);
            let delay = Complex { re: math::cos(angle), im: -math::sin(angle) };
            let inverse = target(angle, corner_rate, exponent).inverse();
            // Each unknown's share of filter / target, which should be 1.
            let mut shares = [Complex { re: 0.0, im: 0.0 }; UNKNOWNS];
            for (share, pole) in shares.iter_mut().zip(self.poles()) {
                let held = 1.0 - f64::from(pole.decay);
                let denominator = Complex { re: 1.0 - held * delay.re, im: -held * delay.im };
                *share = denominator.inverse().times(inverse);
            }
            shares[self.pole_count] = inverse;
            shares[self.pole_count + 1] = inverse.times(delay);
            for row in 0..unknowns {
                for column in 0..=row {
                    let (a, b) = (shares[row], shares[column]);
                    normal[row][column] += a.re * b.re + a.im * b.im;
                }
                right[row] += shares[row].re;
            }
        }
        solve(&mut normal, &mut right, unknowns);
        for (pole, gain) in self.poles.iter_mut().zip(right).take(self.pole_count) {
            pole.gain = gain;
        }
        self.taps = [right[self.pole_count], right[self.pole_count + 1]];
    }
}

impl Complex {
    fn times(self, other: Self) -> Self {
        Self {
            re: self.re * other.re - self.im * other.im,
            im: self.re * other.im + self.im * other.re,
        }
    }

    fn inverse(self) -> Self {
        let norm = self.re * self.re + self.im * self.im;
        Self { re: self.re / norm, im: -self.im / norm }
    }
}

/// The target filter at `angle` radians per sample.
fn target(angle: f64, corner_rate: f64, exponent: f64) -> Complex {
    let (cos, sin) = (math::cos(angle), math::sin(angle));
    // (1 - e^{-c} e^{-jw})^(-b/2), by logarithm and angle.
    let held = math::exp(-corner_rate);
    let (re, im) = (1.0 - held * cos, held * sin);
    let mut log_re = -0.5 * math::ln(re * re + im * im);
    let mut log_im = -math::atan2(im, re);
    log_re -= math::ln(core::f64::consts::PI) - 1.0;
    // e^{-jnw} by repeated multiplication.
    let step = Complex { re: cos, im: -sin };
    let mut turn = step;
    for coefficient in LOG_CORRECTION {
        log_re += coefficient * turn.re;
        log_im += coefficient * turn.im;
        turn = turn.times(step);
    }
    let size = math::exp(exponent / 2.0 * log_re);
    let phase = exponent / 2.0 * log_im;
    Complex { re: size * math::cos(phase), im: size * math::sin(phase) }
}

/// Solves the symmetric system whose lower triangle is `matrix`, after scaling its diagonal to 1,
/// in place: the solution is in `right`.
fn solve(matrix: &mut [[f64; UNKNOWNS]; UNKNOWNS], right: &mut [f64; UNKNOWNS], unknowns: usize) {
    let mut scale = [1.0; UNKNOWNS];
    for i in 0..unknowns {
        scale[i] = 1.0 / math::sqrt(matrix[i][i]);
    }
    // Cholesky in place, then the two triangular systems.
    for i in 0..unknowns {
        right[i] *= scale[i];
        for j in 0..=i {
            let mut rest = matrix[i][j] * scale[i] * scale[j];
            if i == j {
                rest += RIDGE;
            }
            for k in 0..j {
                rest -= matrix[i][k] * matrix[j][k];
            }
            matrix[i][j] = if i == j { math::sqrt(rest) } else { rest / matrix[j][j] };
        }
    }
    for i in 0..unknowns {
        for k in 0..i {
            right[i] -= matrix[i][k] * right[k];
        }
        right[i] /= matrix[i][i];
    }
    for i in (0..unknowns).rev() {
        for k in i + 1..unknowns {
            right[i] -= matrix[k][i] * right[k];
        }
        right[i] /= matrix[i][i];
    }
    for i in 0..unknowns {
        right[i] *= scale[i];
    }
}
