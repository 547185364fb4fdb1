//! `cortex-host schema`: the JSON schema of configurations, for editors.

use super::answer;
use crate::config::json_schema;
use crate::exit::{ExitCode, Failure};

/// Prints the schema on stdout.
///
/// # Errors
/// [`Failure`] when stdout cannot be written.
pub fn execute() -> Result<ExitCode, Failure> {
    answer::print(json_schema().trim_end())?;
    Ok(ExitCode::Success)
}
