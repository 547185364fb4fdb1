//! Digests of a dataset: what proves that two machines hold the same bytes.

use std::fmt;
use std::io::{self, Read};

use cortex_core::digest::SampleDigest;
use cortex_core::signal::{Generator, LaneBlock, Scratch};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Channels of the block digest.
pub const BLOCK_DIGEST_CHANNELS: usize = 8;
/// Blocks per channel of the block digest.
pub const BLOCK_DIGEST_BLOCKS: usize = 64;

/// Digests of a dataset's bytes in file order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// SHA-256 (FIPS 180-4) in lower-case hexadecimal: what `sha256sum` prints.
    pub sha256: String,
    /// CRC-32/ISO-HDLC in eight hexadecimal digits: [`cortex_core::digest`], cheap enough for a
    /// microcontroller.
    pub crc32: String,
}

/// Computes a [`FileDigest`].
#[derive(Clone, Default)]
pub struct FileDigester {
    sha256: Sha256,
    crc32: crc32fast::Hasher,
}

impl FileDigester {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.crc32.update(bytes);
    }

    /// Takes all that `reader` has left; returns the number of bytes.
    ///
    /// # Errors
    /// As the reader.
    pub fn update_from(&mut self, mut reader: impl Read) -> io::Result<u64> {
        let mut buffer = vec![0; 256 * 1024];
        let mut total = 0;
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(total),
                Ok(count) => {
                    self.update(&buffer[..count]);
                    total += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The digest of all bytes taken.
    #[must_use]
    pub fn finish(self) -> FileDigest {
        FileDigest {
            sha256: Hex(&self.sha256.finalize()).to_string(),
            crc32: crc32_text(self.crc32.finalize()),
        }
    }
}

/// The CRC-32 of the first [`BLOCK_DIGEST_BLOCKS`] blocks of channels `0..8`, interleaved as in
/// a file of eight channels: what golden values pin and what any board can compute.
#[must_use]
pub fn block_digest(generator: &Generator) -> u32 {
    let mut lanes = generator.start::<BLOCK_DIGEST_CHANNELS>(0);
    let mut scratch = Box::new(Scratch::new());
    let mut block: Box<LaneBlock<BLOCK_DIGEST_CHANNELS>> =
        Box::new([[0.0; BLOCK_DIGEST_CHANNELS]; cortex_core::signal::BLOCK_SAMPLES]);
    let mut digest = SampleDigest::new();
    for _ in 0..BLOCK_DIGEST_BLOCKS {
        generator.fill(&mut lanes, &mut scratch, &mut block);
        for row in block.iter() {
            digest.update(row);
        }
    }
    digest.finish()
}

/// A CRC-32 as manifests and specs write it: eight lower-case hexadecimal digits.
#[must_use]
pub fn crc32_text(crc32: u32) -> String {
    format!("{crc32:08x}")
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_the_published_check_values() {
        let mut digester = FileDigester::default();
        digester.update(b"a");
        digester.update_from(&b"bc"[..]).unwrap();
        // FIPS 180-4 example "abc"; CRC-32 of "abc" from zlib.
        assert_eq!(
            digester.finish(),
            FileDigest {
                sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into(),
                crc32: "352441c2".into(),
            }
        );
    }
}
