//! `cortex-host convert IN OUT`: a recording becomes a dataset.

use std::path::{Path, PathBuf};

use super::support::bids_args::BidsArgs;
use super::support::open_args::OpenArgs;
use super::{Console, arguments, json};
use crate::base::{ExitCode, Failure};
use crate::base::{Observer, Progress};
use crate::recording::bids;
use crate::recording::{
    Converted, DatasetError, FORMATS, Format, Recording, Writing, convert, extensions,
    format_of_key,
};

/// Arguments of `convert`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host convert S001R03.edf S001R03.float32
  cortex-host convert night.edf eeg.float32 --channels C3,C4
  cortex-host convert eeg.float32 eeg.bdf
  cortex-host convert S001R03.edf --bids set --subject 001 --task motor --run 3
  cortex-host convert array.npy eeg.float32 --rate 250 --channels-first --unit V

Beside OUT.float32 come OUT.vhdr and OUT.vmrk (MNE: read_raw_brainvision; event names without
\"Comment/\" with ignore_marker_types=True) and, for formats that keep events, OUT_events.tsv (BIDS).
A .vhdr has its samples in OUT.eeg. EDF+ and BDF+ hold 16 and 24 bits a sample and the events; each
channel's range is its own. Nothing is replaced without --force.

A channel is named as convert writes it or as the file does. A comma in a name is written \\, or the
name is quoted: --channels 'A1\\,A2,Cz'.")]
pub struct Args {
    /// Recording.
    #[arg(
        value_parser = arguments::path(),
        help = format!("Recording: {}; raw float32 with a header or manifest beside it", extensions())
    )]
    pub input: PathBuf,
    /// File to write, in the format of its extension.
    #[arg(required_unless_present = "bids", conflicts_with = "bids", value_parser = arguments::path())]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub bids: BidsArgs,
    /// Format to write.
    #[arg(
        long,
        value_parser = format_of_key,
        help = format!(
            "Format to write, for a name without an extension or with --bids ({})",
            FORMATS.map(|format| format.key).join(", ")
        )
    )]
    pub format: Option<&'static Format>,
    /// Also write a NumPy copy, OUT with the extension .npy.
    #[arg(long)]
    pub npy: bool,
    #[command(flatten)]
    pub opening: OpenArgs,
    /// Replace OUT and the files beside it if they exist.
    #[arg(long)]
    pub force: bool,
    /// Print what was written as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    if [Some(&args.input), args.output.as_ref()].into_iter().flatten().any(|file| is_pipe(file)) {
        return Err(Failure::usage(
            "convert reads and writes files, no pipes; name a file in place of - (./- when it is \
             called so)",
        ));
    }
    let mut recording = Recording::open(&args.input, &args.opening.options())?;
    let progress = Progress::cancelled_by_signals()?;
    let writing = Writing { format: args.format, npy: args.npy, replace: args.force };
    let entities = args.bids.entities();
    let converted =
        with_progress(&mut recording, console, &progress, |recording, progress| {
            match (&entities, &args.output) {
                (Some(entities), _) => bids::write(recording, entities, None, writing, progress),
                (None, output) => {
                    convert(recording, &output.clone().unwrap_or_default(), writing, progress)
                }
            }
        })?;
    if args.json {
        let notes: Vec<&String> = recording.notes.iter().chain(&converted.warnings).collect();
        json::print(ConvertedFacts {
            data: &converted.data,
            format: converted.format.key,
            vhdr: converted.vhdr.as_deref(),
            events: converted.events.as_deref(),
            npy: converted.npy.as_deref(),
            channels: recording.channels(),
            channel_names: &recording.channel_names,
            sample_rate_hz: recording.sample_rate_hz,
            samples: recording.samples,
            bytes: converted.bytes,
            sha256: &converted.sha256,
            outside_range: &converted.outside_range,
            overflowed: &converted.overflowed,
            notes,
        })?;
    }
    Ok(ExitCode::Success)
}

fn is_pipe(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// What `convert` says of what it wrote.
#[derive(schemars::JsonSchema, serde::Serialize)]
pub struct ConvertedFacts<'a> {
    /// The file of samples.
    data: &'a Path,
    /// Its format.
    format: &'static str,
    /// The BrainVision header beside it, or that names it.
    vhdr: Option<&'a Path>,
    /// The events, when the format of the source keeps any.
    events: Option<&'a Path>,
    /// The NumPy copy, with `--npy`.
    npy: Option<&'a Path>,
    /// Number of channels.
    channels: usize,
    /// Their names.
    channel_names: &'a [String],
    /// Sample rate in Hz.
    sample_rate_hz: f64,
    /// Samples per channel.
    samples: u64,
    /// Size of the file of samples in bytes.
    bytes: u64,
    /// Its SHA-256 in lower-case hexadecimal.
    sha256: &'a str,
    /// Per channel, stored numbers outside their declared range.
    outside_range: &'a [u64],
    /// Per channel, stored numbers that became infinite in microvolts.
    overflowed: &'a [u64],
    /// What to know of how the file was taken: one sentence each.
    notes: Vec<&'a String>,
}

/// Has a recording written and tells on stderr what happens; shared with `download`.
///
/// # Errors
/// As `write`.
pub fn with_progress(
    recording: &mut Recording,
    console: &Console,
    progress: &Progress,
    write: impl FnOnce(&mut Recording, &Progress) -> Result<Converted, DatasetError>,
) -> Result<Converted, Failure> {
    for note in &recording.notes {
        console.warn(&format!("{}: {note}", recording.path.display()));
    }
    let step = console.step(progress, "Converting", recording.samples);
    let converted = write(recording, &step)?;
    drop(step);
    for warning in &converted.warnings {
        console.warn(&format!("{}: {warning}", recording.path.display()));
    }
    console.say(&format!(
        "{} {} → {}: {}ch × {} samples at {} Hz, {} bytes",
        recording.format,
        recording.path.display(),
        converted.data.display(),
        recording.channels(),
        recording.samples,
        recording.sample_rate_hz,
        converted.bytes
    ));
    Ok(converted)
}
