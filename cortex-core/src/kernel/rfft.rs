//! FFT of real samples at any power of two up to [`MAX_FFT_LEN`].
//!
//! Radix-2 decimation in time (Cooley and Tukey, Math. Comput. 19, 1965) on N/2 complex points, then the
//! separation of even and odd samples (Sorensen et al., IEEE Trans. Acoust. Speech Signal Process. 35, 1987). One
//! loop serves all lengths: microfft, which the generators use, compiles each length for itself, which
//! for the eleven lengths here is 26 KB of a Cortex-M0's flash. Its error grows as u sqrt(log2 N) of the
//! transform's RMS, u = 2^-24: 2e-7 at 8,192 points.

use super::KernelError;
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

/// Number of values [`write_sines`] writes for a transform of `nfft` samples.
pub(super) fn sines_len(nfft: usize) -> usize {
    nfft / 4 + 1
}

/// The table of a transform: `sin(2 pi t/nfft)` for t from 0 to nfft/4.
pub(super) fn write_sines(nfft: usize, sines: &mut [f32]) {
    for (t, sine) in sines.iter_mut().enumerate() {
        *sine = math::sin(2.0 * core::f64::consts::PI * t as f64 / nfft as f64) as f32;
    }
}

/// Transforms `samples` in place; bins 0..N/2 as (re, im), with the (real) bin N/2 in the imaginary
/// part of bin 0. N = `samples.len()` comes from [`fft_len`], `sines` from [`write_sines`].
pub(super) fn rfft<'a>(samples: &'a mut [f32], sines: &[f32]) -> &'a mut [[f32; 2]] {
    let z = samples.as_chunks_mut::<2>().0;
    let half = z.len();
    transform(z, sines);
    // Even and odd samples were transformed as one complex series: separate them.
    let [re, im] = z[0];
    z[0] = [re + im, re - im];
    for k in 1..half / 2 {
        let (a, b) = (z[k], z[half - k]);
        let even = [0.5 * (a[0] + b[0]), 0.5 * (a[1] - b[1])];
        let odd = turn([0.5 * (a[1] + b[1]), 0.5 * (b[0] - a[0])], twiddle(k, sines));
        z[k] = [even[0] + odd[0], even[1] + odd[1]];
        z[half - k] = [even[0] - odd[0], odd[1] - even[1]];
    }
    z[half / 2][1] = -z[half / 2][1];
    z
}

/// Complex transform of `z.len()` points, in place.
fn transform(z: &mut [[f32; 2]], sines: &[f32]) {
    let len = z.len();
    let shift = usize::BITS - len.trailing_zeros();
    for i in 0..len {
        let j = i.reverse_bits() >> shift;
        if i < j {
            z.swap(i, j);
        }
    }
    let mut half = 1;
    while half < len {
        for k in 0..half {
            let quarter_turn = 2 * k == half;
            let factor = twiddle(k * (len / half), sines);
            for pair in z.chunks_exact_mut(2 * half) {
                let (a, b) = (pair[k], pair[k + half]);
                let b = if k == 0 {
                    b
                } else if quarter_turn {
                    [b[1], -b[0]]
                } else {
                    turn(b, factor)
                };
                pair[k] = [a[0] + b[0], a[1] + b[1]];
                pair[k + half] = [a[0] - b[0], a[1] - b[1]];
            }
        }
        half *= 2;
    }
}

/// (cos, sin) of 2 pi t/N for t from 0 to N/2, where N/4 + 1 is the table's length.
#[inline(always)]
fn twiddle(t: usize, sines: &[f32]) -> [f32; 2] {
    let quarter = sines.len() - 1;
    if t <= quarter {
        [sines[quarter - t], sines[t]]
    } else {
        [-sines[t - quarter], sines[2 * quarter - t]]
    }
}

/// `z exp(-i angle)` for the (cos, sin) of an angle.
#[inline(always)]
fn turn([re, im]: [f32; 2], [cos, sin]: [f32; 2]) -> [f32; 2] {
    [re * cos + im * sin, im * cos - re * sin]
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let mut sines = [0.0; 65];
            let sines = &mut sines[..sines_len(len)];
            write_sines(len, sines);
            let bins = rfft(samples, sines);
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
            assert!(near(bins[0][0], exact(0)[0]) && near(bins[0][1], exact(len / 2)[0]));
            for (k, bin) in bins.iter().enumerate().skip(1) {
                assert!(near(bin[0], exact(k)[0]) && near(bin[1], exact(k)[1]), "{len} {k}");
            }
            len *= 2;
        }
    }
}
