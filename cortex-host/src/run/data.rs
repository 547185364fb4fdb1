//! The data of a run: a recording checked and hashed, raw or converted to a temporary file, or a
//! generated dataset in a temporary file.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;

use tempfile::TempPath;

use crate::base::atomic_file::{TEMPORARY_FOLDER_VARIABLE, place_text, temporary_dataset};
use crate::base::digest::{Algorithm, ContentDigest, FileDigester};
use crate::base::{ExitCode, Failure, Level, Observer, Progress, shell_word};
use crate::generate::{FileOptions, GenerateError, Recipe, announce, truth, write_file};
use crate::harness::SampleFile;
use crate::plan::{DatasetPlan, Plan, StaticDataset};
use crate::recording::events::{Event, to_tsv};
use crate::recording::{DatasetError, Recording, shape};
use crate::results::{DatasetInfo, InputSpectrum, RunFolder, SPECTRUM_NAME, WindowLabels};
use crate::synthetic::GeneratedDataset;
use crate::synthetic::{MANIFEST_NAME, Manifest};

/// Hashing more than this is worth a message.
const LARGE_BYTES: u64 = 1 << 28;

/// The data, ready to be read.
pub(super) struct Data {
    /// The open file.
    pub(super) samples: SampleFile,
    /// What the summary says of it.
    pub(super) facts: DatasetInfo,
    /// What happened when, for the windows' labels.
    pub(super) labels: Option<WindowLabels>,
    /// The generated file, removed when this goes.
    _temporary: Option<TempPath>,
}

/// Finds or makes the data of `plan`; a generated one leaves its manifest in `folder`.
pub(super) fn prepare(
    plan: &Plan,
    folder: &RunFolder,
    progress: &Progress,
    observer: &dyn Observer,
) -> Result<Data, Failure> {
    let (mut data, generator) = match &plan.dataset {
        DatasetPlan::Static(dataset) => (open(dataset, plan, folder, progress, observer)?, None),
        DatasetPlan::Generated(dataset) => {
            let generator = Recipe::of(dataset).generator().map_err(GenerateError::from)?;
            (generate(dataset, plan, folder, progress, observer)?, Some(generator))
        }
    };
    let rate_hz = plan.dataset.sample_rate_hz();
    if let Some(spectrum) = InputSpectrum::of(&mut data.samples, rate_hz, generator.as_ref())? {
        place_text(&folder.path().join(SPECTRUM_NAME), &spectrum.to_json())?;
    }
    Ok(data)
}

/// The samples of `dataset` alone, for what leaves no results folder; the file of the second value
/// is removed when it goes.
pub(super) fn samples(
    dataset: &DatasetPlan,
    progress: &Progress,
    observer: &dyn Observer,
) -> Result<(SampleFile, Option<TempPath>), Failure> {
    match dataset {
        DatasetPlan::Static(dataset) => {
            let mut recording = Recording::open(&dataset.path, &dataset.open_options())?;
            if let Some(raw) = &dataset.raw {
                return Ok((SampleFile::open(raw, dataset.channels)?, None));
            }
            let (file, temporary) = converted(&mut recording, progress, observer)?;
            Ok((SampleFile::of(file, temporary.to_path_buf(), dataset.channels)?, Some(temporary)))
        }
        DatasetPlan::Generated(dataset) => {
            let (file, temporary, _) = generated(dataset, progress, observer)?;
            Ok((SampleFile::of(file, temporary.to_path_buf(), dataset.channels)?, Some(temporary)))
        }
    }
}

