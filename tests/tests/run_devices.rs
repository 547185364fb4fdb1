//! `cortex-host run` on a device: loopback always, emulated boards over a real pseudo-terminal
//! where QEMU and the targets are installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use cortex_host::device::qemu::Program;
use cortex_host::harness::{Clock, Monotonic};
use cortex_tests::{checkout, cortex_host, emulated, stderr_of, stdout_of};
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

/// `encoding: i16`: half the bytes cross, both ends compute on the rounded samples, and what
/// does not fit the scale is counted and told.
#[test]
fn quantised_input_is_compared_and_named() {
    let find = |device: &str, lines: &str| {
        let folder = tempfile::tempdir().unwrap();
        let output = run(folder.path(), &format!("{CONFIG}{lines}"), &["--device", device]);
        let table = stdout_of(&output, 0);
        assert!(table.contains("bit for bit: 27 windows"), "{table}");
        let page = fs::read_to_string(results(folder.path()).join("SUMMARY.md")).unwrap();
        let report = fs::read_to_string(results(folder.path()).join("report.html")).unwrap();
        let config = fs::read_to_string(results(folder.path()).join("config.yaml")).unwrap();
        let talk = String::from_utf8(output.stderr).unwrap();
        (summary(folder.path()), [table, page, report, config, talk])
    };
    let (exact, [table, ..]) = find("loopback", "");
    assert_eq!((&exact["encoding"], &exact["scale_uv"]), (&"f32".into(), &Value::Null));
    assert!(!table.contains("quantised"), "{table}");
    let devices = ["loopback", "qemu:mps2-an386"];
    for device in devices.into_iter().filter(|name| *name == "loopback" || available(&name[5..])) {
        // 8 x 100 uV over 32767 is 0.024 uV; the power of two above is 1/32.
        let (found, [table, page, report, config, talk]) = find(device, "encoding: i16\n");
        assert_eq!((&found["encoding"], &found["scale_uv"]), (&"i16".into(), &0.03125.into()));
        let words = "i16 in steps of 0.03125 µV, 0 samples saturated";
        assert!(table.contains(words) && page.contains(words), "{table}{page}");
        assert!(report.contains("0.03125"), "the report names the step");
        assert!(config.contains("encoding: i16\nscale_uv: 0.03125\n"), "{config}");
        assert!(!talk.contains("saturated") && !talk.contains("lie beyond"), "{talk}");
        // 320 rows of 2 channels go to each of three kernels: 2 bytes a sample are spared.
        let bytes = |found: &Value| number(&found["link"]["sample_bytes"]);
        assert_eq!(bytes(&exact) - bytes(&found), 3 * 320 * 2 * 2);
    }
    // ±32.767 uV hold about a quarter of a signal of 100 uV RMS.
    let (found, [_, page, _, _, talk]) = find("loopback", "encoding: i16\nscale_uv: 0.001\n");
    let saturated = number(&found["kernels"][0]["link"]["saturated_samples"]);
    assert!((100..640).contains(&saturated), "{saturated}");
    assert_eq!(number(&found["link"]["saturated_samples"]), 3 * saturated);
    assert!(page.contains(&format!("{} samples saturated", 3 * saturated)), "{page}");
    assert!(
        talk.contains(&format!("car: {saturated} samples lie beyond the ±32.767 µV")),
        "{talk}"
    );
}

/// `results: digests`: no output crosses the line, and all are compared all the same.
#[test]
fn digests_alone_come_back_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{CONFIG}results: digests\n");
    let output = run(folder.path(), &config, &["--device", "loopback"]);
    assert!(stdout_of(&output, 0).contains("bit for bit: 27 windows"));
    let found = summary(folder.path());
    assert_eq!(found["results"], "digests");
    // The input only: 320 rows of 2 channels for each of three kernels.
    assert_eq!(number(&found["link"]["sample_bytes"]), 3 * 320 * 2 * 4);
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
    refused("qemu:uno", 2, &["\"uno\"", "mps2-an386"]);
    refused("serial:///dev/ttyACM0?baud=x", 2, &["line speed"]);
    assert!(!folder.path().join("results").exists());
    let fault = run(folder.path(), CONFIG, &["-q", "--fault", "drop=0.1"]);
    assert!(stderr_of(&fault, 2).contains("the device is native"));
}

/// A configuration of a minute at the data's own pace: 200 ms from window to window.
fn a_minute() -> String {
    CONFIG.replace("duration_s: 2", "duration_s: 60").replace("pace: max", "pace: realtime")
}

