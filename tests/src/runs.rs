//! Run folders for tests of what reads them: made by a real run, or row by row.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{cortex_host, stdout_of};

/// Runs `config` below `work` and returns the run's folder.
///
/// # Panics
/// The run fails.
#[must_use]
pub fn run(work: &Path, config: &str) -> PathBuf {
    let path = work.join("config.yaml");
    fs::write(&path, config).expect("the configuration can be written");
    let output = cortex_host()
        .args(["run", "--quiet", "--json", "--config"])
        .arg(&path)
        .current_dir(work)
        .output()
        .expect("cortex-host starts");
    let answer: serde_json::Value =
        serde_json::from_str(&stdout_of(&output, 0)).expect("run --json prints JSON");
    work.join(answer["folder"].as_str().expect("run names its folder"))
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
/// millisecond; end-to-end is 1 µs more.
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
    let path = run.join("kernel-data").join(kernel).join("telemetry.ndjson");
    fs::write(path, text).expect("telemetry can be written");
}
