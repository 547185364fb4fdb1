//! `cortex-host kernel-process`: the child in which a kernel of a user's own is run. Hidden.

use crate::base::{ExitCode, Failure};

/// Serves the parent until it ends.
///
/// # Errors
/// [`Failure`]: it was not started by a run.
#[cfg(target_os = "linux")]
pub fn execute() -> Result<ExitCode, Failure> {
    crate::foreign::process::serve()?;
    Ok(ExitCode::Success)
}

/// Kernels have processes of their own on Linux only.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn execute() -> Result<ExitCode, Failure> {
    Err(Failure::usage("kernels have processes of their own on Linux only"))
}
