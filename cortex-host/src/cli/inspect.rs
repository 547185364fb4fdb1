//! `cortex-host inspect`: what is in a file, a manifest's data or a dataset.

use std::convert::Infallible;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::support::inspection_table::table;
use super::support::open_args::OpenArgs;
use super::{Console, arguments, json, output, recordings};
use crate::base::atomic_file;
use crate::base::digest::{ContentDigest, FileDigester};
use crate::base::{ExitCode, Failure, Observer, Progress, expand_home};
use crate::generate::{FileOptions, Recipe, announce, truth, write_file};
use crate::inspect::known::Units;
use crate::inspect::{Inspection, html, inspect, svg};
use crate::primitive::{Dataset, Library, LookupError};
use crate::recording::{Recording, extensions, format_of_key};
use crate::results::{DatasetInfo, Summary};
use crate::synthetic::{MANIFEST_NAME, Manifest};

/// Arguments of `inspect`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host inspect S001R03.edf
  cortex-host inspect data.float32 --channels 64 --rate 160
  cortex-host inspect results/run-2026-01-12-153000 --plot data.svg
  cortex-host inspect primitives/datasets/v1/physionet-motor-imagery --json

The spectral slope is that of log density against log frequency (Welch, quarter octaves, line
frequencies left out): -1 for 1/f noise. The line columns say how far 50 and 60 Hz stand out.
Events of the recording and the units of a .spikes.npy beside it are counted below the channels.")]
pub struct Args {
    /// What to look at.
    #[arg(help = format!(
        "Recording ({}), generation manifest, results folder or dataset primitive",
        extensions()
    ))]
    pub target: String,
    #[command(flatten)]
    pub opening: OpenArgs,
    /// Fit the slope between these frequencies in Hz; default 1 to 0.4 × sample rate.
    #[arg(long, value_name = "LOW:HIGH", value_parser = parse_range)]
    pub fit_range: Option<(f64, f64)>,
    /// Show every channel, label and unit, however many there are.
    #[arg(long)]
    pub all_channels: bool,
    /// Print JSON on stdout instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Also draw traces and spectrum, as .svg or .html.
    #[arg(long, value_name = "FILE", value_parser = arguments::path())]
    pub plot: Option<PathBuf>,
    /// Replace the --plot file if it exists.
    #[arg(long)]
    pub force: bool,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let draw: Option<fn(&Inspection) -> String> = match &args.plot {
        None => None,
        Some(path) => match path.extension().and_then(|extension| extension.to_str()) {
            Some("svg") => Some(svg),
            Some("html" | "htm") => Some(html),
            _ => {
                return Err(Failure::usage(format!(
                    "--plot {}: the name must end in .svg or .html",
                    path.display()
                )));
            }
        },
    };
    let progress = Progress::cancelled_by_signals()?;
    let files = files(&args.target)?;
    if files.len() > 1 && args.plot.is_some() {
        return Err(Failure::usage(format!(
            "{} holds {} recordings; name one of them for --plot, such as {}",
            args.target,
            files.len(),
            files.first().map_or(String::new(), Source::name)
        )));
    }
    atomic_file::refuse_taken(args.plot.as_deref(), args.force)?;
    let mut inspections = Vec::new();
    for file in &files {
        let inspection = inspect_source(file, args, &progress, console)?;
        if !args.json {
            output::print(table(&inspection, args.all_channels).trim_end())?;
        }
        if let (Some(draw), Some(path)) = (draw, &args.plot) {
            atomic_file::place_text(path, &draw(&inspection))?;
            console.say(&format!("Plot: {}", path.display()));
        }
        inspections.push(inspection);
    }
    if args.json {
        json::print(Inspections::of(inspections))?;
    }
    Ok(ExitCode::Success)
}

