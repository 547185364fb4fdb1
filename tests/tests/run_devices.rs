//! `cortex-host run` on a device: loopback always, emulated boards over a real pseudo-terminal
//! where QEMU and the targets are installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use cortex_host::device::qemu::Program;
use cortex_tests::{cortex_host, emulated, stderr_of, stdout_of};
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

/// Streamed, then seeded, on `device`: every window equal to the host's, and seeded digests equal
/// to those that loopback finds.
fn streams_and_generates(device: &str, emulated: bool) {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), CONFIG, &["--device", device]);
    let table = stdout_of(&output, 0);
    let equal = format!("outputs equal to the host's, bit for bit: {} windows", 3 * WINDOWS);
    assert!(table.contains(&equal), "{table}");
    let found = summary(folder.path());
    assert_eq!(found["device"], device);
    assert_eq!(found["device_facts"]["emulated"], emulated);
    for kernel in found["kernels"].as_array().unwrap() {
        assert_eq!(kernel["outputs"]["equal"], WINDOWS, "{kernel}");
        assert_eq!(kernel["outputs"]["different"], 0);
        assert_eq!(kernel["kernel_instructions"].is_object(), emulated);
        assert_eq!(kernel["kernel_time_us"].is_object(), !emulated);
        // 64 rows and 8 hops of 32, 2 channels of 4 bytes: 2,560 bytes out, and the results.
        assert!(number(&kernel["link"]["sample_bytes"]) >= 2_560, "{kernel}");
        let efficiency = kernel["link"]["line_efficiency"].as_f64().unwrap();
        assert!(efficiency > 0.3 && efficiency < 1.0, "{efficiency}");
        assert!(kernel["link"]["latency_us"].as_f64().unwrap() > 0.0);
    }
    for row in rows(folder.path(), "car") {
        let stamps = ["tin", "tstart", "tend", "tfirst_tx", "tlast_tx"];
        for unit in ["ns", "ticks"] {
            let stamp = stamps.map(|name| number(&row[format!("device_{name}_{unit}")]));
            assert!(stamp.is_sorted() && stamp[0] > 0, "{row}");
        }
        assert_eq!(row["device_instructions"].is_u64(), emulated, "{row}");
    }
    let page = fs::read_to_string(results(folder.path()).join("SUMMARY.md")).unwrap();
    for word in ["Device against host", "## Link", "retransmissions", "CRC errors"] {
        assert!(page.contains(word), "{word} in {page}");
    }

    let digests = |device: &str| -> Vec<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let output = run(folder.path(), CONFIG, &["--device", device, "--transfer", "seeded"]);
        assert!(stdout_of(&output, 0).contains("bit for bit: 24 windows"));
        let found = summary(folder.path());
        let kernels = found["kernels"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        kernels
            .map(|kernel| &kernel["seeded"])
            .map(|seeded| (text(&seeded["input_crc32"]), text(&seeded["output_crc32"])))
            .collect()
    };
    assert_eq!(digests(device), digests("loopback"));
}

#[test]
fn loopback_streams_and_generates() {
    streams_and_generates("loopback", false);
}

#[test]
fn cortex_m4f_streams_and_generates() {
    if available("mps2-an386") {
        streams_and_generates("qemu:mps2-an386", true);
    }
}

#[test]
fn cortex_m3_streams_and_generates() {
    if available("mps2-an385") {
        streams_and_generates("qemu:mps2-an385", true);
    }
}

#[test]
fn stm32f405_streams_and_generates() {
    if available("netduinoplus2") {
        streams_and_generates("qemu:netduinoplus2", true);
    }
}

#[test]
fn cortex_m0_streams_and_generates() {
    if available("microbit") {
        streams_and_generates("qemu:microbit", true);
    }
}

#[test]
fn rv32_streams_and_generates() {
    if available("sifive-e") {
        streams_and_generates("qemu:sifive-e", true);
    }
}

#[test]
fn a_noisy_line_changes_nothing_but_the_figures() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("link.pcap");
    let faults = ["--device", "loopback", "--fault", "ber=1e-4,drop=0.02", "--fault-seed", "3"];
    let trace_argument = ["--trace", trace.to_str().unwrap()];
    let output = run(folder.path(), CONFIG, &[&faults[..], &trace_argument[..]].concat());
    assert!(stdout_of(&output, 0).contains("bit for bit: 27 windows"));
    let found = summary(folder.path());
    assert_eq!(found["faults"], "ber=0.0001,drop=0.02, seed 3");
    assert!(number(&found["link"]["retransmissions"]) > 0, "{}", found["link"]);
    assert!(number(&found["link"]["crc_errors"]) > 0, "{}", found["link"]);
    let decoded = cortex_host().args(["link", "decode"]).arg(&trace).output().unwrap();
    let text = stdout_of(&decoded, 0);
    assert!(text.contains("HELLO_ACK") && text.contains("damaged"), "{text}");
}

