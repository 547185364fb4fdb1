//! The fault plan: what a line does to frames, a different mixture for every seed.

use cortex_host::device::FaultSpec;

/// Everything that can happen to a line, each at one of five rates from never to its worst: bits
/// flipped at up to 1 in 10,000, frames lost, repeated, swapped, cut, with noise around them.
#[must_use]
pub fn fault_mix(seed: u64) -> FaultSpec {
    FaultSpec {
        bit_error_rate: [0.0, 1e-6, 1e-5, 1e-4][(seed % 4) as usize],
        drop_byte: rate(seed, 1, 1e-4),
        drop_frame: rate(seed, 2, 0.05),
        duplicate: rate(seed, 3, 0.1),
        reorder: rate(seed, 4, 0.05),
        truncate: rate(seed, 5, 0.05),
        noise: rate(seed, 6, 0.05),
        zeros: rate(seed, 7, 0.1),
        oversize: rate(seed, 8, 0.01),
    }
}

/// SplitMix-like mixing of a seed into a rate between 0 and `most`.
fn rate(seed: u64, salt: u64, most: f64) -> f64 {
    let mixed = (seed * 31 + salt).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    most * (mixed % 5) as f64 / 4.0
}