/// A run of [`a_minute`] on an emulated board that has done three windows, and its QEMU.
fn run_under_way(folder: &Path, config: &str) -> (Child, String) {
    let child = command(folder, config, &["--device", "qemu:mps2-an386"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let emulator = wait_for_windows(folder, &child);
    (child, emulator)
}

/// Waits for three windows of the run `child`; its QEMU.
fn wait_for_windows(folder: &Path, child: &Child) -> String {
    let emulator = wait_for("QEMU", || emulator_of(child.id()));
    wait_for("three windows", || {
        let begun = folder.join("results").is_dir()
            && results(folder).join("kernel-data/car/telemetry.ndjson").is_file();
        (begun && rows(folder, "car").len() >= 3).then_some(())
    });
    emulator
}

/// A board that is killed: the windows up to then are kept, and exit code and message name the
/// cause within a second.
#[test]
fn a_killed_board_ends_the_run_with_its_cause() {
    if !available("mps2-an386") {
        return;
    }
    let mut fastest = Duration::MAX;
    // Measured: 0.3 s. A machine that is busy elsewhere gets two more chances; waiting out the
    // silence limit of 5 s would fail every time.
    for _ in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, emulator) = run_under_way(folder.path(), &a_minute());
        signal(&emulator, "KILL");
        let killed = Instant::now();
        let status = child.wait().unwrap();
        fastest = fastest.min(killed.elapsed());
        assert_eq!(status.code(), Some(4));
        let mut talk = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut talk).unwrap();
        assert!(talk.contains("its emulator has ended (signal: 9"), "{talk}");
        assert!(rows(folder.path(), "car").len() >= 3);
        assert_eq!(summary(folder.path())["status"], "failed");
        if fastest < Duration::from_secs(1) {
            break;
        }
    }
    println!("from SIGKILL to the exit code: {fastest:?}");
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
}

/// A board that stands still for 3 s: every window due in that time is late in the telemetry, none
/// fails, and all outputs are still the host's.
#[test]
fn windows_due_while_the_board_stands_still_are_late() {
    if !available("mps2-an386") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let config = CONFIG
        .replace("duration_s: 2", "duration_s: 7")
        .replace("pace: max", "pace: realtime")
        .replace("  - { name: notch_iir, window: 64, hop: 32 }\n", "")
        .replace("  - { name: fft, window: 64, hop: 32, params: { nfft: 64 } }\n", "");
    let (child, emulator) = run_under_way(folder.path(), &config);
    signal(&emulator, "STOP");
    // The clock of the telemetry: CLOCK_MONOTONIC.
    let stopped_ns = Monotonic.now_ns();
    std::thread::sleep(Duration::from_secs(3));
    let continued_ns = Monotonic.now_ns();
    signal(&emulator, "CONT");
    let output = child.wait_with_output().unwrap();
    stdout_of(&output, 0);
    let rows = rows(folder.path(), "car");
    // (1120 - 64) / 32 + 1.
    assert_eq!(rows.len(), 34);
    let mut due = 0;
    for row in &rows {
        assert_eq!(row["window_failed"], 0, "{row}");
        // Due: its data were there after the stop and its deadline was before the end of it.
        if number(&row["release_ts_ns"]) > stopped_ns
            && number(&row["deadline_ts_ns"]) < continued_ns
        {
            due += 1;
            assert_eq!(row["deadline_missed"], 1, "{row}");
            assert!(number(&row["end_ts_ns"]) > continued_ns, "{row}");
        }
    }
    // 3 s, a window every 200 ms, each with 200 ms to its deadline.
    assert!((13..=15).contains(&due), "{due} windows were due");
    let found = summary(folder.path());
    assert!(number(&found["kernels"][0]["windows"]["deadline_missed"]) >= due);
    assert_eq!(found["kernels"][0]["outputs"]["equal"], 34);
}

