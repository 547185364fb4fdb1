//! `cortex-host validate`: whether a kernel computes what its oracle does.

use std::path::PathBuf;

use super::{Console, arguments, json, output};
use crate::base::{ExitCode, Failure, Progress};
use crate::validate::{CaseReport, RecordingFile, Validation, validate};

/// Arguments of `validate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host validate car
  cortex-host validate mykernel
  cortex-host validate car --recording S001R03.edf
  cortex-host validate mykernel --recording data.float32 --channels 64 --sample-rate-hz 160

The folder's spec.yaml (cortex-host new kernel writes one) names the kernel, its oracle, which is any
program, and the tolerance. Twelve random cases are tried, the same ones for the same seed: shapes,
parameters, missing samples. Exit code 1: one is beyond the tolerance. The oracle of the built-in
kernels needs NumPy and SciPy; CORTEX_ORACLE_PYTHON names a Python that has them.")]
pub struct Args {
    /// A folder with a spec.yaml, or a built-in kernel.
    kernel: String,
    /// Seed of the random cases.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Also try a recording of any format that convert reads.
    #[arg(long, value_name = "FILE", value_parser = arguments::path())]
    recording: Option<PathBuf>,
    /// Channels of the recording, where the file does not say.
    #[arg(long, value_name = "N", requires = "recording")]
    channels: Option<usize>,
    /// Sample rate of the recording in Hz, where the file does not say.
    #[arg(long, value_name = "HZ", requires = "recording")]
    sample_rate_hz: Option<f64>,
    /// Print the cases as JSON.
    #[arg(long)]
    json: bool,
}

/// What `validate` found.
#[derive(schemars::JsonSchema, serde::Serialize)]
pub struct ValidatedKernel<'a> {
    /// The kernel, as named on the command line.
    kernel: &'a str,
    /// Whether every case is within the tolerance.
    passed: bool,
    /// Each case.
    cases: &'a [CaseReport],
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`]: nothing could be compared.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let validation = Validation::find(&args.kernel)?;
    let rate = args.sample_rate_hz;
    if args.channels == Some(0) || rate.is_some_and(|hz| !hz.is_finite() || hz <= 0.0) {
        return Err(Failure::usage("channels and sample rate must be above 0"));
    }
    let recording = args.recording.as_ref().map(|path| RecordingFile {
        path: path.clone(),
        channels: args.channels,
        sample_rate_hz: rate,
    });
    let progress = Progress::cancelled_by_signals()?;
    let reports = validate(&validation, args.seed, recording.as_ref(), &progress, |report| {
        let verdict = match &report.finding {
            None => "ok".to_owned(),
            Some(finding) => format!("FAILED: {finding}"),
        };
        console.say(&format!("{}: {verdict}", report.case));
    })?;
    let failed = reports.iter().filter(|report| report.finding.is_some()).count();
    if args.json {
        let passed = failed == 0;
        json::print(ValidatedKernel { kernel: &args.kernel, passed, cases: &reports })?;
    } else {
        let worst = reports.iter().map(|report| report.max_error).fold(0.0, f64::max);
        let snr = reports.iter().filter_map(|report| report.snr_db).fold(f64::INFINITY, f64::min);
        let snr =
            if snr.is_finite() { format!(", SNR at least {snr:.1} dB") } else { String::new() };
        let values: usize = reports.iter().map(|report| report.values).sum();
        output::print(&format!(
            "{}: {} of {} cases within the tolerance; {values} values, largest difference \
             {worst:.3e}{snr}",
            args.kernel,
            reports.len() - failed,
            reports.len()
        ))?;
    }
    if progress.is_cancelled() {
        return Err(Failure::new(ExitCode::Interrupted, "interrupted"));
    }
    Ok(if failed == 0 { ExitCode::Success } else { ExitCode::CheckFailed })
}
