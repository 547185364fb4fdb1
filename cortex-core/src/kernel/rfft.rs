//! FFT of real samples at any power of two up to [`MAX_FFT_LEN`].
//!
//! Decimation in time (Cooley and Tukey, Math. Comput. 19, 1965), radix 4 with one pass of radix 2 where
//! the length asks for it, on N/2 complex points, several series abreast, then the separation of even and odd samples (Sorensen et al., IEEE Trans. Acoust. Speech Signal Process. 35, 1987). One
//! loop serves all lengths: microfft, which the generators use, compiles each length for itself, which
//! for the eleven lengths here is 26 KB of a Cortex-M0's flash. Its error grows as u sqrt(log2 N) of the
//! transform's RMS, u = 2^-24: 2e-7 at 8,192 points.

use super::KernelError;
use super::lanes::{HAS_FPU, MAX_LANES};
use crate::math;
use crate::parameter::count_within;

/// Shortest FFT.
pub const MIN_FFT_LEN: usize = 8;

/// Longest FFT, and so the longest window of [`Fft`](super::Fft).
pub const MAX_FFT_LEN: usize = 8_192;

/// The FFT length for `len` samples: `asked`, or the next power of two.
pub(super) fn fft_len(
    parameter: &'static str,
    len: usize,
    asked: Option<usize>,
) -> Result<usize, KernelError> {
    count_within(parameter, len, 1, MAX_FFT_LEN)?;
    let Some(nfft) = asked else { return Ok(len.next_power_of_two().max(MIN_FFT_LEN)) };
    count_within("nfft", nfft, len.max(MIN_FFT_LEN), MAX_FFT_LEN)?;
    if nfft.is_power_of_two() {
        Ok(nfft)
    } else {
        Err(KernelError::NotPowerOfTwo { parameter: "nfft", value: nfft })
    }
}

/// Whether a table of sines has a whole turn: looked up without decisions, which cost nothing where
/// operations are calls.
const WHOLE_TURN: bool = HAS_FPU;

/// Number of values [`write_sines`] writes for a transform of `nfft` samples.
pub(super) fn sines_len(nfft: usize) -> usize {
    if WHOLE_TURN { nfft } else { nfft / 4 + 1 }
}

/// The table of a transform: `sin(2 pi t/nfft)` for t from 0 to nfft/4, or up to a whole turn, the same
/// numbers backwards and negative.
pub(super) fn write_sines(nfft: usize, sines: &mut [f32]) {
    let quarter = nfft / 4;
    for (t, sine) in sines.iter_mut().enumerate().take(quarter + 1) {
        *sine = math::sin(2.0 * core::f64::consts::PI * t as f64 / nfft as f64) as f32;
    }
    if WHOLE_TURN {
        for t in quarter + 1..sines.len() {
            let half = 2 * quarter;
            sines[t] = if t <= half { sines[half - t] } else { -sines[t - half] };
        }
    }
}

/// A complex number of each of N series: real parts, imaginary parts.
pub(super) type Complex<const N: usize> = [[f32; N]; 2];

/// Samples of N series.
pub(super) trait Series<const N: usize> {
    /// Sample `t` of each.
    fn sample(&self, t: usize) -> [f32; N];
}

/// One series, and zeros behind it.
pub(super) struct Line<'s>(pub &'s [f32]);

impl<const N: usize> Series<N> for Line<'_> {
    #[inline(always)]
    fn sample(&self, t: usize) -> [f32; N] {
        [self.0.get(t).copied().unwrap_or(0.0); N]
    }
}

/// Takes the spectra of N series.
pub(super) trait TakeBin<const N: usize> {
    /// Takes a bin's real and imaginary parts.
    fn take(&mut self, bin: usize, re: &[f32; N], im: &[f32; N]);
}

/// Scratch values for a transform of `nfft` samples of up to `channels` series abreast.
pub(super) fn scratch_len(nfft: usize, channels: usize) -> usize {
    nfft * if channels == 1 { 1 } else { MAX_LANES }
}

/// Transforms N series of samples at once. Their number is that of `z` twice, from [`fft_len`], `sines` from
/// [`write_sines`]; bins 0 to `z.len()` go to `sink`.
#[cfg_attr(feature = "std", inline(always))]
pub(super) fn rfft<const N: usize>(
    z: &mut [Complex<N>],
    sines: &[f32],
    series: &impl Series<N>,
    sink: &mut impl TakeBin<N>,
) {
    if HAS_FPU {
        rfft_of(z, sines, series, sink);
    } else {
        // One copy of the code for all kernels.
        let series: &dyn Series<N> = series;
        let sink: &mut dyn TakeBin<N> = sink;
        rfft_of(z, sines, series, sink);
    }
}

