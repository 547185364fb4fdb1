//! Writing a dataset: `.float32`, `.vhdr`, `.vmrk`, and where there are events `_events.tsv`. A
//! BrainVision recording is one under other names.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::brainvision::{self, Header};
use super::stream::Target;
use super::write::{copy_rows, refuse};
use super::{Converted, DatasetError, Recording, events, npy};
use crate::base::Progress;
use crate::base::atomic_file::{self, PersistOptions, Staged};
use crate::base::digest::hex;
use crate::synthetic::{TruthKind, manifest_beside};

/// All files of the dataset `data`: samples, header, markers, truth and manifest. What writes
/// one replaces or removes all of them.
#[must_use]
pub fn dataset_files(data: &Path) -> Vec<PathBuf> {
    let (vhdr, vmrk) = brainvision::header_paths(data);
    let truth = TruthKind::ALL.map(|kind| kind.path(data));
    [data.to_owned(), vhdr, vmrk].into_iter().chain(truth).chain([manifest_beside(data)]).collect()
}

/// Writes interleaved little-endian float32 in µV to `target`, with its header files and events
/// beside it, and a `.npy` copy if asked for.
///
/// Everything is written first. Then header, events and copy of an older file go, and the new files
/// get their names, the header last, so a reader never sees samples beside another recording's
/// header or events, and a kill has only a few renames to fall between.
pub(super) fn write(
    recording: &mut Recording,
    target: &Target<'_>,
    progress: &Progress,
) -> Result<Converted, DatasetError> {
    let data = target.path;
    let npy_path = target.npy.then(|| data.with_extension("npy"));
    let files = dataset_files(data);
    refuse(recording, target, files.iter().chain(&npy_path).map(PathBuf::as_path))?;
    let channels = recording.channels();
    let mut staged = Staged::create(data)?;
    let mut hasher = Sha256::new();
    let done = copy_rows(recording, &mut staged, &mut hasher, progress)?;

    let mut warnings = Vec::new();
    let markers = events::to_markers(&recording.events, recording.sample_rate_hz, done);
    let left_out = recording.events.len() - markers.len();
    if left_out > 0 {
        warnings.push(format!(
            "{left_out} of {} events lie outside the samples; they stand in the events file, not among the markers",
            recording.events.len()
        ));
    }
    let header = Header {
        channel_names: &recording.channel_names,
        sample_rate_hz: recording.sample_rate_hz,
        samples: done,
        markers: &markers,
        start: recording.start.as_deref(),
    };
    staged.settle(true)?;
    let events_path = events::events_path(data);
    let mut others = Vec::new();
    if recording.keeps_events {
        others.push(atomic_file::stage_text(&events_path, &events::to_tsv(&recording.events))?);
    }
    if let Some(npy_path) = &npy_path {
        others.push(npy::stage_copy(staged.file(), data, npy_path, done, channels, progress)?);
    }
    others.extend(brainvision::stage_header(data, &header)?);
    for other in &mut others {
        other.settle(true)?;
    }

    let _held = atomic_file::hold_folder_of(data);
    // What was said of the file that was here before is no longer true.
    brainvision::remove_header(data)?;
    atomic_file::remove_if_present(&manifest_beside(data))?;
    for kind in TruthKind::ALL {
        atomic_file::remove_if_present(&kind.path(data))?;
    }
    if let Some(npy_path) = &npy_path {
        atomic_file::remove_if_present(npy_path)?;
    }
    for staged in std::iter::once(staged).chain(others) {
        staged.place_with(PersistOptions { replace: true, durable: false })?;
    }
    atomic_file::sync_folder_of(data)?;
    let (bytes, sha256) = (done * channels as u64 * 4, hex(&hasher.finalize()));
    Ok(Converted {
        vhdr: Some(brainvision::header_paths(data).0),
        events: recording.keeps_events.then_some(events_path),
        npy: npy_path,
        ..Converted::of(recording, target, bytes, sha256, warnings)
    })
}
