//! `cortex-host generate`: a synthetic dataset as a file or a stream.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::support::bids_args::BidsArgs;
use super::support::engine_args::EngineArgs;
use super::support::param_args::{PARAMETERS, ParamArgs};
use super::{Console, arguments, json};
use crate::base::Progress;
use crate::base::atomic_file::{PersistOptions, refuse_taken, remove_if_present};
use crate::base::digest::{Algorithm, ContentDigest, FileDigest};
use crate::base::{ExitCode, Failure, listed};
use crate::config::{DatasetConfig, Entry, Node, Value};
use crate::generate::{
    FileOptions, GenerateError, IoMode, Place, Recipe, Sharded, announce, check_place, produce_in,
    produce_shard, write_stream,
};
use crate::harness::Pace;
use crate::primitive::Library;
use crate::recording::{
    FLOAT32, FORMATS, Format, check_raw_name, dataset_files, format_of_key, format_to_write, npy,
};
use crate::stream::PacedWriter;
use crate::synthetic::{
    GeneratedDataset, Manifest, Shard, ShardLayout, first_generator, generated, manifest_beside,
    shared_file,
};

/// Arguments of `generate`.
#[derive(Debug, clap::Args)]
#[command(
    allow_negative_numbers = true,
    override_usage = "cortex-host generate [OPTIONS] SIGNAL CHANNELS RATE_HZ DURATION_S OUT\n       \
                      cortex-host generate [OPTIONS] --from MANIFEST OUT",
    after_help = "\
Examples:
  cortex-host generate pink_noise 1024 160 120.0 data.float32 --amplitude-uv-rms=100 --seed=42
  cortex-host generate sine_wave 64 250 10 sine.float32 --frequency-hz=12.5
  cortex-host generate pink_noise 8 30000 1 - | my-decoder
  cortex-host generate spikes 64 30000 10 spikes.float32 --snr-db=20
  cortex-host generate eeg 32 250 600 p300.float32 --paradigm=p300 --front-end-converter=ads1299
  cortex-host generate eeg 32 250 600 p300.edf --paradigm=p300
  cortex-host generate spikes 16 30000 5 --spikeinterface probe
  cortex-host generate eeg 32 250 600 --bids set --subject 001 --task p300 --paradigm=p300
  cortex-host generate pink_noise 8 250 60 - --pace realtime | my-decoder
  cortex-host generate --from results/run-2026-01-12-153000 data.float32

