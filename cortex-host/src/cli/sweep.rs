//! `cortex-host sweep`: one configuration run at every combination of some of its values.

use std::path::PathBuf;

use serde::Serialize;

use super::{Console, arguments, output};
use crate::base::table::Columns;
use crate::base::{ExitCode, Failure, Progress};
use crate::config::Setting;
use crate::plan::read_source;
use crate::report::SweepRow;
use crate::results::{grouped, micros};
use crate::run::Options;
use crate::sweep::{self, Axis, Series};

/// Version of the layout of `sweep.json`.
pub const SCHEMA_VERSION: u32 = 1;

/// Arguments of `sweep`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host sweep --config my.yaml --vary dataset.channels=64..4096
  cortex-host sweep --config my.yaml --vary dataset.channels=16,64 \\
    --vary kernels.bandpass_fir.taps=33,129
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

/// `sweep.json`.
#[derive(schemars::JsonSchema, Serialize)]
pub struct SweepJson<'a> {
    schema_version: u32,
    /// The keys that vary.
    keys: Vec<&'a str>,
    /// One row for each kernel of each run.
    rows: &'a [SweepRow],
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let series = Series {
        source: read_source(args.config.as_deref(), args.device.as_deref())?,
        settings: args.settings.clone(),
        device: args.device.clone(),
        folder: args.out.clone(),
    };
    // Everything that can be refused is refused before the first run.
    let points = series.grid(&args.vary)?;
    let options = Options {
        progress: Progress::cancelled_by_signals()?,
        notice: Some(console.notice()),
        ..Options::default()
    };
    let keys: Vec<&str> = args.vary.iter().map(|axis| axis.key.as_str()).collect();
    let mut rows = Vec::new();
    let mut code = ExitCode::Success;
    for (index, point) in points.iter().enumerate() {
        let name = format!("{}/{} {}", index + 1, points.len(), point.name());
        let ran = point.run(&options, console)?;
        console.say(&format!("{name}: {}", if ran.before { "complete already" } else { "done" }));
        if let Some(failure) = &ran.failure {
            console.error(&failure.to_string());
        }
        rows.extend(SweepRow::of(&ran.record, &point.values, None));
        let title = format!("Sweep of {}", keys.join(", "));
        sweep::write(&args.out, "sweep", &json(&keys, &rows)?, &title, &keys, &rows, &[])?;
        match ran.code() {
            ExitCode::Success => {}
            ExitCode::Interrupted => {
                console.say("Interrupted; the same command goes on from here");
                return Ok(ExitCode::Interrupted);
            }
            other => code = other,
        }
    }
    let text = if args.json { json(&keys, &rows)? } else { table(args, &rows) };
    output::print(text.trim_end())?;
    Ok(code)
}

fn json(keys: &[&str], rows: &[SweepRow]) -> Result<String, Failure> {
    let answer = SweepJson { schema_version: SCHEMA_VERSION, keys: keys.to_vec(), rows };
    let text = serde_json::to_string_pretty(&answer)
        .map_err(|error| Failure::input_output(format!("cannot print JSON: {error}")))?;
    Ok(text + "\n")
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
    let columns = Columns::of(lines.iter(), |_| false);
    let text: Vec<String> = lines.iter().map(|line| columns.line(line, "  ")).collect();
    format!("{}\n\nSweep: {}/sweep.html\n", text.join("\n"), args.out.display())
}
