//! NumPy `.npy` files: writing float32 arrays of samples × channels.
//!
//! Source: "NEP 1, a simple file format for NumPy arrays", version 1.0.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::DatasetError;
use super::place::Staged;

/// The first bytes of every `.npy` file.
const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The header's length is padded so that samples begin at a multiple of this.
const ALIGNMENT: usize = 64;

/// The header of a C-ordered little-endian float32 array of shape (`samples`, `channels`);
/// the samples follow it in file order.
#[must_use]
pub fn header_bytes(samples: u64, channels: usize) -> Vec<u8> {
    let mut dictionary =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({samples}, {channels}), }}");
    let fixed = MAGIC.len() + 2 + 2;
    while !(fixed + dictionary.len() + 1).is_multiple_of(ALIGNMENT) {
        dictionary.push(' ');
    }
    dictionary.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&[1, 0]);
    // Two numbers of at most 20 digits: the length always fits 16 bits.
    bytes.extend_from_slice(&(dictionary.len() as u16).to_le_bytes());
    bytes.extend_from_slice(dictionary.as_bytes());
    bytes
}

/// Writes `target` as a `.npy` copy of `data`, a file of interleaved little-endian float32.
///
/// # Errors
/// `data` is not `samples × channels × 4` bytes long, or a file cannot be read or written.
pub fn copy_from_float32(
    data: &Path,
    target: &Path,
    samples: u64,
    channels: usize,
) -> Result<(), DatasetError> {
    let mut input = File::open(data).map_err(DatasetError::io("read", data))?;
    let bytes = input.metadata().map_err(DatasetError::io("read", data))?.len();
    let expected = samples.saturating_mul(channels as u64).saturating_mul(4);
    if bytes != expected {
        return Err(DatasetError::format(
            data,
            format!("{bytes} bytes, but {channels} channels × {samples} samples need {expected}"),
        ));
    }
    let mut staged = Staged::create(target)?;
    staged.put(&header_bytes(samples, channels))?;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(DatasetError::io("read", data)(error)),
        };
        staged.put(buffer.get(..count).unwrap_or_default())?;
    }
    staged.place()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_the_one_of_the_format_description() {
        let bytes = header_bytes(3, 2);
        assert_eq!(bytes.len() % 64, 0);
        assert_eq!(bytes[..10], *b"\x93NUMPY\x01\x00\x76\x00");
        let text = std::str::from_utf8(&bytes[10..]).unwrap();
        assert!(text.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }"));
        assert!(text.ends_with(" \n"));
    }
}
