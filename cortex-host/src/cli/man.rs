//! `cortex-host man`: the manual pages, made from the same definitions as `--help`.

use std::path::PathBuf;

use clap::CommandFactory;

use super::{Cli, Talk, answer};
use crate::exit::{ExitCode, Failure};

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host man | man -l -
  cortex-host man --dir ~/.local/share/man/man1
  man cortex-host-generate")]
pub struct Args {
    /// Write the page of every subcommand into this folder instead of one page to stdout.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// Prints or writes the pages.
///
/// # Errors
/// [`Failure`] when stdout or the folder cannot be written.
pub fn execute(args: &Args, talk: &Talk) -> Result<ExitCode, Failure> {
    let unwritable = |error: std::io::Error| {
        let place = args.dir.as_deref().unwrap_or(std::path::Path::new("the manual page"));
        Failure::io("write", place, &error)
    };
    match &args.dir {
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(unwritable)?;
            clap_mangen::generate_to(Cli::command(), dir).map_err(unwritable)?;
            talk.say(&format!("Manual pages: {}", dir.display()));
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(unwritable)?;
            answer::print(String::from_utf8_lossy(&page).trim_end())?;
        }
    }
    Ok(ExitCode::Success)
}
