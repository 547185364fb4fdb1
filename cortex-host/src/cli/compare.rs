//! `cortex-host compare RUN_A RUN_B`: are the kernels slower than before?

use std::path::{Path, PathBuf};

use super::{Console, arguments, output};
use crate::base::{ExitCode, Failure};
use crate::compare::{KernelComparison, LEAST_WINDOWS, RunComparison, table};
use crate::results::{RunRecord, run_folders};

/// Arguments of `compare`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host compare results/run-2026-01-12-153000 results/run-2026-01-13-090000
  cortex-host compare before-1 before-2 before-3 --with after-1 after-2 after-3
  cortex-host compare before after --fail-if-slower 5
  cortex-host compare before after --json | jq '.kernels[].kernel_p50.change_percent'

A folder that holds runs stands for all of them. Differences are B - A, with intervals of 95 % that
allow for windows depending on their neighbours. With several runs a side the intervals are of runs:
what differs from run to run is in them. Of equal runs at most 2 in 100 comparisons show a
difference.
With --fail-if-slower PCT the exit code is 1 when a kernel's median (kernel time or end-to-end) is
slower by more than PCT beyond doubt, 5 when there are too few windows to say, and 0 otherwise.
Kernels on emulated boards are compared by their instructions, which are exact: there PCT may be 0.")]
pub struct Args {
    /// The run to compare with, then the run compared; with --with, the runs to compare with.
    #[arg(required = true, value_name = "RUN", value_parser = arguments::path())]
    pub runs: Vec<PathBuf>,
    /// The runs compared, when there are several a side.
    #[arg(long, value_name = "RUN", num_args = 1.., value_parser = arguments::path())]
    pub with: Vec<PathBuf>,
    /// Print the comparison as JSON on stdout.
    #[arg(long)]
    pub json: bool,
    /// Exit with 1 when a kernel is slower in B by more than this, in percent.
    #[arg(long, value_name = "PCT", value_parser = percentage)]
    pub fail_if_slower: Option<f64>,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let (a, b) = match (args.runs.as_slice(), args.with.as_slice()) {
        ([a, b], []) => (std::slice::from_ref(a), std::slice::from_ref(b)),
        (_, []) => {
            return Err(Failure::usage(
                "give two runs, or several with --with: compare A1 A2 A3 --with B1 B2 B3",
            ));
        }
        (a, b) => (a, b),
    };
    let comparison = RunComparison::of(&read(a)?, &read(b)?);
    if args.json {
        let text = serde_json::to_string_pretty(&comparison)
            .map_err(|error| Failure::input_output(format!("cannot print JSON: {error}")))?;
        output::print(&text)?;
    } else {
        output::print(table(&comparison).trim_end())?;
    }
    match args.fail_if_slower {
        Some(percent) => judge(&comparison, percent, console),
        None => Ok(ExitCode::Success),
    }
}

/// Reads the runs that `paths` stand for; one without a single window has nothing to compare.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<RunRecord>, Failure> {
    let mut records = Vec::new();
    for path in paths {
        for folder in run_folders(path)? {
            records.push(read_run(&folder)?);
        }
    }
    Ok(records)
}

fn read_run(folder: &Path) -> Result<RunRecord, Failure> {
    let record = RunRecord::read(folder)?;
    if record.kernels.iter().all(|kernel| kernel.measured().next().is_none()) {
        return Err(Failure::input_output(format!(
            "{} has no measured window; nothing can be compared",
            folder.display()
        )));
    }
    Ok(record)
}

/// The gate. What cannot be judged does not pass.
fn judge(comparison: &RunComparison, percent: f64, console: &Console) -> Result<ExitCode, Failure> {
    let names = |kernels: &[&KernelComparison]| {
        kernels.iter().map(|kernel| kernel.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let slower = comparison.slower_than(percent);
    if !slower.is_empty() {
        console.error(&format!("slower by more than {percent} %: {}", names(&slower)));
        return Ok(ExitCode::CheckFailed);
    }
    if comparison.kernels.is_empty() {
        return Err(Failure::usage("--fail-if-slower: the runs have no kernel in common"));
    }
    if !comparison.only_in_a.is_empty() {
        return Err(Failure::usage(format!(
            "--fail-if-slower: the second run has no {}",
            comparison.only_in_a.join(", ")
        )));
    }
    let undecidable = comparison.undecidable();
    if !undecidable.is_empty() {
        return Err(Failure::new(
            ExitCode::Undecided,
            format!(
                "--fail-if-slower cannot judge {}: each run needs {LEAST_WINDOWS} measured windows with \
             a result, both on real devices or both on emulated ones; lengthen \
             dataset.params.duration_s or raise execution.repeat_count",
                names(&undecidable)
            ),
        ));
    }
    Ok(ExitCode::Success)
}

/// A share in percent.
pub(super) fn share(text: &str) -> Result<f64, String> {
    match percentage(text) {
        Ok(percent) if percent <= 100.0 => Ok(percent),
        _ => Err("give a percentage from 0 to 100, such as 5".to_owned()),
    }
}

pub(super) fn percentage(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(percent) if percent.is_finite() && percent >= 0.0 => Ok(percent),
        _ => Err("give a percentage of 0 or more, such as 5".to_owned()),
    }
}
