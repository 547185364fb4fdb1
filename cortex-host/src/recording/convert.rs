//! Converting a recording: to a dataset (`.float32`, `.vhdr`, `.vmrk`, and where there are events
//! `_events.tsv`), to a BrainVision recording, which is one under other names, to EDF+ or BDF+, or
//! to a NumPy array.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::brainvision::{self, Header};
use super::{DatasetError, Format, Recording, edf, events, float32, format, npy};
use crate::base::Progress;
use crate::base::atomic_file::{self, PersistOptions, Staged};
use crate::base::digest::hex;
use crate::synthetic::{TruthKind, manifest_beside};

/// A recording that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// The samples.
    pub data: PathBuf,
    /// Its format.
    pub format: &'static Format,
    /// The BrainVision header beside them, unless the format has its own.
    pub vhdr: Option<PathBuf>,
    /// The file of events, if the format of the source keeps any and the one written does not.
    pub events: Option<PathBuf>,
    /// The NumPy copy, if asked for.
    pub npy: Option<PathBuf>,
    /// Size of the data file in bytes.
    pub bytes: u64,
    /// SHA-256 of the data file in lower-case hexadecimal.
    pub sha256: String,
    /// Per channel, how many stored numbers lay outside their declared range.
    pub outside_range: Vec<u64>,
    /// Per channel, how many stored numbers became infinite in microvolts.
    pub overflowed: Vec<u64>,
    /// What the user should know of what was written: one sentence each.
    pub warnings: Vec<String>,
}

/// What to write, and whether over files that are there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Writing {
    /// The format to write; without one the target's extension says it.
    pub format: Option<&'static Format>,
    /// Also write a NumPy copy, the target with the extension `npy`.
    pub npy: bool,
    /// Replace the target and what lies beside it.
    pub replace: bool,
}

/// All files of the dataset `data`: samples, header, markers, truth and manifest. What writes
/// one replaces or removes all of them.
#[must_use]
pub fn dataset_files(data: &Path) -> Vec<PathBuf> {
    let (vhdr, vmrk) = brainvision::header_paths(data);
    let truth = TruthKind::ALL.map(|kind| kind.path(data));
    [data.to_owned(), vhdr, vmrk].into_iter().chain(truth).chain([manifest_beside(data)]).collect()
}

/// Writes `recording` in µV to `target`, in the format of its name or the one asked for. Tells
/// `progress` of the rows done.
///
/// # Errors
/// The source cannot be read, the target's name is of no format or of another one, something has
/// its name or those of its companions already and may not be replaced, the format cannot hold the
/// recording, it cannot be written, or `progress` is cancelled; everything is then what it was
/// before.
pub fn convert(
    recording: &mut Recording,
    target: &Path,
    writing: Writing,
    progress: &Progress,
) -> Result<Converted, DatasetError> {
    let format = format::to_write(target, writing.format)?;
    if writing.npy && format != &float32::FORMAT {
        return Err(DatasetError::Request(format!(
            "--npy writes a copy beside raw float32, but {} is {format}",
            target.display()
        )));
    }
    if format == &float32::FORMAT {
        write_dataset(recording, target, writing, progress)
    } else if format == &brainvision::FORMAT {
        // Its header has the target's name, its samples stand in a file beside it.
        let data = target.with_extension("eeg");
        let written = write_dataset(recording, &data, writing, progress)?;
        Ok(Converted { format, ..written })
    } else if format == &edf::EDF || format == &edf::BDF {
        write_edf(recording, target, format, writing, progress)
    } else if format == &npy::FORMAT {
        write_npy(recording, target, writing, progress)
    } else {
        Err(DatasetError::Request(format!("{format} is read and not written")))
    }
}

