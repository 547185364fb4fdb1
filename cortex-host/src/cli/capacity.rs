//! `cortex-host capacity`: the largest value that holds.

use std::path::{Path, PathBuf};

use super::{Console, compare, output};
use crate::base::table::Columns;
use crate::base::{ExitCode, Failure, Progress};
use crate::capacity::{Capacity, Criterion, Progressed, Quantity, capacity};
use crate::config::Setting;
use crate::plan::read_source;
use crate::results::grouped;
use crate::run::Options;
use crate::sweep::{self, Series};

/// Arguments of `capacity`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host capacity --config my.yaml --vary channels
  cortex-host capacity --config my.yaml --vary taps --kernel bandpass_fir --seconds 5
  cortex-host capacity --config my.yaml --vary rate --miss-rate 1 --confidence 99 --json
  cortex-host capacity --device qemu:mps2-an386 --vary channels --instructions-per-s 25e6

For each kernel alone: the most channels or taps, the highest sample rate or the shortest hop that
meets its deadlines, and the next value that does not, at most 2 % away. It starts at the
configuration's value, doubles, then halves the way; short trials first, then for the answer three
runs of --seconds each. The data are gone through again as often as that takes, so a second or two
of them is enough. With a miss rate of 0 the answer leaves time for the slowest window of a further
run, with that confidence; with another the bound of the rate of the three is below it.

On an emulated board the slowest call's instructions are compared with those that the deadline has
time for, which is exact; --instructions-per-s says how many the real one runs.

The folder holds every run, capacity.json, capacity.csv and capacity.html. The same command again
goes on where it was stopped. Exit code 1: a kernel holds at no value.")]
pub struct Args {
    /// Configuration: a file, or the built-in quickstart when absent.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<String>,
    /// What is sought.
    #[arg(long, value_enum, value_name = "channels|hop|rate|taps")]
    pub vary: Vary,
    /// Only this kernel of the configuration; may be given again.
    #[arg(long = "kernel", value_name = "NAME")]
    pub kernels: Vec<String>,
    /// Most deadlines missed, in percent.
    #[arg(long, value_name = "PCT", default_value = "0", value_parser = compare::share)]
    pub miss_rate: f64,
    /// How certain the answer is, in percent.
    #[arg(long, value_name = "PCT", default_value = "95", value_parser = confidence)]
    pub confidence: f64,
    /// How long the answer must hold.
    #[arg(long, value_name = "S", default_value = "60", value_parser = positive)]
    pub seconds: f64,
    /// What an emulated board is taken to run, in place of the emulator's 3.9 million.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub instructions_per_s: Option<f64>,
    /// A value in place of the configuration's, in every run.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<Setting>,
    /// The folder of the runs.
    #[arg(long, value_name = "FOLDER", default_value = "results/capacity", value_parser = super::arguments::path())]
    pub out: PathBuf,
    /// Run on this device instead of the configuration's.
    #[arg(short, long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Print capacity.json on stdout instead of a table.
    #[arg(long)]
    pub json: bool,
}

/// [`Quantity`] as clap takes it.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Vary {
    /// The most channels.
    Channels,
    /// The shortest hop.
    Hop,
    /// The highest sample rate.
    Rate,
    /// The most taps.
    Taps,
}

impl From<Vary> for Quantity {
    fn from(vary: Vary) -> Self {
        match vary {
            Vary::Channels => Quantity::Channels,
            Vary::Hop => Quantity::Hop,
            Vary::Rate => Quantity::Rate,
            Vary::Taps => Quantity::Taps,
        }
    }
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
    let criterion = Criterion {
        miss_rate_percent: args.miss_rate,
        confidence: args.confidence / 100.0,
        seconds: args.seconds,
        instructions_per_s: args.instructions_per_s,
    };
    let options = Options {
        progress: Progress::cancelled_by_signals()?,
        notice: Some(console.notice()),
        ..Options::default()
    };
    let quantity = Quantity::from(args.vary);
    let name = quantity.name();
    let keep = |now: &Progressed<'_>| {
        let title = format!("Capacity in {name}");
        let (json, answers) = (json(now.capacity)?, answers(now.capacity));
        sweep::write(&args.out, "capacity", &json, &title, &[name], now.rows, &answers)
    };
    let found = capacity(&series, quantity, &args.kernels, &criterion, &options, console, keep);
    let found = match found {
        Err(failure) if failure.code() == ExitCode::Interrupted => {
            console.say("Interrupted; the same command goes on from here");
            return Ok(ExitCode::Interrupted);
        }
        found => found?,
    };
    let text = if args.json { json(&found)? } else { table(&found, &args.out) };
    output::print(text.trim_end())?;
    let none = found.kernels.iter().filter(|kernel| kernel.holds.is_none());
    let none: Vec<&str> = none.map(|kernel| kernel.kernel.as_str()).collect();
    if none.is_empty() {
        return Ok(ExitCode::Success);
    }
    // On an emulated device nothing comes between.
    let advice = if found.seconds > 0.0 && found.miss_rate_percent == 0.0 {
        "; where other work on the machine delays windows, ask again when it is idle, or allow \
         some misses (--miss-rate 1)"
    } else {
        ""
    };
    console.error(&format!("no value of {name} holds for {}{advice}", none.join(", ")));
    Ok(ExitCode::CheckFailed)
}

fn json(found: &Capacity) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(found)
        .map_err(|error| Failure::input_output(format!("cannot print JSON: {error}")))?;
    Ok(text + "\n")
}

/// A head, and for each kernel what holds, what does not, and why.
fn answers(found: &Capacity) -> Vec<[String; 4]> {
    let name = found.quantity.name();
    let mut rows = vec![["kernel", name, "fails at", "why"].map(str::to_owned)];
    for kernel in &found.kernels {
        let value = |value: Option<u64>| value.map_or("–".to_owned(), |v| grouped(v as f64));
        let why = match (&kernel.limit, kernel.fails) {
            (Some(limit), _) => limit.clone(),
            (None, None) if kernel.holds.is_none() => "not yet known".to_owned(),
            (None, _) => format!("no more than that can be asked: {name} has reached its end"),
        };
        rows.push([kernel.kernel.clone(), value(kernel.holds), value(kernel.fails), why]);
    }
    rows
}

/// The table on a terminal.
fn table(found: &Capacity, folder: &Path) -> String {
    let rows: Vec<Vec<String>> = answers(found).iter().map(|row| row.to_vec()).collect();
    let columns = Columns::of(rows.iter(), |column| column == 0 || column == 3);
    let lines: Vec<String> = rows.iter().map(|row| columns.line(row, "  ")).collect();
    format!("{}\n\nCapacity: {}/capacity.html\n", lines.join("\n"), folder.display())
}

fn confidence(text: &str) -> Result<f64, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(percent) if (50.0..100.0).contains(&percent) => Ok(percent),
        _ => Err("give a percentage from 50 to less than 100, such as 95".to_owned()),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err("give a number above 0, such as 60".to_owned()),
    }
}
