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
pub fn execute(args: &Args, command: &clap::Command) -> Result<ExitCode, Failure> {
    // Scripts would offer hidden commands, too.
    let offered = command.get_subcommands().filter(|sub| !sub.is_hide_set()).cloned();
    let mut program = clap::Command::new("cortex-host")
        .version(env!("CARGO_PKG_VERSION"))
        .args(command.get_arguments().cloned())
        .subcommands(offered);
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "cortex-host", &mut script);
    // clap_complete 4.6 looks for a subcommand of a program with a hyphen in its name under one name
    // and has its options under another.
    let script = String::from_utf8_lossy(&script).replace("cortex__subcmd__host", "cortex__host");
    output::print(script.trim_end())?;
    Ok(ExitCode::Success)
}
