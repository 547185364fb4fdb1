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
//! The mean is the sum of four partial sums (of every fourth sample), refined once with the mean of the
//! residuals: a slow drift makes partial sums large, and the error of one plain sum, weighted by the window function,
//! was seen to be 1e-5 of the lowest bins of real EEG.
//! Expected error: the FFT's few u of the largest amplitude; relative to a window's largest density
//! at most 1e-6; a bin of amplitude r times the largest carries u/r of itself.
//!
//! A missing sample is replaced by the channel's previous one.

use super::lanes::{BASELINE_LANES, HAS_FPU, for_groups, load, store};
use super::rfft::{
    Complex, Line, MAX_FFT_LEN, MIN_FFT_LEN, Series, TakeBin, fft_len, rfft, scratch_len,
    sines_len, write_sines,
};
use super::ring::{Ring, Tile, in_order};
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
    pub(super) ring: Ring,
    pub(super) nperseg: usize,
    pub(super) step: usize,
    pub(super) nfft: usize,
    /// 1 / (fs sum w^2), in s.
    pub(super) scale: f32,
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
        let (nperseg, noverlap) = segments(params, window);
        count_within("nperseg", nperseg, MIN_FFT_LEN, window)?;
        let nfft = fft_len("nperseg", nperseg, params.nfft)?;
        count_within("noverlap", noverlap, 0, nperseg - 1)?;
        // The sum over n of sin^4(pi n/N) is 3N/8 for N > 2.
        let sum_of_squares = 0.375 * nperseg as f64;
        let channels = shape.channels;
        let scratch = scratch_len(nfft, channels);
        let tables = nperseg / 2 + 1 + sines_len(nfft);
        Ok(Self {
            ring: Ring { channels, window, scratch, tables },
            nperseg,
            step: nperseg - noverlap,
            nfft,
            scale: (1.0 / (shape.sample_rate_hz * sum_of_squares)) as f32,
        })
    }

    fn resolved(params: &WelchPsdParams, shape: KernelShape) -> WelchPsdParams {
        let (nperseg, noverlap) = segments(params, shape.window);
        let nfft = fft_len("nperseg", nperseg, params.nfft).ok().or(params.nfft);
        WelchPsdParams { nperseg: Some(nperseg), noverlap: Some(noverlap), nfft }
    }

    fn state_values(&self) -> u64 {
        self.ring.state_len()
    }
}

/// Length and overlap of the segments of a window.
fn segments(params: &WelchPsdParams, window: usize) -> (usize, usize) {
    let nperseg = params.nperseg.unwrap_or(DEFAULT_NPERSEG.min(window));
    (nperseg, params.noverlap.unwrap_or(nperseg / 2))
}

impl WelchPsd {
    /// Number of distinct values of the window function, w[0] to w[nperseg/2].
    pub(super) fn half(&self) -> usize {
        self.nperseg / 2 + 1
    }
}

impl WelchPsd {
    /// The densities of N channels (`width` of them).
    #[cfg_attr(feature = "std", inline(always))]
    fn densities<const N: usize, const LANES: usize>(
        &self,
        tile: &Tile<'_>,
        lane: usize,
        width: usize,
        tables: &[f32],
        z: &mut [Complex<N>],
        output: &mut [f32],
    ) {
        let Self { nperseg, nfft, scale, .. } = *self;
        let channels = self.ring.channels;
        let (hann, sines) = tables.split_at(self.half());
        let segments = (self.ring.window - nperseg) / self.step + 1;
        for segment in 0..segments {
            let start = segment * self.step;
            let densities = Densities {
                output: &mut *output,
                channels,
                first: tile.first + lane,
                width,
                scale,
                last: nfft / 2,
                sets: segment == 0,
                segments: if segment + 1 == segments { segments } else { 1 },
            };
            // Of one case each, which become vectors.
            if in_order(LANES)
                && let Some(line) = tile.line::<LANES>()
            {
                let line = Line(&line[start..start + nperseg]);
                add_segment::<N>(&line, hann, nperseg, sines, z, densities);
            } else {
                let rows = Rows { tile, start, lane, width };
                add_segment::<N>(&rows, hann, nperseg, sines, z, densities);
            }
        }
    }
}

/// Adds the densities of one segment of N channels.
#[cfg_attr(feature = "std", inline(always))]
fn add_segment<const N: usize>(
    segment: &impl Segment<N>,
    hann: &[f32],
    nperseg: usize,
    sines: &[f32],
    z: &mut [Complex<N>],
    mut densities: Densities<'_>,
) {
    let rough = mean_of_deviations(segment, nperseg, &[0.0; N]);
    let rest = mean_of_deviations(segment, nperseg, &rough);
    rfft(z, sines, &Tapered { segment, nperseg, hann, rough, rest }, &mut densities);
}

