//! `cortex-host schema`: the JSON schema of configurations, for editors.

use super::output;
use crate::base::{ExitCode, Failure};
use crate::plan::json_schema;

/// Prints the schema on stdout.
///
/// # Errors
/// [`Failure`] when stdout cannot be written.
pub fn execute() -> Result<ExitCode, Failure> {
    output::print(json_schema().trim_end())?;
    Ok(ExitCode::Success)
}
