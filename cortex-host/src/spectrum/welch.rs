//! Power spectral density by Welch's method, as samples stream by, in bounded memory.
//!
//! Welch 1967, with the conventions of `scipy.signal.welch`: Hann window (periodic), half
//! overlapping segments with their mean removed, one-sided density in µV²/Hz. A segment with
//! a sample that is not finite is left out.

use cortex_core::math;

/// Memory for segments and sums of all channels, in bytes.
const MOST_BYTES: usize = 24 << 20;
/// Shortest and longest segment in samples.
const SEGMENTS: (usize, usize) = (64, 1 << 17);

/// What all channels share: segment length, window, twiddle factors.
#[derive(Debug)]
pub struct Welch {
    segment: usize,
    rate_hz: f64,
    window: Vec<f64>,
    /// `cos` and `-sin` of 2πk/segment for k below half the segment.
    twiddles: Vec<(f64, f64)>,
    /// From |X|² summed over segments to density: 1 / (rate · Σ window²).
    scale: f64,
}

/// One channel's segment under way and its sum of periodograms.
#[derive(Debug, Default)]
pub struct Density {
    samples: Vec<f32>,
    power: Vec<f64>,
    segments: u64,
}

/// Space for one transform: real and imaginary parts.
#[derive(Debug, Default)]
pub struct Scratch {
    re: Vec<f64>,
    im: Vec<f64>,
}

impl Welch {
    /// Segments of about 4 s: the power of two at or below `4 · rate_hz`, made shorter where
    /// the recording is (`samples` per channel) or where `channels` of them would not fit in
    /// memory. `None` for recordings below 64 samples.
    #[must_use]
    pub fn new(rate_hz: f64, samples: u64, channels: usize) -> Option<Self> {
        let fits = MOST_BYTES / (channels.max(1) * 8);
        let wanted = (4.0 * rate_hz).clamp(SEGMENTS.0 as f64, SEGMENTS.1 as f64) as usize;
        let available = usize::try_from(samples).unwrap_or(usize::MAX);
        let most = wanted.min(available).min(fits.max(SEGMENTS.0));
        if most < SEGMENTS.0 {
            return None;
        }
        let segment = 1 << most.ilog2();
        let turn = core::f64::consts::TAU / segment as f64;
        let window: Vec<f64> =
            (0..segment).map(|n| 0.5 - 0.5 * math::cos(turn * n as f64)).collect();
        let energy: f64 = window.iter().map(|w| w * w).sum();
        let twiddles = (0..segment / 2)
            .map(|k| (math::cos(turn * k as f64), -math::sin(turn * k as f64)))
            .collect();
        Some(Self { segment, rate_hz, window, twiddles, scale: 1.0 / (rate_hz * energy) })
    }

    /// Samples per segment.
    #[must_use]
    pub fn segment(&self) -> usize {
        self.segment
    }

    /// Distance of two frequencies in Hz.
    #[must_use]
    pub fn resolution_hz(&self) -> f64 {
        self.rate_hz / self.segment as f64
    }

    /// Takes the next samples of one channel, or of two, which share a transform.
    pub fn take(
        &self,
        scratch: &mut Scratch,
        first: (&mut Density, &[f32]),
        second: Option<(&mut Density, &[f32])>,
    ) {
        let (first, a) = first;
        match second {
            Some((second, b)) => {
                let mut done = 0;
                while done < a.len() {
                    let count = (self.segment - first.samples.len()).min(a.len() - done);
                    first.samples.extend_from_slice(a.get(done..done + count).unwrap_or_default());
                    second.samples.extend_from_slice(b.get(done..done + count).unwrap_or_default());
                    done += count;
                    if first.samples.len() == self.segment {
                        self.transform(scratch, first, Some(second));
                    }
                }
            }
            None => {
                let mut done = 0;
                while done < a.len() {
                    let count = (self.segment - first.samples.len()).min(a.len() - done);
                    first.samples.extend_from_slice(a.get(done..done + count).unwrap_or_default());
                    done += count;
                    if first.samples.len() == self.segment {
                        self.transform(scratch, first, None);
                    }
                }
            }
        }
    }

    /// Frequencies and density in µV²/Hz, without 0 Hz; empty before the first whole segment.
    #[must_use]
    pub fn density(&self, channel: &Density) -> Vec<(f64, f64)> {
        if channel.segments == 0 {
            return Vec::new();
        }
        let step = self.resolution_hz();
        let nyquist = self.segment / 2;
        let bins = channel.power.iter().enumerate().skip(1);
        bins.map(|(k, power)| {
            // One side stands for both, but the Nyquist bin has no twin.
            let sides = if k == nyquist { 1.0 } else { 2.0 };
            (k as f64 * step, sides * power * self.scale / channel.segments as f64)
        })
        .collect()
    }

    /// Adds the periodograms of one or two full segments and keeps their second halves.
    fn transform(&self, scratch: &mut Scratch, a: &mut Density, mut b: Option<&mut Density>) {
        let a_good = load(&mut scratch.re, &a.samples, &self.window);
        let b_good = match &b {
            Some(b) => load(&mut scratch.im, &b.samples, &self.window),
            None => {
                scratch.im.clear();
                scratch.im.resize(self.segment, 0.0);
                false
            }
        };
        fft(&mut scratch.re, &mut scratch.im, &self.twiddles);
        let half = self.segment / 2;
        let mut channels = [(a_good, Some(a)), (b_good, b.take())];
        for (index, (good, channel)) in channels.iter_mut().enumerate() {
            let Some(channel) = channel else { continue };
            if *good {
                channel.power.resize(half + 1, 0.0);
                for (k, power) in channel.power.iter_mut().enumerate() {
                    *power += split(scratch, k, index == 0);
                }
                channel.segments += 1;
            }
            channel.samples.drain(..half);
        }
    }
}

