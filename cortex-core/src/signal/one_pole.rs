//! Parallel one-pole sections on shared white noise: the recursive part of the pink filters.
//!
//! A section holds `x` and does `x += w - decay * x`, that is `x[n] = (1 - decay) x[n-1] + w[n]`,
//! and contributes `gain * x`. One minus the pole is held, exactly: slow poles lie so near to 1
//! that `f32` could not tell them apart. The state's rounding error is white, like the input,
//! and some 80 dB below it.

use super::{BLOCK_SAMPLES, LaneBlock, MAX_POLES};
use crate::math;
use crate::random::{self, StreamKey};

/// Sections of a group: their states and coefficients are 24 of a board's 32 registers in one lane, and of
/// vectors there are fewer.
const GROUP: usize = if cfg!(target_abi = "eabihf") { 8 } else { 4 };

/// One section's coefficients.
#[derive(Clone, Copy, Debug)]
struct Section {
    /// One minus the pole, in (0, 2).
    decay: f32,
    gain: f32,
}

/// A section as it is designed, for unit-variance noise in and before scaling.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pole {
    /// One minus the pole, as the filter holds it.
    pub decay: f32,
    pub gain: f64,
}

impl Pole {
    /// Impulse response at sample `k`, the section's first being sample 0.
    pub(super) fn response_at(&self, k: usize) -> f64 {
        self.gain * math::exp(k as f64 * math::ln_1p(-f64::from(self.decay)))
    }
}

/// A bank of sections, slowest first.
#[derive(Clone, Debug)]
pub(super) struct Bank {
    sections: [Section; MAX_POLES],
    count: usize,
}

impl Bank {
    /// No section.
    pub(super) const EMPTY: Self =
        Self { sections: [Section { decay: 0.0, gain: 0.0 }; MAX_POLES], count: 0 };

    /// The bank of at most [`MAX_POLES`] designed sections, their gains times `scale`.
    pub(super) fn new(poles: &[Pole], scale: f64) -> Self {
        let mut bank = Self::EMPTY;
        for (slot, pole) in bank.sections.iter_mut().zip(poles) {
            *slot = Section { decay: pole.decay, gain: (pole.gain * scale) as f32 };
            bank.count += 1;
        }
        bank
    }

    fn sections(&self) -> &[Section] {
        &self.sections[..self.count]
    }

    /// Runs the sections over one block of `input` and adds their outputs to `out`, section by
    /// section in order: in groups whose states stay in registers, and the rest in one group, because
    /// a section alone would wait for its own last result.
    #[inline(always)]
    pub(super) fn add<const N: usize>(
        &self,
        states: &mut [[f32; N]; MAX_POLES],
        input: &[[f32; N]; BLOCK_SAMPLES],
        out: &mut LaneBlock<N>,
    ) {
        let (groups, rest) = self.sections().as_chunks::<GROUP>();
        let (group_states, rest_states) = states[..self.count].as_chunks_mut::<GROUP>();
        for (sections, states) in groups.iter().zip(group_states) {
            run(sections, states, input, out);
        }
        if GROUP > 4 {
            run_exactly::<N, 7>(rest, rest_states, input, out);
            run_exactly::<N, 6>(rest, rest_states, input, out);
            run_exactly::<N, 5>(rest, rest_states, input, out);
            run_exactly::<N, 4>(rest, rest_states, input, out);
        }
        run_exactly::<N, 3>(rest, rest_states, input, out);
        run_exactly::<N, 2>(rest, rest_states, input, out);
        run_exactly::<N, 1>(rest, rest_states, input, out);
    }

    /// Advances the states over rows of input whose output nobody wants.
    #[inline(always)]
    pub(super) fn advance<const N: usize>(
        &self,
        states: &mut [[f32; N]; MAX_POLES],
        input: &[[f32; N]],
    ) {
        for row in input {
            for (section, x) in self.sections().iter().zip(states.iter_mut()) {
                for lane in 0..N {
                    x[lane] += row[lane] - section.decay * x[lane];
                }
            }
        }
    }

    /// Draws the start of the channels from `first_channel` on: random block 0 of `key` becomes
    /// `normals`, and `states` a draw from the sections' stationary distribution.
    #[inline(always)]
    pub(super) fn draw_start<const N: usize>(
        &self,
        key: &StreamKey,
        first_channel: u32,
        normals: &mut LaneBlock<N>,
        states: &mut [[f32; N]; MAX_POLES],
    ) {
        let mut words = [[0; N]; BLOCK_SAMPLES];
        key.words(first_channel, 0, &mut words);
        random::normals(&words, normals);
        self.draw_stationary(normals, states);
    }

