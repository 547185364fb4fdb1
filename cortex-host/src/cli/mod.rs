//! The command line: clap definitions, and one file per subcommand.
//!
//! A command is an `Args` struct and `execute(&Args, &Talk) -> Result<ExitCode, Failure>`.
//! stdout carries data, stderr carries talk.

mod answer;
mod compare;
mod convert;
mod download;
mod generate;
mod generating;
mod inspect;
mod link;
mod list;
mod recordings;
mod report;
mod reproduce;
mod run;
mod schema;
mod talk;
mod verify;

use clap::{Parser, Subcommand};

pub use talk::Talk;

use crate::exit::{ExitCode, Failure};

/// Generate synthetic neural data and benchmark signal-processing kernels.
#[derive(Debug, Parser)]
#[command(name = "cortex-host", version, arg_required_else_help = true)]
pub struct Cli {
    /// Say only what went wrong.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run kernels on a dataset and leave a results folder.
    Run(run::Args),
    /// Generate a dataset file.
    Generate(generate::Args),
    /// List datasets, kernels, configurations and devices.
    List(list::Args),
    /// Regenerate a dataset from its manifest and compare the digests.
    Reproduce(reproduce::Args),
    /// Convert EDF, EDF+, BDF, BrainVision or .npy to a .float32 dataset.
    Convert(convert::Args),
    /// Print the JSON schema of configurations.
    Schema,
    /// Fetch a public dataset, check it and convert it.
    Download(download::Args),
    /// Show shape, statistics, spectrum and digest of a recording or dataset.
    Inspect(inspect::Args),
    /// Check a primitive against its golden digests.
    Verify(verify::Args),
    /// Write a run's report.html anew.
    Report(report::Args),
    /// Compare the latencies of two runs.
    Compare(compare::Args),
    /// Look at what crossed a device link.
    Link(link::Args),
}

/// Parses the process's arguments, runs the command and reports on stderr; the exit code is
/// documented in [`crate::exit`].
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not errors; clap knows which stream each goes to.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::Usage } else { ExitCode::Success };
        }
    };
    let talk = Talk::new(cli.quiet, cli.verbose);
    execute(&cli.command, &talk).unwrap_or_else(|failure| {
        talk.error(&failure.to_string());
        failure.code()
    })
}

fn execute(command: &Command, talk: &Talk) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(args) => run::execute(args, talk),
        Command::Generate(args) => generate::execute(args, talk),
        Command::List(args) => list::execute(args),
        Command::Reproduce(args) => reproduce::execute(args, talk),
        Command::Convert(args) => convert::execute(args, talk),
        Command::Schema => schema::execute(),
        Command::Download(args) => download::execute(args, talk),
        Command::Inspect(args) => inspect::execute(args, talk),
        Command::Verify(args) => verify::execute(args, talk),
        Command::Report(args) => report::execute(args),
        Command::Compare(args) => compare::execute(args, talk),
        Command::Link(args) => link::execute(args, talk),
    }
}
