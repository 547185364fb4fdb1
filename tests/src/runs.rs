//! Runs through the library, and run folders for tests of what reads them: made by a real run, or
//! row by row.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use cortex_host::base::{Failure, Level, Observer};
use cortex_host::config::{self, Source};
use cortex_host::plan::Plan;
use cortex_host::primitive::Library;
use cortex_host::results::terminal_table;
use cortex_host::run::{Options, Outcome};

/// A run that left a results folder, and what its user would have read.
pub struct Experiment {
    /// What the library returns.
    pub outcome: Outcome,
    /// Everything it said on the way, and what broke it off, a sentence a line.
    pub said: String,
    /// The table of results.
    pub table: String,
}

/// The observer that keeps what it hears.
#[derive(Default)]
struct Listener(Mutex<String>);

impl Observer for Listener {
    fn message(&self, _level: Level, text: &str) {
        let mut said = self.0.lock().expect("nobody panics with it");
        *said += text;
        *said += "\n";
    }
}

/// Runs `text`, a configuration, in this process, as `cortex-host run` does in the folder `work`:
/// results are below `work/results`, unless the configuration names an absolute folder.
///
/// # Errors
/// [`Failure`] when the configuration is refused or nothing was run.
///
/// # Panics
/// Never.
pub fn experiment(work: &Path, text: &str, options: &Options) -> Result<Experiment, Failure> {
    let source =
        Source { name: "config.yaml".into(), text: text.to_owned(), folder: Some(work.to_owned()) };
    let library = Library::at(work, source.folder.as_deref());
    let mut plan = config::parse(&source).and_then(|config| {
        Plan::new(&config, &library).map_err(|problem| problem.in_source(&source.name))
    })?;
    plan.output.directory = work.join(&plan.output.directory);
    let listener = Listener::default();
    let outcome = cortex_host::run::run(&plan, options, &listener)?;
    let mut said = listener.0.into_inner().expect("nobody panicked with it");
    if let Some(failure) = &outcome.failure {
        said += &failure.to_string();
    }
    let table = terminal_table(&outcome.summary);
    Ok(Experiment { outcome, said, table })
}

/// Runs `config` below `work`, to its end and without a fault, and returns the run's folder.
///
/// # Panics
/// The run fails.
#[must_use]
pub fn run(work: &Path, config: &str) -> PathBuf {
    let ran = experiment(work, config, &Options::default());
    let ran = ran.unwrap_or_else(|failure| panic!("{failure}"));
    assert!(ran.outcome.failure.is_none(), "{}", ran.said);
    ran.outcome.folder
}

/// A configuration of `kernels` (flow mappings) on `duration_s` seconds of 4 channels of pink
/// noise at 250 Hz, as fast as they go.
#[must_use]
pub fn config(seed: u32, duration_s: u32, kernels: &[&str], rest: &str) -> String {
    let mut text = format!(
        "dataset:\n  path: primitives/datasets/v1/synthetic\n  channels: 4\n  sample_rate_hz: 250\n  \
         params: {{ signal_type: pink_noise, duration_s: {duration_s}, seed: {seed} }}\nkernels:\n"
    );
    for kernel in kernels {
        let _ = writeln!(text, "  - {kernel}");
    }
    text + rest
}

/// Replaces a kernel's telemetry by windows with these kernel times in nanoseconds, one every
/// millisecond; end-to-end is 1 µs more. The summary's number of windows follows.
///
/// # Panics
/// The file cannot be written.
pub fn replace_telemetry(run: &Path, kernel: &str, kernel_ns: impl IntoIterator<Item = u64>) {
    write_telemetry(run, kernel, kernel_ns, |_| None);
}

/// The same as an emulated device writes it: `instructions` of a window whose kernel took 100 ns
/// each.
///
/// # Panics
/// The file cannot be written.
pub fn replace_by_emulated(run: &Path, kernel: &str, instructions: impl IntoIterator<Item = u64>) {
    let kernel_ns = instructions.into_iter().map(|count| count * 100);
    write_telemetry(run, kernel, kernel_ns, |kernel_ns| Some(kernel_ns / 100));
}

fn write_telemetry(
    run: &Path,
    kernel: &str,
    kernel_ns: impl IntoIterator<Item = u64>,
    instructions: fn(u64) -> Option<u64>,
) {
    let mut text = String::new();
    for (index, kernel_ns) in (0_u64..).zip(kernel_ns) {
        let release = (index + 1) * 1_000_000;
        let mut row = serde_json::json!({
            "run_id": "r", "plugin": kernel, "window_index": index,
            "release_ts_ns": release, "deadline_ts_ns": release + 1_000_000,
            "start_ts_ns": release, "end_ts_ns": release + kernel_ns + 1000,
            "deadline_missed": u8::from(kernel_ns + 1000 > 1_000_000),
            "W": 50, "H": 25, "C": 4, "Fs": 250, "warmup": 0, "repeat": 0,
            "device_tin_ns": release, "device_tstart_ns": release,
            "device_tend_ns": release + kernel_ns, "device_tfirst_tx_ns": release + kernel_ns,
            "device_tlast_tx_ns": release + kernel_ns, "adapter_name": "native",
            "window_failed": 0, "error_code": 0,
        });
        if let Some(instructions) = instructions(kernel_ns) {
            row["device_instructions"] = instructions.into();
        }
        let _ = writeln!(text, "{row}");
    }
    let rows = text.lines().count();
    let path = run.join("kernel-data").join(kernel).join("telemetry.ndjson");
    fs::write(path, text).expect("telemetry can be written");
    let path = run.join("summary.json");
    let summary = fs::read_to_string(&path).expect("a run has a summary");
    let mut summary: serde_json::Value = serde_json::from_str(&summary).expect("it is JSON");
    for known in summary["kernels"].as_array_mut().expect("it has kernels") {
        if known["name"] == kernel {
            for count in ["planned", "run", "measured"] {
                known["windows"][count] = rows.into();
            }
        }
    }
    fs::write(path, summary.to_string()).expect("a summary can be written");
}
