//! `cortex-host report RUN`: writes a run's report.html again.

use std::path::PathBuf;

use super::{Console, arguments, browser, output};
use crate::base::{ExitCode, Failure};
use crate::report;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host report results/run-2026-01-12-153000
  cortex-host report results/run-2026-01-12-153000 --open

Reads the run's summary.json, telemetry, spectrum and config.yaml, writes report.html beside them
and prints its path. Nothing is run or measured again.")]
pub struct Args {
    /// The run's folder.
    #[arg(value_parser = arguments::path())]
    pub run: PathBuf,
    /// Show the report in the browser.
    #[arg(long)]
    pub open: bool,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let path = report::write(&args.run)?;
    output::print(&path.display().to_string())?;
    if args.open {
        browser::show(&path, console);
    }
    Ok(ExitCode::Success)
}