OUT.float32 gets interleaved little-endian float32 in microvolts. Beside it come OUT.manifest.yaml
(cortex-host reproduce checks it) and a BrainVision header (MNE: read_raw_brainvision). Another
extension is another format: .vhdr, .edf, .bdf, .npy. EDF+ and BDF+ hold 16 and 24 bits a sample.
Options may be spelt with underscores, as in configurations."
)]
pub struct Args {
    /// Signal, such as pink_noise, spikes or eeg (list shows each primitive's). With --from, OUT.
    #[arg(required_unless_present = "from", value_parser = arguments::text_or_path)]
    pub signal: Option<String>,
    /// Number of channels.
    #[arg(required_unless_present = "from")]
    pub channels: Option<u64>,
    /// Sample rate in Hz.
    #[arg(required_unless_present = "from")]
    pub rate_hz: Option<f64>,
    /// Duration in seconds; times the rate, rounded to the nearest whole sample.
    #[arg(required_unless_present = "from")]
    pub duration_s: Option<f64>,
    /// File to write, in the format of its extension, or - for stdout.
    #[arg(
        required_unless_present_any = ["from", "bids", "spikeinterface"],
        conflicts_with_all = ["bids", "spikeinterface"],
        value_parser = arguments::path()
    )]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    bids: BidsArgs,
    /// Write spikes into this folder as SpikeInterface saves and loads them: FOLDER/recording and
    /// FOLDER/sorting.
    #[arg(
        long,
        value_name = "FOLDER",
        value_parser = arguments::path(),
        conflicts_with_all = ["bids", "npy", "shard", "format"]
    )]
    pub spikeinterface: Option<PathBuf>,
    /// Format to write.
    #[arg(
        long,
        value_parser = format_of_key,
        conflicts_with = "shard",
        help = format!(
            "Format to write, for a name without an extension or with --bids ({})",
            FORMATS.map(|format| format.key).join(", ")
        )
    )]
    pub format: Option<&'static Format>,
    /// To stdout: as fast as it is taken, or each sample when it would have been taken.
    #[arg(long, value_name = "realtime|max", default_value = "max", value_parser = pace)]
    pub pace: Pace,
    /// Make the dataset of a manifest again and check its digests: a manifest, a run's folder, a
    /// pipe, or - for stdin.
    #[arg(long, value_name = "MANIFEST", value_parser = arguments::path(), conflicts_with_all = ["channels", "primitive", PARAMETERS])]
    pub from: Option<PathBuf>,
    /// The generator [default: primitives/datasets/VERSION/synthetic of the first version that
    /// has the signal].
    #[arg(long, value_name = "PATH")]
    pub primitive: Option<String>,
    #[command(flatten)]
    engine: EngineArgs,
    /// How the file is written: through a memory map, or by positioned writes.
    #[arg(long, value_name = "mmap|direct", default_value = "direct")]
    pub io: IoMode,
    /// Only shard K of N, a range of the channels; `merge` joins the shards to OUT.
    #[arg(long, value_name = "K/N", conflicts_with = "npy", conflicts_with = "bids")]
    pub shard: Option<Shard>,
    /// With --shard: a file of its own, for file systems where several machines must not write
    /// the same file.
    #[arg(long, requires = "shard")]
    pub separate: bool,
    /// Also write a NumPy copy, OUT with the extension .npy.
    #[arg(long)]
    pub npy: bool,
    /// Replace OUT if it exists.
    #[arg(long)]
    pub force: bool,
    /// Wait until the disk has everything, so that it survives a power cut.
    #[arg(long)]
    pub fsync: bool,
    /// The manifest holds the SHA-256 of the bytes instead of their BLAKE3: slower, and what
    /// sha256sum checks. --from takes the manifest's.
    #[arg(long, conflicts_with = "from")]
    pub sha256: bool,
    /// Print the manifest's facts as JSON on stdout (on stderr with OUT -).
    #[arg(long)]
    pub json: bool,
    // Last, because options after a heading stand under it.
    #[command(flatten)]
    params: ParamArgs,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let (dataset, expected, digest) = match &args.from {
        Some(manifest) => {
            let (manifest, _) = Manifest::of_argument(manifest)?;
            let digest = manifest.digest.content.algorithm();
            // The digests of a shard are not of the whole.
            (manifest.dataset, manifest.shard.is_none().then_some(manifest.digest), digest)
        }
        None => {
            let dataset = generated(&args.dataset().into(), &Library::new(None))
                .map_err(|problem| problem.in_source("generate"))?;
            let digest = if args.sha256 { Algorithm::Sha256 } else { Algorithm::default() };
            (dataset, None, digest)
        }
    };
    let options = FileOptions {
        settings: args.engine.settings()?,
        io: args.io,
        replace: args.force,
        durable: args.fsync,
        digest,
    };
    let progress = Progress::cancelled_by_signals()?;
    args.check_names()?;
    let entities = args.bids.entities();
    let out = args.out();
    let named = entities.is_some() || args.spikeinterface.is_some();
    let to_stdout = !named && out.as_os_str() == "-";
    if args.pace == Pace::Realtime && !to_stdout {
        return Err(Failure::usage(
            "--pace realtime is for a pipe, but OUT is a file; leave it out, or write to -",
        ));
    }
    if to_stdout {
        let refused = [
            (args.npy, "--npy writes a copy beside the file, but OUT is -; name a file"),
            (args.shard.is_some(), "a shard cannot go to stdout; name a file"),
            (
                args.format.is_some_and(|format| format != &FLOAT32),
                "stdout gets raw float32; name a file for another format",
            ),
        ];
        if let Some((_, sentence)) = refused.iter().find(|(given, _)| *given) {
            return Err(Failure::usage(*sentence));
        }
        return write_stdout(args, &dataset, &options, expected.as_ref(), console, &progress);
    }
    if let Some(shard) = args.shard {
        check_raw_name(out)?;
        return one_shard(args, shard, &dataset, &options, console, &progress);
    }
    let place = match (&entities, &args.spikeinterface) {
        (Some(entities), _) => Place::Bids(entities, args.format),
        (None, Some(folder)) => Place::SpikeInterface(folder),
        (None, None) => Place::File(out, args.format),
    };
    check_place(&dataset, place, args.force)?;
    let npy = args.npy.then(|| out.with_extension("npy"));
    if let Some(npy) = &npy {
        check_npy(out, args.format)?;
        let more = [npy.clone(), manifest_beside(npy)];
        refuse_taken(dataset_files(out).iter().chain(&more).map(PathBuf::as_path), args.force)?;
    }
    let made = announce(&dataset, console, &progress, |progress| {
        produce_in(&dataset, place, &options, progress)
    })?;
    for warning in &made.warnings {
        console.warn(&format!("{}: {warning}", made.data.display()));
    }
    if let Some(npy) = &npy {
        let data = File::open(out).map_err(|error| Failure::io("read", out, &error))?;
        let copy = npy::stage_copy(&data, out, npy, dataset.samples, dataset.channels, &progress)?;
        // It is that of an array that was here before.
        remove_if_present(&manifest_beside(npy))?;
        copy.place_with(PersistOptions { replace: args.force, durable: args.fsync })?;
    }
    check_digest(expected.as_ref(), &made.manifest.digest, &made.data)?;
    console.say(&format!("Generated file: {}", made.data.display()));
    if args.json {
        let facts = GeneratedFacts::of(&made.manifest, &made.data, &made.manifest_path);
        json::print(GeneratedFacts {
            format: made.format.key,
            bytes: made.bytes,
            notes: &made.warnings,
            ..facts
        })?;
    }
    Ok(ExitCode::Success)
}

