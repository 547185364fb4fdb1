//! `cortex-host run`: a configuration in, a results folder out.

use super::Talk;
use crate::exit::{ExitCode, Failure};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Configuration: a file, a pipe, or - for stdin; the built-in quickstart when absent.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<String>,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, _talk: &Talk) -> Result<ExitCode, Failure> {
    let _plan = crate::plan::load(args.config.as_deref())?;
    Err(Failure::usage("run is not part of this build"))
}
