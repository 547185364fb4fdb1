//! `cortex-host sweep`: one configuration run at every combination of some of its values.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;

use super::{Console, arguments, output};
use crate::base::atomic_file::place_text;
use crate::base::{ExitCode, Failure, Progress};
use crate::config::Setting;
use crate::plan::{self, Overrides, Plan};
use crate::report::{SweepRow, sweep_html};
use crate::results::RunRecord;
use crate::results::{RunStatus, grouped, micros};
use crate::run::{Options, run};

/// Version of the layout of `sweep.json`.
pub const SCHEMA_VERSION: u32 = 1;

/// Most runs of a sweep.
const MOST_RUNS: usize = 1000;

/// Arguments of `sweep`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host sweep --config my.yaml --vary dataset.channels=64..4096
  cortex-host sweep --config my.yaml --vary dataset.channels=16,64 --vary kernels.bandpass_fir.taps=33,129
  cortex-host sweep --config my.yaml --vary kernels.hop=5,10,20 --out hops --json

Runs every combination. A..B doubles from A to B. A key of kernels that is not window, hop or
deadline_us is a parameter: kernels.bandpass_fir.taps. The folder holds every run by its values,
sweep.json, sweep.csv and sweep.html. The same command again goes on where it was stopped: runs that
are complete are not made again.")]
pub struct Args {
    /// Configuration: a file, or the built-in quickstart when absent.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<String>,
    /// What varies: KEY=A,B,C or KEY=A..B.
    #[arg(long, required = true, value_name = "KEY=VALUES")]
    pub vary: Vec<Axis>,
    /// A value in place of the configuration's, in every run.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<Setting>,
    /// The sweep's folder.
    #[arg(long, value_name = "FOLDER", default_value = "results/sweep", value_parser = arguments::path())]
    pub out: PathBuf,
    /// Run on this device instead of the configuration's.
    #[arg(short, long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Print sweep.json on stdout instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// A key and the values it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    key: String,
    values: Vec<String>,
}

impl FromStr for Axis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, values) = text
            .split_once('=')
            .ok_or_else(|| "give KEY=VALUES, such as dataset.channels=64..4096".to_owned())?;
        let values: Vec<String> = match values.split_once("..") {
            Some((from, to)) => {
                let number = |text: &str| {
                    text.trim().parse::<u64>().ok().filter(|number| *number > 0).ok_or_else(|| {
                        format!("{text:?} is no whole number above 0; give A..B such as 64..4096")
                    })
                };
                let (from, to) = (number(from)?, number(to)?);
                let doubled = std::iter::successors(Some(from), |value| value.checked_mul(2));
                doubled.take_while(|value| *value <= to).map(|value| value.to_string()).collect()
            }
            None => values.split(',').map(|value| value.trim().to_owned()).collect(),
        };
        if values.is_empty() || values.iter().any(String::is_empty) {
            return Err(format!("{text:?} has no values; give some, such as {key}=64,128"));
        }
        for value in &values {
            Setting::new(key.trim(), value)?;
        }
        Ok(Self { key: key.trim().to_owned(), values })
    }
}

/// `sweep.json`.
#[derive(schemars::JsonSchema, Serialize)]
pub struct SweepJson<'a> {
    schema_version: u32,
    /// The keys that vary.
    keys: Vec<&'a str>,
    /// One row for each kernel of each run.
    rows: &'a [SweepRow],
}

/// One combination of values.
struct Point {
    values: Vec<(String, String)>,
    plan: Plan,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    // Everything that can be refused is refused before the first run.
    let points = points(args)?;
    let options = Options {
        fault: None,
        fault_log: None,
        trace: None,
        firmware: None,
        progress: Progress::cancelled_by_signals()?,
        notice: Some(console.notice()),
    };
    let mut rows = Vec::new();
    let mut code = ExitCode::Success;
    for (index, point) in points.iter().enumerate() {
        let (record, ended) = run_point(point, &options, console, index, points.len())?;
        rows.extend(SweepRow::of(&record, &point.values));
        write(args, &rows)?;
        match ended {
            ExitCode::Success => {}
            ExitCode::Interrupted => {
                console.say("Interrupted; the same command goes on from here");
                return Ok(ExitCode::Interrupted);
            }
            other => code = other,
        }
    }
    let text = if args.json { json(args, &rows)? } else { table(args, &rows) };
    output::print(text.trim_end())?;
    Ok(code)
}

