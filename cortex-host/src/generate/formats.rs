//! A dataset in any format that recordings have, alone or as part of a BIDS data set.
//!
//! A manifest's digests are always those of the samples as interleaved float32. In raw float32 and
//! BrainVision these are the bytes of the file; of the other formats they are what is generated and
//! then written, so that `reproduce` makes the samples again, but compares no file.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::output::{FileOptions, write_staged};
use super::produce::produce;
use super::{GenerateError, Recipe, spikeinterface, truth};
use crate::base::Progress;
use crate::base::atomic_file::{PersistOptions, Staged, hold_folder_of, refuse_taken, stage_text};
use crate::base::digest::FileDigester;
use crate::recording::bids::{self, Entities};
use crate::recording::{
    BRAINVISION, Codes, Converted, DatasetError, FLOAT32, Format, Recording, Writing, beside,
    check_codes, convert, dataset_files, format_to_write, of_samples,
};
use crate::synthetic::GeneratedDataset;
use crate::synthetic::manifest::{Manifest, manifest_beside};

/// Where a dataset is written, and in which format.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// A file, in the format of its name or the one asked for.
    File(&'a Path, Option<&'static Format>),
    /// A recording of a BIDS data set, as BrainVision or in the format asked for.
    Bids(&'a Entities, Option<&'static Format>),
    /// A folder with a recording and a sorting as SpikeInterface saves them, of spikes only.
    SpikeInterface(&'a Path),
}

/// A dataset that was written.
#[derive(Clone, Debug)]
pub struct Produced {
    /// How it was made.
    pub manifest: Manifest,
    /// The file of samples.
    pub data: PathBuf,
    /// Its format.
    pub format: &'static Format,
    /// Its size in bytes.
    pub bytes: u64,
    /// Where the manifest lies.
    pub manifest_path: PathBuf,
    /// What the format could not keep as it is: one sentence each.
    pub warnings: Vec<String>,
}

/// Refuses a place that cannot be written, before anything is generated.
///
/// # Errors
/// The name is of no format or of another one than asked for, a label is none of BIDS, or a file is
/// there that may not be replaced.
pub fn check_place(
    dataset: &GeneratedDataset,
    place: Place<'_>,
    replace: bool,
) -> Result<(), GenerateError> {
    let files = match place {
        Place::File(path, format) => {
            let format = format_to_write(path, format)?;
            if let Some(raw) = raw_samples(path, format) {
                dataset_files(&raw)
            } else {
                refuse_taken([path], replace)?;
                check_codes(format, codes(dataset).as_ref(), path, replace)?;
                beside(path)
            }
        }
        Place::Bids(entities, format) => {
            return Ok(bids::check(entities, writing(format, replace))?);
        }
        Place::SpikeInterface(folder) => {
            spikeinterface::check(dataset)?;
            let samples = dataset_files(&spikeinterface::samples(folder));
            samples.into_iter().chain(spikeinterface::files(folder)).collect()
        }
    };
    Ok(refuse_taken(files.iter().map(PathBuf::as_path), replace)?)
}

/// The file of raw float32 samples that a dataset at `path` has; a BrainVision recording's lie
/// beside its header.
fn raw_samples(path: &Path, format: &Format) -> Option<PathBuf> {
    match format {
        format if format == &FLOAT32 => Some(path.to_owned()),
        format if format == &BRAINVISION => Some(path.with_extension("eeg")),
        _ => None,
    }
}

