//! Standard normal numbers from random words: Box and Muller (1958) on polynomials.
//!
//! Words 2i and 2i+1 of a channel give its normals 2i and 2i+1:
//! `r cos(a)` and `r sin(a)` with `r = sqrt(-2 ln u)`, `u` from the first word in (0, 1] and
//! the angle `a` from the second. `u` has 2^-32 as its least value, so no sample lies beyond
//! 6.67 standard deviations (a normal number does once in 4e10). The polynomials' relative
//! error of 4e-7 is far below what any statistical test of 1e12 samples could see.

use super::WordBlock;
use crate::block::LaneBlock;
use crate::math;

/// Square roots of a block of numbers, correctly rounded: a board's own instruction, which a crate
/// without `unsafe` cannot name. Only images with a floating-point unit use it.
#[derive(Clone, Copy, Debug)]
pub struct SquareRoots {
    #[cfg(target_abi = "eabihf")]
    replace: fn(&mut [f32]),
}

impl SquareRoots {
    /// Those of [`math::sqrtf`].
    pub const PORTABLE: Self = Self::new(math::square_roots);

    /// `replace` replaces every number of a slice (zeros and positive normal numbers) by its root.
    #[must_use]
    #[cfg_attr(not(target_abi = "eabihf"), expect(unused_variables))]
    pub const fn new(replace: fn(&mut [f32])) -> Self {
        Self {
            #[cfg(target_abi = "eabihf")]
            replace,
        }
    }
}

/// Pairs of normal numbers of a block.
#[cfg(target_abi = "eabihf")]
const PAIRS: usize = crate::block::BLOCK_SAMPLES / 2;

/// 31 bits of a word as a number in (0, 1]: a signed conversion is one instruction everywhere.
#[inline(always)]
fn uniform(word: u32) -> f32 {
    ((word >> 1) as i32 as f32 + 0.5) * (1.0 / 2_147_483_648.0)
}

/// Turns a block of words into a block of standard normal numbers.
#[inline(always)]
pub fn normals<const N: usize>(words: &WordBlock<N>, out: &mut LaneBlock<N>) {
    normals_by(SquareRoots::PORTABLE, words, out, |normal| normal);
}

/// [`normals`], where the board has square roots of its own; `scale` makes of each what is wanted.
#[inline(always)]
#[cfg_attr(not(target_abi = "eabihf"), expect(unused_variables))]
pub(crate) fn normals_by<const N: usize>(
    roots: SquareRoots,
    words: &WordBlock<N>,
    out: &mut LaneBlock<N>,
    scale: impl Fn(f32) -> f32,
) {
    #[cfg(target_abi = "eabihf")]
    {
        // In three passes: constants stay in registers, and the roots cost one call. The radii are the
        // first half of the block until the last pass, which goes backwards.
        for (radius, [radius_words, _]) in out.iter_mut().zip(words.as_chunks::<2>().0) {
            for lane in 0..N {
                radius[lane] = -2.0 * math::lnf(uniform(radius_words[lane]));
            }
        }
        (roots.replace)(out[..PAIRS].as_flattened_mut());
        for pair in (0..PAIRS).rev() {
            let radius = out[pair];
            for lane in 0..N {
                let (sin, cos) = math::sin_cos_turn(words[2 * pair + 1][lane]);
                out[2 * pair][lane] = scale(radius[lane] * cos);
                out[2 * pair + 1][lane] = scale(radius[lane] * sin);
            }
        }
    }
    #[cfg(not(target_abi = "eabihf"))]
    normals_in_one_pass(words, out, scale);
}

#[inline(always)]
#[cfg(not(target_abi = "eabihf"))]
fn normals_in_one_pass<const N: usize>(
    words: &WordBlock<N>,
    out: &mut LaneBlock<N>,
    scale: impl Fn(f32) -> f32,
) {
    let pairs = words.as_chunks::<2>().0.iter().zip(out.as_chunks_mut::<2>().0);
    for ([radius_words, angle_words], [cosines, sines]) in pairs {
        for lane in 0..N {
            let radius = math::sqrtf(-2.0 * math::lnf(uniform(radius_words[lane])));
            let (sin, cos) = math::sin_cos_turn(angle_words[lane]);
            cosines[lane] = scale(radius * cos);
            sines[lane] = scale(radius * sin);
        }
    }
}

/// An exponential variate of mean 1 from a word: -ln of a uniform number in (0, 1), to 4e-7.
#[cfg(feature = "v3")]
#[inline(always)]
pub(crate) fn exponential(word: u32) -> f32 {
    -math::lnf(uniform(word))
}

/// Two standard normal numbers from two words: those that [`normals`] gives.
#[cfg(feature = "v3")]
#[inline(always)]
pub(crate) fn normal_pair(words: [u32; 2]) -> [f32; 2] {
    let radius = math::sqrtf(2.0 * exponential(words[0]));
    let (sin, cos) = math::sin_cos_turn(words[1]);
    [radius * cos, radius * sin]
}

/// One standard normal number from two words: the first of the pair that [`normals`] gives.
#[cfg(feature = "v3")]
#[inline(always)]
pub(crate) fn normal(words: [u32; 2]) -> f32 {
    normal_pair(words)[0]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::BLOCK_SAMPLES;

    /// The extreme words stay finite and in range: least uniform is 0.5 / 2^31.
    #[test]
    fn extreme_words_give_finite_normals() {
        let mut words = [[0_u32; 1]; BLOCK_SAMPLES];
        for (i, row) in words.iter_mut().enumerate() {
            row[0] = [0, 1, u32::MAX, u32::MAX - 1, 0x8000_0000][i % 5];
        }
        let mut out = [[0.0; 1]; BLOCK_SAMPLES];
        normals(&words, &mut out);
        // -2 ln(2^-32) = 44.36: 6.66 standard deviations.
        assert!(out.iter().all(|row| row[0].is_finite() && row[0].abs() < 6.67));
    }
}