#[cfg_attr(feature = "std", inline(always))]
fn rfft_of<const N: usize>(
    z: &mut [Complex<N>],
    sines: &[f32],
    series: &(impl Series<N> + ?Sized),
    sink: &mut (impl TakeBin<N> + ?Sized),
) {
    let len = z.len();
    // The passes of radix 4 begin behind the one of radix 2.
    let first = 1 + len.trailing_zeros() as usize % 2;
    if N == 1 {
        load_points(z, 0, len, series);
        passes(z, first, len, sines);
    } else {
        let mut quarter = first;
        let part_len = part_len(len);
        for (index, part) in z.chunks_mut(part_len).enumerate() {
            load_points(part, index * part_len, len, series);
            quarter = passes(part, first, len, sines);
        }
        passes(z, quarter, len, sines);
    }
    if N == 1 && WHOLE_TURN {
        separate_in_place(z, sines);
        let [re, im] = z[0];
        sink.take(0, &[re[0] + im[0]; N], &[0.0; N]);
        for (bin, [re, im]) in z.iter().enumerate().skip(1) {
            sink.take(bin, re, im);
        }
        sink.take(len, &[re[0] - im[0]; N], &[0.0; N]);
    } else {
        separate(z, sines, sink);
    }
}

/// Points of a part of the transform that is finished before the next begins: it stays in the nearest
/// cache. A power of 4 or twice one, as `len` is.
fn part_len(len: usize) -> usize {
    if len.trailing_zeros() % 2 == 1 { 32 } else { 64 }
}

/// Loads points `first`, `first + 1`, ... of `len`: decimation in time begins in bit-reversed order. Where the
/// length is no power of 4 the pass of radix 2 is done at once: it needs nothing but two points that lie half
/// the length apart.
#[cfg_attr(feature = "std", inline(always))]
fn load_points<const N: usize>(
    part: &mut [Complex<N>],
    first: usize,
    len: usize,
    series: &(impl Series<N> + ?Sized),
) {
    if len.trailing_zeros() % 2 == 1 {
        let shift = usize::BITS - (len / 2).trailing_zeros();
        for (index, [a, b]) in part.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let j = (first / 2 + index).reverse_bits().checked_shr(shift).unwrap_or(0);
            let (x, y) = (pair(series, j), pair(series, j + len / 2));
            for i in 0..N {
                [a[0][i], a[1][i]] = plus([x[0][i], x[1][i]], [y[0][i], y[1][i]]);
                [b[0][i], b[1][i]] = minus([x[0][i], x[1][i]], [y[0][i], y[1][i]]);
            }
        }
    } else {
        let shift = usize::BITS - len.trailing_zeros();
        for (index, point) in part.iter_mut().enumerate() {
            *point = pair(series, (first + index).reverse_bits() >> shift);
        }
    }
}

/// Samples `2 j` and `2 j + 1` as one complex number.
#[inline(always)]
fn pair<const N: usize>(series: &(impl Series<N> + ?Sized), j: usize) -> Complex<N> {
    [series.sample(2 * j), series.sample(2 * j + 1)]
}

/// The passes of radix 4 over some points of a transform of `len` points, from quarters of `quarter` points on;
/// returns the length of the quarters of the next pass.
#[cfg_attr(feature = "std", inline(always))]
fn passes<const N: usize>(
    z: &mut [Complex<N>],
    mut quarter: usize,
    len: usize,
    sines: &[f32],
) -> usize {
    while quarter < z.len() {
        pass(z, quarter, len, sines);
        quarter *= 4;
    }
    quarter
}

/// One pass over some points of a transform of `len` points: every four transforms of `quarter` points
/// become one.
#[cfg_attr(feature = "std", inline(always))]
fn pass<const N: usize>(z: &mut [Complex<N>], quarter: usize, len: usize, sines: &[f32]) {
    let step = len / quarter / 2;
    if N == 1 {
        // Factors are dear beside one channel's four points: they are looked up once.
        for k in 0..quarter {
            let factors = three_factors(k * step, sines);
            for four in z.chunks_exact_mut(4 * quarter) {
                // In the order of samples modulo 4.
                let places = [k, k + 2 * quarter, k + quarter, k + 3 * quarter];
                let mut points = places.map(|place| [four[place][0][0], four[place][1][0]]);
                if k > 0 {
                    for (point, factor) in points[1..].iter_mut().zip(factors) {
                        *point = turn(*point, factor);
                    }
                }
                let [x, y, z, w] = points;
                let spectrum = four_points(x, y, z, w);
                for (place, [re, im]) in (k..).step_by(quarter).zip(spectrum) {
                    four[place] = [[re; N], [im; N]];
                }
            }
        }
        return;
    }
    for four in z.chunks_exact_mut(4 * quarter) {
        let (a, rest) = four.split_at_mut(quarter);
        let (c, rest) = rest.split_at_mut(quarter);
        let (b, d) = rest.split_at_mut(quarter);
        let points = a.iter_mut().zip(b).zip(c).zip(d).enumerate();
        for (k, (((a, b), c), d)) in points {
            if k == 0 {
                first_butterfly(a, b, c, d);
            } else {
                butterfly(a, b, c, d, three_factors(k * step, sines));
            }
        }
    }
}

