//! Digests of files: what proves that two machines hold the same bytes.

use std::fmt;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A cryptographic hash function of 32 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// BLAKE3: what `b3sum` prints. A tree of blocks, several times as fast as SHA-256.
    #[default]
    Blake3,
    /// SHA-256 (FIPS 180-4): what `sha256sum` prints.
    Sha256,
}

impl Algorithm {
    /// The key in manifests and results.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Blake3 => "blake3",
            Self::Sha256 => "sha256",
        }
    }

    /// The name in prose.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blake3 => "BLAKE3",
            Self::Sha256 => "SHA-256",
        }
    }
}

/// A digest of bytes and the function that gave it; in a table it is one key, `blake3` or `sha256`.
#[derive(Clone, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContentDigest {
    /// BLAKE3 in lower-case hexadecimal.
    Blake3(String),
    /// SHA-256 in lower-case hexadecimal.
    Sha256(String),
}

impl ContentDigest {
    /// The digest `hex` by `algorithm`.
    #[must_use]
    pub fn new(algorithm: Algorithm, hex: String) -> Self {
        match algorithm {
            Algorithm::Blake3 => Self::Blake3(hex),
            Algorithm::Sha256 => Self::Sha256(hex),
        }
    }

    /// Which function it is by.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Blake3(_) => Algorithm::Blake3,
            Self::Sha256(_) => Algorithm::Sha256,
        }
    }

    /// The digest in lower-case hexadecimal.
    #[must_use]
    pub fn hex(&self) -> &str {
        match self {
            Self::Blake3(hex) | Self::Sha256(hex) => hex,
        }
    }
}

impl fmt::Display for ContentDigest {
    /// As in `BLAKE3 af13...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm().name(), self.hex())
    }
}

/// Digests of a dataset's bytes in file order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDigest {
    /// Proves that the bytes are the same.
    pub content: ContentDigest,
    /// CRC-32/ISO-HDLC in eight hexadecimal digits: [`cortex_core::digest`], cheap enough for a
    /// microcontroller.
    pub crc32: String,
}

/// Computes a [`FileDigest`].
#[derive(Clone)]
pub struct FileDigester {
    content: Hasher,
    crc32: crc32fast::Hasher,
}

#[derive(Clone)]
enum Hasher {
    Blake3(Box<blake3::Hasher>),
    Sha256(Sha256),
}

impl FileDigester {
    /// Of no bytes yet.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        let content = match algorithm {
            Algorithm::Blake3 => Hasher::Blake3(Box::default()),
            Algorithm::Sha256 => Hasher::Sha256(Sha256::new()),
        };
        Self { content, crc32: crc32fast::Hasher::new() }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        // The second digest finds the bytes in the second-level cache. BLAKE3 hashes 16 chunks of 1 KB
        // abreast, but the few parents of 16 chunks one by one: so many more than 16 at a time.
        for bytes in bytes.chunks(128 * 1024) {
            self.crc32.update(bytes);
            match &mut self.content {
                Hasher::Blake3(hasher) => {
                    hasher.update(bytes);
                }
                Hasher::Sha256(hasher) => hasher.update(bytes),
            }
        }
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
        let content = match self.content {
            Hasher::Blake3(hasher) => ContentDigest::Blake3(hex(hasher.finalize().as_bytes())),
            Hasher::Sha256(hasher) => ContentDigest::Sha256(hex(&hasher.finalize())),
        };
        FileDigest { content, crc32: crc32_text(self.crc32.finalize()) }
    }
}

/// A CRC-32 as manifests and specs write it: eight lower-case hexadecimal digits.
#[must_use]
pub fn crc32_text(crc32: u32) -> String {
    format!("{crc32:08x}")
}

/// SHA-256 (FIPS 180-4) of everything left in `reader`, in lower-case hexadecimal.
///
/// # Errors
/// As the reader.
pub fn sha256_of(reader: impl Read) -> io::Result<String> {
    let mut digester = FileDigester::new(Algorithm::Sha256);
    digester.update_from(reader)?;
    Ok(digester.finish().content.hex().to_owned())
}

/// Bytes in lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sha256_of_nothing() {
        // FIPS 180-2, appendix B.
        assert_eq!(
            sha256_of(&b""[..]).unwrap(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn digests_are_the_published_check_values() {
        // FIPS 180-4 example "abc"; the reference implementation's BLAKE3 of it; CRC-32 from zlib.
        let expected = [
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Algorithm::Blake3, "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
        ];
        for (algorithm, hex) in expected {
            let mut digester = FileDigester::new(algorithm);
            digester.update(b"a");
            digester.update_from(&b"bc"[..]).unwrap();
            let FileDigest { content, crc32 } = digester.finish();
            assert_eq!((content.hex(), crc32.as_str()), (hex, "352441c2"));
        }
    }
}