/// The M0 board has 3,584 bytes for state, input and output: what does not fit is named with that limit
/// and fails the run, the others still run; when nothing fits nothing is started.
#[test]
fn kernels_that_do_not_fit_are_refused_with_the_limit() {
    if !available("microbit") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let large = CONFIG
        .replace("{ name: car, window: 64", "{ name: welch_psd, window: 320")
        .replace("duration_s: 2", "duration_s: 4");
    let output = run(folder.path(), &large, &["--device", "qemu:microbit"]);
    let talk = stderr_of(&output, 1);
    assert!(talk.contains("welch_psd will not run"), "{talk}");
    assert!(talk.contains("microbit has 3584"), "{talk}");
    let found = summary(folder.path());
    assert_eq!(found["status"], "failed");
    assert!(found["kernels"][0]["error"].as_str().unwrap().contains("3584"));
    // (640 - 64) / 32 + 1.
    assert_eq!(found["kernels"][1]["windows"]["run"], 19);

    let folder = tempfile::tempdir().unwrap();
    let wide = CONFIG.replace("channels: 2", "channels: 64");
    let output = run(folder.path(), &wide, &["--device", "qemu:microbit"]);
    let talk = stderr_of(&output, 4);
    assert!(talk.contains("no kernel of this configuration fits"), "{talk}");
    assert!(!folder.path().join("results").exists());
}

#[test]
fn ports_that_cannot_be_used_are_named_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |device: &str, code: i32, words: &[&str]| {
        let talk = stderr_of(&run(folder.path(), CONFIG, &["-q", "--device", device]), code);
        assert_eq!(talk.lines().count(), 1, "{talk}");
        for word in words {
            assert!(talk.contains(word), "{word} in {talk}");
        }
    };
    refused("serial:///dev/tty-nothing", 4, &["/dev/tty-nothing does not exist"]);
    let file = folder.path().join("config.yaml");
    refused(&format!("serial://{}", file.display()), 4, &["is not a serial port"]);
    refused("qemu:uno", 2, &["`uno`", "mps2-an386"]);
    refused("serial:///dev/ttyACM0?baud=x", 2, &["line speed"]);
    assert!(!folder.path().join("results").exists());
    let fault = run(folder.path(), CONFIG, &["-q", "--fault", "drop=0.1"]);
    assert!(stderr_of(&fault, 2).contains("the device is native"));
}

/// A board that is killed: the windows up to then are kept, and the cause is named at once.
#[test]
fn a_killed_board_ends_the_run_with_its_cause() {
    if !available("mps2-an386") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let endless = CONFIG.replace("duration_s: 2", "duration_s: 60").replace("pace: max", "");
    let mut child = command(folder.path(), &endless, &["--device", "qemu:mps2-an386"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let emulator = wait_for("QEMU", || emulator_of(child.id()));
    wait_for("three windows", || {
        let folder = folder.path();
        let begun = folder.join("results").is_dir()
            && results(folder).join("kernel-data/car/telemetry.ndjson").is_file();
        (begun && rows(folder, "car").len() >= 3).then_some(())
    });
    signal(&emulator, "KILL");
    let killed = Instant::now();
    let status = child.wait().unwrap();
    // Measured: 0.3 s on a busy machine. The limit tells this from the silence limit of 5 s.
    assert!(killed.elapsed() < Duration::from_secs(2));
    assert_eq!(status.code(), Some(4));
    let mut talk = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut talk).unwrap();
    assert!(talk.contains("its emulator has ended (signal: 9"), "{talk}");
    assert!(rows(folder.path(), "car").len() >= 3);
    assert_eq!(summary(folder.path())["status"], "failed");
}

/// The QEMU that process `parent` has started.
fn emulator_of(parent: u32) -> Option<String> {
    let found = Command::new("pgrep").args(["-P", &parent.to_string(), "qemu"]).output().unwrap();
    let text = String::from_utf8(found.stdout).unwrap();
    text.lines().next().map(str::to_owned)
}

fn signal(process: &str, name: &str) {
    let status = Command::new("kill").args(["-s", name, process]).status().unwrap();
    assert!(status.success());
}

/// Waits until `seen` answers; a minute without is a failure of the program, not of the clock.
fn wait_for<T>(what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
    for _ in 0..6000 {
        if let Some(found) = seen() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("waited a minute for {what}");
}

#[test]
fn a_device_is_verified_against_the_golden_digests() {
    let verify = |device: &str| {
        let output = cortex_host().args(["verify", "--device", device]).output().unwrap();
        let text = stdout_of(&output, 0);
        assert!(text.ends_with("verified\n"), "{text}");
        text
    };
    let text = verify("loopback");
    for name in ["v1/synthetic pink_noise, 8 channels", "v2/synthetic chirp", "7282c377"] {
        assert!(text.contains(name), "{name} in {text}");
    }
    if available("mps2-an386") {
        assert!(verify("qemu:mps2-an386").contains("7282c377"));
    }
}

#[test]
fn devices_lists_what_there_is() {
    let output = cortex_host().args(["devices", "--json"]).output().unwrap();
    let list: Value = serde_json::from_str(&stdout_of(&output, 0)).unwrap();
    let names: Vec<&str> = list["devices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["device"].as_str().unwrap())
        .collect();
    for name in ["qemu:mps2-an386", "qemu:sifive-e"] {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
}
