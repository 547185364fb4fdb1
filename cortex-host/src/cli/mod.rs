//! The command line: clap definitions, and one file per subcommand.
//!
//! A command is an `Args` struct and `execute(&Args, &Console) -> Result<ExitCode, Failure>`.
//! stdout carries data, stderr messages.

mod capacity;
mod check;
mod compare;
mod completions;
mod convert;
mod devices;
mod doctor;
#[cfg_attr(not(feature = "download"), path = "no_download.rs")]
mod download;
mod firmware;
mod generate;
mod import_config;
mod init;
mod inspect;
mod kernel_process;
mod link;
mod list;
mod man;
mod merge;
mod new;
mod recordings;
mod report;
mod reproduce;
mod run;
mod schema;
mod score;
mod serve;
mod stream;
mod support;
mod sweep;
mod train;
mod validate;
mod verify;
mod verify_device;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use support::console::Console;
use support::{arguments, browser, json, output};

use crate::base::{ExitCode, Failure};
use crate::platform::signals::report_file_size_limits;

/// Generate synthetic neural data and benchmark signal-processing kernels.
#[derive(Debug, Parser)]
#[command(
    name = "cortex-host",
    version,
    arg_required_else_help = true,
    after_help = "\
First steps:
  cortex-host run                            seven kernels on synthetic EEG, no files needed
  cortex-host list                           the names that configurations use
  cortex-host init my.yaml                   a commented configuration to start from
  cortex-host run my.yaml                    a results folder: telemetry, summary, manifest
  cortex-host generate pink_noise 64 250 10 data.float32
  cortex-host doctor                         what this machine has and lacks

Every command's --help has examples. stdout carries data, stderr messages.

Exit codes:
  0    all went well
  1    a check failed: digests differ, windows failed, doctor found a problem
  2    wrong usage or configuration: bad YAML, bad argument, unknown name
  3    input or output failed: missing or unreadable dataset, full disk
  4    a device or its link failed
  5    a check had too few windows to say yes or no
  130  interrupted (SIGINT, SIGTERM)

Environment:
  NO_COLOR  no colour on stderr when set
  TMPDIR    where generated datasets lie during a run; TMP on Windows"
)]
pub struct Cli {
    /// Print errors only: no progress, no warnings.
    #[arg(short, long, global = true, display_order = 100)]
    pub quiet: bool,
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
    /// Join the shards of a dataset into one file.
    Merge(merge::Args),
    /// List datasets, kernels, configurations and devices.
    List(list::Args),
    /// Regenerate a dataset from its manifest and compare the digests.
    Reproduce(reproduce::Args),
    /// Convert a recording to another format: .float32, BrainVision, EDF+, BDF+ or .npy.
    Convert(convert::Args),
    /// Write a commented configuration to start from.
    Init(init::Args),
    /// Create a kernel of your own: source, test, oracle and configuration, ready to build.
    New(new::Args),
    /// Compare a kernel with its oracle on random shapes, parameters and missing samples.
    Validate(validate::Args),
    /// Train a kernel of your own on a dataset and write its state file.
    Train(train::Args),
    /// Convert a configuration of the original CORTEX.
    ImportConfig(import_config::Args),
    /// Check what this machine has for runs and boards, and say how to get what is missing.
    Doctor(doctor::Args),
    /// Print the JSON schema of configurations, or of what a command prints with --json.
    Schema(schema::Args),
    /// Fetch a public dataset, check it and convert it.
    Download(download::Args),
    /// Show shape, statistics, spectrum and digest of a recording or dataset.
    Inspect(inspect::Args),
    /// Check a primitive, or a device, against the golden digests.
    Verify(verify::Args),
    /// Write a run's report.html again.
    Report(report::Args),
    /// Compare the latencies of runs.
    Compare(compare::Args),
    /// Score detected events or classes against the ground truth.
    Score(score::Args),
    /// Check a run against limits: missed deadlines, p99, a baseline.
    Check(check::Args),
    /// Run a configuration at every combination of some of its values.
    Sweep(sweep::Args),
    /// Find the most channels, taps or rate, or the shortest hop, that meets its deadlines.
    Capacity(capacity::Args),
    /// List serial ports and emulated boards, and what they answer.
    Devices(devices::Args),
    /// Write the firmware image of a board, ready to flash.
    Firmware(firmware::Args),
    /// Serve this machine as a device over TCP.
    Serve(serve::Args),
    /// Play a dataset in real time as a stream of the Lab Streaming Layer.
    Stream(stream::Args),
    /// Decode the trace of a device link.
    Link(link::Args),
    /// The process of a kernel of a user's own: started by `run`, useless by hand.
    #[command(hide = true)]
    KernelProcess,
    /// Print the completion script of a shell.
    Completions(completions::Args),
    /// Print the manual page, or write the pages of all subcommands.
    Man(man::Args),
}

/// The program `cortex-host`: parses the process's arguments, runs the command and reports on
/// stderr.
#[must_use]
pub fn main() -> ExitCode {
    report_file_size_limits();
    let parsed = arguments::with_negative_numbers(Cli::command())
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        // Help and version are answers, not errors; clap knows which stream each goes to.
        Err(error) if !error.use_stderr() => {
            let _ = error.print();
            return ExitCode::Success;
        }
        Err(error) => {
            if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
                let _ = error.print();
            } else {
                let arguments = std::env::args_os().map(|text| text.to_string_lossy().into_owned());
                let arguments = arguments.collect::<Vec<_>>();
                let failure = arguments::failure(&error, Cli::command(), &arguments);
                Console::new(false).error(&failure.to_string());
            }
            return ExitCode::Usage;
        }
    };
    let console = Console::new(cli.quiet);
    execute(&cli.command, &console).unwrap_or_else(|failure| {
        console.error(&failure.to_string());
        failure.code()
    })
}

fn execute(command: &Command, console: &Console) -> Result<ExitCode, Failure> {
    match command {
        Command::Run(args) => run::execute(args, console),
        Command::Generate(args) => generate::execute(args, console),
        Command::Merge(args) => merge::execute(args, console),
        Command::List(args) => list::execute(args),
        Command::Reproduce(args) => reproduce::execute(args, console),
        Command::Convert(args) => convert::execute(args, console),
        Command::Init(args) => init::execute(args, console),
        Command::New(args) => new::execute(args, console),
        Command::Validate(args) => validate::execute(args, console),
        Command::Train(args) => train::execute(args, console),
        Command::ImportConfig(args) => import_config::execute(args, console),
        Command::Doctor(args) => doctor::execute(args),
        Command::Schema(args) => schema::execute(args),
        Command::Download(args) => download::execute(args, console),
        Command::Inspect(args) => inspect::execute(args, console),
        Command::Verify(args) => verify::execute(args, console),
        Command::Report(args) => report::execute(args, console),
        Command::Compare(args) => compare::execute(args, console),
        Command::Score(args) => score::execute(args),
        Command::Check(args) => check::execute(args, console),
        Command::Sweep(args) => sweep::execute(args, console),
        Command::Capacity(args) => capacity::execute(args, console),
        Command::Devices(args) => devices::execute(args, console),
        Command::Firmware(args) => firmware::execute(args, console),
        Command::Serve(args) => serve::execute(args, console),
        Command::Stream(args) => stream::execute(args, console),
        Command::Link(args) => link::execute(args, console),
        Command::KernelProcess => kernel_process::execute(),
        Command::Completions(args) => completions::execute(args, &Cli::command()),
        Command::Man(args) => man::execute(args, Cli::command(), console),
    }
}