/// Four transforms of a quarter of the length become one: points k of the transforms of samples
/// 0, 1, 2 and 3 modulo 4, `b` to `d` times their factors.
#[cfg_attr(feature = "std", inline(always))]
fn butterfly<const N: usize>(
    a: &mut Complex<N>,
    b: &mut Complex<N>,
    c: &mut Complex<N>,
    d: &mut Complex<N>,
    factors: [[f32; 2]; 3],
) {
    for i in 0..N {
        let x = [a[0][i], a[1][i]];
        let y = turn([b[0][i], b[1][i]], factors[0]);
        let z = turn([c[0][i], c[1][i]], factors[1]);
        let w = turn([d[0][i], d[1][i]], factors[2]);
        let [p, q, r, s] = four_points(x, y, z, w);
        [a[0][i], a[1][i]] = p;
        [c[0][i], c[1][i]] = q;
        [b[0][i], b[1][i]] = r;
        [d[0][i], d[1][i]] = s;
    }
}

/// [`butterfly`] at k = 0, where every factor is 1.
#[cfg_attr(feature = "std", inline(always))]
fn first_butterfly<const N: usize>(
    a: &mut Complex<N>,
    b: &mut Complex<N>,
    c: &mut Complex<N>,
    d: &mut Complex<N>,
) {
    for i in 0..N {
        let [p, q, r, s] = four_points(
            [a[0][i], a[1][i]],
            [b[0][i], b[1][i]],
            [c[0][i], c[1][i]],
            [d[0][i], d[1][i]],
        );
        [a[0][i], a[1][i]] = p;
        [c[0][i], c[1][i]] = q;
        [b[0][i], b[1][i]] = r;
        [d[0][i], d[1][i]] = s;
    }
}

/// Transform of four points.
#[inline(always)]
fn four_points(x: [f32; 2], y: [f32; 2], z: [f32; 2], w: [f32; 2]) -> [[f32; 2]; 4] {
    let (even, odd) = (plus(x, z), plus(y, w));
    let (p, q) = (minus(x, z), minus(y, w));
    // q times -i
    let q = [q[1], -q[0]];
    [plus(even, odd), plus(p, q), minus(even, odd), minus(p, q)]
}

/// Even and odd samples were transformed as one complex series: separates them.
#[cfg_attr(feature = "std", inline(always))]
fn separate<const N: usize>(
    z: &[Complex<N>],
    sines: &[f32],
    sink: &mut (impl TakeBin<N> + ?Sized),
) {
    let half = z.len();
    let (mut low, mut high) = ([[0.0; N]; 2], [[0.0; N]; 2]);
    for i in 0..N {
        let [re, im] = [z[0][0][i], z[0][1][i]];
        (low[0][i], high[0][i]) = (re + im, re - im);
    }
    sink.take(0, &low[0], &low[1]);
    sink.take(half, &high[0], &high[1]);
    for k in 1..half / 2 {
        let (a, b) = (&z[k], &z[half - k]);
        let factor = twiddle(k, sines);
        for i in 0..N {
            let even = [0.5 * (a[0][i] + b[0][i]), 0.5 * (a[1][i] - b[1][i])];
            let odd = turn([0.5 * (a[1][i] + b[1][i]), 0.5 * (b[0][i] - a[0][i])], factor);
            [low[0][i], low[1][i]] = plus(even, odd);
            [high[0][i], high[1][i]] = [even[0] - odd[0], odd[1] - even[1]];
        }
        sink.take(k, &low[0], &low[1]);
        sink.take(half - k, &high[0], &high[1]);
    }
    let [re, mut im] = z[half / 2];
    for i in 0..N {
        im[i] = -im[i];
    }
    sink.take(half / 2, &re, &im);
}