/// A NumPy copy lies beside raw float32 only.
fn check_npy(out: &Path, format: Option<&'static Format>) -> Result<(), Failure> {
    let format = format_to_write(out, format)?;
    if format == &FLOAT32 {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--npy writes a copy beside raw float32, but {} is {format}",
        out.display()
    )))
}

/// What was made must be what its manifest promises.
fn check_digest(
    expected: Option<&FileDigest>,
    found: &FileDigest,
    out: &Path,
) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected != found => Err(Failure::new(
            ExitCode::CheckFailed,
            format!(
                "{} has {}, but the manifest given says {}; it is not that dataset",
                out.display(),
                found.content,
                expected.content
            ),
        )),
        _ => Ok(()),
    }
}

fn one_shard(
    args: &Args,
    shard: Shard,
    dataset: &GeneratedDataset,
    options: &FileOptions,
    console: &Console,
    progress: &Progress,
) -> Result<ExitCode, Failure> {
    let out = args.out();
    let layout = if args.separate { ShardLayout::Separate } else { ShardLayout::Shared };
    // Progress is of this shard's channels.
    let channels = Recipe::of_shard(dataset, shard)?.channels as usize;
    let part = GeneratedDataset { channels, ..dataset.clone() };
    let sharded = announce(&part, console, progress, |progress| {
        produce_shard(dataset, out, shard, layout, options, progress)
    })?;
    let manifest = match sharded {
        Sharded::Made(manifest) => {
            console.say(&format!("Generated shard {shard} of {}", out.display()));
            manifest
        }
        Sharded::Already(manifest) => {
            console.say(&format!("Shard {shard} of {} was complete already", out.display()));
            manifest
        }
    };
    if args.json {
        let own = shard.file(out);
        let data = if args.separate { own.clone() } else { shared_file(out) };
        json::print(GeneratedFacts::of(&manifest, &data, &manifest_beside(&own)))?;
    }
    Ok(ExitCode::Success)
}

fn write_stdout(
    args: &Args,
    dataset: &GeneratedDataset,
    options: &FileOptions,
    expected: Option<&FileDigest>,
    console: &Console,
    progress: &Progress,
) -> Result<ExitCode, Failure> {
    let rate_hz = (args.pace == Pace::Realtime).then_some(dataset.spec.sample_rate_hz);
    let mut out = PacedWriter::new(io::stdout(), dataset.channels * 4, rate_hz, progress);
    let recipe = Recipe::of(dataset);
    // A reader that had enough, as `| head` has, is no failure.
    let mut reader_gone = false;
    let outcome = announce(dataset, console, progress, |progress| {
        write_stream(&recipe, &mut out, &options.settings, options.digest, progress).map_err(|error| {
            reader_gone = matches!(&error, GenerateError::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe);
            // A wait that was broken off looks like a failure to write.
            if progress.is_cancelled() { GenerateError::Interrupted } else { error }
        })
    });
    if reader_gone {
        return Ok(ExitCode::Success);
    }
    let digest = outcome?;
    let manifest = Manifest::now(dataset, None, digest).map_err(GenerateError::from)?;
    console.say(&manifest.digest.content.to_string());
    check_digest(expected, &manifest.digest, Path::new("-"))?;
    if args.json {
        let none = Path::new("-");
        let facts = GeneratedFacts::of(&manifest, none, none);
        console.data(&json::text(&json::Versioned::of(facts))?);
    }
    Ok(ExitCode::Success)
}

