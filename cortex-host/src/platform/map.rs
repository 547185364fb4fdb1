//! Files in memory: only those that this process has made and nobody else knows of. A recording is
//! never mapped, because one that is truncated meanwhile would end the process with SIGBUS.

use std::fs::File;
use std::io;

use memmap2::MmapMut;

/// A file of float32 samples mapped for writing. The file must be allocated on disk first:
/// touching a page of a sparse file on a full disk kills the process with SIGBUS.
pub struct MappedSamplesMut {
    map: Option<MmapMut>,
}

impl MappedSamplesMut {
    /// Maps the whole of `file`, which must be readable, writable and allocated; an empty file
    /// gives an empty slice.
    ///
    /// # Errors
    /// What the operating system says, or `InvalidData` when the length is no multiple of 4.
    pub fn open(file: &File) -> io::Result<Self> {
        if whole_samples(file)? == 0 {
            return Ok(Self { map: None });
        }
        // SAFETY: the callers map a file they have just made under a private temporary name and
        // hold exclusively, so that nobody else writes or truncates it. f32 has no invalid bits.
        let map = unsafe { MmapMut::map_mut(file)? };
        Ok(Self { map: Some(map) })
    }

    /// The samples, interleaved as in the file.
    #[must_use]
    pub fn samples_mut(&mut self) -> &mut [f32] {
        let Some(map) = &mut self.map else { return &mut [] };
        // SAFETY: any four bytes are a valid f32, and the host is little-endian (checked at
        // compile time). A map starts at a page and `open` checked the length, so that the
        // unaligned head and tail are empty.
        let (head, samples, tail) = unsafe { map.align_to_mut::<f32>() };
        debug_assert!(head.is_empty() && tail.is_empty());
        samples
    }
}

/// The number of samples in `file`.
fn whole_samples(file: &File) -> io::Result<u64> {
    let bytes = file.metadata()?.len();
    if bytes % 4 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("its {bytes} bytes are no whole number of float32 samples"),
        ));
    }
    Ok(bytes / 4)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, Write};

    use super::*;

    #[test]
    fn samples_written_through_a_map_are_the_little_endian_bytes_of_the_file() {
        let mut file = tempfile::tempfile().unwrap();
        file.set_len(8).unwrap();
        let mut map = MappedSamplesMut::open(&file).unwrap();
        map.samples_mut().copy_from_slice(&[1.0, -2.5]);
        drop(map);
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        // IEEE 754: 1.0 = 0x3f800000, -2.5 = 0xc0200000.
        assert_eq!(bytes, [0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0]);
    }

    #[test]
    fn empty_files_are_empty_and_torn_ones_refused() {
        let mut file = tempfile::tempfile().unwrap();
        assert!(MappedSamplesMut::open(&file).unwrap().samples_mut().is_empty());
        file.write_all(&[0; 6]).unwrap();
        assert!(MappedSamplesMut::open(&file).is_err());
    }
}