/// The same where one series leaves registers free: all bins but the first and the last to their places.
/// `sines` have a whole turn.
#[cfg_attr(feature = "std", inline(always))]
fn separate_in_place<const N: usize>(z: &mut [Complex<N>], sines: &[f32]) {
    let quarter = z.len() / 2;
    let (low, high) = z.split_at_mut(quarter);
    let factors = sines[quarter + 1..].iter().zip(&sines[1..quarter]);
    let pairs = low[1..].iter_mut().zip(high.iter_mut().rev());
    for ((a, b), (&cos, &sin)) in pairs.zip(factors) {
        for i in 0..N {
            let even = [0.5 * (a[0][i] + b[0][i]), 0.5 * (a[1][i] - b[1][i])];
            let odd = turn([0.5 * (a[1][i] + b[1][i]), 0.5 * (b[0][i] - a[0][i])], [cos, sin]);
            [a[0][i], a[1][i]] = plus(even, odd);
            [b[0][i], b[1][i]] = [even[0] - odd[0], odd[1] - even[1]];
        }
    }
    for im in &mut high[0][1] {
        *im = -*im;
    }
}

#[inline(always)]
fn plus(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

#[inline(always)]
fn minus(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0] - b[0], a[1] - b[1]]
}

/// (cos, sin) of 2 pi t/N for t from 0 to below 3N/4, from the table of length N or N/4 + 1.
#[inline(always)]
fn twiddle(t: usize, sines: &[f32]) -> [f32; 2] {
    if WHOLE_TURN {
        return [sines[t + sines.len() / 4], sines[t]];
    }
    let quarter = sines.len() - 1;
    if t <= quarter {
        [sines[quarter - t], sines[t]]
    } else if t <= 2 * quarter {
        [-sines[t - quarter], sines[2 * quarter - t]]
    } else {
        [-sines[3 * quarter - t], -sines[t - 2 * quarter]]
    }
}

/// [`twiddle`] of once, twice and three times `t`.
#[inline(always)]
fn three_factors(t: usize, sines: &[f32]) -> [[f32; 2]; 3] {
    if !HAS_FPU {
        // A loop, for its size.
        return [t, 2 * t, 3 * t].map(|t| twiddle(t, sines));
    }
    [twiddle(t, sines), twiddle(2 * t, sines), twiddle(3 * t, sines)]
}

/// `z exp(-i angle)` for the (cos, sin) of an angle.
#[inline(always)]
fn turn([re, im]: [f32; 2], [cos, sin]: [f32; 2]) -> [f32; 2] {
    [re * cos + im * sin, im * cos - re * sin]
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Spectrum([[f32; 2]; 129]);

    impl TakeBin<1> for Spectrum {
        fn take(&mut self, bin: usize, re: &[f32; 1], im: &[f32; 1]) {
            self.0[bin] = [re[0], im[0]];
        }
    }

    /// Every length against the definition in double precision, on integers. The error is u = 2^-24
    /// times a few of the RMS bin: 5e-7 of the largest.
    #[test]
    fn every_length_is_a_fourier_transform() {
        let mut len = MIN_FFT_LEN;
        // The definition takes the square of the length: seconds in Miri.
        while len <= if cfg!(miri) { 32 } else { 256 } {
            let mut samples = [0.0; 256];
            let samples = &mut samples[..len];
            super::super::golden::fill_golden_rows(7, 1, samples);
            let mut input = [0.0; 256];
            input[..len].copy_from_slice(samples);
            let mut sines = [0.0; 256];
            let sines = &mut sines[..sines_len(len)];
            write_sines(len, sines);
            let mut scratch = [[[0.0; 1]; 2]; 128];
            let mut spectrum = Spectrum([[0.0; 2]; 129]);
            rfft(&mut scratch[..len / 2], sines, &Line(&*samples), &mut spectrum);
            let Spectrum(bins) = spectrum;
            let exact = |k: usize| {
                let mut sum = [0.0f64; 2];
                for (n, &x) in input[..len].iter().enumerate() {
                    let angle = 2.0 * core::f64::consts::PI * (n * k % len) as f64 / len as f64;
                    sum[0] += f64::from(x) * math::cos(angle);
                    sum[1] -= f64::from(x) * math::sin(angle);
                }
                sum
            };
            let largest = (0..len / 2).map(|k| exact(k)[0].abs()).fold(0.0, f64::max);
            let near = |a: f32, b: f64| (f64::from(a) - b).abs() < 5e-7 * largest;
            for (k, bin) in bins[..=len / 2].iter().enumerate() {
                assert!(near(bin[0], exact(k)[0]) && near(bin[1], exact(k)[1]), "{len} {k}");
            }
            len *= 2;
        }
    }
}
