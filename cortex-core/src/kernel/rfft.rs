//! FFT of real samples at any supported power of two, over microfft.
//!
//! microfft is scalar code over one sine table: the same bits on every target. Its error grows as
//! u sqrt(log2 N) of the transform's RMS, u = 2^-24: 2e-7 at 8,192 points.

use microfft::{Complex32, real};

use super::KernelError;
use super::error::in_range;

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
    in_range(parameter, len, 1, MAX_FFT_LEN)?;
    let Some(nfft) = asked else { return Ok(len.next_power_of_two().max(MIN_FFT_LEN)) };
    in_range("nfft", nfft, len.max(MIN_FFT_LEN), MAX_FFT_LEN)?;
    if nfft.is_power_of_two() {
        Ok(nfft)
    } else {
        Err(KernelError::NotPowerOfTwo { parameter: "nfft", value: nfft })
    }
}

/// Transforms `samples` in place; bins 0..N/2, with the (real) bin N/2 in the imaginary part of
/// bin 0. `samples.len()` comes from [`fft_len`]; any other length gives no bins.
pub(super) fn rfft(samples: &mut [f32]) -> &mut [Complex32] {
    macro_rules! by_len {
        ($($len:literal => $transform:path),*) => {
            match samples.len() {
                $($len => match samples.try_into() {
                    Ok(samples) => $transform(samples).as_mut_slice(),
                    Err(_) => &mut [],
                },)*
                _ => &mut [],
            }
        };
    }
    by_len!(
        8 => real::rfft_8,
        16 => real::rfft_16,
        32 => real::rfft_32,
        64 => real::rfft_64,
        128 => real::rfft_128,
        256 => real::rfft_256,
        512 => real::rfft_512,
        1024 => real::rfft_1024,
        2048 => real::rfft_2048,
        4096 => real::rfft_4096,
        8192 => real::rfft_8192
    )
}
