//! `cortex-host check RUN`: holds a run to limits, for CI.

use std::fmt::Write;
use std::path::PathBuf;

use serde_json::json;

use super::{Console, arguments, compare, output};
use crate::base::{ExitCode, Failure};
use crate::compare::{Check, CheckResult, Finding, Limits};
use crate::plot::escape;
use crate::results::KernelSummary;
use crate::results::RunRecord;

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host check results/run-2026-01-12-153000 --max-miss-rate 0
  cortex-host check results/run-2026-01-12-153000 --max-miss-rate 0.1 --max-p99-us 500
  cortex-host check new --baseline base-1 base-2 base-3 --max-slowdown 5
  cortex-host check new --max-miss-rate 0 --format junit > junit.xml

Exit codes: 0 every limit is kept, 1 one is broken, 5 there are too few windows to say. A limit is
kept or broken when that is certain to 95 %: a miss rate of 1 % needs 299 windows without a miss, a
p99 about 400 windows. The medians of emulated boards are instructions, which are exact.

Formats: text; json; junit; github-action-benchmark (its customSmallerIsBetter) and bencher (Bencher
Metric CheckFormat) hold the figures of the run and no verdict.")]
pub struct Args {
    /// The run's folder.
    #[arg(value_parser = arguments::path())]
    pub run: PathBuf,
    /// Most deadlines missed, in percent of each kernel's measured windows.
    #[arg(long, value_name = "PCT", value_parser = compare::share)]
    pub max_miss_rate: Option<f64>,
    /// Greatest 99th percentile of the end-to-end latency, in microseconds.
    #[arg(long, value_name = "US", value_parser = microseconds)]
    pub max_p99_us: Option<f64>,
    /// Runs that this one must not be slower than.
    #[arg(long, value_name = "RUN", num_args = 1.., value_parser = arguments::path())]
    pub baseline: Vec<PathBuf>,
    /// How much slower than the baseline a kernel's median may be, in percent.
    #[arg(long, value_name = "PCT", default_value = "0", value_parser = compare::percentage)]
    pub max_slowdown: f64,
    /// How to print the outcome.
    #[arg(long, value_enum, default_value_t)]
    pub format: CheckFormat,
}

/// What is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum CheckFormat {
    /// A line for each limit and kernel.
    #[default]
    Text,
    /// One object.
    Json,
    /// JUnit's XML: a test case for each limit and kernel.
    Junit,
    /// The run's figures for github-action-benchmark.
    GithubActionBenchmark,
    /// The run's figures for Bencher.
    Bencher,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let limits = Limits {
        miss_rate_percent: args.max_miss_rate,
        p99_us: args.max_p99_us,
        slowdown_percent: args.max_slowdown,
    };
    let figures = matches!(args.format, CheckFormat::GithubActionBenchmark | CheckFormat::Bencher);
    let unlimited = limits.miss_rate_percent.is_none() && limits.p99_us.is_none();
    if unlimited && args.baseline.is_empty() && !figures {
        return Err(Failure::usage(
            "there is nothing to check; give --max-miss-rate, --max-p99-us or --baseline",
        ));
    }
    let run = RunRecord::read(&args.run)?;
    let check = Check::of(&run, &limits, &compare::read(&args.baseline)?);
    let text = match args.format {
        CheckFormat::Text => check.findings.iter().map(line).collect::<Vec<_>>().join("\n"),
        CheckFormat::Json => pretty(&check)?,
        CheckFormat::Junit => junit(&check),
        CheckFormat::GithubActionBenchmark => pretty(&github_action_benchmark(&run))?,
        CheckFormat::Bencher => pretty(&bencher(&run))?,
    };
    output::print(&text)?;
    if unlimited && args.baseline.is_empty() {
        return Ok(ExitCode::Success);
    }
    let of = |answer: CheckResult| check.findings.iter().filter(|f| f.answer == answer).count();
    match check.answer {
        CheckResult::Pass => Ok(ExitCode::Success),
        CheckResult::Fail => {
            console.error(&format!(
                "{} of {} limits broken",
                of(CheckResult::Fail),
                check.findings.len()
            ));
            Ok(ExitCode::CheckFailed)
        }
        CheckResult::Undecided => {
            console.error(&format!(
                "too few windows to say whether {} of {} limits are kept; measure longer",
                of(CheckResult::Undecided),
                check.findings.len()
            ));
            Ok(ExitCode::Undecided)
        }
    }
}