fn open(
    dataset: &StaticDataset,
    plan: &Plan,
    folder: &RunFolder,
    progress: &Progress,
    observer: &dyn Observer,
) -> Result<Data, Failure> {
    let mut recording = Recording::open(&dataset.path, &dataset.open_options())?;
    for note in &recording.notes {
        observer.message(Level::Warning, &format!("{}: {note}", dataset.path.display()));
    }
    if recording.samples != dataset.samples || recording.is_raw() != dataset.raw.is_some() {
        return Err(Failure::input_output(format!(
            "the dataset {} has changed since the run was planned; run again",
            dataset.path.display()
        )));
    }
    observer.message(Level::Info, &format!("Using {}", dataset.path.display()));
    // A file that `generate` made is checked by the digest of its samples in its manifest.
    let manifest = shape::manifest_of(&recording.data_path)?;
    let manifest = manifest.filter(|(_, found)| found.shard.is_none());
    let algorithm = manifest
        .as_ref()
        .map_or(Algorithm::Sha256, |(_, manifest)| manifest.digest.content.algorithm());
    let (samples, temporary, digest, of_samples) = match &dataset.raw {
        Some(raw) => {
            for warning in recording.first_warnings()? {
                observer.message(Level::Warning, &format!("{}: {warning}", raw.display()));
            }
            let samples = SampleFile::open(raw, dataset.channels)?;
            let digest = file_digest(samples.file(), raw, algorithm, progress, observer)?;
            (samples, None, digest.clone(), Some(digest))
        }
        None => {
            let source = File::open(&recording.data_path)
                .map_err(|error| Failure::io("read", &recording.data_path, &error))?;
            let digest = file_digest(&source, &recording.data_path, algorithm, progress, observer)?;
            let (mut file, temporary) = converted(&mut recording, progress, observer)?;
            let of_samples = if manifest.is_some() && !dataset.format.rounds {
                file.rewind().map_err(|error| Failure::io("read", &temporary, &error))?;
                Some(file_digest(&file, &temporary, algorithm, progress, observer)?)
            } else {
                None
            };
            let samples = SampleFile::of(file, temporary.to_path_buf(), dataset.channels)?;
            (samples, Some(temporary), digest, of_samples)
        }
    };
    let events = kept_events(&recording.events, folder)?;
    Ok(Data {
        labels: WindowLabels::new(&recording.events, dataset.sample_rate_hz),
        samples,
        facts: DatasetInfo {
            kind: "static".to_owned(),
            path: dataset.configured_path.clone(),
            signal_type: None,
            seed: None,
            channels: dataset.channels,
            sample_rate_hz: dataset.sample_rate_hz,
            samples_per_channel: dataset.samples,
            samples_used: plan.samples_per_repeat(),
            manifest: match manifest {
                Some((path, manifest)) => {
                    let found = of_samples.as_ref();
                    Some(kept_manifest(dataset, &path, manifest, found, folder, observer)?)
                }
                None => None,
            },
            digest,
            format: dataset.format.key.to_owned(),
            events,
        },
        _temporary: temporary,
    })
}

/// Keeps `events`, if there are any, in the run's folder. Returns where.
fn kept_events(events: &[Event], folder: &RunFolder) -> Result<Option<String>, Failure> {
    if events.is_empty() {
        return Ok(None);
    }
    let name = "dataset/events.tsv".to_owned();
    place_text(&folder.path().join(&name), &to_tsv(events))?;
    Ok(Some(name))
}

/// The rows of `recording` in a temporary file, as raw samples.
fn converted(
    recording: &mut Recording,
    progress: &Progress,
    observer: &dyn Observer,
) -> Result<(File, TempPath), Failure> {
    let temporary = temporary_dataset()?;
    let unwritten = |error| Failure::io("write", &temporary, &error);
    let mut file = File::options().read(true).write(true).open(&temporary).map_err(unwritten)?;
    let step = observer.step(progress, "Converting", recording.samples);
    let mut before = 0;
    recording.read_tiles(|bytes, done| {
        file.write_all(bytes).map_err(DatasetError::io("write", &temporary))?;
        step.add(done - before);
        before = done;
        if step.is_cancelled() { Err(DatasetError::Interrupted) } else { Ok(()) }
    })?;
    drop(step);
    for warning in recording.warnings() {
        observer.message(Level::Warning, &format!("{}: {warning}", recording.path.display()));
    }
    Ok((file, temporary))
}

/// Keeps the manifest of a file that `generate` made, without the file's name: it is not in the
/// run's folder. Its samples have the digest `found`, unless they are rounded, which no digest
/// tells. Returns where.
fn kept_manifest(
    dataset: &StaticDataset,
    path: &Path,
    manifest: Manifest,
    found: Option<&ContentDigest>,
    folder: &RunFolder,
    observer: &dyn Observer,
) -> Result<String, Failure> {
    let again = format!(
        "make it again with: cortex-host generate --from {} {} --force",
        shell_word(&path.to_string_lossy()),
        shell_word(&dataset.path.to_string_lossy()),
    );
    let promised = (manifest.dataset.channels, manifest.dataset.samples);
    if promised != (dataset.channels, dataset.samples) {
        return Err(Failure::input_output(format!(
            "{} has {} channels × {} samples, but {} says {} × {}; {again}",
            dataset.path.display(),
            dataset.channels,
            dataset.samples,
            path.display(),
            promised.0,
            promised.1,
        )));
    }
    match found {
        Some(digest) if manifest.digest.content != *digest => {
            return Err(Failure::input_output(format!(
                "{} has {digest}, but {} says {}; {again}",
                dataset.path.display(),
                path.display(),
                manifest.digest.content,
            )));
        }
        Some(_) => {}
        None => observer.message(
            Level::Info,
            &format!(
                "{} holds the samples of its manifest rounded; they are not compared with its digest",
                dataset.path.display()
            ),
        ),
    }
    let name = format!("dataset/{MANIFEST_NAME}");
    place_text(&folder.path().join(&name), &Manifest { file: None, ..manifest }.to_yaml())?;
    Ok(name)
}

