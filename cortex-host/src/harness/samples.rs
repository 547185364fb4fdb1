//! Reading a dataset: a file of interleaved little-endian `f32` rows in microvolts.
//!
//! Rows are read by position into a buffer that the caller keeps, ahead of their release, in pieces
//! that stay in the processor's cache until they have become samples. A memory map would save one
//! copy (some microseconds a window), but a file that shrinks or a disk that fails during the run
//! would then be a SIGBUS instead of an error, and page faults would count as kernel time.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use thiserror::Error;

use crate::base::Failure;
use crate::platform::file_at::read_exact_at;

/// Bytes per sample.
const SAMPLE_BYTES: u64 = 4;

/// Bytes read at a time.
const PIECE_BYTES: usize = 1 << 16;

/// A dataset file whose size has been checked against its channel count.
#[derive(Debug)]
pub struct SampleFile {
    path: PathBuf,
    file: File,
    channels: usize,
    rows: u64,
    changed: Option<SystemTime>,
    bytes: Vec<u8>,
}

/// Why a dataset cannot be used.
#[derive(Debug, Error)]
pub enum SampleFileError {
    /// There is no such file, or it cannot be opened.
    #[error("cannot open the dataset {path}: {source}; check dataset.path", path = path.display())]
    Open {
        /// The dataset.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path names a folder, a pipe or a device.
    #[error(
        "the dataset {path} is not a regular file; dataset.path must name a .float32 file",
        path = path.display()
    )]
    NotAFile {
        /// The dataset.
        path: PathBuf,
    },
    /// The size does not fit the channel count.
    #[error(
        "the dataset {path} has {bytes} bytes, which is no whole number of rows of {channels} \
         float32 channels ({row_bytes} bytes each); check dataset.channels and that the file is whole",
        path = path.display()
    )]
    NotWholeRows {
        /// The dataset.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The configured channel count.
        channels: usize,
        /// Bytes per row.
        row_bytes: u64,
    },
    /// The file has no samples.
    #[error("the dataset {path} is empty", path = path.display())]
    Empty {
        /// The dataset.
        path: PathBuf,
    },
    /// The file has become shorter since it was opened.
    #[error(
        "the dataset {path} has become shorter while it was read: rows {first_row} to {last_row} \
         are gone; leave the file alone during a run, and run again",
        path = path.display()
    )]
    Shrunk {
        /// The dataset.
        path: PathBuf,
        /// First row wanted.
        first_row: u64,
        /// Last row wanted.
        last_row: u64,
    },
    /// The file was written to since it was opened.
    #[error(
        "the dataset {path} was written to while it was read, so that the windows may be of mixed \
         data; leave the file alone during a run, and run again",
        path = path.display()
    )]
    Changed {
        /// The dataset.
        path: PathBuf,
    },
    /// Reading failed.
    #[error(
        "cannot read rows {first_row} to {last_row} of the dataset {path}: {source}",
        path = path.display()
    )]
    Read {
        /// The dataset.
        path: PathBuf,
        /// First row wanted.
        first_row: u64,
        /// Last row wanted.
        last_row: u64,
        /// What the system said.
        source: io::Error,
    },
}

impl From<SampleFileError> for Failure {
    fn from(error: SampleFileError) -> Self {
        Failure::input_output(error.to_string())
    }
}

impl SampleFile {
    /// Opens `path` as rows of `channels` samples (at least 1).
    ///
    /// # Errors
    /// [`SampleFileError`] when it is missing, unreadable, empty or not a whole number of rows.
    pub fn open(path: &Path, channels: usize) -> Result<Self, SampleFileError> {
        let path = path.to_owned();
        let open_error = |source| SampleFileError::Open { path: path.clone(), source };
        // Ask for the type before opening: opening a pipe would wait for a writer.
        let metadata = std::fs::metadata(&path).map_err(open_error)?;
        if !metadata.is_file() {
            return Err(SampleFileError::NotAFile { path });
        }
        let file = File::open(&path).map_err(open_error)?;
        Self::of(file, path, channels)
    }