fn word(answer: CheckResult) -> &'static str {
    match answer {
        CheckResult::Pass => "pass",
        CheckResult::Undecided => "undecided",
        CheckResult::Fail => "FAIL",
    }
}

fn line(finding: &Finding) -> String {
    format!("{:9} {}, {}: {}", word(finding.answer), finding.kernel, finding.limit, finding.message)
}

fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map_err(|error| Failure::input_output(format!("cannot print JSON: {error}")))
}

/// JUnit's XML as Jenkins, GitLab and GitHub's actions read it (Jenkins' `junit-10.xsd`): what is
/// undecided is an error, not a failure. A limit takes no time, but some readers want one.
fn junit(check: &Check) -> String {
    let count = |answer| check.findings.iter().filter(|f| f.answer == answer).count();
    let (failures, errors) = (count(CheckResult::Fail), count(CheckResult::Undecided));
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"{}\" \
         tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" time=\"0\">\n",
        escape(&check.run_id),
        check.findings.len()
    );
    for finding in &check.findings {
        let message = escape(&finding.message);
        let inside = match finding.answer {
            CheckResult::Pass => format!("<system-out>{message}</system-out>"),
            CheckResult::Fail => format!("<failure type=\"broken\" message=\"{message}\"/>"),
            CheckResult::Undecided => {
                format!("<error type=\"undecided\" message=\"too few windows to say: {message}\"/>")
            }
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            xml,
            "<testcase classname=\"{}\" name=\"{}\" time=\"0\">{inside}</testcase>",
            escape(&finding.kernel),
            finding.limit
        );
    }
    xml + "</testsuite>\n</testsuites>"
}

/// A kernel's figures: name, value, unit, and the ends of an interval where there is one.
type Metric = (String, f64, &'static str, Option<(Option<f64>, Option<f64>)>);

fn metrics(kernel: &KernelSummary) -> Vec<Metric> {
    let mut figures = Vec::new();
    for (name, latency, unit) in [
        ("kernel", kernel.kernel_time_us, "µs"),
        ("kernel", kernel.kernel_instructions, "instructions"),
        ("end-to-end", kernel.end_to_end_us, "µs"),
    ] {
        let Some(latency) = latency else { continue };
        figures.push((format!("{name} p50"), latency.p50, unit, latency.p50_interval));
        if let Some(p99) = latency.p99 {
            figures.push((format!("{name} p99"), p99, unit, latency.p99_interval));
        }
    }
    figures
}

fn github_action_benchmark(run: &RunRecord) -> serde_json::Value {
    let entries = run.summary.kernels.iter().flat_map(|kernel| {
        metrics(kernel).into_iter().map(move |(name, value, unit, interval)| {
            let range = match interval {
                Some((Some(low), Some(high))) => format!("{low:.3} to {high:.3}"),
                _ => String::new(),
            };
            json!({
                "name": format!("{} {name}", kernel.label()),
                "unit": unit,
                "value": value,
                "range": range,
                "extra": format!("{} windows", kernel.windows.measured),
            })
        })
    });
    entries.collect()
}

/// Bencher Metric CheckFormat: benchmark, measure, value with bounds; latencies in nanoseconds.
fn bencher(run: &RunRecord) -> serde_json::Value {
    let mut benchmarks = serde_json::Map::new();
    for kernel in &run.summary.kernels {
        for (name, value, unit, interval) in metrics(kernel) {
            let (measure, scale) =
                if unit == "µs" { ("latency", 1e3) } else { ("instructions", 1.0) };
            let mut metric = json!({ "value": value * scale });
            if let Some((low, high)) = interval {
                for (key, end) in [("lower_value", low), ("upper_value", high)] {
                    if let Some(end) = end {
                        metric[key] = json!(end * scale);
                    }
                }
            }
            benchmarks.insert(format!("{} {name}", kernel.label()), json!({ measure: metric }));
        }
    }
    benchmarks.into()
}

fn microseconds(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(us) if us.is_finite() && us > 0.0 => Ok(us),
        _ => Err("give microseconds above 0, such as 500".to_owned()),
    }
}