/// A host that is killed cannot stop its QEMU: the system does.
#[test]
#[cfg(target_os = "linux")]
fn a_killed_host_leaves_no_emulator_behind() {
    if !available("mps2-an386") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (mut child, emulator) = run_under_way(folder.path(), &a_minute());
    assert!(runs(&emulator));
    signal(&child.id().to_string(), "KILL");
    child.wait().unwrap();
    let killed = Instant::now();
    while runs(&emulator) && killed.elapsed() < Duration::from_secs(1) {
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("QEMU ended {:?} after its host", killed.elapsed());
    assert!(!runs(&emulator), "QEMU outlives its host");
}

/// Ctrl-C reaches every process of the terminal's group, QEMU too if it were in it: the run ends as
/// interrupted, not as one whose board is gone, and QEMU ends with it.
#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_interrupts_a_run_on_an_emulated_board() {
    use std::os::unix::process::CommandExt;

    if !available("mps2-an386") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(folder.path(), &a_minute(), &["--device", "qemu:mps2-an386"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let emulator = wait_for_windows(folder.path(), &child);
    // A negative number is a process group.
    let group = format!("-{}", child.id());
    let status = Command::new("kill").args(["-s", "INT", "--", &group]).status().unwrap();
    assert!(status.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!runs(&emulator), "QEMU outlives the run");
    assert_eq!(summary(folder.path())["status"], "interrupted");
    assert!(rows(folder.path(), "car").len() >= 3);
}

/// The quickstart as it is shipped: all of its kernels and channels fit the emulated board, and
/// give the host's outputs.
#[test]
fn the_quickstart_runs_on_an_emulated_board() {
    if !available("mps2-an386") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Streamed, the emulated serial port would take a minute or two.
    let arguments = ["run", "--device", "qemu:mps2-an386", "--transfer", "seeded"];
    let output = cortex_host().args(arguments).current_dir(folder.path()).output().unwrap();
    stdout_of(&output, 0);
    let found = summary(folder.path());
    let kernels = found["kernels"].as_array().unwrap();
    assert_eq!(kernels.len(), 7);
    for kernel in kernels {
        assert_eq!(kernel["channels"], 64);
        assert_eq!(kernel["outputs"]["different"], 0, "{kernel}");
        assert!(number(&kernel["outputs"]["equal"]) > 0, "{kernel}");
    }
}

/// Whether the process is there and no zombie that nobody has collected yet.
#[cfg(target_os = "linux")]
fn runs(process: &str) -> bool {
    let Ok(text) = fs::read_to_string(format!("/proc/{process}/stat")) else { return false };
    // "pid (name) state ..."
    !text.rsplit(')').next().unwrap_or_default().trim_start().starts_with(['Z', 'X'])
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
fn devices_lists_what_there_is_and_how_to_flash_it() {
    let output = cortex_host().args(["devices", "--json"]).output().unwrap();
    let list: Value = serde_json::from_str(&stdout_of(&output, 0)).unwrap();
    let names = |list: &Value, key: &str| -> Vec<String> {
        let entries = list.as_array().unwrap().iter();
        entries.map(|one| one[key].as_str().unwrap().to_owned()).collect()
    };
    let devices = names(&list["devices"], "device");
    for name in ["qemu:mps2-an386", "qemu:sifive-e"] {
        assert!(devices.iter().any(|device| device == name), "{name} in {devices:?}");
    }
    assert_eq!(names(&list["boards"], "name"), ["nucleo-f446re", "pico"]);
    let text = stdout_of(&cortex_host().arg("devices").output().unwrap(), 0);
    for board in list["boards"].as_array().unwrap() {
        let hardware = &board["hardware"];
        let folder = hardware["flash"]["folder"].as_str().unwrap();
        // The board's own file has the target and the flash command that we tell.
        let settings = checkout().join(folder).join(".cargo/config.toml");
        let settings = fs::read_to_string(settings).unwrap();
        assert!(settings.contains(board["target"].as_str().unwrap()), "{settings}");
        assert!(settings.contains("probe-rs run --chip"), "{settings}");
        let package = fs::read_to_string(checkout().join(folder).join("Cargo.toml")).unwrap();
        let name = board["name"].as_str().unwrap();
        assert!(package.contains(&format!("name = \"{name}\"")), "{package}");
        assert!(text.contains(&format!("cd {folder} && cargo run --release")), "{text}");
        let baud = number(&hardware["serial"]["baud"]);
        assert!(text.contains(&format!("serial:///dev/ttyACM0?baud={baud}")), "{text}");
    }
    let all = stdout_of(&cortex_host().args(["list", "--json"]).output().unwrap(), 0);
    let all: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(names(&all["boards"], "name"), ["nucleo-f446re", "pico"]);
}

/// A device that is named is asked, and the exit code says whether it answered.
#[test]
fn a_named_device_is_asked() {
    let ask = |names: &[&str]| cortex_host().args(["devices", "-q"]).args(names).output().unwrap();
    let text = stdout_of(&ask(&["loopback"]), 0);
    assert!(text.contains("67108864 bytes for state"), "{text}");
    let both = ask(&["loopback", "serial:///dev/ttyNOWHERE7"]);
    assert!(stdout_of(&both, 4).contains("67108864 bytes for state"));
    assert!(stderr_of(&both, 4).contains("/dev/ttyNOWHERE7 does not exist"));
    assert!(stderr_of(&ask(&["lopback"]), 2).contains("unknown device"));
}

/// What is missing for an emulated board is named with the command that installs it.
#[test]
fn a_missing_emulator_or_target_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut no_qemu = command(folder.path(), CONFIG, &["-q", "--device", "qemu:mps2-an386"]);
    let talk = stderr_of(&no_qemu.env("PATH", folder.path()).output().unwrap(), 4);
    assert!(talk.contains("apt-get install qemu-system-arm"), "{talk}");

    // A QEMU that is there, and a cargo whose compiler has no such target.
    let script = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&path, mode).unwrap();
        path
    };
    script("qemu-system-arm", "#!/bin/sh\nexit 1\n");
    let cargo = script(
        "cargo",
        "#!/bin/sh\n\
         echo 'error[E0463]: can'\\''t find crate for `core`' >&2\n\
         echo '  = note: the `thumbv7em-none-eabihf` target may not be installed' >&2\n\
         exit 101\n",
    );
    let mut no_target = command(folder.path(), CONFIG, &["-q", "--device", "qemu:mps2-an386"]);
    no_target.env("PATH", folder.path()).env("CARGO", cargo);
    let talk = stderr_of(&no_target.output().unwrap(), 4);
    assert!(talk.contains("rustup target add thumbv7em-none-eabihf"), "{talk}");
    assert!(!folder.path().join("results").exists());
}