/// Mean of `x - origin` over a segment.
#[cfg_attr(feature = "std", inline(always))]
fn mean_of_deviations<const N: usize>(
    segment: &impl Segment<N>,
    nperseg: usize,
    origin: &[f32; N],
) -> [f32; N] {
    let mut sums = [[0.0; N]; 4];
    let mut t = 0;
    while t + 4 <= nperseg {
        let four = segment.four(t);
        if HAS_FPU {
            // Lanes outside: the other way round they are gathered.
            for i in 0..N {
                for row in 0..4 {
                    sums[row][i] += four[row][i] - origin[i];
                }
            }
        } else {
            for (x, sums) in four.iter().zip(&mut sums) {
                for i in 0..N {
                    sums[i] += x[i] - origin[i];
                }
            }
        }
        t += 4;
    }
    while t < nperseg {
        let x = segment.sample(t);
        for i in 0..N {
            sums[0][i] += x[i] - origin[i];
        }
        t += 1;
    }
    let mut mean = [0.0; N];
    for i in 0..N {
        let sum = (sums[0][i] + sums[2][i]) + (sums[1][i] + sums[3][i]);
        mean[i] = sum / nperseg as f32;
    }
    mean
}

/// The samples of one segment of N channels.
trait Segment<const N: usize>: Series<N> {
    /// Four samples of each from `t` on.
    fn four(&self, t: usize) -> [[f32; N]; 4];
}

impl<const N: usize> Segment<N> for Line<'_> {
    #[inline(always)]
    fn four(&self, t: usize) -> [[f32; N]; 4] {
        match self.0[t..].first_chunk::<4>() {
            Some(&[a, b, c, d]) => [[a; N], [b; N], [c; N], [d; N]],
            None => [[0.0; N]; 4],
        }
    }
}

/// `width` of a tile's channels, from its channel `lane` on; the rows from `start` on.
struct Rows<'t> {
    tile: &'t Tile<'t>,
    start: usize,
    lane: usize,
    width: usize,
}

impl<const N: usize> Series<N> for Rows<'_> {
    #[inline(always)]
    fn sample(&self, t: usize) -> [f32; N] {
        self.tile.row(self.start + t, self.lane, self.width)
    }
}

impl<const N: usize> Segment<N> for Rows<'_> {
    #[inline(always)]
    fn four(&self, t: usize) -> [[f32; N]; 4] {
        self.tile.four_rows(self.start + t, self.lane, self.width)
    }
}

/// A segment less its means, times the window function, and zeros behind it.
struct Tapered<'s, S, const N: usize> {
    segment: &'s S,
    nperseg: usize,
    hann: &'s [f32],
    rough: [f32; N],
    rest: [f32; N],
}

impl<S: Segment<N>, const N: usize> Series<N> for Tapered<'_, S, N> {
    #[inline(always)]
    fn sample(&self, t: usize) -> [f32; N] {
        let mut x = [0.0; N];
        if t < self.nperseg {
            x = self.segment.sample(t);
            let weight = self.hann[t.min(self.nperseg - t)];
            for i in 0..N {
                x[i] = ((x[i] - self.rough[i]) - self.rest[i]) * weight;
            }
        }
        x
    }
}

/// The output of `width` channels from `first` on.
struct Densities<'o> {
    output: &'o mut [f32],
    channels: usize,
    first: usize,
    width: usize,
    scale: f32,
    /// The last bin.
    last: usize,
    /// Whether this segment is the first.
    sets: bool,
    /// What the sums are divided by, when it is the last.
    segments: usize,
}

impl<const N: usize> TakeBin<N> for Densities<'_> {
    #[inline(always)]
    fn take(&mut self, bin: usize, re: &[f32; N], im: &[f32; N]) {
        let densities = &mut self.output[bin * self.channels + self.first..];
        let mut sums = if self.sets { [0.0; N] } else { load(densities, self.width) };
        let one_sided = if bin == 0 || bin == self.last { self.scale } else { 2.0 * self.scale };
        for i in 0..N {
            sums[i] += one_sided * (re[i] * re[i] + im[i] * im[i]);
        }
        if self.segments > 1 {
            for sum in &mut sums {
                *sum /= self.segments as f32;
            }
        }
        store(&sums, densities, self.width);
    }
}

/// Up to so many channels are faster one by one.
const FEW_CHANNELS: usize = 2;

impl Kernel for WelchPsd {
    fn state_len(&self) -> usize {
        self.state_values() as usize
    }

    fn reset(&self, state: &mut [f32]) {
        let (hann, sines) = self.ring.reset(state).split_at_mut(self.half());
        write_sines(self.nfft, sines);
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
        self.process_abreast::<BASELINE_LANES>(state, input, output)
    }

    // On a board among all kernels its loops would run out of registers.
    #[cfg_attr(feature = "std", inline(always))]
    #[cfg_attr(all(target_abi = "eabihf", not(feature = "std")), inline(never))]
    fn process_abreast<const LANES: usize>(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        let output_len = self.output_len(1);
        let mut parts = self.ring.take::<LANES>(state, input, output, output_len)?;
        while let Some(tile) = parts.tiles.next_tile::<LANES>() {
            for_groups!(LANES, FEW_CHANNELS, 0..tile.width, |N, lane, width| {
                let z = parts.scratch.as_chunks_mut::<N>().0.as_chunks_mut::<2>().0;
                let z = &mut z[..self.nfft / 2];
                self.densities::<N, LANES>(&tile, lane, width, parts.tables, z, output);
            });
        }
        Ok(output_len)
    }
}
