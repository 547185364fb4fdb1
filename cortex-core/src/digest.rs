//! Block digests: CRC-32 over samples as they stand in a file.
//!
//! The digest of samples is CRC-32/ISO-HDLC over their little-endian `f32` bytes in file
//! order (sample-major, channels interleaved). It is what golden values pin and what a device
//! reports in seeded mode: cheap on a microcontroller, equal to `crc32` of the file's bytes.

use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};

/// Sixteen bytes a step where 16 KB of tables do not matter, else one.
#[cfg(feature = "std")]
pub(crate) type Tables = Table<16>;
#[cfg(not(feature = "std"))]
pub(crate) type Tables = Table<1>;

pub(crate) static CRC32: Crc<u32, Tables> = Crc::<u32, Tables>::new(&CRC_32_ISO_HDLC);

/// A running CRC-32 over samples or bytes.
#[derive(Clone)]
pub struct SampleDigest(Digest<'static, u32, Tables>);

impl SampleDigest {
    /// The digest of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(CRC32.digest())
    }

    /// Takes `samples` in order.
    pub fn update(&mut self, samples: &[f32]) {
        #[cfg(feature = "std")]
        let samples = self.update_chunks(samples);
        for sample in samples {
            self.0.update(&sample.to_le_bytes());
        }
    }

    /// Takes all whole chunks of `samples`, so that the tables get as many bytes a step as they can
    /// take; the rest is left.
    #[cfg(feature = "std")]
    fn update_chunks<'a>(&mut self, samples: &'a [f32]) -> &'a [f32] {
        const CHUNK: usize = 64;
        let (chunks, rest) = samples.as_chunks::<CHUNK>();
        for chunk in chunks {
            let mut bytes = [[0; 4]; CHUNK];
            for (bytes, sample) in bytes.iter_mut().zip(chunk) {
                *bytes = sample.to_le_bytes();
            }
            self.0.update(bytes.as_flattened());
        }
        rest
    }

    /// The CRC-32 of everything taken so far.
    #[must_use]
    pub fn finish(&self) -> u32 {
        self.0.clone().finalize()
    }
}

impl Default for SampleDigest {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the bitwise definition: polynomial 0x04C11DB7 reflected, initial and final value all ones.
    #[test]
    fn the_digest_is_that_of_the_bytes_however_they_come() {
        let samples: [f32; 203] = core::array::from_fn(|n| n as f32 * 1.7 - 100.0);
        let mut crc = u32::MAX;
        for byte in samples.iter().flat_map(|sample| sample.to_le_bytes()) {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
            }
        }
        for first in [0, 1, 63, 64, 65, 128, 203] {
            let mut digest = SampleDigest::new();
            digest.update(&samples[..first]);
            digest.update(&samples[first..]);
            assert_eq!(digest.finish(), !crc, "{first}");
        }
    }
}
