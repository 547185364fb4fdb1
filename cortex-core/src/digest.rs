//! Block digests: CRC-32 over samples as they stand in a file.
//!
//! The digest of samples is CRC-32/ISO-HDLC over their little-endian `f32` bytes in file
//! order (sample-major, channels interleaved). It is what golden values pin and what a device
//! reports in seeded mode: cheap on a microcontroller, equal to `crc32` of the file's bytes.

use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};

pub(crate) static CRC32: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// A running CRC-32 over samples or bytes.
#[derive(Clone)]
pub struct SampleDigest(Digest<'static, u32, Table<1>>);

impl SampleDigest {
    /// The digest of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(CRC32.digest())
    }

    /// Takes `samples` in order.
    pub fn update(&mut self, samples: &[f32]) {
        for sample in samples {
            self.0.update(&sample.to_le_bytes());
        }
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