/// What `inspect` says: of one recording its facts, of a dataset those of each recording.
#[derive(schemars::JsonSchema, serde::Serialize)]
#[serde(untagged)]
pub enum Inspections {
    /// One recording.
    One(Box<Inspection>),
    /// The recordings of a dataset.
    Many {
        /// Each of them.
        recordings: Vec<Inspection>,
    },
}

impl Inspections {
    fn of(mut inspections: Vec<Inspection>) -> Self {
        match inspections.pop() {
            Some(one) if inspections.is_empty() => Self::One(Box::new(one)),
            last => {
                inspections.extend(last);
                Self::Many { recordings: inspections }
            }
        }
    }
}

/// Where samples come from.
enum Source {
    /// A file, whose digest should be this one.
    File(PathBuf, Option<ContentDigest>),
    /// A dataset that is made again: its data were not kept.
    Again(Box<Manifest>, String),
}

impl Source {
    fn name(&self) -> String {
        match self {
            Self::File(path, _) => path.display().to_string(),
            Self::Again(_, name) => name.clone(),
        }
    }
}

/// The samples that `target` stands for.
fn files(target: &str) -> Result<Vec<Source>, Failure> {
    let library = Library::new(None);
    let expanded = expand_home(target).map_err(Failure::usage)?;
    let (path, target) = (expanded.as_path(), &*expanded.to_string_lossy());
    let in_run = path.join("dataset").join(MANIFEST_NAME);
    let run = path.join("summary.json").is_file().then(|| summary_of(path));
    // A file that rounds holds other samples than its manifest makes.
    let rounded = |run: &Summary| format_of_key(&run.dataset.format).is_ok_and(|f| f.rounds);
    match run {
        Some(Ok(run)) if rounded(&run) || !in_run.is_file() => return recorded(path, run.dataset),
        Some(Err(failure)) if !in_run.is_file() => return Err(failure),
        _ if in_run.is_file() => return data_of(&in_run, &library),
        _ => {}
    }
    let manifest = |path: &Path| {
        path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
    };
    if path.is_file() {
        return if manifest(path) {
            data_of(path, &library)
        } else {
            Ok(vec![Source::File(path.to_owned(), None)])
        };
    }
    if recordings::is_static(&library, target) {
        return converted(&library, target);
    }
    if library.specification(target).is_some() {
        return Err(Failure::usage(format!(
            "{target} is a generator and holds no data; make some with: cortex-host generate pink_noise 64 160 10 data.float32"
        )));
    }
    match library.dataset(target) {
        Ok(Dataset::File(found)) => Ok(vec![Source::File(found, None)]),
        Err(LookupError::File(message)) => Err(Failure::input_output(message)),
        _ => Err(Failure::input_output(format!(
            "there is no file, results folder or dataset called {target}"
        ))),
    }
}

/// The data of a manifest: the file beside it, or made again.
fn data_of(path: &Path, library: &Library) -> Result<Vec<Source>, Failure> {
    let manifest = Manifest::read(path, library)?;
    Ok(vec![match &manifest.file {
        Some(name) => {
            Source::File(path.with_file_name(name), Some(manifest.digest.content.clone()))
        }
        None => Source::Again(Box::new(manifest), path.display().to_string()),
    }])
}

/// The summary of the run in `folder`.
fn summary_of(folder: &Path) -> Result<Summary, Failure> {
    let path = folder.join("summary.json");
    let text =
        std::fs::read_to_string(&path).map_err(|error| Failure::io("read", &path, &error))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::input_output(format!("{}: {error}", path.display())))
}

/// The recording `dataset` that the run in `folder` was made on.
fn recorded(folder: &Path, dataset: DatasetInfo) -> Result<Vec<Source>, Failure> {
    match Library::new(Some(folder)).dataset(&dataset.path) {
        Ok(Dataset::File(found)) => Ok(vec![Source::File(found, Some(dataset.digest))]),
        _ => Err(Failure::input_output(format!(
            "the run {} was made on {}, which is not there any more; look at it from the folder where the run was started",
            folder.display(),
            dataset.path
        ))),
    }
}

