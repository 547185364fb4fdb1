//! `cortex-host run`: a configuration in, a results folder out.

use std::path::{Path, PathBuf};

use super::{Console, arguments, browser, json, output};
use crate::base::atomic_file::refuse_taken;
use crate::base::{ExitCode, Failure, Progress, quoted};
use crate::config::Setting;
use crate::device::FaultSpec;
use crate::plan::{self, Overrides};
use crate::report::REPORT_NAME;
use crate::results::{RunStatus, Summary, deadlines, terminal_table};
use crate::run::{Options, Outcome, run};

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host run --open
  cortex-host run my.yaml
  cortex-host run --config my.yaml --quiet --json > summary.json
  cortex-host run --kernel car --set dataset.channels=256 --name car-256 --fail-if-missed 0
  sed 's/channels: 64/channels: 256/' my.yaml | cortex-host run --config -
  cortex-host run --device 'serial:///dev/ttyACM0?baud=921600'
  cortex-host run --device loopback --fault ber=1e-5,drop=0.01 --fault-seed 3 \\
    --fault-log faults.txt --trace link.pcap

Leaves results/run-YYYY-MM-DD-HHMMSS/ with config.yaml (as resolved), telemetry, summary.json,
SUMMARY.md and report.html; Ctrl-C keeps the windows so far. Exit code 1: windows failed, or
--fail-if-missed; 4: the device or its link failed.

Faults, each a probability from 0 to 1, in both directions and from the first frame on:
  ber        of a bit: it is flipped        reorder   of a frame: it comes after the next one
  drop-byte  of a byte: it is lost          noise     before a frame: up to 64 random bytes
  drop       of a frame: it is lost         zeros     before a frame: up to 64 bytes 0x00
  dup        of a frame: it comes twice     oversize  before a frame: 5000 bytes without 0x00
  truncate   of a frame: its end is lost
The results are then the same as without, or the run ends with exit code 4 and the cause.
cortex-host link decode prints what --trace wrote.")]
pub struct Args {
    /// Configuration: a file, a pipe, or - for stdin; the built-in quickstart when absent, on
    /// a board the built-in one of its size.
    #[arg(value_name = "FILE", conflicts_with = "config")]
    pub file: Option<String>,
    /// The same, by name.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<String>,
    /// A value in place of the configuration's, such as dataset.channels=128 or
    /// kernels.bandpass_fir.taps=33.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<Setting>,
    /// Run only this kernel of the configuration; may be repeated.
    #[arg(long = "kernel", value_name = "NAME")]
    pub kernels: Vec<String>,
    /// Name of the results folder, in place of the time.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Exit with 1 when more than this share of the deadlines was missed, in percent.
    #[arg(long, value_name = "PCT", value_parser = super::compare::share)]
    pub fail_if_missed: Option<f64>,
    /// Print the summary as one JSON object instead of a table.
    #[arg(long)]
    pub json: bool,
    /// Show the report in the browser at the end.
    #[arg(long)]
    pub open: bool,
    /// Run on this device instead of the configuration's: native, loopback,
    /// serial://PATH?baud=N, tcp://HOST:PORT or qemu:BOARD.
    #[arg(short, long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Stream the samples to the device, or have it generate its own from the seed.
    #[arg(long, value_name = "streamed|seeded")]
    pub transfer: Option<String>,
    /// Disturb the link on purpose: NAME=RATE,... as below, such as ber=1e-5,drop=0.01.
    #[arg(long, value_name = "SPEC")]
    pub fault: Option<FaultSpec>,
    /// Seed of the faults: the same seed does the same to the same bytes.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "fault")]
    pub fault_seed: u64,
    /// Write each fault to a file as it happens, one a line.
    #[arg(long, value_name = "FILE", requires = "fault", value_parser = arguments::path())]
    pub fault_log: Option<PathBuf>,
    /// Write what crosses the link to a file that `cortex-host link decode` prints.
    #[arg(long, value_name = "FILE", value_parser = arguments::path())]
    pub trace: Option<PathBuf>,
    /// Replace the files of --trace and --fault-log if they exist.
    #[arg(long)]
    pub force: bool,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    if let Some(name) = &args.name
        && Path::new(name).file_name().is_none_or(|plain| plain != name.as_str())
    {
        return Err(Failure::usage(format!(
            "--name {}: give the name of a folder, without / in it, such as car-256",
            quoted(name)
        )));
    }
    let overrides = Overrides {
        device: args.device.clone(),
        transfer: args.transfer.clone(),
        settings: args.settings.clone(),
        kernels: args.kernels.clone(),
        name: args.name.clone(),
        ..Overrides::default()
    };
    let config = args.config.as_deref().or(args.file.as_deref());
    let plan = plan::load_with(config, &overrides)?;
    refuse_taken(
        [&args.trace, &args.fault_log].into_iter().flatten().map(PathBuf::as_path),
        args.force,
    )?;
    let options = Options {
        fault: args.fault.map(|spec| (spec, args.fault_seed)),
        fault_log: args.fault_log.clone(),
        trace: args.trace.clone(),
        firmware: None,
        progress: Progress::cancelled_by_signals()?,
        notice: Some(console.notice()),
    };
    if cfg!(debug_assertions) {
        console.warn("this is a build without optimisation; measure with cargo run --release");
    }
    let outcome = run(&plan, &options, console)?;
    match (&outcome.failure, outcome.summary.status) {
        (Some(failure), _) => console.error(&failure.to_string()),
        (None, RunStatus::Interrupted) => {
            console.say("Interrupted; the windows up to here are kept");
        }
        _ => {}
    }
    let summary = &outcome.summary;
    if let ((1.., _), Some(deadlines)) = (summary.deadlines(), deadlines(summary)) {
        console.warn(&deadlines);
    }
    print(&outcome, args.json, console)?;
    if args.open {
        browser::show(&outcome.folder.join(REPORT_NAME), console);
    }
    let (missed, measured) = summary.deadlines();
    let percent = missed as f64 * 100.0 / measured.max(1) as f64;
    match args.fail_if_missed {
        Some(most) if outcome.code() == ExitCode::Success && percent > most => {
            console.error(&format!("{percent:.3} % of the deadlines missed; at most {most} %"));
            Ok(ExitCode::CheckFailed)
        }
        _ => Ok(outcome.code()),
    }
}

/// What `run` says: the summary, and where it lies.
#[derive(schemars::JsonSchema, serde::Serialize)]
pub struct RunAnswer<'a> {
    /// The run's folder.
    folder: String,
    #[serde(flatten)]
    summary: &'a Summary,
}

/// Prints the outcome on stdout.
fn print(outcome: &Outcome, as_json: bool, console: &Console) -> Result<(), Failure> {
    let folder = outcome.folder.display();
    if as_json {
        let answer = RunAnswer { folder: folder.to_string(), summary: &outcome.summary };
        return output::print(&json::text(&answer)?);
    }
    if console.is_quiet() {
        return Ok(());
    }
    let table = terminal_table(&outcome.summary);
    output::print(&format!("\n{table}\nResults: {folder}\nReport:  {folder}/{REPORT_NAME}"))
}
