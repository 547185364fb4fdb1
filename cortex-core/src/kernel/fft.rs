//! `fft`: spectrum of each window, `numpy.fft.rfft(window, n=nfft, axis=0)`.
//!
//! No window function, no scaling: `X[k] = sum x[n] exp(-2 pi i k n / nfft)`, the window
//! zero-padded to `nfft`, a power of two. Expected error: a few u of the window's largest bin
//! (`MIN_FFT_LEN`..`MAX_FFT_LEN` points: at most 5e-7); bins far below it carry the same absolute
//! error.
//!
//! A missing sample is replaced by the channel's previous one.

use super::lanes::{BASELINE_LANES, for_groups};
use super::rfft::{MAX_FFT_LEN, MIN_FFT_LEN, fft_len, rfft, scratch_len, sines_len, write_sines};
use super::ring::Ring;
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
        let Ring { channels, window, .. } = self.ring;
        let output_len = self.output_len(1);
        let mut parts = self.ring.take::<LANES>(state, input, output, output_len)?;
        while let Some(tile) = parts.tiles.next_tile::<LANES>() {
            for_groups!(LANES, FEW_CHANNELS, 0..tile.width, |N, lane, width| {
                let z = parts.scratch.as_chunks_mut::<N>().0.as_chunks_mut::<2>().0;
                let z = &mut z[..self.nfft / 2];
                let put = |bin: usize, re: &[f32; N], im: &[f32; N]| {
                    let pairs = output[(bin * channels + tile.first + lane) * 2..].as_chunks_mut();
                    if width == N
                        && let Some(pairs) = pairs.0.first_chunk_mut::<N>()
                    {
                        for i in 0..N {
                            pairs[i] = [re[i], im[i]];
                        }
                    } else {
                        for (pair, i) in pairs.0.iter_mut().zip(0..width) {
                            *pair = [re[i], im[i]];
                        }
                    }
                };
                if let Some(line) = tile.line::<LANES>() {
                    let sample = |t: usize| [line.get(t).copied().unwrap_or(0.0); N];
                    rfft::<N>(z, parts.tables, sample, put);
                } else {
                    let sample = |t| if t < window { tile.row(t, lane, width) } else { [0.0; N] };
                    rfft::<N>(z, parts.tables, sample, put);
                }
            });
        }
        Ok(output_len)
    }
}