/// Writes `dataset` to `place`, with its manifest and its truth beside it; of a BIDS data set both
/// lie among its sources, since BIDS has no place for them beside a recording.
///
/// # Errors
/// As [`check_place`]; the samples cannot be generated or written, or the format cannot hold them
/// (NaN in EDF). Nothing has its name then.
pub fn produce_in(
    dataset: &GeneratedDataset,
    place: Place<'_>,
    options: &FileOptions,
    progress: &Progress,
) -> Result<Produced, GenerateError> {
    check_place(dataset, place, options.replace)?;
    match place {
        Place::File(path, format) => {
            let format = format_to_write(path, format)?;
            if let Some(raw) = raw_samples(path, format) {
                return produce_raw(dataset, &raw, format, Vec::new(), options, progress);
            }
            produce_converted(dataset, path, options, progress, |file, quiet| {
                let mut recording = recording(dataset, file, path);
                // Events that a format has no place for are the truth beside it.
                recording.keeps_events = false;
                convert(&mut recording, path, writing(Some(format), options.replace), quiet)
            })
        }
        Place::Bids(entities, format) => {
            let source = entities.source();
            produce_converted(dataset, &source, options, progress, |file, quiet| {
                let mut recording = recording(dataset, file, &source);
                let status = truth::status(dataset);
                let writing = writing(format, options.replace);
                bids::write(&mut recording, entities, status.as_deref(), writing, quiet)
            })
        }
        Place::SpikeInterface(folder) => {
            let more = spikeinterface::stage(dataset, folder, progress)?;
            let data = spikeinterface::samples(folder);
            produce_raw(dataset, &data, &FLOAT32, more, options, progress)
        }
    }
}

/// Writes the samples of `dataset` to a file without a name, which `write` makes a recording of, and
/// puts manifest and truth beside `source`.
fn produce_converted(
    dataset: &GeneratedDataset,
    source: &Path,
    options: &FileOptions,
    progress: &Progress,
    write: impl FnOnce(File, &Progress) -> Result<Converted, DatasetError>,
) -> Result<Produced, GenerateError> {
    let manifest_path = manifest_beside(source);
    let mut digester = FileDigester::new(options.digest);
    let recipe = Recipe::of(dataset);
    let samples = write_staged(&recipe, source, options, Some(&mut digester), progress)?;
    let mut manifest = Manifest::now(dataset, None, digester.finish())?;
    let (digests, mut beside): (Vec<_>, Vec<Staged>) =
        truth::stage(dataset, source, progress)?.into_iter().unzip();
    manifest.truth = digests;
    beside.push(stage_text(&manifest_path, &manifest.to_yaml())?);
    for staged in &mut beside {
        staged.settle(options.durable)?;
    }
    let file = samples.file().try_clone().map_err(GenerateError::io("read", source))?;
    // Its rows are not the values that `progress` counts. What lies beside `source` of an older
    // dataset goes when the new samples have their name.
    let quiet = progress.reporting(|_| ());
    let Converted { data, format, bytes, warnings, .. } =
        write(file, &quiet).map_err(interrupted)?;
    let _held = hold_folder_of(source);
    for staged in beside {
        staged.place_with(PersistOptions { replace: true, durable: options.durable })?;
    }
    Ok(Produced { manifest, data, format, bytes, manifest_path, warnings })
}

fn produce_raw(
    dataset: &GeneratedDataset,
    data: &Path,
    format: &'static Format,
    more: Vec<Staged>,
    options: &FileOptions,
    progress: &Progress,
) -> Result<Produced, GenerateError> {
    let manifest_path = manifest_beside(data);
    Ok(Produced {
        manifest: produce(dataset, data, &manifest_path, more, options, progress)?,
        data: data.to_owned(),
        format,
        bytes: Recipe::of(dataset).bytes()?,
        manifest_path,
        warnings: Vec::new(),
    })
}

fn recording(dataset: &GeneratedDataset, file: File, target: &Path) -> Recording {
    let (names, events) = (truth::channel_names(dataset), truth::events(dataset));
    let rate_hz = dataset.spec.sample_rate_hz;
    let mut recording = of_samples(file, target, names, rate_hz, dataset.samples, events);
    recording.codes = codes(dataset);
    recording
}

/// What a front end makes of the samples.
fn codes(dataset: &GeneratedDataset) -> Option<Codes> {
    dataset.spec.signal.front_end_params().map(Codes::of)
}

fn writing(format: Option<&'static Format>, replace: bool) -> Writing {
    Writing { format, npy: false, replace }
}

fn interrupted(error: DatasetError) -> GenerateError {
    match error {
        DatasetError::Interrupted => GenerateError::Interrupted,
        error => error.into(),
    }
}
