//! `cortex-host run` as its users meet it: a YAML in, a folder out, whatever happens on the way.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use cortex_tests::faults::{signal, wait_for};
use cortex_tests::{cortex_host, oracle, real_recordings, runs, stderr_of, stdout_of};
use serde_json::Value;
use tempfile::TempDir;

/// A working folder with a folder of its own for temporary files, both with awkward names.
struct Place {
    _root: TempDir,
    work: PathBuf,
    temporary: PathBuf,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let work = root.path().join("mes données 脳波");
        let temporary = root.path().join("tmp dir");
        fs::create_dir(&work).unwrap();
        fs::create_dir(&temporary).unwrap();
        Self { _root: root, work, temporary }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = cortex_host();
        command.args(arguments).current_dir(&self.work).env("TMPDIR", &self.temporary);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn spawn(&self, arguments: &[&str], config: &str) -> Child {
        let mut child = self.command(arguments).spawn().unwrap();
        child.stdin.take().unwrap().write_all(config.as_bytes()).unwrap();
        child
    }

    fn run(&self, arguments: &[&str], config: &str) -> Output {
        self.spawn(arguments, config).wait_with_output().unwrap()
    }

    /// The run folders below `results`, by name.
    fn runs(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.work.join("results")) else { return Vec::new() };
        let mut runs: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        runs.sort();
        runs
    }

    fn only_run(&self) -> PathBuf {
        let runs = self.runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }

    fn temporary_files(&self) -> Vec<PathBuf> {
        fs::read_dir(&self.temporary).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}

