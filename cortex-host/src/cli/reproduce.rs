//! `cortex-host reproduce`.

use super::Talk;
use crate::exit::{ExitCode, Failure};

/// Arguments of `reproduce`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(_args: &Args, _talk: &Talk) -> Result<ExitCode, Failure> {
    Err(Failure::usage("reproduce is not part of this build"))
}
