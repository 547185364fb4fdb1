//! `cortex-host init`: a commented configuration to begin from.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use super::{Console, arguments, output};
use crate::base::{ExitCode, Failure};
use crate::config::SCHEMA_ID;

/// The configuration that is written, but for the line that tells editors its schema.
const TEMPLATE: &str = include_str!("init.yaml");

fn template() -> String {
    format!("# yaml-language-server: $schema={SCHEMA_ID}\n{TEMPLATE}")
}

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host init
  cortex-host init experiments/first.yaml
  cortex-host init - | less

The file runs as it is: cortex-host run --config cortex.yaml. An existing file is never
overwritten.")]
pub struct Args {
    /// File to write, or - for stdout.
    #[arg(default_value = "cortex.yaml", value_parser = arguments::path())]
    pub file: PathBuf,
}

/// Writes the configuration.
///
/// # Errors
/// [`Failure`]: the file exists already (exit code 2) or cannot be written (3).
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    if args.file.as_os_str() == "-" {
        output::print(template().trim_end())?;
        return Ok(ExitCode::Success);
    }
    let mut file = match OpenOptions::new().write(true).create_new(true).open(&args.file) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Failure::usage(format!(
                "{} exists already and is not overwritten; name another file, such as cortex-host init other.yaml",
                args.file.display()
            )));
        }
        Err(error) => return Err(Failure::io("write", &args.file, &error)),
    };
    if let Err(error) = file.write_all(template().as_bytes()) {
        // Half a configuration is worse than none; that it cannot be removed changes nothing.
        let _ = std::fs::remove_file(&args.file);
        return Err(Failure::io("write", &args.file, &error));
    }
    console.say(&format!("Configuration: {}", args.file.display()));
    console.say(&format!("Next: cortex-host run --config {}", args.file.display()));
    Ok(ExitCode::Success)
}
