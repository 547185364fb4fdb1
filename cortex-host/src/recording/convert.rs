//! Converting a recording to a dataset: `.float32`, `.vhdr`, `.vmrk`, and where there are
//! events `_events.tsv`.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::brainvision::{self, Header};
use super::{DatasetError, Recording, events, npy};
use crate::base::Progress;
use crate::base::atomic_file::{self, Placing, Staged};
use crate::base::digest::hex;
use crate::synthetic::manifest_beside;

/// Samples (of all channels) converted at a time.
const TILE_SAMPLES: usize = 256 * 1024;

/// A dataset that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The samples.
    pub data: PathBuf,
    /// The BrainVision header beside them.
    pub vhdr: PathBuf,
    /// The events, if the format of the source keeps any.
    pub events: Option<PathBuf>,
    /// The NumPy copy, if asked for.
    pub npy: Option<PathBuf>,
    /// Size of the data file in bytes.
    pub bytes: u64,
    /// SHA-256 of the data file in lower-case hexadecimal.
    pub sha256: String,
    /// Per channel, how many stored numbers lay outside their declared range.
    pub outside_range: Vec<u64>,
}

/// Writes `recording` as interleaved little-endian float32 in µV to `target`, with its
/// header files and events beside it, and a `.npy` copy if `with_npy`. Tells `progress`
/// of the rows done.
///
/// Everything is written first. Then header, events and copy of an older file go, and the new files
/// get their names, the header last, so a reader never sees samples beside another recording's
/// header or events, and a kill has only a few renames to fall between.
///
/// # Errors
/// The source cannot be read, the target cannot be written, or `progress` is cancelled; the
/// target is then what it was before.
pub fn convert(
    recording: &mut Recording,
    target: &Path,
    with_npy: bool,
    progress: &Progress,
) -> Result<Converted, DatasetError> {
    refuse_own_input(recording, target, with_npy)?;
    let channels = recording.channels();
    let mut rows = vec![0.0_f32; (TILE_SAMPLES / channels).max(1) * channels];
    let mut bytes = Vec::with_capacity(rows.len() * 4);
    let mut staged = Staged::create(target)?;
    let mut hasher = Sha256::new();
    let mut done = 0_u64;
    loop {
        let count = recording.read(&mut rows)?;
        if count == 0 {
            break;
        }
        bytes.clear();
        for sample in rows.iter().take(count * channels) {
            bytes.extend_from_slice(&sample.to_le_bytes());
        }
        hasher.update(&bytes);
        staged.put(&bytes)?;
        done += count as u64;
        progress.add(count as u64);
        if progress.is_cancelled() {
            return Err(DatasetError::Interrupted);
        }
    }

    let markers = events::to_markers(&recording.events, recording.sample_rate_hz, done);
    let header = Header {
        channel_names: &recording.channel_names,
        sample_rate_hz: recording.sample_rate_hz,
        samples: done,
        markers: &markers,
        start: recording.start.as_deref(),
    };
    staged.settle(true)?;
    let (events_path, npy_path) = (events::events_path(target), target.with_extension("npy"));
    let mut others = Vec::new();
    if recording.keeps_events {
        others.push(atomic_file::stage_text(&events_path, &events::to_tsv(&recording.events))?);
    }
    if with_npy {
        others.push(npy::stage_copy(staged.file(), target, &npy_path, done, channels, progress)?);
    }
    others.extend(brainvision::stage_header(target, &header)?);
    for other in &mut others {
        other.settle(true)?;
    }

    let _held = atomic_file::hold_folder_of(target);
    // What was said of the file that was here before is no longer true.
    brainvision::remove_header(target)?;
    atomic_file::remove_if_present(&manifest_beside(target))?;
    atomic_file::remove_if_present(&events_path)?;
    if with_npy {
        atomic_file::remove_if_present(&npy_path)?;
    }
    for staged in std::iter::once(staged).chain(others) {
        staged.place_with(Placing { replace: true, durable: false })?;
    }
    atomic_file::sync_folder_of(target)?;
    Ok(Converted {
        data: target.to_owned(),
        vhdr: brainvision::header_paths(target).0,
        events: recording.keeps_events.then_some(events_path),
        npy: with_npy.then_some(npy_path),
        bytes: done * channels as u64 * 4,
        sha256: hex(&hasher.finalize()),
        outside_range: recording.outside_range().to_vec(),
    })
}

/// The target and the files beside it must not be the source.
fn refuse_own_input(
    recording: &Recording,
    target: &Path,
    with_npy: bool,
) -> Result<(), DatasetError> {
    let source = std::fs::canonicalize(&recording.path).ok();
    let (vhdr, vmrk) = brainvision::header_paths(target);
    let mut written = vec![target.to_owned(), vhdr, vmrk];
    if with_npy {
        written.push(target.with_extension("npy"));
    }
    let clash =
        written.iter().find(|path| source.is_some() && std::fs::canonicalize(path).ok() == source);
    match clash {
        Some(path) => Err(DatasetError::Request(format!(
            "converting would overwrite its own input {}: choose another output name",
            path.display()
        ))),
        None => Ok(()),
    }
}
