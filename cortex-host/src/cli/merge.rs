//! `cortex-host merge`: the shards of a dataset become one file.

use std::path::PathBuf;

use super::generate::GeneratedFacts;
use super::{Console, arguments, json};
use crate::base::Progress;
use crate::base::{ExitCode, Failure};
use crate::generate::{FileOptions, Parts, announce_step};
use crate::synthetic::manifest_beside;

/// Arguments of `merge`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host generate pink_noise 4096 30000 60 data.float32 --shard 1/2
  cortex-host generate pink_noise 4096 30000 60 data.float32 --shard 2/2
  cortex-host merge data.float32

Every shard's bytes are checked against its manifest; the file is the one that a single
generate would have written. The shards are removed once it has its name.")]
pub struct Args {
    /// The file that the shards were made for.
    #[arg(value_parser = arguments::path())]
    pub out: PathBuf,
    /// Replace OUT if it exists.
    #[arg(long)]
    pub force: bool,
    /// Wait until the disk has everything, so that it survives a power cut.
    #[arg(long)]
    pub fsync: bool,
    /// Print the manifest's facts as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let parts = Parts::find(&args.out)?;
    let progress = Progress::cancelled_by_signals()?;
    let options =
        FileOptions { replace: args.force, durable: args.fsync, ..FileOptions::automatic() };
    let manifest = announce_step(&parts.dataset, console, &progress, |progress| {
        parts.merge(&options, progress)
    })?;
    console.say(&format!("Merged file: {}", args.out.display()));
    console.say(&manifest.digest.content.to_string());
    if args.json {
        let manifest_path = manifest_beside(&args.out);
        json::print(GeneratedFacts::of(&manifest, &args.out, &manifest_path))?;
    }
    Ok(ExitCode::Success)
}
