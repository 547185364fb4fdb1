//! kill -9 at random moments: the next command finds the whole old or the whole new state.
//!
//! Twenty trials of each command by default; `CORTEX_KILL_TRIALS=1000` for the long run.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use cortex_tests::{cortex_host, stdout_of};
use serde_json::Value;

fn trials() -> u64 {
    std::env::var("CORTEX_KILL_TRIALS").map_or(20, |text| text.parse().expect("a number"))
}

/// A fixed sequence of shares 0 to 1, spread evenly (the golden ratio's multiples).
fn share(trial: u64) -> f64 {
    (trial as f64 * 0.618_033_988_749_895).fract()
}

fn command(arguments: &[&str], folder: &Path) -> Command {
    let mut command = cortex_host();
    command.args(arguments).current_dir(folder).env("TMPDIR", folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// How long the whole command takes, so that kills fall into all of it.
fn whole(arguments: &[&str], folder: &Path) -> Duration {
    let begun = Instant::now();
    assert!(command(arguments, folder).status().unwrap().success());
    begun.elapsed()
}

/// Starts the command and kills it after `share` of 1.1 times the `usual` time.
fn start_and_kill(arguments: &[&str], folder: &Path, usual: Duration, share: f64) {
    let mut child = command(arguments, folder).spawn().unwrap();
    sleep(usual.mul_f64(1.1 * share));
    let _ = child.kill();
    child.wait().unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// What is under the name is whole: data with its manifest reproduces. Returns the seed.
fn check_generated(folder: &Path) -> Option<u64> {
    let data = folder.join("data.float32");
    let manifest = folder.join("data.float32.manifest.yaml");
    if !data.is_file() || !manifest.is_file() {
        return None;
    }
    let text = fs::read_to_string(&manifest).unwrap();
    let mut check = cortex_host();
    check.arg("reproduce").arg(&manifest);
    stdout_of(&check.output().unwrap(), 0);
    let seed = text.lines().find_map(|line| line.trim().strip_prefix("seed: "));
    Some(seed.expect("a manifest has a seed").parse().unwrap())
}

#[test]
fn a_killed_generate_leaves_a_whole_dataset_or_none() {
    let (mut none, mut there) = (0, 0);
    let arguments =
        ["generate", "pink_noise", "64", "1000", "4", "data.float32", "--seed", "1", "--force"];
    let scale = tempfile::tempdir().unwrap();
    let usual = whole(&arguments, scale.path());
    for trial in 0..trials() {
        let folder = tempfile::tempdir().unwrap();
        start_and_kill(&arguments, folder.path(), usual, share(trial));
        match check_generated(folder.path()) {
            Some(seed) => {
                assert_eq!(seed, 1);
                there += 1;
            }
            None => none += 1,
        }
        // Whatever was left is hidden, and the next command works and clears it away.
        let visible = names(folder.path()).into_iter().filter(|name| !name.starts_with('.'));
        assert!(visible.into_iter().all(|name| name.starts_with("data.")));
        assert!(command(&arguments, folder.path()).status().unwrap().success());
        assert_eq!(check_generated(folder.path()), Some(1));
        let left: Vec<String> =
            names(folder.path()).into_iter().filter(|name| name.starts_with('.')).collect();
        assert_eq!(left, [] as [String; 0], "trial {trial}");
    }
    println!("generate: {none} times nothing, {there} times the whole dataset");
}

/// The run folders below `results`.
fn runs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder.join("results")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_killed_run_never_looks_complete_and_its_files_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = "dataset: { path: primitives/datasets/v1/synthetic, channels: 16, \
        sample_rate_hz: 1000, params: { signal_type: pink_noise, duration_s: 2 } }\n\
        kernels: [{ name: car, window: 20, hop: 10 }]\nexecution: { pace: max }\n";
    fs::write(folder.path().join("c.yaml"), config).unwrap();
    let arguments = ["run", "--quiet", "--config", "c.yaml"];
    let usual = whole(&arguments, folder.path());
    let mut ended = [0; 2];
    for trial in 0..trials() {
        fs::remove_dir_all(folder.path().join("results")).unwrap_or_default();
        start_and_kill(&arguments, folder.path(), usual, share(trial));
        for run in runs(folder.path()) {
            let Ok(text) = fs::read_to_string(run.join("summary.json")) else { continue };
            let summary: Value = serde_json::from_str(&text).expect("a summary is whole");
            let complete = summary["status"] == "complete";
            assert!(complete || summary["status"] == "running", "{text}");
            ended[usize::from(complete)] += 1;
            let telemetry = run.join("kernel-data/car/telemetry.ndjson");
            let rows = fs::read_to_string(telemetry).unwrap_or_default();
            // Only the last line of a killed run may be cut short.
            let mut lines: Vec<&str> = rows.split('\n').collect();
            let last = lines.pop().unwrap_or_default();
            assert!(!complete || last.is_empty(), "{last}");
            for line in &lines {
                let row: Value = serde_json::from_str(line).expect("a row is whole");
                assert_eq!(row["plugin"], "car");
            }
            if complete {
                // 2000 samples hold 199 windows of 20 by 10.
                assert_eq!(lines.len(), 199);
            }
        }
        assert!(command(&arguments, folder.path()).status().unwrap().success());
    }
    println!("run: {} killed under way, {} complete", ended[0], ended[1]);
}

#[test]
fn a_killed_conversion_leaves_the_old_file_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    for (name, seed) in [("one", "1"), ("two", "2")] {
        let file = format!("{name}.float32");
        let arguments =
            ["generate", "pink_noise", "32", "1000", "8", &file, "--seed", seed, "--npy"];
        whole(&arguments, folder.path());
    }
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let (one, two) = (read("one.float32"), read("two.float32"));
    let convert = |from: &'static str| ["convert", from, "out.float32", "--rate", "1000"];
    let usual = whole(&convert("one.npy"), folder.path());
    let mut changed = 0;
    for trial in 0..trials() {
        let (from, new) = if trial % 2 == 0 { ("two.npy", &two) } else { ("one.npy", &one) };
        let old = read("out.float32");
        start_and_kill(&convert(from), folder.path(), usual, share(trial));
        let now = read("out.float32");
        assert!(now == old || now == *new, "trial {trial}");
        changed += usize::from(now == *new && now != old);
    }
    println!("convert: {changed} times the new file");
}
