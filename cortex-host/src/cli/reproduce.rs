//! `cortex-host reproduce MANIFEST`: makes a dataset again and compares.

use std::path::PathBuf;

use super::support::engine_args::EngineArgs;
use super::{Console, arguments, json};
use crate::base::{ExitCode, Failure, Progress, printable};
use crate::generate::{announce, reproduce};
use crate::synthetic::Manifest;

/// Arguments of `reproduce`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host reproduce results/run-2026-01-12-153000
  cortex-host reproduce data.float32.manifest.yaml --json

Generates the dataset again without writing it and compares its digests with the manifest's;
a data file that lies beside the manifest is compared too, unless its format (EDF, BDF, codes) has
other bytes than those generated. Exit code 0: equal; 1: not equal.")]
pub struct Args {
    /// A run's folder, the .manifest.yaml beside a data file, a pipe, or - for stdin.
    #[arg(value_parser = arguments::path())]
    pub manifest: PathBuf,
    #[command(flatten)]
    engine: EngineArgs,
    /// Print the comparison as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let (manifest, path) = Manifest::of_argument(&args.manifest)?;
    let settings = args.engine.settings()?;
    let progress = Progress::cancelled_by_signals()?;
    let outcome = announce(&manifest.dataset, console, &progress, |progress| {
        reproduce(&manifest, &path, &settings, progress)
    })?;
    if args.json {
        json::print(&outcome)?;
    } else {
        for comparison in &outcome.comparisons {
            super::output::print(&comparison.to_string())?;
        }
        match (&outcome.data_file, &outcome.not_compared) {
            (None, None) => super::output::print(
                "data file: none beside the manifest, compared the digests only",
            )?,
            (_, Some(name)) => super::output::print(&format!(
                "data file: {} not compared, since its format has other bytes than those generated",
                printable(name)
            ))?,
            (Some(_), None) => {}
        }
        super::output::print(if outcome.reproduced { "reproduced" } else { "NOT reproduced" })?;
    }
    Ok(if outcome.reproduced { ExitCode::Success } else { ExitCode::CheckFailed })
}