    /// As [`SampleFile::open`], for a file that is open already; `path` is what messages call it.
    ///
    /// # Errors
    /// As [`SampleFile::open`].
    pub fn of(file: File, path: PathBuf, channels: usize) -> Result<Self, SampleFileError> {
        let metadata = match file.metadata() {
            Ok(metadata) => metadata,
            Err(source) => return Err(SampleFileError::Open { path, source }),
        };
        let bytes = metadata.len();
        if bytes == 0 {
            return Err(SampleFileError::Empty { path });
        }
        let row_bytes = (channels.max(1) as u64).saturating_mul(SAMPLE_BYTES);
        if bytes % row_bytes != 0 {
            return Err(SampleFileError::NotWholeRows { path, bytes, channels, row_bytes });
        }
        let rows = bytes / row_bytes;
        Ok(Self {
            path,
            file,
            channels,
            rows,
            changed: metadata.modified().ok(),
            bytes: vec![0; PIECE_BYTES],
        })
    }

    /// The open file, for reading its bytes in order.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Whether the file is still the one that was opened: nobody has written to it or cut it. A
    /// file deleted or replaced by another of its name is still there for whoever has it open.
    ///
    /// # Errors
    /// [`SampleFileError::Changed`].
    pub fn check_unchanged(&self) -> Result<(), SampleFileError> {
        let row_bytes = self.channels.max(1) as u64 * SAMPLE_BYTES;
        let same = self.file.metadata().is_ok_and(|metadata| {
            metadata.len() == self.rows * row_bytes && metadata.modified().ok() == self.changed
        });
        if same { Ok(()) } else { Err(SampleFileError::Changed { path: self.path.clone() }) }
    }

    /// Samples per channel.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Number of channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Fills `samples` (a whole number of rows) with the rows from `first_row` on.
    ///
    /// # Errors
    /// [`SampleFileError::Shrunk`] or [`SampleFileError::Read`] when the file does not hold them any
    /// more.
    pub fn read_rows(
        &mut self,
        first_row: u64,
        samples: &mut [f32],
    ) -> Result<(), SampleFileError> {
        let offset = first_row * self.channels as u64 * SAMPLE_BYTES;
        let last_row = first_row + (samples.len() / self.channels.max(1)) as u64;
        for (nth, piece) in samples.chunks_mut(PIECE_BYTES / SAMPLE_BYTES as usize).enumerate() {
            let bytes = &mut self.bytes[..piece.len() * SAMPLE_BYTES as usize];
            let at = offset + (nth * PIECE_BYTES) as u64;
            read_exact_at(&self.file, bytes, at).map_err(|source| {
                let path = self.path.clone();
                if source.kind() == io::ErrorKind::UnexpectedEof {
                    SampleFileError::Shrunk { path, first_row, last_row }
                } else {
                    SampleFileError::Read { path, first_row, last_row, source }
                }
            })?;
            let (words, _) = bytes.as_chunks::<4>();
            for (sample, word) in piece.iter_mut().zip(words) {
                *sample = f32::from_le_bytes(*word);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that begin and end anywhere, over several pieces and over parts of them.
    #[test]
    fn rows_are_read_over_the_borders_of_pieces() {
        let (channels, rows) = (3, 20_000);
        let value = |index: usize| index as f32 - 7.5;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.float32");
        let bytes: Vec<u8> = (0..rows * channels).flat_map(|i| value(i).to_le_bytes()).collect();
        std::fs::write(&path, bytes).unwrap();
        let mut file = SampleFile::open(&path, channels).unwrap();
        for (first, count) in [(0, rows), (1, 1), (5_461, 2), (5_000, 12_345), (rows - 1, 1)] {
            let mut samples = vec![0.0; count * channels];
            file.read_rows(first as u64, &mut samples).unwrap();
            let expected = (first * channels..).map(value);
            assert!(samples.into_iter().zip(expected).all(|(found, wanted)| found == wanted));
        }
        let mut beyond = vec![0.0; 6_000 * channels];
        let error = file.read_rows(14_001, &mut beyond).unwrap_err();
        assert!(matches!(error, SampleFileError::Shrunk { last_row: 20_001, .. }), "{error}");
    }
}
