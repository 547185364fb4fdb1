//! `cortex-host completions SHELL`: the completion script of a shell.

use clap_complete::Shell;

use super::output;
use crate::base::{ExitCode, Failure};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host completions bash > ~/.local/share/bash-completion/completions/cortex-host
  cortex-host completions zsh > ~/.zfunc/_cortex-host
  cortex-host completions fish > ~/.config/fish/completions/cortex-host.fish")]
pub struct Args {
    /// The shell.
    pub shell: Shell,
}

/// Prints the script for `command`, the whole program, on stdout.
///
/// # Errors
/// [`Failure`] when stdout cannot be written.
pub fn execute(args: &Args, mut command: clap::Command) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "cortex-host", &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end())?;
    Ok(ExitCode::Success)
}