/// The converted recordings of a static dataset that are there.
fn converted(library: &Library, target: &str) -> Result<Vec<Source>, Failure> {
    let (_, folder) = recordings::open_catalogue(library, target)?;
    let folder = folder.unwrap_or_else(|| PathBuf::from(target)).join("converted");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "float32"));
    files.sort();
    if files.is_empty() {
        return Err(Failure::input_output(format!(
            "there is no recording in {}; fetch some with: cortex-host download physionet",
            folder.display()
        )));
    }
    Ok(files.into_iter().map(|file| Source::File(file, None)).collect())
}

/// Looks at a source; a dataset that is made again lies in a temporary file meanwhile.
fn inspect_source(
    source: &Source,
    args: &Args,
    progress: &Progress,
    console: &Console,
) -> Result<Inspection, Failure> {
    match source {
        Source::File(file, expected) => {
            let inspection = inspect_file(file, args, progress, console)?;
            if let Some(expected) = expected
                && !has_digest(file, &inspection, expected)?
            {
                console.warn(&format!(
                    "{}: its {} is another one now; it has been changed",
                    file.display(),
                    expected.algorithm().name()
                ));
            }
            Ok(inspection)
        }
        Source::Again(manifest, name) => {
            let dataset = &manifest.dataset;
            let temporary = atomic_file::temporary_dataset()?;
            let options = FileOptions { replace: true, ..FileOptions::automatic() };
            announce(dataset, console, progress, |progress| {
                write_file(&Recipe::of(dataset), &temporary, &options, None, progress)
            })?;
            let shape = Args {
                target: String::new(),
                opening: OpenArgs {
                    channels: vec![dataset.channels.to_string()],
                    rate: Some(dataset.spec.sample_rate_hz),
                    ..args.opening.clone()
                },
                plot: None,
                ..args.clone()
            };
            let mut inspection = inspect_file(&temporary, &shape, progress, console)?;
            inspection.file = format!("{name} (made again)");
            let mut units = Units::default();
            let Ok(()) = truth::each_spike(dataset, |spikes| {
                spikes.iter().for_each(|spike| units.take(spike));
                Ok::<(), Infallible>(())
            });
            inspection.know(&truth::events(dataset), &units);
            Ok(inspection)
        }
    }
}

/// Whether `file`, which gave `inspection`, has the digest `expected`.
fn has_digest(
    file: &Path,
    inspection: &Inspection,
    expected: &ContentDigest,
) -> Result<bool, Failure> {
    if let ContentDigest::Sha256(sha256) = expected {
        return Ok(*sha256 == inspection.sha256);
    }
    let mut digester = FileDigester::new(expected.algorithm());
    File::open(file)
        .and_then(|file| digester.update_from(file))
        .map_err(|error| Failure::io("read", file, &error))?;
    Ok(digester.finish().content == *expected)
}

fn inspect_file(
    file: &Path,
    args: &Args,
    progress: &Progress,
    console: &Console,
) -> Result<Inspection, Failure> {
    let mut recording = Recording::open(file, &args.opening.options())?;
    for note in &recording.notes {
        console.warn(&format!("{}: {note}", file.display()));
    }
    let step = console.step(progress, "Inspecting", recording.samples);
    let inspection = inspect(&mut recording, args.fit_range, &step)?;
    drop(step);
    for warning in recording.warnings() {
        console.warn(&format!("{}: {warning}", file.display()));
    }
    Ok(inspection)
}

fn parse_range(text: &str) -> Result<(f64, f64), String> {
    let parsed = text.split_once(':').and_then(|(low, high)| {
        Some((low.trim().parse::<f64>().ok()?, high.trim().parse::<f64>().ok()?))
    });
    parsed
        .filter(|(low, high)| *low > 0.0 && low < high && high.is_finite())
        .ok_or_else(|| "write two frequencies in Hz, the lower first, such as 1:40".to_owned())
}
