//! A 64-point complex FFT over vector lanes, bit for bit the one of `microfft`.
//!
//! Radix 2, decimation in time, the same butterflies with the same operations in the same
//! order per value as `microfft::complex::cfft_64`; a test compares the bits. Real and
//! imaginary parts are apart, so that a row is a vector.

const POINTS: usize = 64;

/// sin(2 pi k / 64), k = 0..=16, correctly rounded.
const SINE: [f32; POINTS / 4 + 1] = [
    0.0,
    0.098_017_14,
    0.195_090_32,
    0.290_284_66,
    0.382_683_43,
    0.471_396_74,
    0.555_570_24,
    0.634_393_3,
    0.707_106_77,
    0.773_010_43,
    0.831_469_6,
    0.881_921_3,
    0.923_879_5,
    0.956_940_35,
    0.980_785_25,
    0.995_184_7,
    1.0,
];

/// Where input `i` goes before [`butterflies`].
#[inline(always)]
pub(super) fn bit_reversed(i: usize) -> usize {
    i.reverse_bits() >> (usize::BITS - POINTS.ilog2())
}

/// Transforms input in bit-reversed order to output in natural order, in place.
#[inline(always)]
pub(super) fn butterflies<const N: usize>(
    re: &mut [[f32; N]; POINTS],
    im: &mut [[f32; N]; POINTS],
) {
    let mut half = 1;
    while half < POINTS {
        let mut start = 0;
        while start < POINTS {
            for k in 0..half {
                butterfly(re, im, start + k, half, k * (POINTS / 2 / half));
            }
            start += 2 * half;
        }
        half *= 2;
    }
}

/// One butterfly of rows `at` and `at + half` with twiddle exp(-2 pi j turn / 64).
#[inline(always)]
fn butterfly<const N: usize>(
    re: &mut [[f32; N]; POINTS],
    im: &mut [[f32; N]; POINTS],
    at: usize,
    half: usize,
    turn: usize,
) {
    let (x_re, x_im) = (re[at], im[at]);
    let (mut y_re, mut y_im) = (re[at + half], im[at + half]);
    if turn != 0 {
        let quarter = POINTS / 4;
        let (t_re, t_im) = if turn <= quarter {
            (SINE[quarter - turn], -SINE[turn])
        } else {
            (-SINE[turn - quarter], -SINE[2 * quarter - turn])
        };
        for lane in 0..N {
            let (re, im) = (y_re[lane], y_im[lane]);
            y_re[lane] = t_re * re - t_im * im;
            y_im[lane] = t_re * im + t_im * re;
        }
    }
    for lane in 0..N {
        re[at][lane] = x_re[lane] + y_re[lane];
        im[at][lane] = x_im[lane] + y_im[lane];
        re[at + half][lane] = x_re[lane] - y_re[lane];
        im[at + half][lane] = x_im[lane] - y_im[lane];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use microfft::Complex32;

    #[test]
    fn every_lane_has_the_bits_of_microfft() {
        const N: usize = 8;
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state as i32 >> 8) as f32 / 8_388_608.0 * 3.0
        };
        for _ in 0..if cfg!(miri) { 1 } else { 20 } {
            let (mut re, mut im) = ([[0.0; N]; POINTS], [[0.0; N]; POINTS]);
            let mut expected = [[Complex32::default(); POINTS]; N];
            for i in 0..POINTS {
                for lane in 0..N {
                    let value = Complex32::new(next(), next());
                    expected[lane][i] = value;
                    re[bit_reversed(i)][lane] = value.re;
                    im[bit_reversed(i)][lane] = value.im;
                }
            }
            butterflies(&mut re, &mut im);
            for lane in 0..N {
                let spectrum = microfft::complex::cfft_64(&mut expected[lane]);
                for bin in 0..POINTS {
                    assert_eq!(spectrum[bin].re.to_bits(), re[bin][lane].to_bits(), "bin {bin}");
                    assert_eq!(spectrum[bin].im.to_bits(), im[bin][lane].to_bits(), "bin {bin}");
                }
            }
        }
    }
}
