//! `cortex-host inspect`: what is in a file, a manifest's data or a dataset.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{Console, download, output, recordings};
use crate::base::atomic_file;
use crate::base::{ExitCode, Failure};
use crate::base::{Observer, Progress};
use crate::inspect::{ChannelReport, Inspection, html, inspect, svg};
use crate::primitive::{Dataset, Library};
use crate::recording::{OpenOptions, Recording, Unit};
use crate::synthetic::{MANIFEST_NAME, Manifest};

/// Channels in the table unless all are asked for.
const ROWS: usize = 64;

/// Arguments of `inspect`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host inspect S001R03.edf
  cortex-host inspect data.float32 --channels 64 --rate 160
  cortex-host inspect results/run-2026-01-12-153000 --plot data.svg
  cortex-host inspect primitives/datasets/v1/physionet-motor-imagery --json

The spectral slope is that of log density against log frequency (Welch, quarter octaves, line
frequencies left out): -1 for 1/f noise. The line columns say how far 50 and 60 Hz stand out.")]
pub struct Args {
    /// Recording (.float32, .vhdr, .npy, .edf, .bdf), generation manifest, results folder or
    /// dataset primitive.
    pub target: String,
    /// Number of channels of a .float32 file without a header beside it.
    #[arg(long, value_name = "N")]
    pub channels: Option<usize>,
    /// Sample rate in Hz of a file that does not say.
    #[arg(long, value_name = "HZ")]
    pub rate: Option<f64>,
    /// Unit of samples whose file does not say (V, mV, uV, nV).
    #[arg(long)]
    pub unit: Option<Unit>,
    /// The .npy array is channels × samples.
    #[arg(long)]
    pub channels_first: bool,
    /// Take the whole records of a file shorter or longer than its header promises.
    #[arg(long)]
    pub accept_truncated: bool,
    /// Fit the slope between these frequencies in Hz; default 1 to 0.4 × sample rate.
    #[arg(long, value_name = "LOW:HIGH", value_parser = parse_range)]
    pub fit_range: Option<(f64, f64)>,
    /// Show every channel, however many there are.
    #[arg(long)]
    pub all_channels: bool,
    /// Print JSON on stdout instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Also draw traces and spectrum, as .svg or .html.
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
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
    let files = files(&args.target)?;
    if files.len() > 1 && args.plot.is_some() {
        return Err(Failure::usage(format!(
            "{} holds {} recordings; name one of them for --plot, such as {}",
            args.target,
            files.len(),
            files.first().map_or(String::new(), |file| file.display().to_string())
        )));
    }
    let progress = Progress::cancelled_by_signals()?;
    let mut inspections = Vec::new();
    for file in &files {
        let inspection = inspect_file(file, args, &progress, console)?;
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
        let text = match inspections.as_slice() {
            [one] => serde_json::to_string_pretty(one),
            many => serde_json::to_string_pretty(many),
        };
        let text = text.map_err(|error| Failure::input_output(error.to_string()))?;
        output::print(&text)?;
    }
    Ok(ExitCode::Success)
}

/// The files of samples that `target` stands for.
fn files(target: &str) -> Result<Vec<PathBuf>, Failure> {
    let library = Library::new(None);
    let path = Path::new(target);
    let in_run = path.join("dataset").join(MANIFEST_NAME);
    if in_run.is_file() {
        return data_of(&in_run, &library);
    }
    let manifest = |path: &Path| {
        path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
    };
    if path.is_file() {
        return if manifest(path) { data_of(path, &library) } else { Ok(vec![path.to_owned()]) };
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
        Ok(Dataset::File(found)) => Ok(vec![found]),
        _ => Err(Failure::input_output(format!(
            "there is no file, results folder or dataset called {target}"
        ))),
    }
}

/// The data file of a manifest.
fn data_of(path: &Path, library: &Library) -> Result<Vec<PathBuf>, Failure> {
    let manifest = Manifest::read(path, library)?;
    match manifest.file {
        Some(name) => Ok(vec![path.with_file_name(name)]),
        None => Err(Failure::input_output(format!(
            "{} was written without keeping its data; make it again with: cortex-host reproduce {}",
            path.display(),
            path.display()
        ))),
    }
}

/// The converted recordings of a static dataset that are there.
fn converted(library: &Library, target: &str) -> Result<Vec<PathBuf>, Failure> {
    let (_, folder) = download::open_catalogue(library, target)?;
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
    Ok(files)
}

