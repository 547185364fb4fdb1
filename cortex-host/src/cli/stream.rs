//! `cortex-host stream`: a dataset in real time, as a stream of the Lab Streaming Layer.

use std::path::{Path, PathBuf};

use super::support::open_args::OpenArgs;
use super::{Console, arguments, json};
use crate::base::{ExitCode, Failure, Progress};
use crate::plan;
use crate::platform::lsl::Lsl;
use crate::recording::{Recording, extensions};
use crate::stream::{Played, Source, Streaming, play};
use crate::synthetic::{MANIFEST_NAME, MANIFEST_SUFFIX, Manifest};

/// Arguments of `stream`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host stream --lsl
  cortex-host stream my.yaml --lsl --wait
  cortex-host stream S001R03.edf --lsl --name motor --repeat

The stream has one channel per channel of the dataset, in microvolts, with names and units in its
description; events are a second stream, NAME-markers. Each sample is sent when it is due by the
sample clock, with that time as its time stamp: n samples after the start it is exactly n / rate.
Nothing is left out when the machine is late. liblsl is loaded when it is needed.")]
pub struct Args {
    /// What to play.
    #[arg(
        value_parser = arguments::path(),
        help = format!(
            "Recording ({}), manifest, results folder or configuration [default: the built-in quickstart]",
            extensions()
        )
    )]
    pub source: Option<PathBuf>,
    /// As streams of the Lab Streaming Layer.
    #[arg(long, required = true)]
    pub lsl: bool,
    /// Name of the stream [default: the file's name, or the signal's].
    #[arg(long)]
    pub name: Option<String>,
    /// Content of the stream, which receivers look for.
    #[arg(long = "type", value_name = "TYPE", default_value = "EEG")]
    pub content_type: String,
    /// Wait for a receiver of every stream before the first sample.
    #[arg(long)]
    pub wait: bool,
    /// At the end begin again, until Ctrl-C.
    #[arg(long)]
    pub repeat: bool,
    /// Leave the events out.
    #[arg(long)]
    pub no_markers: bool,
    /// The library's file, liblsl.so, lsl.dll or liblsl.dylib [default: $PYLSL_LIB, or the
    /// system's].
    #[arg(long, value_name = "FILE", value_parser = arguments::path())]
    pub liblsl: Option<PathBuf>,
    #[command(flatten)]
    pub opening: OpenArgs,
    /// Print what was played as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let mut source = source(args, console)?;
    let library = args.liblsl.clone().map(PathBuf::into_os_string);
    let lsl = Lsl::load(library).map_err(Failure::input_output)?;
    let progress = Progress::cancelled_by_signals()?;
    let streaming = Streaming {
        name: args.name.clone().unwrap_or_else(|| source.name.clone()),
        content_type: args.content_type.clone(),
        markers: !args.no_markers,
        wait: args.wait,
        repeat: args.repeat,
    };
    let played = play(&mut source, &lsl, &streaming, console, &progress)?;
    let facts = StreamFacts::of(&streaming.name, &source, &played);
    console.say(&format!(
        "{} samples and {} markers in {:.3} s; sent late by {:.3} ms at p99, {:.3} ms at most",
        facts.samples,
        facts.markers,
        facts.duration_s,
        facts.late_p99_us * 1e-3,
        facts.late_max_us * 1e-3
    ));
    if args.json {
        json::print(&facts)?;
    }
    // A stream that repeats has no other end.
    Ok(if played.stopped && !args.repeat { ExitCode::Interrupted } else { ExitCode::Success })
}

/// What `SOURCE` stands for.
fn source(args: &Args, console: &Console) -> Result<Source, Failure> {
    let Some(path) = &args.source else { return Source::planned(&plan::load(None)?.dataset) };
    if is_manifest(path) {
        return Ok(Source::generated(Manifest::of_argument(path)?.0.dataset));
    }
    let extension = path.extension().unwrap_or_default();
    if extension == "yaml" || extension == "yml" || path == Path::new("-") {
        return Source::planned(&plan::load(Some(&path.to_string_lossy()))?.dataset);
    }
    let recording = Recording::open(path, &args.opening.options())?;
    for note in &recording.notes {
        console.warn(&format!("{}: {note}", path.display()));
    }
    Ok(Source::recorded(recording))
}

/// Whether `path` names a manifest, or a folder that holds one.
fn is_manifest(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.is_dir() || name == MANIFEST_NAME || name.ends_with(MANIFEST_SUFFIX)
}

/// What `stream` says of what it played.
#[derive(schemars::JsonSchema, serde::Serialize)]
pub struct StreamFacts<'a> {
    /// The stream's name.
    name: &'a str,
    /// Number of channels.
    channels: usize,
    /// Sample rate in Hz.
    sample_rate_hz: f64,
    /// Samples per channel that were sent.
    samples: u64,
    /// Markers that were sent.
    markers: u64,
    /// From the first sample to the last, in seconds.
    duration_s: f64,
    /// How much too late chunks were sent, in microseconds: half of them at most.
    late_p50_us: f64,
    /// 99 % of them at most.
    late_p99_us: f64,
    /// All of them at most.
    late_max_us: f64,
}

impl<'a> StreamFacts<'a> {
    fn of(name: &'a str, source: &Source, played: &Played) -> Self {
        let late_us = |quantile| played.late_ns.value_at_quantile(quantile) as f64 * 1e-3;
        Self {
            name,
            channels: source.channels(),
            sample_rate_hz: source.sample_rate_hz,
            samples: played.samples,
            markers: played.markers,
            duration_s: played.duration_s,
            late_p50_us: late_us(0.5),
            late_p99_us: late_us(0.99),
            late_max_us: played.late_ns.max() as f64 * 1e-3,
        }
    }
}
