//! FFT of real samples in integers: the transform of the [single-precision
//! kernels](super::super::rfft) on one series of 32-bit numbers.
//!
//! Nothing is scaled on the way: samples enter shifted so that the sum of their magnitudes stays below
//! 2^29 ([`shift_of`]), which bounds every number of every stage. Each product with a factor is
//! rounded once, half up; separating even from odd samples halves once.

use super::word::{Word, in_units};
use crate::math;

/// Number of values [`write_sines`] writes for a transform of `nfft` samples.
pub(super) fn sines_len(nfft: usize) -> usize {
    nfft / 4 + 1
}

/// The table of a transform of `nfft` samples: `sin(2 pi t/nfft)` for t from 0 to nfft/4.
pub(super) fn write_sines<W: Word>(nfft: usize, sines: &mut [i32]) {
    for (t, sine) in sines.iter_mut().enumerate() {
        let angle = 2.0 * core::f64::consts::PI * t as f64 / nfft as f64;
        *sine = in_units::<W>(math::sin(angle));
    }
}

/// By how many bits samples of type `W` are shifted so that `nfft` of them add up to less than 2^29.
pub(super) fn shift_of<W: Word>(nfft: usize) -> i32 {
    29 - W::BITS as i32 - nfft.trailing_zeros() as i32
}

type Complex = [i32; 2];

/// Transforms `2 z.len()` samples, of which `sample(t)` gives sample t; bins 0 to `z.len()` go to
/// `put(bin, re, im)`.
pub(super) fn rfft<W: Word>(
    z: &mut [Complex],
    sines: &[i32],
    sample: impl Fn(usize) -> i32,
    put: impl FnMut(usize, i32, i32),
) {
    let len = z.len();
    let pair = |j: usize| [sample(2 * j), sample(2 * j + 1)];
    // Decimation in time begins in bit-reversed order.
    let shift = usize::BITS - len.trailing_zeros();
    for (index, point) in z.iter_mut().enumerate() {
        *point = pair(index.reverse_bits() >> shift);
    }
    let mut quarter = 1;
    if len.trailing_zeros() % 2 == 1 {
        for two in z.as_chunks_mut::<2>().0 {
            let [a, b] = *two;
            *two = [plus(a, b), minus(a, b)];
        }
        quarter = 2;
    }
    while quarter < len {
        pass::<W>(z, quarter, sines);
        quarter *= 4;
    }
    separate::<W>(z, sines, put);
}

/// Every four transforms of `quarter` points become one.
fn pass<W: Word>(z: &mut [Complex], quarter: usize, sines: &[i32]) {
    let step = z.len() / quarter / 2;
    for k in 0..quarter {
        let factors = [1, 2, 3].map(|times| twiddle(times * k * step, sines));
        for four in z.chunks_exact_mut(4 * quarter) {
            // In the order of samples modulo 4.
            let places = [k, k + 2 * quarter, k + quarter, k + 3 * quarter];
            let mut points = places.map(|place| four[place]);
            if k > 0 {
                for (point, factor) in points[1..].iter_mut().zip(factors) {
                    *point = W::turn(*point, factor);
                }
            }
            let [x, y, z, w] = points;
            let (even, odd) = (plus(x, z), plus(y, w));
            let (p, q) = (minus(x, z), minus(y, w));
            // q times -i
            let q = [q[1], -q[0]];
            four[k] = plus(even, odd);
            four[k + quarter] = plus(p, q);
            four[k + 2 * quarter] = minus(even, odd);
            four[k + 3 * quarter] = minus(p, q);
        }
    }
}

/// Even and odd samples were transformed as one complex series: separates them.
fn separate<W: Word>(z: &[Complex], sines: &[i32], mut put: impl FnMut(usize, i32, i32)) {
    let half = z.len();
    let [re, im] = z[0];
    put(0, re + im, 0);
    put(half, re - im, 0);
    for k in 1..half / 2 {
        let (a, b) = (z[k], z[half - k]);
        let even = [a[0] + b[0], a[1] - b[1]];
        let odd = W::turn([a[1] + b[1], b[0] - a[0]], twiddle(k, sines));
        put(k, halved(even[0] + odd[0]), halved(even[1] + odd[1]));
        put(half - k, halved(even[0] - odd[0]), halved(odd[1] - even[1]));
    }
    let [re, im] = z[half / 2];
    put(half / 2, re, -im);
}

#[inline(always)]
fn halved(x: i32) -> i32 {
    (x + 1) >> 1
}

#[inline(always)]
fn plus(a: Complex, b: Complex) -> Complex {
    [a[0] + b[0], a[1] + b[1]]
}

#[inline(always)]
fn minus(a: Complex, b: Complex) -> Complex {
    [a[0] - b[0], a[1] - b[1]]
}

/// (cos, sin) of 2 pi t/N for t from 0 to 3N/4, where N/4 + 1 is the table's length.
#[inline(always)]
fn twiddle(t: usize, sines: &[i32]) -> Complex {
    let quarter = sines.len() - 1;
    if t <= quarter {
        [sines[quarter - t], sines[t]]
    } else if t <= 2 * quarter {
        [-sines[t - quarter], sines[2 * quarter - t]]
    } else {
        [-sines[3 * quarter - t], -sines[t - 2 * quarter]]
    }
}
