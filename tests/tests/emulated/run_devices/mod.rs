//! `cortex-host run` on a device: loopback always, emulated boards over a real pseudo-terminal
//! where QEMU and the targets are installed.

#[cfg(unix)]
mod disturbed;
mod naming;
mod running;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cortex_host::device::qemu::Program;
use cortex_tests::{cortex_host, emulated};
use serde_json::Value;

/// Two channels: what the smallest board can hold of every kernel here.
const CONFIG: &str = "
dataset:
  path: primitives/datasets/v1/synthetic
  params: { signal_type: pink_noise, duration_s: 2, seed: 7 }
  channels: 2
  sample_rate_hz: 160
kernels:
  - { name: car, window: 64, hop: 32 }
  - { name: notch_iir, window: 64, hop: 32 }
  - { name: fft, window: 64, hop: 32, params: { nfft: 64 } }
execution: { warmup_windows: 1, pace: max }
";

/// (320 - 64) / 32 + 1.
const WINDOWS: u64 = 9;

fn command(folder: &Path, config: &str, arguments: &[&str]) -> Command {
    let path = folder.join("config.yaml");
    fs::write(&path, config).unwrap();
    let mut command = cortex_host();
    command.args(["run", "--config"]).arg(path).args(arguments).current_dir(folder);
    command
}

fn run(folder: &Path, config: &str, arguments: &[&str]) -> Output {
    command(folder, config, arguments).output().unwrap()
}

fn results(folder: &Path) -> PathBuf {
    let entries = fs::read_dir(folder.join("results")).unwrap();
    let runs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs[0].clone()
}

fn summary(folder: &Path) -> Value {
    let text = fs::read_to_string(results(folder).join("summary.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn rows(folder: &Path, kernel: &str) -> Vec<Value> {
    let path = results(folder).join("kernel-data").join(kernel).join("telemetry.ndjson");
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no whole number"))
}

/// Whether the firmware of `board` can be built and started here.
fn available(board: &str) -> bool {
    emulated::start(board, Program::Firmware).is_some()
}