/// Every combination, planned.
fn points(args: &Args) -> Result<Vec<Point>, Failure> {
    let count = args.vary.iter().try_fold(1_usize, |n, axis| n.checked_mul(axis.values.len()));
    if count.is_none_or(|count| count > MOST_RUNS) {
        return Err(Failure::usage(format!("a sweep has at most {MOST_RUNS} runs; vary less")));
    }
    let mut combinations: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for axis in &args.vary {
        combinations = combinations
            .iter()
            .flat_map(|before| {
                axis.values.iter().map(move |value| {
                    [before.as_slice(), &[(axis.key.clone(), value.clone())]].concat()
                })
            })
            .collect();
    }
    combinations
        .into_iter()
        .map(|values| {
            let mut settings = args.settings.clone();
            for (key, value) in &values {
                settings.push(Setting::new(key, value).map_err(Failure::usage)?);
            }
            let name: Vec<String> =
                values.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let overrides = Overrides {
                device: args.device.clone(),
                settings,
                directory: Some(args.out.clone()),
                name: Some(name.join(",").replace(['/', '\\'], "_")),
                ..Overrides::default()
            };
            let plan = plan::load_with(args.config.as_deref(), &overrides)?;
            Ok(Point { values, plan })
        })
        .collect()
}

/// The run of a point: read when it is there and complete, else made.
fn run_point(
    point: &Point,
    options: &Options,
    console: &Console,
    index: usize,
    of: usize,
) -> Result<(RunRecord, ExitCode), Failure> {
    let output = &point.plan.output;
    let folder = output.directory.join(output.name.as_deref().unwrap_or_default());
    let label = output.name.as_deref().unwrap_or_default();
    if folder.join("summary.json").is_file() {
        let record = RunRecord::read(&folder)?;
        if record.summary.plan_sha256 != point.plan.digest() {
            return Err(Failure::usage(format!(
                "{} is of another configuration; give another folder with --out",
                folder.display()
            )));
        }
        if record.summary.status == RunStatus::Complete {
            console.say(&format!("{}/{of} {label}: complete already", index + 1));
            return Ok((record, ExitCode::Success));
        }
    }
    if folder.exists() {
        // Only what a run that was stopped has left: its name is that of this point.
        std::fs::remove_dir_all(&folder).map_err(|error| {
            Failure::input_output(format!("cannot remove {}: {error}", folder.display()))
        })?;
    }
    console.say(&format!("{}/{of} {label}", index + 1));
    let outcome = run(&point.plan, options, console)?;
    if let Some(failure) = &outcome.failure {
        console.error(&failure.to_string());
    }
    Ok((RunRecord::read(&outcome.folder)?, outcome.code()))
}

/// Writes the sweep's files as far as it has come.
fn write(args: &Args, rows: &[SweepRow]) -> Result<(), Failure> {
    let keys: Vec<&str> = args.vary.iter().map(|axis| axis.key.as_str()).collect();
    let place = |name: &str, text: &str| place_text(&Path::new(&args.out).join(name), text);
    place("sweep.json", &json(args, rows)?)?;
    place("sweep.csv", &csv(&keys, rows))?;
    place("sweep.html", &sweep_html(&keys, rows))?;
    Ok(())
}

fn json(args: &Args, rows: &[SweepRow]) -> Result<String, Failure> {
    let keys = args.vary.iter().map(|axis| axis.key.as_str()).collect();
    let answer = SweepJson { schema_version: SCHEMA_VERSION, keys, rows };
    let text = serde_json::to_string_pretty(&answer)
        .map_err(|error| Failure::input_output(format!("cannot print JSON: {error}")))?;
    Ok(text + "\n")
}

fn csv(keys: &[&str], rows: &[SweepRow]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = [keys, &SweepRow::COLUMNS].concat();
    let mut records = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
    records.extend(rows.iter().map(SweepRow::cells));
    for record in records {
        // Writing to memory cannot fail.
        let _ = writer.write_record(record);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// The table on a terminal.
fn table(args: &Args, rows: &[SweepRow]) -> String {
    let short = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
    let head = args.vary.iter().map(|axis| short(&axis.key));
    let head = head.chain(["kernel", "p50", "p99", "max", "missed"].map(str::to_owned));
    let mut lines: Vec<Vec<String>> = vec![head.collect()];
    for row in rows {
        let figure = |value: Option<f64>| value.map_or("–".to_owned(), micros);
        let mut line: Vec<String> = row.values.iter().map(|(_, value)| value.clone()).collect();
        line.extend([
            row.kernel.clone(),
            figure(row.p50),
            figure(row.p99),
            figure(row.max),
            format!("{} of {}", grouped(row.missed as f64), grouped(row.measured as f64)),
        ]);
        lines.push(line);
    }
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            row.push_str(&" ".repeat(width - cell.chars().count()));
            row.push_str(cell);
            row.push_str("  ");
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    format!("{text}\nSweep: {}/sweep.html\n", args.out.display())
}