fn generated(channels: usize, rate_hz: u32, duration_s: u32, rest: &str) -> String {
    format!(
        "dataset:\n  path: primitives/datasets/v1/synthetic\n  channels: {channels}\n  \
         sample_rate_hz: {rate_hz}\n  params: {{ signal_type: pink_noise, duration_s: \
         {duration_s}, seed: 7 }}\n{rest}\n"
    )
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn rows(run: &Path, kernel: &str) -> Vec<Value> {
    let path = run.join("kernel-data").join(kernel).join("telemetry.ndjson");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The parts of a summary that two runs of one configuration must share.
fn stable(summary: &Value) -> Value {
    let kernels: Vec<Value> = summary["kernels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|k| serde_json::json!([k["name"], k["window"], k["hop"], k["windows"]["run"]]))
        .collect();
    serde_json::json!([summary["plan_sha256"], summary["dataset"], kernels])
}

#[test]
fn a_run_leaves_all_that_is_needed_to_judge_and_repeat_it() {
    let place = Place::new();
    let kernels = "kernels:\n  - { name: noop, window: 160, hop: 80 }\n  \
        - { name: goertzel, window: 160, hop: 80 }\n  - { name: goertzel, window: 80, hop: 80 }\n\
        execution: { pace: max, warmup_windows: 2, repeat_count: 2 }";
    let config = generated(16, 160, 5, kernels);
    let output = place.run(&["run", "--config", "-"], &config);
    let talk = stderr_of(&output, 0);
    let lines: Vec<&str> = talk.lines().filter(|line| line.starts_with("[cortex]")).collect();
    assert_eq!(
        lines[..3],
        [
            "[cortex] Detected synthetic dataset generator",
            "[cortex] Generating pink_noise signal...",
            "[cortex] 16ch × 800 samples... 100% complete",
        ]
    );
    let file = lines[3].strip_prefix("[cortex] Generated file: ").unwrap();
    assert!(Path::new(file).starts_with(&place.temporary), "{file}");
    assert!(file.contains("/cortex_gen_") && file.ends_with(".float32"), "{file}");
    assert_eq!(lines[4], "[cortex] Running harness...");
    assert_eq!(place.temporary_files(), [] as [PathBuf; 0]);

    let run = place.only_run();
    let name = run.file_name().unwrap().to_str().unwrap();
    assert_eq!(name.len(), "run-2026-01-12-153000".len());
    assert!(String::from_utf8_lossy(&output.stdout).contains(name));
    let summary = json(&run.join("summary.json"));
    assert_eq!(summary["schema_version"], 2);
    assert_eq!(summary["status"], "complete");
    assert_eq!(summary["run_id"], name);
    assert_eq!(summary["dataset"]["seed"], 7);
    // 800 samples hold 9 windows of 160 by 80 and 10 of 80 by 80, twice, 2 of each warm-up.
    let labels = ["noop", "goertzel window=160", "goertzel window=80"];
    for (kernel, folder, windows) in [(0, "noop", 18), (1, "goertzel", 18), (2, "goertzel-2", 20)] {
        assert_eq!(summary["kernels"][kernel]["label"], labels[kernel]);
        let kernel = &summary["kernels"][kernel];
        assert_eq!(kernel["name"], folder);
        assert_eq!(kernel["windows"]["run"], windows);
        assert_eq!(kernel["windows"]["warmup"], 4);
        assert_eq!(kernel["windows"]["measured"], windows - 4);
        assert_eq!(kernel["windows"]["failed"], 0);
        for time in ["kernel_time_us", "end_to_end_us"] {
            for figure in ["min", "p50", "max"] {
                assert!(kernel[time][figure].as_f64().unwrap() >= 0.0);
            }
            assert_eq!(kernel[time]["n"], windows - 4);
            assert!(kernel[time]["p50_interval"].is_array());
            // 14 or 16 windows: no value is expected beyond a p95.
            assert!(kernel[time]["p95"].is_null() && kernel[time]["p99"].is_null());
        }
        let rows = rows(&run, folder);
        assert_eq!(rows.len() as u64, windows);
        assert!(rows.iter().all(|row| row["plugin"] == folder && row["run_id"] == name));
        assert_eq!(rows.iter().filter(|row| row["warmup"] == 1).count(), 4);
    }
    let markdown = fs::read_to_string(run.join("SUMMARY.md")).unwrap();
    assert!(markdown.contains("**Complete: 3 kernels, 0 of 44 deadlines missed"), "{markdown}");
    assert!(markdown.contains("governor") && markdown.contains("scheduler"), "{markdown}");

    // The manifest proves the data, and the resolved configuration gives the same run again.
    let manifest = run.join("dataset/generation_manifest.yaml");
    stdout_of(&place.run(&["reproduce", manifest.to_str().unwrap()], ""), 0);
    let again = run.join("config.yaml");
    let output = place.run(&["run", "--json", "--config", again.to_str().unwrap()], "");
    let answer: Value = serde_json::from_str(&stdout_of(&output, 0)).unwrap();
    assert_eq!(stable(&answer), stable(&summary));
    let folder = place.work.join(answer["folder"].as_str().unwrap());
    assert!(folder.join("summary.json").is_file());
    assert_eq!(place.runs().len(), 2);
}

#[test]
fn the_first_command_needs_no_configuration() {
    let place = Place::new();
    stdout_of(&place.run(&["run", "--quiet", "--json"], ""), 0);
    let summary = json(&place.only_run().join("summary.json"));
    assert_eq!(summary["status"], "complete");
    assert_eq!(summary["pace"], "realtime");
    let kernels = summary["kernels"].as_array().unwrap();
    assert_eq!(kernels.len(), 7);
    assert!(kernels.iter().all(|kernel| kernel["windows"]["measured"].as_u64() >= Some(100)));
    assert!(summary["elapsed_s"].as_f64().unwrap() < 15.0, "{}", summary["elapsed_s"]);
    assert!(summary["tool"]["compiler"].as_str().unwrap().starts_with("rustc "));
    let markdown = fs::read_to_string(place.only_run().join("SUMMARY.md")).unwrap();
    assert!(markdown.contains("- notch_iir: f0_hz="), "{markdown}");
    assert!(markdown.contains("Latencies were measured with CORTEX-rs 0.1.0"), "{markdown}");
    // The harness's own cost is a promise of the project (below 20 us at 64 channels); it is a
    // figure to look at here, because a loaded machine may break it.
    println!("harness cost of noop: {} us", kernels[0]["harness_cost_us"]["p50"]);
}

/// The guide's way of using a pregenerated file.
#[test]
fn a_pregenerated_file_runs_from_a_process_substitution() {
    let place = Place::new();
    stdout_of(
        &place.run(&["generate", "pink_noise", "8", "160", "4.0", "test_data.float32"], ""),
        0,
    );
    let script = "\"$0\" run --config <(cat <<EOF\n\
        dataset:\n  path: \"test_data.float32\"\n  format: \"float32\"\n  channels: 8\n  \
        sample_rate_hz: 160\nkernels: [{ name: car, window: 64, hop: 32 }]\n\
        execution: { pace: max }\noutput: { format: csv }\nEOF\n)";
    let program = cortex_host().get_program().to_owned();
    let output = Command::new("bash")
        .arg("-c")
        .arg(script)
        .arg(program)
        .current_dir(&place.work)
        .output()
        .unwrap();
    stdout_of(&output, 0);
    let run = place.only_run();
    let manifest = run.join("dataset/generation_manifest.yaml");
    assert!(manifest.exists(), "a run on a generated file keeps its manifest");
    let summary = json(&run.join("summary.json"));
    assert_eq!(summary["dataset"]["kind"], "static");
    let csv = fs::read_to_string(run.join("kernel-data/car/telemetry.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 19);
    assert!(csv.starts_with("run_id,plugin,window_index,release_ts_ns,"));
}

#[test]
fn every_kernel_runs_on_real_eeg_and_its_outputs_match_scipy() {
    let Some(folder) = real_recordings() else { return };
    let recording = folder.join("S001R03.float32");
    let place = Place::new();
    let mut config = format!(
        "dataset: {{ path: '{}', format: float32, channels: 64, sample_rate_hz: 160 }}\nkernels:\n",
        recording.display()
    );
    let kernels = ["noop", "car", "notch_iir", "bandpass_fir", "goertzel", "welch_psd", "fft"];
    for kernel in kernels {
        config += &format!("  - {{ name: {kernel}, window: 160, hop: 80 }}\n");
    }
    config += "execution: { pace: max, warmup_windows: 3, repeat_count: 2 }\n\
        output: { include_raw_data: true }\n";
    let run = runs::run(&place.work, &config);
    let summary = json(&run.join("summary.json"));
    // The digest that the recording's folder gives for it.
    let sha256 = summary["dataset"]["sha256"].as_str().unwrap();
    let readme = fs::read_to_string(folder.join("README.md")).unwrap_or_default();
    assert!(!readme.contains("sha256:") || readme.contains(sha256));
    for kernel in summary["kernels"].as_array().unwrap() {
        // 20000 samples hold 249 windows of 160 by 80.
        assert_eq!(kernel["windows"]["run"], 498, "{kernel}");
        assert_eq!(kernel["windows"]["failed"], 0, "{kernel}");
    }
    let data = run.join("kernel-data");
    let shape = "--channels 64 --sample-rate-hz 160 --window 160 --hop 80 --windows 249";
    let mut arguments: Vec<&OsStr> = shape.split(' ').map(OsStr::new).collect();
    arguments.extend([OsStr::new("--recording"), recording.as_os_str()]);
    arguments.extend([OsStr::new("--kernel-data"), data.as_os_str()]);
    let Some(output) = oracle("eeg_kernels.py", &arguments) else { return };
    let report = stdout_of(&output, 0);
    println!("{report}");
    assert_eq!(report.lines().count(), kernels.len());
    assert!(report.lines().all(|line| line.contains("\"ok\": true")), "{report}");
}

/// A run of minutes in real time, a window every 50 ms.
fn long_run() -> String {
    generated(4, 1000, 120, "kernels: [{ name: noop, window: 100, hop: 50 }]")
}

#[test]
fn ctrl_c_keeps_the_windows_so_far_and_says_so() {
    let place = Place::new();
    let child = place.spawn(&["run", "--config", "-"], &long_run());
    wait_for("three windows", || {
        let run = place.runs().pop()?;
        (rows(&run, "noop").len() >= 3).then_some(())
    });
    assert_eq!(place.temporary_files().len(), 1);
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    let talk = stderr_of(&output, 130);
    assert!(talk.contains("Interrupted"), "{talk}");
    assert_eq!(place.temporary_files(), [] as [PathBuf; 0]);
    let run = place.only_run();
    let summary = json(&run.join("summary.json"));
    assert_eq!(summary["status"], "interrupted");
    let windows = &summary["kernels"][0]["windows"];
    let kept = rows(&run, "noop").len() as u64;
    assert_eq!(windows["run"], kept);
    assert!((3..windows["planned"].as_u64().unwrap()).contains(&kept), "{windows}");
    let markdown = fs::read_to_string(run.join("SUMMARY.md")).unwrap();
    assert!(markdown.contains("**Interrupted: 1 kernel"), "{markdown}");
    assert!(run.join("dataset/generation_manifest.yaml").is_file());
}

#[test]
fn a_killed_run_keeps_its_windows_and_never_looks_complete() {
    let place = Place::new();
    let mut child = place.spawn(&["run", "--config", "-"], &long_run());
    let run = wait_for("two windows", || {
        let run = place.runs().pop()?;
        (rows(&run, "noop").len() >= 2).then_some(run)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(rows(&run, "noop").len() >= 2);
    assert_eq!(json(&run.join("summary.json"))["status"], "running");
}

#[test]
fn sigterm_while_generating_leaves_nothing_behind() {
    let place = Place::new();
    let config = generated(512, 1000, 600, "kernels: [{ name: noop }]");
    let child = place.spawn(&["run", "--config", "-"], &config);
    wait_for("the generation", || (place.temporary_files().len() >= 2).then_some(()));
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    let talk = stderr_of(&output, 130);
    assert!(talk.contains("interrupted while generating"), "{talk}");
    assert_eq!(place.temporary_files(), [] as [PathBuf; 0]);
    assert_eq!(place.runs(), [] as [PathBuf; 0]);
}

#[test]
fn runs_that_start_together_get_folders_of_their_own() {
    let place = Place::new();
    let config = generated(2, 160, 2, "kernels: [{ name: noop }]\nexecution: { pace: max }");
    let children: Vec<Child> =
        (0..4).map(|_| place.spawn(&["run", "--config", "-"], &config)).collect();
    for child in children {
        stdout_of(&child.wait_with_output().unwrap(), 0);
    }
    let runs = place.runs();
    assert_eq!(runs.len(), 4);
    for run in &runs {
        let summary = json(&run.join("summary.json"));
        assert_eq!(summary["status"], "complete");
        assert_eq!(summary["run_id"], run.file_name().unwrap().to_str().unwrap());
    }
}

#[test]
fn unwritable_results_are_one_clear_error_before_anything_is_generated() {
    let place = Place::new();
    fs::write(place.work.join("taken"), "a file").unwrap();
    for directory in ["taken", "/proc/nowhere"] {
        let rest = format!("kernels: [{{ name: noop }}]\noutput: {{ directory: {directory} }}");
        let output = place.run(&["run", "--config", "-"], &generated(2, 160, 2, &rest));
        let talk = stderr_of(&output, 3);
        assert!(talk.contains(directory) && talk.contains("writable"), "{talk}");
        assert!(!talk.contains("Generating"), "{talk}");
        assert_eq!(place.temporary_files(), [] as [PathBuf; 0]);
    }
}

#[test]
fn a_refused_scheduling_wish_is_a_warning() {
    let place = Place::new();
    // No machine has this core, so the wish is refused whoever runs the test.
    let rest = "kernels: [{ name: noop }]\nexecution: { pace: max }\n\
        realtime: { cpu_affinity: [1023] }";
    let output = place.run(&["run", "--config", "-"], &generated(2, 160, 2, rest));
    let talk = stderr_of(&output, 0);
    assert!(talk.contains("warning: realtime.cpu_affinity [1023] was refused"), "{talk}");
    let summary = json(&place.only_run().join("summary.json"));
    assert_eq!(summary["realtime"]["cpu_affinity"], serde_json::json!([]));
    assert_eq!(summary["realtime"]["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_reader_that_stops_early_does_not_break_the_run() {
    let place = Place::new();
    let config = generated(2, 160, 2, "kernels: [{ name: noop }]\nexecution: { pace: max }");
    let mut child = place.spawn(&["run", "--config", "-"], &config);
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    stdout_of(&output, 0);
    assert_eq!(json(&place.only_run().join("summary.json"))["status"], "complete");
}