    /// Sets `states` to a draw from the sections' stationary distribution, using row `i` of
    /// `normals` for the i-th dimension.
    ///
    /// All sections are driven by the same unit white noise, so their states have covariance
    /// `C_ij = 1 / (1 - p_i p_j)`. With C = L Lᵀ (Cholesky), L z of standard normals z has it too.
    /// Not inlined: L alone takes a microcontroller 1 KB of stack.
    #[inline(never)]
    fn draw_stationary<const N: usize>(
        &self,
        normals: &LaneBlock<N>,
        states: &mut [[f32; N]; MAX_POLES],
    ) {
        let factor = self.cholesky();
        for (i, state) in states.iter_mut().enumerate().take(self.count) {
            let weights = &factor[triangle(i)..=triangle(i) + i];
            for lane in 0..N {
                let mut sum = 0.0;
                for (weight, normal) in weights.iter().zip(normals) {
                    sum += weight * f64::from(normal[lane]);
                }
                state[lane] = sum as f32;
            }
        }
    }

    /// The lower Cholesky factor of the sections' stationary covariance, row after row without
    /// the zeros: 1 KB of a microcontroller's stack instead of 2.
    fn cholesky(&self) -> [f64; MAX_POLES * (MAX_POLES + 1) / 2] {
        let mut factor = [0.0_f64; MAX_POLES * (MAX_POLES + 1) / 2];
        for i in 0..self.count {
            for j in 0..=i {
                let mut rest = 1.0 / overlap(self.sections[i].decay, self.sections[j].decay);
                for k in 0..j {
                    rest -= factor[triangle(i) + k] * factor[triangle(j) + k];
                }
                let diagonal = factor[triangle(j) + j];
                factor[triangle(i) + j] = if i == j { math::sqrt(rest) } else { rest / diagonal };
            }
        }
        factor
    }

    /// Transfer function (real and imaginary part) at `angle` radians per sample.
    pub(super) fn response(&self, angle: f64) -> (f64, f64) {
        let (mut re, mut im) = (0.0, 0.0);
        for section in self.sections() {
            let (decay, gain) = (f64::from(section.decay), f64::from(section.gain));
            // gain / (1 - pole e^{-j angle}), its denominator d_re + j d_im.
            let d_re = 1.0 - (1.0 - decay) * math::cos(angle);
            let d_im = (1.0 - decay) * math::sin(angle);
            let norm = d_re * d_re + d_im * d_im;
            re += gain * d_re / norm;
            im -= gain * d_im / norm;
        }
        (re, im)
    }
}

/// `1 - p_i p_j` of two poles given as `1 - p`, without cancellation.
pub(super) fn overlap(decay_i: f32, decay_j: f32) -> f64 {
    let (a, b) = (f64::from(decay_i), f64::from(decay_j));
    a + b - a * b
}

/// Runs the sections if there are exactly `P` of them.
#[inline(always)]
fn run_exactly<const N: usize, const P: usize>(
    sections: &[Section],
    states: &mut [[f32; N]],
    input: &[[f32; N]; BLOCK_SAMPLES],
    out: &mut LaneBlock<N>,
) {
    if let (Ok(sections), Ok(states)) = (sections.try_into(), states.try_into()) {
        run::<N, P>(sections, states, input, out);
    }
}

/// Runs `P` sections over one block of input, adding their outputs to `out` in order.
#[inline(always)]
fn run<const N: usize, const P: usize>(
    sections: &[Section; P],
    states: &mut [[f32; N]; P],
    input: &[[f32; N]; BLOCK_SAMPLES],
    out: &mut LaneBlock<N>,
) {
    let mut x = *states;
    for (w, y) in input.iter().zip(out) {
        let mut sum = *y;
        for (x, section) in x.iter_mut().zip(sections) {
            for lane in 0..N {
                x[lane] += w[lane] - section.decay * x[lane];
                sum[lane] += section.gain * x[lane];
            }
        }
        *y = sum;
    }
    *states = x;
}

/// Where row `i` of a triangle stored row after row begins.
pub(super) fn triangle(i: usize) -> usize {
    i * (i + 1) / 2
}
