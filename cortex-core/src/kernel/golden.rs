//! The fixed input that golden kernel digests are taken on, and the digest itself.
//!
//! The input is made of integers alone, so it depends on no generator and no maths library and anyone
//! can write it down in a line of any language. In units of 1/64 microvolt, for sample n and channel c:
//!
//! ```text
//! hash     = (n 2654435761 + c 2246822519 + 374761393) mod 2^32;  hash ^= hash >> 15
//! hash     = hash 2246822519 mod 2^32;                            hash ^= hash >> 13
//! noise    = (hash >> 20) - 2048                                  -32 to 32 uV, white
//! triangle = 64 |n mod 16 - 8| - 256                              10 Hz at 160 Hz, -4 to 4 uV
//! offset   = 320 (c mod 5) - 640                                  -10 to 10 uV
//! x[n, c]  = (noise + triangle + offset) / 64                     exact in f32
//! ```

use super::{Kernel, KernelFault, KernelShape};
use crate::digest::SampleDigest;

/// The shape golden digests are taken at.
pub const GOLDEN_SHAPE: KernelShape =
    KernelShape { channels: 8, window: 160, hop: 80, sample_rate_hz: 160.0 };

/// Number of windows golden digests are taken over.
pub const GOLDEN_WINDOWS: usize = 10;

/// Sample `n` of channel `c` of the golden input, in microvolts.
#[must_use]
pub fn golden_sample(n: u32, c: u32) -> f32 {
    let mut hash = n
        .wrapping_mul(2_654_435_761)
        .wrapping_add(c.wrapping_mul(2_246_822_519))
        .wrapping_add(374_761_393);
    hash ^= hash >> 15;
    hash = hash.wrapping_mul(2_246_822_519);
    hash ^= hash >> 13;
    let noise = (hash >> 20) as i32 - 2_048;
    let triangle = 64 * ((n % 16) as i32 - 8).abs() - 256;
    let offset = 320 * (c % 5) as i32 - 640;
    (noise + triangle + offset) as f32 / 64.0
}

/// Fills `rows` with the golden input of `channels` channels from sample `first` on.
pub fn fill_golden_rows(first: u32, channels: usize, rows: &mut [f32]) {
    for (n, row) in (first..).zip(rows.chunks_mut(channels.max(1))) {
        for (c, sample) in (0..).zip(row) {
            *sample = golden_sample(n, c);
        }
    }
}

/// CRC-32 of all outputs of `kernel` over the golden input: [`GOLDEN_WINDOWS`] windows at
/// [`GOLDEN_SHAPE`], the first call with `window` rows, the later ones with `hop` rows.
///
/// `kernel` is built for [`GOLDEN_SHAPE`]; `input` holds at least `window * channels` values (1,280),
/// `state` and `output` what the kernel says. The state is reset first.
///
/// # Errors
/// [`KernelFault`] when a slice is too short.
pub fn golden_digest(
    kernel: &impl Kernel,
    state: &mut [f32],
    input: &mut [f32],
    output: &mut [f32],
) -> Result<u32, KernelFault> {
    let KernelShape { channels, window, hop, .. } = GOLDEN_SHAPE;
    if state.len() < kernel.state_len() {
        return Err(KernelFault::StateLength);
    }
    kernel.reset(state);
    let mut digest = SampleDigest::new();
    let mut first = 0;
    for index in 0..GOLDEN_WINDOWS {
        let rows = if index == 0 { window } else { hop };
        let input = input.get_mut(..rows * channels).ok_or(KernelFault::InputLength)?;
        fill_golden_rows(first, channels, input);
        let written = kernel.process(state, input, output)?;
        digest.update(&output[..written]);
        first += rows as u32;
    }
    Ok(digest.finish())
}
