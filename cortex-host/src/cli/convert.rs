//! `cortex-host convert IN OUT`: a recording becomes a dataset.

use std::path::PathBuf;

use super::Console;
use crate::base::{ExitCode, Failure};
use crate::base::{Observer, Progress};
use crate::recording::convert::{Converted, Writing, convert};
use crate::recording::{Format, OpenOptions, OptionSource, Recording, Unit, format_of_key};

/// Arguments of `convert`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host convert S001R03.edf S001R03.float32
  cortex-host convert night.edf eeg.float32 --channels C3,C4
  cortex-host convert eeg.float32 eeg.bdf
  cortex-host convert array.npy eeg.float32 --rate 250 --channels-first --unit V

Beside OUT.float32 come OUT.vhdr and OUT.vmrk (MNE: read_raw_brainvision; event names without
\"Comment/\" with ignore_marker_types=True) and, for formats that keep events, OUT_events.tsv (BIDS).
A .vhdr has its samples in OUT.eeg. EDF+ and BDF+ hold 16 and 24 bits a sample and the events; each
channel's range is its own. Nothing is replaced without --force.

A channel is named as convert writes it or as the file does. A comma in a name is written \\, or the
name is quoted: --channels 'A1\\,A2,Cz'.")]
pub struct Args {
    /// Recording: .edf, .edf+, .bdf, .vhdr, .npy, or raw float32 with a header beside it.
    pub input: PathBuf,
    /// File to write, in the format of its extension: .float32, .vhdr, .edf, .bdf or .npy.
    pub output: PathBuf,
    /// Format to write, for a name without an extension (float32, brainvision, edf, bdf, npy).
    #[arg(long, value_parser = format_of_key)]
    pub format: Option<&'static Format>,
    /// Take only these channels, in this order; of raw float32 without a header, their number.
    #[arg(long, value_name = "NAME,...|N")]
    pub channels: Vec<String>,
    /// Also write a NumPy copy, OUT with the extension .npy.
    #[arg(long)]
    pub npy: bool,
    /// Sample rate in Hz of a file that does not say.
    #[arg(long, value_name = "HZ")]
    pub rate: Option<f64>,
    /// Unit of samples whose file does not say (V, mV, uV, nV).
    #[arg(long)]
    pub unit: Option<Unit>,
    /// The .npy array is channels × samples, as MNE's get_data returns it.
    #[arg(long)]
    pub channels_first: bool,
    /// Take the whole records of a file shorter or longer than its header promises.
    #[arg(long)]
    pub accept_truncated: bool,
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
    let (channels, channel_count) = names_or_count(&args.channels);
    let options = OpenOptions {
        channels,
        channel_count,
        sample_rate_hz: args.rate,
        unit: args.unit,
        channels_first: args.channels_first,
        accept_truncated: args.accept_truncated,
        option_source: OptionSource::CommandLine,
    };
    let mut recording = Recording::open(&args.input, &options)?;
    let progress = Progress::cancelled_by_signals()?;
    let writing = Writing { format: args.format, npy: args.npy, replace: args.force };
    let converted = with_progress(&mut recording, &args.output, writing, console, &progress)?;
    if args.json {
        let notes: Vec<&String> = recording.notes.iter().chain(&converted.warnings).collect();
        let summary = serde_json::json!({
            "data": converted.data,
            "format": converted.format.key,
            "vhdr": converted.vhdr,
            "events": converted.events,
            "npy": converted.npy,
            "channels": recording.channels(),
            "channel_names": recording.channel_names,
            "sample_rate_hz": recording.sample_rate_hz,
            "samples": recording.samples,
            "bytes": converted.bytes,
            "sha256": converted.sha256,
            "outside_range": converted.outside_range,
            "overflowed": converted.overflowed,
            "notes": notes,
        });
        super::output::print(&format!("{summary:#}"))?;
    }
    Ok(ExitCode::Success)
}

/// `--channels`: names, or for files that have none how many there are.
pub(super) fn names_or_count(channels: &[String]) -> (Option<Vec<String>>, Option<usize>) {
    match channels {
        [] => (None, None),
        [one] if one.bytes().all(|byte| byte.is_ascii_digit()) => (None, one.parse().ok()),
        names => (Some(names.to_vec()), None),
    }
}

/// Converts and tells on stderr what happens; shared with `download`.
///
/// # Errors
/// As [`convert`].
pub fn with_progress(
    recording: &mut Recording,
    target: &std::path::Path,
    writing: Writing,
    console: &Console,
    progress: &Progress,
) -> Result<Converted, Failure> {
    for note in &recording.notes {
        console.warn(&format!("{}: {note}", recording.path.display()));
    }
    let step = console.step(progress, "Converting", recording.samples);
    let converted = convert(recording, target, writing, &step)?;
    drop(step);
    for warning in &converted.warnings {
        console.warn(&format!("{}: {warning}", recording.path.display()));
    }
    console.say(&format!(
        "{} {} → {}: {}ch × {} samples at {} Hz, {} bytes",
        recording.format,
        recording.path.display(),
        target.display(),
        recording.channels(),
        recording.samples,
        recording.sample_rate_hz,
        converted.bytes
    ));
    Ok(converted)
}
