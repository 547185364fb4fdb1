//! What the writers of all formats share.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::stream::Target;
use super::{Converted, DatasetError, Recording};
use crate::base::atomic_file::{self, PersistOptions, Staged};
use crate::base::{FileError, Progress};
use crate::synthetic::{TruthKind, manifest_beside};

/// What lies beside the file `data` of any format and is taken for what is known of it: truth and
/// manifest. What writes `data` replaces or removes all of them.
#[must_use]
pub fn beside(data: &Path) -> Vec<PathBuf> {
    let truth = TruthKind::ALL.map(|kind| kind.path(data));
    truth.into_iter().chain([manifest_beside(data)]).collect()
}

/// What lies beside `target` and would be taken for what is known of `recording`, written there: the
/// manifest and truth of an older file. The truth of a recording that is read from a file of the
/// same name but for the extension is its own and stays.
pub(super) fn outdated(recording: &Recording, target: &Path) -> Vec<PathBuf> {
    let place = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = std::fs::canonicalize(folder.unwrap_or(Path::new("."))).ok();
        folder.map(|folder| folder.join(path.file_stem().unwrap_or_default()))
    };
    let own_place = place(target);
    let keeps_truth =
        own_place.is_some() && recording.sources.iter().any(|source| place(source) == own_place);
    let manifest = manifest_beside(target);
    beside(target).into_iter().filter(|path| !keeps_truth || *path == manifest).collect()
}

/// Gives the files of a recording their names, in the order given, and removes what is `outdated`
/// in the same step: everything is written before, so that a kill has only a few renames to fall
/// between, and nobody sees new samples beside what was known of older ones.
pub(super) fn commit(
    target: &Path,
    outdated: &[PathBuf],
    mut files: Vec<Staged>,
) -> Result<(), FileError> {
    for staged in &mut files {
        staged.settle(true)?;
    }
    let _held = atomic_file::hold_folder_of(target);
    for path in outdated {
        atomic_file::remove_if_present(path)?;
    }
    for staged in files {
        staged.place_with(PersistOptions { replace: true, durable: false })?;
    }
    atomic_file::sync_folder_of(target)
}

/// Refuses `files`, all that will be written or removed, where one is what `recording` is read from,
/// whatever is allowed to be replaced, or is there and must not be replaced.
pub(super) fn refuse<'a>(
    recording: &Recording,
    replace: bool,
    files: impl Iterator<Item = &'a Path> + Clone,
) -> Result<(), DatasetError> {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let read: Vec<PathBuf> = recording.sources.iter().filter_map(|path| real(path)).collect();
    match files.clone().find(|path| real(path).is_some_and(|path| read.contains(&path))) {
        Some(path) => Err(DatasetError::Request(format!(
            "converting would overwrite its own input {}: choose another output name",
            path.display()
        ))),
        None => Ok(atomic_file::refuse_taken(files, replace)?),
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
            channel_names: recording.channel_names.clone(),
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
