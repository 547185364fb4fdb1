//! `cortex-host download` of a program that was built without HTTP and TLS: it says so.

use super::Console;
use crate::base::{ExitCode, Failure};

/// Arguments of `download`, which are not read.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    /// Whatever the command takes elsewhere.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<String>,
}

/// Refuses.
///
/// # Errors
/// Always.
pub fn execute(_args: &Args, _console: &Console) -> Result<ExitCode, Failure> {
    Err(Failure::new(
        ExitCode::Usage,
        "this cortex-host was built without the feature `download` and fetches nothing; fetch the \
         recordings with another one, or from where their README says, and bring the files here",
    ))
}