/// The digest of the very file that the run reads, whatever has its name by now.
fn file_digest(
    mut file: &File,
    path: &Path,
    algorithm: Algorithm,
    progress: &Progress,
    observer: &dyn Observer,
) -> Result<ContentDigest, Failure> {
    let unreadable = |error| Failure::io("read the dataset", path, &error);
    let bytes = file.metadata().map_err(unreadable)?.len();
    if bytes > LARGE_BYTES {
        observer.message(Level::Info, &format!("Hashing {} MB...", bytes / 1_000_000));
    }
    let mut digester = FileDigester::new(algorithm);
    loop {
        // A gigabyte takes seconds without the processor's SHA instructions.
        let taken = digester.update_from(Read::take(&mut file, 1 << 24)).map_err(unreadable)?;
        if progress.is_cancelled() {
            return Err(Failure::new(ExitCode::Interrupted, "interrupted; nothing was run"));
        }
        if taken == 0 {
            return Ok(digester.finish().content);
        }
    }
}

/// The samples of `dataset` in a temporary file.
fn generated(
    dataset: &GeneratedDataset,
    progress: &Progress,
    observer: &dyn Observer,
) -> Result<(File, TempPath, FileDigester), Failure> {
    observer.message(Level::Info, "Detected synthetic dataset generator");
    let temporary = temporary_dataset()?;
    let options = FileOptions { replace: true, ..FileOptions::automatic() };
    let mut digester = FileDigester::new(options.digest);
    let file = announce(dataset, observer, progress, |progress| {
        write_file(&Recipe::of(dataset), &temporary, &options, Some(&mut digester), progress)
    })
    .map_err(refused)?;
    observer.message(Level::Info, &format!("Generated file: {}", temporary.display()));
    Ok((file, temporary, digester))
}

fn generate(
    dataset: &GeneratedDataset,
    plan: &Plan,
    folder: &RunFolder,
    progress: &Progress,
    observer: &dyn Observer,
) -> Result<Data, Failure> {
    let (file, temporary, digester) = generated(dataset, progress, observer)?;
    // The data go with the run; the manifest stays and makes them again.
    let manifest = Manifest::now(dataset, None, digester.finish()).map_err(GenerateError::from)?;
    let manifest_name = format!("dataset/{MANIFEST_NAME}");
    place_text(&folder.path().join(&manifest_name), &manifest.to_yaml())?;
    let known = truth::events(dataset);
    let events = kept_events(&known, folder)?;
    Ok(Data {
        labels: WindowLabels::new(&known, dataset.spec.sample_rate_hz),
        samples: SampleFile::of(file, temporary.to_path_buf(), dataset.channels)?,
        facts: DatasetInfo {
            kind: "generator".to_owned(),
            path: dataset.primitive.clone(),
            signal_type: Some(dataset.signal_type.clone()),
            seed: Some(dataset.spec.seed),
            channels: dataset.channels,
            sample_rate_hz: dataset.spec.sample_rate_hz,
            samples_per_channel: dataset.samples,
            samples_used: plan.samples_per_repeat(),
            digest: manifest.digest.content,
            format: "float32".to_owned(),
            manifest: Some(manifest_name),
            events,
        },
        _temporary: Some(temporary),
    })
}

/// The failure of a generation that went wrong; for want of room it says where to make some.
fn refused(error: GenerateError) -> Failure {
    match error {
        GenerateError::Interrupted => {
            Failure::new(ExitCode::Interrupted, "interrupted while generating; nothing was run")
        }
        GenerateError::NoRoom { .. } => Failure::input_output(format!(
            "{error} (the environment variable {TEMPORARY_FOLDER_VARIABLE} names the folder for \
             temporary datasets)"
        )),
        error => error.into(),
    }
}
