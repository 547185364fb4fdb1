//! `welch_psd`: power spectral density of each window by Welch's method,
//! `scipy.signal.welch(window, fs, window="hann", nperseg, noverlap, nfft, detrend="constant",
//! scaling="density", average="mean", axis=0)`.
//!
//! Source: Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE Trans. Audio
//! Electroacoust. 15 (1967). Segments of `nperseg` samples every `nperseg - noverlap`, the mean of each
//! removed, times the periodic Hann window `w[n] = sin^2(pi n/nperseg)`, zero-padded to `nfft`:
//!
//! ```text
//! P[k] = mean over segments of c |X[k]|^2 / (fs sum w^2),  c = 1 at k = 0 and nfft/2, else 2
//! ```
//!
//! Half of the (symmetric) window function is kept in the state, written by `reset`.
//! The mean is a compensated sum, refined once with the mean of the residuals: a slow drift makes partial sums
//! large, and the plain sum's error, weighted by the window function, was seen to be 1e-5 of the lowest bins of real EEG.
//! Expected error: the FFT's few u of the largest amplitude; relative to a window's largest density
//! at most 1e-6; a bin of amplitude r times the largest carries u/r of itself.
//!
//! A missing sample is replaced by the channel's previous one.

use super::rfft::{MAX_FFT_LEN, MIN_FFT_LEN, fft_len, rfft, sines_len, write_sines};
use super::rows::Ring;
use super::{Design, Info, Kernel, KernelError, KernelFault, KernelShape, MAX_WINDOW, Output};
use crate::math;
use crate::parameter::{count_within, optional_count, parameters};

/// SciPy's default segment length.
const DEFAULT_NPERSEG: usize = 256;

parameters! {
    /// Parameters of [`WelchPsd`].
    #[derive(Copy)]
    #[serde(default)]
    pub struct WelchPsdParams {
        /// Segment length.
        pub nperseg: Option<usize> = optional_count("256, or the window if shorter", "samples", MIN_FFT_LEN, MAX_WINDOW).limit("at most the window"),
        /// Samples that neighbouring segments share.
        pub noverlap: Option<usize> = optional_count("half of nperseg, rounded down", "samples", 0, MAX_WINDOW).limit("below nperseg"),
        /// Length of the transform.
        pub nfft: Option<usize> = optional_count("the next power of two", "samples", MIN_FFT_LEN, MAX_FFT_LEN).limit("a power of two, at least nperseg"),
    }
}

/// Welch's power spectral density. Output per call: (nfft/2 + 1) bins x channels, in uV^2/Hz.
#[derive(Clone, Copy, Debug)]
pub struct WelchPsd {
    ring: Ring,
    nperseg: usize,
    step: usize,
    nfft: usize,
    /// 1 / (fs sum w^2), in s.
    scale: f32,
}

impl Design for WelchPsd {
    const INFO: Info<'static> = Info {
        name: "welch_psd",
        summary: "power spectral density by Welch's method (scipy welch, Hann)",
        output: Output::Window { shape: "(nfft/2 + 1) x channels", unit: "uV^2/Hz" },
        parameters: WelchPsdParams::PARAMETERS,
    };

    type Params = WelchPsdParams;

    fn design(params: &WelchPsdParams, shape: KernelShape) -> Result<Self, KernelError> {
        let window = count_within("window", shape.window, MIN_FFT_LEN, MAX_WINDOW)?;
        let nperseg = params.nperseg.unwrap_or(DEFAULT_NPERSEG.min(window));
        count_within("nperseg", nperseg, MIN_FFT_LEN, window)?;
        let nfft = fft_len("nperseg", nperseg, params.nfft)?;
        let noverlap = params.noverlap.unwrap_or(nperseg / 2);
        count_within("noverlap", noverlap, 0, nperseg - 1)?;
        // The sum over n of sin^4(pi n/N) is 3N/8 for N > 2.
        let sum_of_squares = 0.375 * nperseg as f64;
        Ok(Self {
            ring: Ring { channels: shape.channels, window },
            nperseg,
            step: nperseg - noverlap,
            nfft,
            scale: (1.0 / (shape.sample_rate_hz * sum_of_squares)) as f32,
        })
    }

    fn state_values(&self) -> u64 {
        self.ring.state_len() + (self.half() + sines_len(self.nfft) + self.nfft) as u64
    }
}

impl WelchPsd {
    /// Number of distinct values of the window function, w[0] to w[nperseg/2].
    fn half(&self) -> usize {
        self.nperseg / 2 + 1
    }
}

impl Kernel for WelchPsd {
    fn state_len(&self) -> usize {
        self.state_values() as usize
    }

    fn reset(&self, state: &mut [f32]) {
        let (hann, rest) = self.ring.reset(state, self.state_len()).split_at_mut(self.half());
        write_sines(self.nfft, &mut rest[..sines_len(self.nfft)]);
        for (n, weight) in hann.iter_mut().enumerate() {
            let sine = math::sin(core::f64::consts::PI * n as f64 / self.nperseg as f64);
            *weight = (sine * sine) as f32;
        }
    }

    fn output_len(&self, _rows: usize) -> usize {
        (self.nfft / 2 + 1) * self.ring.channels
    }

    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        let channels = self.ring.channels;
        let (history, rest) =
            self.ring.take(state, self.state_len(), input, output, self.output_len(1))?;
        let (hann, rest) = rest.split_at_mut(self.half());
        let (sines, rest) = rest.split_at_mut(sines_len(self.nfft));
        let scratch = &mut rest[..self.nfft];
        let psd = &mut output[..(self.nfft / 2 + 1) * channels];
        psd.fill(0.0);
        let nyquist = self.nfft / 2;
        let segments = (self.ring.window - self.nperseg) / self.step + 1;
        for channel in 0..channels {
            for segment in 0..segments {
                let (samples, padding) = scratch.split_at_mut(self.nperseg);
                self.ring.copy_channel(history, channel, segment * self.step, samples);
                padding.fill(0.0);
                remove_mean(samples);
                taper(samples, hann);
                let bins = rfft(scratch, sines);
                let [dc, highest] = bins[0];
                psd[channel] += self.scale * (dc * dc);
                psd[nyquist * channels + channel] += self.scale * (highest * highest);
                for (k, bin) in bins.iter().enumerate().skip(1) {
                    let power = bin[0] * bin[0] + bin[1] * bin[1];
                    psd[k * channels + channel] += 2.0 * self.scale * power;
                }
            }
        }
        if segments > 1 {
            for density in psd.iter_mut() {
                *density /= segments as f32;
            }
        }
        Ok(psd.len())
    }
}

/// Twice: the second mean is what rounding left of the first.
fn remove_mean(samples: &mut [f32]) {
    let count = samples.len() as f32;
    for _ in 0..2 {
        let mean = compensated_sum(samples) / count;
        for sample in samples.iter_mut() {
            *sample -= mean;
        }
    }
}

/// Kahan's sum ("Further remarks on reducing truncation errors", Commun. ACM 8, 1965).
fn compensated_sum(samples: &[f32]) -> f32 {
    let (mut sum, mut excess) = (0.0, 0.0);
    for &sample in samples {
        let term = sample - excess;
        let next = sum + term;
        excess = (next - sum) - term;
        sum = next;
    }
    sum
}

/// Multiplies by the window function, of which `hann` holds w[0] to w[N/2]; w[n] = w[N-n].
fn taper(samples: &mut [f32], hann: &[f32]) {
    let count = samples.len();
    for (n, sample) in samples.iter_mut().enumerate() {
        *sample *= hann[n.min(count - n)];
    }
}
