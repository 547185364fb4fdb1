//! The FIR head by overlap-save: one 64-point complex FFT each way per block of 64 samples.
//!
//! The filter is real, so two real convolutions ride one complex FFT: the block's first 32
//! outputs in the real part (inputs -32..32), its last 32 in the imaginary part (inputs
//! 0..64). The inverse transform is the forward one with real and imaginary parts exchanged;
//! its factor 1/64, a power of two, is folded into the frequency response.

use microfft::Complex32;
use microfft::complex::cfft_64;

use super::design::HEAD_TAPS;
use crate::math;
use crate::signal::fft64;
use crate::signal::{BLOCK_SAMPLES, HISTORY_SAMPLES, LaneBlock};

const HALF: usize = BLOCK_SAMPLES / 2;

/// Frequency response of the head, over 64.
#[derive(Clone, Debug)]
pub(super) struct HeadFilter {
    re: [f32; BLOCK_SAMPLES],
    im: [f32; BLOCK_SAMPLES],
}

impl HeadFilter {
    /// A filter that lets nothing through.
    pub(super) const SILENT: Self = Self { re: [0.0; BLOCK_SAMPLES], im: [0.0; BLOCK_SAMPLES] };

    /// Takes the response of `taps`, by a direct transform in `f64`.
    pub(super) fn set(&mut self, taps: &[f32; HEAD_TAPS]) {
        for bin in 0..BLOCK_SAMPLES {
            let (mut re, mut im) = (0.0, 0.0);
            for (k, tap) in taps.iter().enumerate() {
                let turn = (bin * k % BLOCK_SAMPLES) as f64 / BLOCK_SAMPLES as f64;
                re += f64::from(*tap) * math::cos(core::f64::consts::TAU * turn);
                im -= f64::from(*tap) * math::sin(core::f64::consts::TAU * turn);
            }
            self.re[bin] = (re / BLOCK_SAMPLES as f64) as f32;
            self.im[bin] = (im / BLOCK_SAMPLES as f64) as f32;
        }
    }

    /// Filters the last [`BLOCK_SAMPLES`] rows of `noise`; the rows before are its past.
    #[inline(always)]
    pub(super) fn filter<const N: usize>(
        &self,
        noise: &[[f32; N]; HISTORY_SAMPLES + BLOCK_SAMPLES],
        out: &mut LaneBlock<N>,
    ) {
        if N == 1 {
            self.filter_one(noise.as_flattened(), out.as_flattened_mut());
        } else {
            self.filter_lanes(noise, out);
        }
    }

    fn filter_one(&self, noise: &[f32], out: &mut [f32]) {
        let mut buffer = [Complex32::default(); BLOCK_SAMPLES];
        for (slot, (re, im)) in buffer.iter_mut().zip(noise.iter().zip(&noise[HALF..])) {
            *slot = Complex32::new(*re, *im);
        }
        let spectrum = cfft_64(&mut buffer);
        for (bin, (re, im)) in spectrum.iter_mut().zip(self.re.iter().zip(&self.im)) {
            let (x, y) = (bin.re, bin.im);
            *bin = Complex32::new(x * im + y * re, x * re - y * im);
        }
        let swapped = cfft_64(&mut buffer);
        let (first, second) = out.split_at_mut(HALF);
        for ((bin, a), b) in swapped[HALF..].iter().zip(first).zip(second) {
            (*a, *b) = (bin.im, bin.re);
        }
    }

    #[inline(always)]
    fn filter_lanes<const N: usize>(
        &self,
        noise: &[[f32; N]; HISTORY_SAMPLES + BLOCK_SAMPLES],
        out: &mut LaneBlock<N>,
    ) {
        let mut re = [[0.0; N]; BLOCK_SAMPLES];
        let mut im = [[0.0; N]; BLOCK_SAMPLES];
        for i in 0..BLOCK_SAMPLES {
            let to = fft64::bit_reversed(i);
            re[to] = noise[i];
            im[to] = noise[i + HALF];
        }
        fft64::butterflies(&mut re, &mut im);
        // Multiply and exchange the parts, into bit-reversed order for the way back.
        let mut back_re = [[0.0; N]; BLOCK_SAMPLES];
        let mut back_im = [[0.0; N]; BLOCK_SAMPLES];
        for bin in 0..BLOCK_SAMPLES {
            let to = fft64::bit_reversed(bin);
            for lane in 0..N {
                let (x, y) = (re[bin][lane], im[bin][lane]);
                back_re[to][lane] = x * self.im[bin] + y * self.re[bin];
                back_im[to][lane] = x * self.re[bin] - y * self.im[bin];
            }
        }
        fft64::butterflies(&mut back_re, &mut back_im);
        out[..HALF].copy_from_slice(&back_im[HALF..]);
        out[HALF..].copy_from_slice(&back_re[HALF..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Convolution by hand in f64. The FFT's rounding: 12 stages of relative error 2^-24 each
    /// on values of up to sum |h| * max |x| = 33 * 1 * 1; well below 1e-4 absolute.
    #[test]
    fn overlap_save_is_convolution_in_every_lane_width() {
        let mut taps = [0.0_f32; HEAD_TAPS];
        for (k, tap) in taps.iter_mut().enumerate() {
            *tap = 1.0 / (1.0 + k as f32) - 0.3;
        }
        let mut filter = HeadFilter::SILENT;
        filter.set(&taps);
        let sample = |i: usize| ((i as u64 * 2_654_435_761) % 1009) as f32 / 504.5 - 1.0;
        let mut noise = [[0.0; 1]; HISTORY_SAMPLES + BLOCK_SAMPLES];
        let mut wide = [[0.0; 4]; HISTORY_SAMPLES + BLOCK_SAMPLES];
        for i in 0..noise.len() {
            noise[i][0] = sample(i);
            wide[i] = [sample(i), 0.0, sample(i), 1.0];
        }
        let mut out = [[0.0; 1]; BLOCK_SAMPLES];
        let mut wide_out = [[0.0; 4]; BLOCK_SAMPLES];
        filter.filter(&noise, &mut out);
        filter.filter(&wide, &mut wide_out);
        for n in 0..BLOCK_SAMPLES {
            let exact: f64 = (0..HEAD_TAPS)
                .map(|k| f64::from(taps[k]) * f64::from(noise[HISTORY_SAMPLES + n - k][0]))
                .sum();
            assert!((f64::from(out[n][0]) - exact).abs() < 1e-4, "sample {n}");
            assert_eq!(out[n][0].to_bits(), wide_out[n][2].to_bits(), "sample {n}");
        }
    }
}