/// Writes interleaved little-endian float32 in µV to `target`, with its header files and events
/// beside it, and a `.npy` copy if asked for.
///
/// Everything is written first. Then header, events and copy of an older file go, and the new files
/// get their names, the header last, so a reader never sees samples beside another recording's
/// header or events, and a kill has only a few renames to fall between.
fn write_dataset(
    recording: &mut Recording,
    target: &Path,
    writing: Writing,
    progress: &Progress,
) -> Result<Converted, DatasetError> {
    let npy_path = writing.npy.then(|| target.with_extension("npy"));
    let files = dataset_files(target);
    let files = || files.iter().chain(&npy_path).map(PathBuf::as_path);
    refuse_own_input(recording, files())?;
    atomic_file::refuse_taken(files(), writing.replace)?;
    let channels = recording.channels();
    let mut staged = Staged::create(target)?;
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
    let events_path = events::events_path(target);
    let mut others = Vec::new();
    if recording.keeps_events {
        others.push(atomic_file::stage_text(&events_path, &events::to_tsv(&recording.events))?);
    }
    if let Some(npy_path) = &npy_path {
        others.push(npy::stage_copy(staged.file(), target, npy_path, done, channels, progress)?);
    }
    others.extend(brainvision::stage_header(target, &header)?);
    for other in &mut others {
        other.settle(true)?;
    }

    let _held = atomic_file::hold_folder_of(target);
    // What was said of the file that was here before is no longer true.
    brainvision::remove_header(target)?;
    atomic_file::remove_if_present(&manifest_beside(target))?;
    for kind in TruthKind::ALL {
        atomic_file::remove_if_present(&kind.path(target))?;
    }
    if let Some(npy_path) = &npy_path {
        atomic_file::remove_if_present(npy_path)?;
    }
    for staged in std::iter::once(staged).chain(others) {
        staged.place_with(PersistOptions { replace: true, durable: false })?;
    }
    atomic_file::sync_folder_of(target)?;
    let (bytes, sha256) = (done * channels as u64 * 4, hex(&hasher.finalize()));
    Ok(Converted {
        vhdr: Some(brainvision::header_paths(target).0),
        events: recording.keeps_events.then_some(events_path),
        npy: npy_path,
        ..Converted::of(recording, target, &float32::FORMAT, bytes, sha256, warnings)
    })
}

impl Converted {
    /// `recording`, read to its end and written to `data` alone; `warnings` follow its own.
    fn of(
        recording: &Recording,
        data: &Path,
        format: &'static Format,
        bytes: u64,
        sha256: String,
        warnings: Vec<String>,
    ) -> Self {
        Self {
            data: data.to_owned(),
            format,
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

/// Writes all rows as interleaved little-endian float32 and tells `progress` of them. Returns their
/// number.
fn copy_rows(
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

/// Writes EDF+ or BDF+ to `target`: samples and events in one file.
fn write_edf(
    recording: &mut Recording,
    target: &Path,
    format: &'static Format,
    writing: Writing,
    progress: &Progress,
) -> Result<Converted, DatasetError> {
    refuse_own_input(recording, std::iter::once(target))?;
    atomic_file::refuse_taken([target], writing.replace)?;
    let edf::Written { staged, bytes, sha256, warnings } =
        edf::stage(recording, target, format, progress)?;
    staged.place_with(PersistOptions { replace: true, durable: true })?;
    Ok(Converted::of(recording, target, format, bytes, sha256, warnings))
}

/// Writes an array of samples × channels to `target`, and the events beside it.
fn write_npy(
    recording: &mut Recording,
    target: &Path,
    writing: Writing,
    progress: &Progress,
) -> Result<Converted, DatasetError> {
    let events_path = recording.keeps_events.then(|| events::events_path(target));
    let files = || std::iter::once(target).chain(events_path.as_deref());
    refuse_own_input(recording, files())?;
    atomic_file::refuse_taken(files(), writing.replace)?;
    let mut staged = Staged::create(target)?;
    let mut hasher = Sha256::new();
    let header = npy::header_bytes(&[recording.samples, recording.channels() as u64]);
    hasher.update(&header);
    staged.put(&header)?;
    let rows = copy_rows(recording, &mut staged, &mut hasher, progress)?;
    let bytes = header.len() as u64 + rows * recording.channels() as u64 * 4;
    let events = match &events_path {
        Some(path) => Some(atomic_file::stage_text(path, &events::to_tsv(&recording.events))?),
        None => None,
    };
    let _held = atomic_file::hold_folder_of(target);
    for staged in std::iter::once(staged).chain(events) {
        staged.place_with(PersistOptions { replace: true, durable: true })?;
    }
    let sha256 = hex(&hasher.finalize());
    Ok(Converted {
        events: events_path,
        ..Converted::of(recording, target, &npy::FORMAT, bytes, sha256, Vec::new())
    })
}

/// What is written must not be what is read, whatever is allowed to be replaced.
fn refuse_own_input<'a>(
    recording: &Recording,
    mut written: impl Iterator<Item = &'a Path>,
) -> Result<(), DatasetError> {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let read: Vec<PathBuf> = recording.sources.iter().filter_map(|path| real(path)).collect();
    match written.find(|path| real(path).is_some_and(|path| read.contains(&path))) {
        Some(path) => Err(DatasetError::Request(format!(
            "converting would overwrite its own input {}: choose another output name",
            path.display()
        ))),
        None => Ok(()),
    }
}
