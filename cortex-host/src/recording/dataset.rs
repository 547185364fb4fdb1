//! Writing a dataset: `.float32`, `.vhdr`, `.vmrk`, and where there are events `_events.tsv`. A
//! BrainVision recording is one under other names.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::brainvision::{self, Header};
use super::stream::Target;
use super::write::{beside, commit, copy_rows, outdated, refuse};
use super::{Converted, DatasetError, Recording, events, npy};
use crate::base::Progress;
use crate::base::atomic_file::{self, Staged};
use crate::base::digest::hex;
use crate::synthetic::manifest_beside;

/// All files of the dataset `data`: samples, header, markers, truth and manifest. What writes
/// one replaces or removes all of them.
#[must_use]
pub fn dataset_files(data: &Path) -> Vec<PathBuf> {
    let (vhdr, vmrk) = brainvision::header_paths(data);
    [data.to_owned(), vhdr, vmrk].into_iter().chain(beside(data)).collect()
}

/// Writes interleaved little-endian float32 in µV to `target`, with its header files and events
/// beside it, and a `.npy` copy if asked for.
///
/// What belongs to an older file goes when the new ones get their names, the header last, so a reader
/// never sees samples beside another recording's header or events.
pub(super) fn write(
    recording: &mut Recording,
    target: &Target<'_>,
    progress: &Progress,
) -> Result<Converted, DatasetError> {
    let data = target.path;
    let npy_path = target.npy.then(|| data.with_extension("npy"));
    let events_path = events::events_path(data);
    let (vhdr, vmrk) = brainvision::header_paths(data);
    let mut replaced = vec![vhdr.clone(), vmrk];
    replaced.extend(outdated(recording, data));
    if let Some(npy_path) = &npy_path {
        replaced.extend([npy_path.clone(), manifest_beside(npy_path)]);
    }
    if recording.keeps_events {
        replaced.push(events_path.clone());
    }
    let replaced_paths = replaced.iter().map(PathBuf::as_path);
    refuse(recording, target.replace, std::iter::once(data).chain(replaced_paths))?;
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
    let mut others = Vec::new();
    if recording.keeps_events {
        others.push(atomic_file::stage_text(&events_path, &events::to_tsv(&recording.events))?);
    }
    if let Some(npy_path) = &npy_path {
        others.push(npy::stage_copy(staged.file(), data, npy_path, done, channels, progress)?);
    }
    others.extend(brainvision::stage_header(data, &header)?);
    commit(data, &replaced, std::iter::once(staged).chain(others).collect())?;
    let (bytes, sha256) = (done * channels as u64 * 4, hex(&hasher.finalize()));
    Ok(Converted {
        vhdr: Some(vhdr),
        events: recording.keeps_events.then_some(events_path),
        npy: npy_path,
        ..Converted::of(recording, target, bytes, sha256, warnings)
    })
}
