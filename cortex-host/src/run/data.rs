//! The data of a run: a static file checked and hashed, or a generated one in a temporary file.

use std::fs::File;
use std::io::Read;

use tempfile::TempPath;

use crate::base::atomic_file::{clear_abandoned, place_text};
use crate::base::digest::FileDigester;
use crate::base::{ExitCode, Failure, Level, Observer, Progress};
use crate::generate::{FileOptions, GenerateError, Recipe, announce, write_file};
use crate::harness::SampleFile;
use crate::plan::{DatasetPlan, Plan, StaticDataset};
use crate::results::{DatasetFacts, InputSpectrum, RunFolder, SPECTRUM_NAME};
use crate::synthetic::GeneratedDataset;
use crate::synthetic::{MANIFEST_NAME, Manifest};

/// Hashing more than this is worth a message.
const LARGE_BYTES: u64 = 1 << 28;

/// How the name of a generated file begins.
const TEMPORARY_PREFIX: &str = "cortex_gen_";

/// How it ends.
const TEMPORARY_SUFFIX: &str = ".float32";

/// The data, ready to be read.
pub(super) struct Data {
    /// The open file.
    pub(super) samples: SampleFile,
    /// What the summary says of it.
    pub(super) facts: DatasetFacts,
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
        DatasetPlan::Static(dataset) => (open(dataset, plan, progress, observer)?, None),
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

fn open(
    dataset: &StaticDataset,
    plan: &Plan,
    progress: &Progress,
    observer: &dyn Observer,
) -> Result<Data, Failure> {
    let samples = SampleFile::open(&dataset.path, dataset.channels)?;
    let bytes = plan.dataset.bytes();
    if samples.rows() != dataset.samples {
        return Err(Failure::input_output(format!(
            "the dataset {} has changed its length since the run was planned; run again",
            dataset.path.display()
        )));
    }
    observer.message(Level::Info, &format!("Using {}", dataset.path.display()));
    if bytes > LARGE_BYTES {
        observer.message(Level::Info, &format!("Hashing {} MB...", bytes / 1_000_000));
    }
    let sha256 = file_sha256(&samples, dataset, progress)?;
    Ok(Data {
        samples,
        facts: DatasetFacts {
            kind: "static".to_owned(),
            path: dataset.configured_path.clone(),
            signal_type: None,
            seed: None,
            channels: dataset.channels,
            sample_rate_hz: dataset.sample_rate_hz,
            samples_per_channel: dataset.samples,
            samples_used: plan.samples_per_repeat(),
            sha256,
            manifest: None,
        },
        _temporary: None,
    })
}

/// The digest of the very file that the run reads, whatever has its name by now.
fn file_sha256(
    samples: &SampleFile,
    dataset: &StaticDataset,
    progress: &Progress,
) -> Result<String, Failure> {
    let unreadable = |error| Failure::io("read the dataset", &dataset.path, &error);
    let mut file = samples.file();
    let mut digester = FileDigester::default();
    loop {
        // A gigabyte takes seconds without the processor's SHA instructions.
        let taken = digester.update_from(Read::take(&mut file, 1 << 24)).map_err(unreadable)?;
        if progress.is_cancelled() {
            return Err(Failure::new(ExitCode::Interrupted, "interrupted; nothing was run"));
        }
        if taken == 0 {
            return Ok(digester.finish().sha256);
        }
    }
}

fn generate(
    dataset: &GeneratedDataset,
    plan: &Plan,
    folder: &RunFolder,
    progress: &Progress,
    observer: &dyn Observer,
) -> Result<Data, Failure> {
    observer.message(Level::Info, "Detected synthetic dataset generator");
    let temporary_folder = std::env::temp_dir();
    // What killed runs have left, under its name or before it got it.
    clear_abandoned(&temporary_folder, TEMPORARY_PREFIX, TEMPORARY_SUFFIX);
    clear_abandoned(&temporary_folder, &format!(".{TEMPORARY_PREFIX}"), ".part");
    let temporary = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .suffix(TEMPORARY_SUFFIX)
        .make_in(&temporary_folder, |path| File::create_new(path))
        .map_err(|error| {
            Failure::input_output(format!(
                "cannot make a temporary file in {}: {error}; set TMPDIR to a folder that can be written",
                temporary_folder.display()
            ))
        })?
        .into_temp_path();
    let options = FileOptions { replace: true, ..FileOptions::automatic() };
    let mut digester = FileDigester::default();
    let file = announce(dataset, observer, progress, |progress| {
        write_file(&Recipe::of(dataset), &temporary, &options, Some(&mut digester), progress)
    })
    .map_err(refused)?;
    observer.message(Level::Info, &format!("Generated file: {}", temporary.display()));

    // The data go with the run; the manifest stays and makes them again.
    let manifest = Manifest::now(dataset, None, digester.finish()).map_err(GenerateError::from)?;
    let manifest_name = format!("dataset/{MANIFEST_NAME}");
    place_text(&folder.path().join(&manifest_name), &manifest.to_yaml())?;
    Ok(Data {
        samples: SampleFile::of(file, temporary.to_path_buf(), dataset.channels)?,
        facts: DatasetFacts {
            kind: "generator".to_owned(),
            path: dataset.primitive.clone(),
            signal_type: Some(dataset.signal_type.clone()),
            seed: Some(dataset.spec.seed),
            channels: dataset.channels,
            sample_rate_hz: dataset.spec.sample_rate_hz,
            samples_per_channel: dataset.samples,
            samples_used: plan.samples_per_repeat(),
            sha256: manifest.digest.sha256,
            manifest: Some(manifest_name),
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
            "{error} (the environment variable TMPDIR names the folder for temporary datasets)"
        )),
        error => error.into(),
    }
}
