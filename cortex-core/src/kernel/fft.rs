//! `fft`: spectrum of each window, `numpy.fft.rfft(window, n=nfft, axis=0)`.
//!
//! No window function, no scaling: `X[k] = sum x[n] exp(-2 pi i k n / nfft)`, the window
//! zero-padded to `nfft`, a power of two. Expected error: a few u of the window's largest bin
//! (`MIN_FFT_LEN`..`MAX_FFT_LEN` points: at most 5e-7); bins far below it carry the same absolute
//! error.
//!
//! A missing sample is replaced by the channel's previous one.

use super::rfft::{MAX_FFT_LEN, MIN_FFT_LEN, fft_len, rfft, sines_len, write_sines};
use super::rows::Ring;
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
    ring: Ring,
    nfft: usize,
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
        Ok(Self {
            ring: Ring { channels: shape.channels, window: shape.window },
            nfft: fft_len("window", shape.window, params.nfft)?,
        })
    }

    fn state_values(&self) -> u64 {
        self.ring.state_len() + (sines_len(self.nfft) + self.nfft) as u64
    }
}

impl Kernel for Fft {
    fn state_len(&self) -> usize {
        self.state_values() as usize
    }

    fn reset(&self, state: &mut [f32]) {
        let tables = self.ring.reset(state, self.state_len());
        write_sines(self.nfft, &mut tables[..sines_len(self.nfft)]);
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
        let channels = self.ring.channels;
        let (history, rest) =
            self.ring.take(state, self.state_len(), input, output, self.output_len(1))?;
        let (sines, rest) = rest.split_at_mut(sines_len(self.nfft));
        let scratch = &mut rest[..self.nfft];
        let nyquist = self.nfft / 2;
        for channel in 0..channels {
            let (samples, padding) = scratch.split_at_mut(self.ring.window);
            self.ring.copy_channel(history, channel, 0, samples);
            padding.fill(0.0);
            let bins = rfft(scratch, sines);
            let mut put = |bin: usize, re: f32, im: f32| {
                output[(bin * channels + channel) * 2..][..2].copy_from_slice(&[re, im]);
            };
            for (k, bin) in bins.iter().enumerate() {
                put(k, bin[0], if k == 0 { 0.0 } else { bin[1] });
            }
            put(nyquist, bins[0][1], 0.0);
        }
        Ok(self.output_len(1))
    }
}
