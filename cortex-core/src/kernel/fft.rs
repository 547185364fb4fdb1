//! `fft`: spectrum of each window, `numpy.fft.rfft(window, n=nfft, axis=0)`.
//!
//! No window function, no scaling: `X[k] = sum x[n] exp(-2 pi i k n / nfft)`, the window
//! zero-padded to `nfft`, a power of two. Expected error: a few u of the window's largest bin
//! (`MIN_FFT_LEN`..`MAX_FFT_LEN` points: at most 5e-7); bins far below it carry the same absolute
//! error.
//!
//! A missing sample is replaced by the channel's previous one.

use super::lanes::{BASELINE_LANES, for_groups};
use super::rfft::{
    Line, MAX_FFT_LEN, MIN_FFT_LEN, Series, TakeBin, fft_len, rfft, scratch_len, sines_len,
    write_sines,
};
use super::ring::{Ring, Tile};
use super::{Design, Info, Kernel, KernelError, KernelFault, KernelShape, Output};
use crate::parameter::{optional_count, parameters};

parameters! {
    /// Parameters of [`Fft`].
    #[derive(Copy)]
    #[serde(default)]
    pub struct FftParams {
        /// Length of the transform.
        pub nfft: Option<usize> = optional_count("the next power of two", "samples", MIN_FFT_LEN, MAX_FFT_LEN).limit("a power of two, at least the window"),
    }
}

/// Spectrum of each window. Output per call: (nfft/2 + 1) bins x channels x (re, im), in
/// microvolts.
#[derive(Clone, Copy, Debug)]
pub struct Fft {
    pub(super) ring: Ring,
    pub(super) nfft: usize,
}

impl Design for Fft {
    const INFO: Info<'static> = Info {
        name: "fft",
        summary: "spectrum of the window (numpy rfft)",
        output: Output::Window { shape: "(nfft/2 + 1) x channels x 2", unit: "uV" },
        parameters: FftParams::PARAMETERS,
    };

    type Params = FftParams;

    fn design(params: &FftParams, shape: KernelShape) -> Result<Self, KernelError> {
        let nfft = fft_len("window", shape.window, params.nfft)?;
        let (scratch, tables) = (scratch_len(nfft, shape.channels), sines_len(nfft));
        let (channels, window) = (shape.channels, shape.window);
        Ok(Self { ring: Ring { channels, window, scratch, tables }, nfft })
    }

    fn resolved(params: &FftParams, shape: KernelShape) -> FftParams {
        FftParams { nfft: fft_len("window", shape.window, params.nfft).ok().or(params.nfft) }
    }

    fn state_values(&self) -> u64 {
        self.ring.state_len()
    }
}

/// Up to so many channels are faster one by one.
const FEW_CHANNELS: usize = 2;

/// The windows of `width` of a tile's channels, from its channel `lane` on, and zeros behind them.
struct Padded<'t> {
    tile: &'t Tile<'t>,
    lane: usize,
    width: usize,
}

impl<const N: usize> Series<N> for Padded<'_> {
    #[inline(always)]
    fn sample(&self, t: usize) -> [f32; N] {
        if t < self.tile.window() { self.tile.row(t, self.lane, self.width) } else { [0.0; N] }
    }
}

/// The output of `width` channels from `first` on.
struct Spectra<'o> {
    output: &'o mut [f32],
    channels: usize,
    first: usize,
    width: usize,
}

impl<const N: usize> TakeBin<N> for Spectra<'_> {
    #[inline(always)]
    fn take(&mut self, bin: usize, re: &[f32; N], im: &[f32; N]) {
        let pairs = self.output[(bin * self.channels + self.first) * 2..].as_chunks_mut().0;
        if self.width == N
            && let Some(pairs) = pairs.first_chunk_mut::<N>()
        {
            for i in 0..N {
                pairs[i] = [re[i], im[i]];
            }
        } else {
            for (pair, i) in pairs.iter_mut().zip(0..self.width) {
                *pair = [re[i], im[i]];
            }
        }
    }
}

impl Kernel for Fft {
    fn state_len(&self) -> usize {
        self.state_values() as usize
    }

    fn reset(&self, state: &mut [f32]) {
        write_sines(self.nfft, self.ring.reset(state));
    }

    fn output_len(&self, _rows: usize) -> usize {
        (self.nfft / 2 + 1) * self.ring.channels * 2
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
        let channels = self.ring.channels;
        let output_len = self.output_len(1);
        let mut parts = self.ring.take::<LANES>(state, input, output, output_len)?;
        while let Some(tile) = parts.tiles.next_tile::<LANES>() {
            for_groups!(LANES, FEW_CHANNELS, 0..tile.width, |N, lane, width| {
                let z = parts.scratch.as_chunks_mut::<N>().0.as_chunks_mut::<2>().0;
                let z = &mut z[..self.nfft / 2];
                let first = tile.first + lane;
                let mut spectra = Spectra { output: &mut *output, channels, first, width };
                if let Some(line) = tile.line::<LANES>() {
                    rfft::<N>(z, parts.tables, &Line(line), &mut spectra);
                } else {
                    let series = Padded { tile: &tile, lane, width };
                    rfft::<N>(z, parts.tables, &series, &mut spectra);
                }
            });
        }
        Ok(output_len)
    }
}