/// What `generate` and `merge` say of a dataset.
#[derive(schemars::JsonSchema, serde::Serialize)]
pub struct GeneratedFacts<'a> {
    /// The file of samples; `-` on stdout.
    data: &'a Path,
    /// Its manifest; `-` when none was written.
    manifest: &'a Path,
    /// Its format.
    format: &'static str,
    /// The signal.
    signal_type: &'a str,
    /// Number of channels.
    channels: usize,
    /// Sample rate in Hz.
    sample_rate_hz: f64,
    /// Samples per channel.
    samples: u64,
    /// Size of the file of samples in bytes.
    bytes: u64,
    #[serde(flatten)]
    digest: &'a ContentDigest,
    /// Its CRC-32 in hexadecimal.
    crc32: &'a str,
    /// CRC-32 of the first samples of every channel, which a device can compute.
    first_blocks_crc32: &'a str,
    /// What the format could not keep as it is: one sentence each.
    notes: &'a [String],
}

impl<'a> GeneratedFacts<'a> {
    /// What `manifest` says of `data`.
    pub fn of(manifest: &'a Manifest, data: &'a Path, manifest_path: &'a Path) -> Self {
        let dataset = &manifest.dataset;
        Self {
            data,
            manifest: manifest_path,
            format: FLOAT32.key,
            signal_type: &dataset.signal_type,
            channels: dataset.channels,
            sample_rate_hz: dataset.spec.sample_rate_hz,
            samples: dataset.samples,
            bytes: dataset.channels as u64 * dataset.samples * 4,
            digest: &manifest.digest.content,
            crc32: &manifest.digest.crc32,
            first_blocks_crc32: &manifest.block_crc32,
            notes: &[],
        }
    }
}

impl Args {
    /// With --from the only place on the command line is OUT, which a folder of another layout makes
    /// superfluous.
    fn check_names(&self) -> Result<(), Failure> {
        let folder = match (&self.bids.bids, &self.spikeinterface) {
            (Some(_), _) => Some("--bids"),
            (None, Some(_)) => Some("--spikeinterface"),
            (None, None) => None,
        };
        match (folder, &self.signal) {
            _ if self.from.is_none() => Ok(()),
            (Some(option), Some(out)) => Err(Failure::usage(format!(
                "OUT {out} does not go together with {option}, which names the files; leave it out"
            ))),
            (None, None) => Err(Failure::usage(
                "--from makes a dataset again, but there is no OUT to write it to; name a file",
            )),
            _ => Ok(()),
        }
    }

    /// The file to write: with --from the only place on the command line. Without a file, as with
    /// --bids, the empty path.
    fn out(&self) -> &Path {
        self.out.as_deref().unwrap_or(Path::new(self.signal()))
    }

    fn signal(&self) -> &str {
        self.signal.as_deref().unwrap_or_default()
    }

    /// The generator asked for, else the first version's that has the signal.
    fn primitive(&self) -> String {
        self.primitive.clone().unwrap_or_else(|| first_generator(self.signal()))
    }

    /// The arguments as the `dataset` of a configuration, so that both are checked alike.
    fn dataset(&self) -> DatasetConfig {
        let mut params = vec![
            Entry::new("signal_type", Value::Text(self.signal().to_owned())),
            Entry::new("duration_s", Value::Float(self.duration_s.unwrap_or_default())),
        ];
        params.extend(self.params.0.iter().cloned());
        DatasetConfig {
            path: Some(self.primitive().into()),
            format: None,
            unit: None,
            channels: self.channels.map(Into::into),
            sample_rate_hz: self.rate_hz.map(Into::into),
            params: Some(Node::plain(Value::Mapping(params)).into()),
        }
    }
}

fn pace(name: &str) -> Result<Pace, String> {
    let all = [Pace::Realtime, Pace::Max];
    all.into_iter()
        .find(|pace| pace.name() == name)
        .ok_or_else(|| format!("must be one of {}", listed(all.iter().map(|pace| pace.name()))))
}

impl FromStr for IoMode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "mmap" => Ok(IoMode::Mmap),
            "direct" => Ok(IoMode::Direct),
            _ => Err("choose mmap or direct".to_owned()),
        }
    }
}
