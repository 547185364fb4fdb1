//! Digests of files: what proves that two machines hold the same bytes.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

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
            sha256: hex(&self.sha256.finalize()),
            crc32: crc32_text(self.crc32.finalize()),
        }
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
    let mut digester = FileDigester::default();
    digester.update_from(reader)?;
    Ok(digester.finish().sha256)
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
