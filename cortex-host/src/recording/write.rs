//! What the writers of all formats share.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::stream::Target;
use super::{Converted, DatasetError, Recording};
use crate::base::Progress;
use crate::base::atomic_file::{self, Staged};

/// Refuses `files`, all that will be written, where one is what `recording` is read from, whatever
/// is allowed to be replaced, or is there and must not be replaced.
pub(super) fn refuse<'a>(
    recording: &Recording,
    target: &Target<'_>,
    files: impl Iterator<Item = &'a Path> + Clone,
) -> Result<(), DatasetError> {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let read: Vec<PathBuf> = recording.sources.iter().filter_map(|path| real(path)).collect();
    match files.clone().find(|path| real(path).is_some_and(|path| read.contains(&path))) {
        Some(path) => Err(DatasetError::Request(format!(
            "converting would overwrite its own input {}: choose another output name",
            path.display()
        ))),
        None => Ok(atomic_file::refuse_taken(files, target.replace)?),
    }
}

/// Writes all rows as interleaved little-endian float32 and tells `progress` of them. Returns their
/// number.
pub(super) fn copy_rows(
    recording: &mut Recording,
    staged: &mut Staged,
    hasher: &mut Sha256,
    progress: &Progress,
) -> Result<u64, DatasetError> {
    let mut done = 0_u64;
    recording.read_tiles(|bytes, rows| {
        hasher.update(bytes);
        staged.put(bytes)?;
        progress.add(rows - done);
        done = rows;
        if progress.is_cancelled() { Err(DatasetError::Interrupted) } else { Ok(()) }
    })?;
    Ok(done)
}

impl Converted {
    /// `recording`, read to its end and written to `target` alone; `warnings` follow its own.
    pub(super) fn of(
        recording: &Recording,
        target: &Target<'_>,
        bytes: u64,
        sha256: String,
        warnings: Vec<String>,
    ) -> Self {
        Self {
            data: target.path.to_owned(),
            format: target.format,
            vhdr: None,
            events: None,
            npy: None,
            bytes,
            sha256,
            outside_range: recording.outside_range().to_vec(),
            overflowed: recording.overflowed().to_vec(),
            warnings: recording.warnings().into_iter().chain(warnings).collect(),
        }
    }
}
