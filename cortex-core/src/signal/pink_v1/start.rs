//! The start state of parallel one-pole sections, drawn from their stationary distribution.
//!
//! All sections are driven by the same white noise, so their states have covariance
//! `C_ij = 1 / (1 - p_i p_j)`. With C = L Lᵀ (Cholesky), L z of standard normals z has it too.

use super::Section;
use super::design::overlap;
use crate::math;
use crate::signal::{BLOCK_SAMPLES, MAX_POLES};

/// Sets `states` to a draw, using row `i` of `normals` for the i-th dimension.
#[inline(always)]
pub(super) fn stationary<const N: usize>(
    sections: &[Section],
    normals: &[[f32; N]; BLOCK_SAMPLES],
    states: &mut [[f32; N]; MAX_POLES],
) {
    let factor = cholesky(sections);
    for (row, state) in factor.iter().zip(states).take(sections.len()) {
        for lane in 0..N {
            let mut sum = 0.0;
            for (weight, normal) in row.iter().zip(normals).take(sections.len()) {
                sum += weight * f64::from(normal[lane]);
            }
            state[lane] = sum as f32;
        }
    }
}

/// The lower Cholesky factor of the sections' stationary covariance.
fn cholesky(sections: &[Section]) -> [[f64; MAX_POLES]; MAX_POLES] {
    let mut factor = [[0.0_f64; MAX_POLES]; MAX_POLES];
    for i in 0..sections.len() {
        for j in 0..=i {
            let mut rest = 1.0 / overlap(sections[i].decay, sections[j].decay);
            for k in 0..j {
                rest -= factor[i][k] * factor[j][k];
            }
            factor[i][j] = if i == j { math::sqrt(rest) } else { rest / factor[j][j] };
        }
    }
    factor
}