fn inspect_file(
    file: &Path,
    args: &Args,
    progress: &Progress,
    console: &Console,
) -> Result<Inspection, Failure> {
    let options = OpenOptions {
        channels: None,
        channel_count: args.channels,
        sample_rate_hz: args.rate,
        unit: args.unit,
        channels_first: args.channels_first,
        accept_truncated: args.accept_truncated,
    };
    let mut recording = Recording::open(file, &options)?;
    for note in &recording.notes {
        console.warn(&format!("{}: {note}", file.display()));
    }
    let step = console.step(progress, "Inspecting", recording.samples);
    Ok(inspect(&mut recording, args.fit_range, &step)?)
}

/// The inspection for a terminal.
fn table(inspection: &Inspection, all: bool) -> String {
    let mut text = String::new();
    let reports = &inspection.channel_reports;
    let _ = writeln!(
        text,
        "{}: {}, {} channels × {} samples at {} Hz, {:.3} s, {} bytes",
        inspection.file,
        inspection.format,
        inspection.channels,
        inspection.samples,
        inspection.sample_rate_hz,
        inspection.duration_s,
        inspection.bytes
    );
    let _ = writeln!(text, "SHA-256 {}", inspection.sha256);
    match &inspection.spectrum {
        Some(facts) => {
            let _ = writeln!(
                text,
                "spectrum: Welch, {} samples ({:.4} Hz), slope fitted from {:.3} to {:.3} Hz",
                facts.segment_samples,
                facts.resolution_hz,
                facts.fit_range_hz.0,
                facts.fit_range_hz.1
            );
        }
        None => text.push_str("spectrum: none, the recording is too short\n"),
    }
    let width = reports.iter().map(|r| r.name.chars().count()).max().unwrap_or(0).max(7);
    let _ = writeln!(
        text,
        "\n{:width$} {:>11} {:>11} {:>11} {:>11} {:>8} {:>7} {:>8} {:>8}",
        "channel", "mean µV", "RMS µV", "min µV", "max µV", "NaN", "slope", "50 Hz dB", "60 Hz dB"
    );
    let shown = if all { reports.len() } else { reports.len().min(ROWS) };
    for report in reports.iter().take(shown) {
        let _ = writeln!(text, "{:width$} {}", report.name, row(report));
    }
    if shown < reports.len() {
        let _ = writeln!(
            text,
            "... and {} more (--all-channels, or --json for scripts)",
            reports.len() - shown
        );
    }
    if reports.len() > 1 {
        let _ = writeln!(text, "{:width$} {}", "median", row(&median(reports)));
    }
    text
}

fn row(report: &ChannelReport) -> String {
    let cell = |value: Option<f64>, digits: usize| match value {
        Some(value) => format!("{value:.digits$}"),
        None => "-".to_owned(),
    };
    format!(
        "{:>11} {:>11} {:>11} {:>11} {:>8} {:>7} {:>8} {:>8}",
        cell(report.mean_uv, 4),
        cell(report.rms_uv, 4),
        cell(report.min_uv.map(f64::from), 3),
        cell(report.max_uv.map(f64::from), 3),
        report.nan_count,
        cell(report.slope, 3),
        cell(report.line_50_db, 1),
        cell(report.line_60_db, 1)
    )
}

/// The median of each column; the sum of the NaN counts.
fn median(reports: &[ChannelReport]) -> ChannelReport {
    let of = |value: fn(&ChannelReport) -> Option<f64>| {
        let mut values: Vec<f64> = reports.iter().filter_map(value).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    ChannelReport {
        name: String::new(),
        mean_uv: of(|r| r.mean_uv),
        rms_uv: of(|r| r.rms_uv),
        min_uv: of(|r| r.min_uv.map(f64::from)).map(|value| value as f32),
        max_uv: of(|r| r.max_uv.map(f64::from)).map(|value| value as f32),
        nan_count: reports.iter().map(|r| r.nan_count).sum(),
        infinite_count: reports.iter().map(|r| r.infinite_count).sum(),
        slope: of(|r| r.slope),
        line_50_db: of(|r| r.line_50_db),
        line_60_db: of(|r| r.line_60_db),
    }
}

fn parse_range(text: &str) -> Result<(f64, f64), String> {
    let parsed = text.split_once(':').and_then(|(low, high)| {
        Some((low.trim().parse::<f64>().ok()?, high.trim().parse::<f64>().ok()?))
    });
    parsed.ok_or_else(|| "write two frequencies in Hz, such as 1:40".to_owned())
}