/// |X[k]|² of the real (`first`) or imaginary input of a transform of two real signals:
/// X = (Z[k] + conj Z[-k]) / 2, Y = (Z[k] - conj Z[-k]) / 2i.
fn split(scratch: &Scratch, k: usize, first: bool) -> f64 {
    let length = scratch.re.len();
    let mirror = if k == 0 { 0 } else { length - k };
    let z = |index: usize| {
        (
            scratch.re.get(index).copied().unwrap_or_default(),
            scratch.im.get(index).copied().unwrap_or_default(),
        )
    };
    let ((re, im), (mirror_re, mirror_im)) = (z(k), z(mirror));
    let (re, im) =
        if first { (re + mirror_re, im - mirror_im) } else { (im + mirror_im, mirror_re - re) };
    0.25 * (re * re + im * im)
}

/// The windowed samples without their mean; zeros and false if one is not finite.
fn load(target: &mut Vec<f64>, samples: &[f32], window: &[f64]) -> bool {
    target.clear();
    if samples.iter().all(|sample| sample.is_finite()) {
        let sum: f64 = samples.iter().map(|sample| f64::from(*sample)).sum();
        let mean = sum / samples.len() as f64;
        target.extend(samples.iter().zip(window).map(|(x, w)| (f64::from(*x) - mean) * w));
        true
    } else {
        target.resize(samples.len(), 0.0);
        false
    }
}

/// Forward transform in place, decimation in time, power-of-two length.
fn fft(re: &mut [f64], im: &mut [f64], twiddles: &[(f64, f64)]) {
    let length = re.len();
    let bits = length.trailing_zeros();
    for index in 0..length {
        let other = index.reverse_bits() >> (usize::BITS - bits);
        if index < other {
            re.swap(index, other);
            im.swap(index, other);
        }
    }
    let mut half = 1;
    while half < length {
        let stride = length / (2 * half);
        for (re, im) in re.chunks_exact_mut(2 * half).zip(im.chunks_exact_mut(2 * half)) {
            let (re_low, re_high) = re.split_at_mut(half);
            let (im_low, im_high) = im.split_at_mut(half);
            let lows = re_low.iter_mut().zip(im_low);
            let highs = re_high.iter_mut().zip(im_high);
            let factors = twiddles.iter().step_by(stride);
            for (((a, b), (c, d)), (cos, sin)) in lows.zip(highs).zip(factors) {
                let (x, y) = (*c * cos - *d * sin, *c * sin + *d * cos);
                (*c, *d) = (*a - x, *b - y);
                (*a, *b) = (*a + x, *b + y);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fft_of_two_tones_is_two_lines() {
        let welch = Welch::new(64.0, 1 << 20, 1).unwrap();
        assert_eq!(welch.segment(), 256);
        let mut re: Vec<f64> = (0..256)
            .map(|n| math::cos(core::f64::consts::TAU * 5.0 * f64::from(n) / 256.0))
            .collect();
        let mut im = vec![0.0; 256];
        fft(&mut re, &mut im, &welch.twiddles);
        for k in 0..256 {
            let expected = if k == 5 || k == 251 { 128.0 } else { 0.0 };
            assert!((re[k] - expected).abs() < 1e-10 && im[k].abs() < 1e-10, "{k}");
        }
    }

    #[test]
    fn the_density_integrates_to_the_variance_and_pairs_do_not_mix() {
        // A sine of amplitude 2 has variance 2; a line on a bin spreads over three bins.
        let welch = Welch::new(256.0, 1 << 20, 2).unwrap();
        let sine = |cycles: f64, amplitude: f64| -> Vec<f32> {
            (0..8192)
                .map(|n| {
                    (amplitude * math::sin(core::f64::consts::TAU * cycles * f64::from(n) / 256.0))
                        as f32
                })
                .collect()
        };
        let (a, b) = (sine(10.0, 2.0), sine(40.0, 6.0));
        let (mut first, mut second) = (Density::default(), Density::default());
        for (a, b) in a.chunks(1000).zip(b.chunks(1000)) {
            welch.take(&mut Scratch::default(), (&mut first, a), Some((&mut second, b)));
        }
        for (density, line, variance) in [(first, 10.0, 2.0), (second, 40.0, 18.0)] {
            assert_eq!(density.segments, 15);
            let density = welch.density(&density);
            let total: f64 = density.iter().map(|(_, p)| p * welch.resolution_hz()).sum();
            let near: f64 = density
                .iter()
                .filter(|(f, _)| (f - line).abs() < 1.0)
                .map(|(_, p)| p * welch.resolution_hz())
                .sum();
            // Samples are rounded to f32: 6e-8 relative.
            assert!((total / variance - 1.0).abs() < 1e-6, "{total}");
            assert!((near / variance - 1.0).abs() < 1e-6, "{near}");
        }
    }
}
