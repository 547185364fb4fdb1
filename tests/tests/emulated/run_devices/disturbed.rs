//! Runs on emulated boards that are killed, stand still or are interrupted.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use cortex_host::harness::{Clock, Monotonic};
use cortex_tests::faults::{signal, signal_to, wait_for};
use cortex_tests::stdout_of;

use super::*;

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
        let mut runs = fs::read_dir(folder.join("results")).into_iter().flatten();
        let begun = runs.next().is_some()
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
        signal_to(&emulator, "-KILL");
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
    signal_to(&emulator, "-STOP");
    // The clock of the telemetry: CLOCK_MONOTONIC.
    let stopped_ns = Monotonic.now_ns();
    std::thread::sleep(Duration::from_secs(3));
    let continued_ns = Monotonic.now_ns();
    signal_to(&emulator, "-CONT");
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
    signal(&child, "-KILL");
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
