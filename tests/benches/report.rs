//! What the report of a long run takes: time and memory of `cortex-host report` for a tenth of a
//! million and a million windows, of NDJSON and of CSV telemetry.
//!
//! `cargo bench -p cortex-tests --bench report`. The runs themselves are of one channel, a sample a
//! window, in a temporary folder; the time of each, its own report included, is printed too.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cortex_tests::{checkout, cortex_host_of_bench};

const WINDOWS: [u64; 2] = [100_000, 1_000_000];
const FORMATS: [&str; 2] = ["ndjson", "csv"];
const ROUNDS: usize = 5;

/// Samples of a window.
const WINDOW: u64 = 8;
const SAMPLE_RATE_HZ: u64 = 1_000;

fn main() {
    let program = cortex_host_of_bench();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runs: Vec<(u64, &str, (PathBuf, Duration))> = WINDOWS
        .into_iter()
        .flat_map(|windows| FORMATS.map(|format| (windows, format)))
        .map(|(windows, format)| (windows, format, run(&program, folder.path(), windows, format)))
        .collect();
    let mut found = vec![Taken { time: Duration::MAX, peak_bytes: 0 }; runs.len()];
    for _ in 0..ROUNDS {
        for ((_, _, (run, _)), found) in runs.iter().zip(&mut found) {
            let taken = report(&program, run);
            found.time = found.time.min(taken.time);
            found.peak_bytes = found.peak_bytes.max(taken.peak_bytes);
        }
    }
    println!("{:>9} {:8} {:>8} {:>8} {:>8}", "windows", "format", "run s", "report s", "MB");
    for ((windows, format, (_, run)), taken) in runs.iter().zip(&found) {
        let [run, report] = [*run, taken.time].map(|time| time.as_secs_f64());
        let megabytes = taken.peak_bytes as f64 / 1e6;
        println!("{windows:9} {format:8} {run:8.2} {report:8.2} {megabytes:8.1}");
    }
    let [few, many] = WINDOWS;
    let [few_ndjson, few_csv, ndjson, csv] = &found[..] else { return };
    for (format, less, more) in [("ndjson", few_ndjson, ndjson), ("csv", few_csv, csv)] {
        let bytes = (more.peak_bytes as f64 - less.peak_bytes as f64) / (many - few) as f64;
        println!("{format}: {bytes:.0} bytes of memory a window");
    }
    println!("csv / ndjson: {:.2}", csv.time.as_secs_f64() / ndjson.time.as_secs_f64());
}

/// What one report took.
#[derive(Clone, Copy)]
struct Taken {
    time: Duration,
    peak_bytes: u64,
}

/// A run of so many windows; returns its folder and what it took.
fn run(program: &Path, folder: &Path, windows: u64, format: &str) -> (PathBuf, Duration) {
    let duration_s = (windows + WINDOW - 1) as f64 / SAMPLE_RATE_HZ as f64;
    let results = folder.join(format!("{windows}-{format}"));
    let config = folder.join(format!("{windows}-{format}.yaml"));
    let text = format!(
        "dataset:\n  \
           path: \"primitives/datasets/v1/synthetic\"\n  \
           params: {{ signal_type: \"sine_wave\", duration_s: {duration_s}, frequency_hz: 10.0 }}\n  \
           channels: 1\n  \
           sample_rate_hz: {SAMPLE_RATE_HZ}\n\
         kernels:\n  - {{ name: \"noop\", window: {WINDOW}, hop: 1 }}\n\
         execution: {{ pace: \"max\" }}\n\
         output: {{ directory: {results:?}, format: \"{format}\" }}\n"
    );
    std::fs::write(&config, text).expect("a configuration is written");
    let begun = Instant::now();
    let status = Command::new(program)
        .args(["run", "--config"])
        .arg(&config)
        .current_dir(checkout())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .status();
    let time = begun.elapsed();
    assert!(status.is_ok_and(|status| status.success()), "the run of {windows} windows failed");
    let runs = std::fs::read_dir(&results).expect("a results folder");
    let run = runs.map(|entry| entry.expect("an entry").path()).find(|path| path.is_dir());
    (run.expect("a run in the results folder"), time)
}

/// Writes the report of the run in `folder` again.
fn report(program: &Path, folder: &Path) -> Taken {
    let begun = Instant::now();
    let mut child = Command::new(program)
        .arg("report")
        .arg(folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    // The system knows a process's peak for as long as it lives, and it only grows.
    let status_file = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak_bytes = 0;
    let status = loop {
        peak_bytes = peak_bytes.max(peak(&status_file).unwrap_or(0));
        if let Some(status) = child.try_wait().expect("the program can be waited for") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(status.success(), "no report of {}", folder.display());
    Taken { time: begun.elapsed(), peak_bytes }
}

/// The most memory that a process has had resident.
fn peak(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
