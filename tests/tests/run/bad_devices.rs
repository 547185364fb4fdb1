//! `cortex-host run`, `verify --device` and `devices` against ports and boards that misbehave:
//! real pseudo-terminals, the real serialport crate, the test is the board. One sentence and
//! the documented exit code each, and results only where windows were run.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use cortex_host::device::SerialLink;
use cortex_tests::pty::{Board, Manner, terminal};
use cortex_tests::skip::{Need, skip};
use cortex_tests::{cortex_host, stderr_of, stdout_of};
use serde_json::Value;

const CONFIG: &str = "
dataset:
  path: primitives/datasets/v1/synthetic
  params: { signal_type: pink_noise, duration_s: 4, seed: 7 }
  channels: 64
  sample_rate_hz: 160
kernels:
  - { name: car, window: 160, hop: 80 }
execution: { pace: max }
";
/// (640 - 160) / 80 + 1.
const WINDOWS: u64 = 7;

fn device(path: &str) -> String {
    format!("serial://{path}?baud=921600")
}

fn run_command(folder: &Path, device: &str) -> Command {
    let config = folder.join("config.yaml");
    fs::write(&config, CONFIG).unwrap();
    let mut command = cortex_host();
    command.args(["run", "-q", "--device", device, "--config"]).arg(config).current_dir(folder);
    command
}

/// The run folders below `folder`.
fn runs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder.join("results")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The one line that a command ended with, without cargo's hint on builds and the `error:`.
fn sentence(output: &Output, code: i32) -> String {
    let talk = stderr_of(output, code);
    let lines: Vec<&str> = talk.lines().collect();
    assert_eq!(lines.len(), 1, "{talk}");
    lines[0].strip_prefix("error: ").unwrap_or_else(|| panic!("{talk}")).to_owned()
}

/// Three commands open `device`: each says `words` in one sentence and ends with `code`, and no
/// results are left.
fn all_refuse(device: &str, code: i32, words: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut verify = cortex_host();
    verify.args(["verify", "-q", "--device", device]);
    let mut list = cortex_host();
    list.args(["devices", "-q", device]);
    // One after the other: a port is for one program at a time.
    for mut command in [run_command(folder.path(), device), verify, list] {
        let text = sentence(&command.output().unwrap(), code);
        for word in words {
            assert!(text.contains(word), "{word} in {text}");
        }
    }
    assert_eq!(runs(folder.path()), [] as [PathBuf; 0]);
}

#[test]
fn boards_that_are_no_board_of_ours_are_named() {
    let cases = [
        (Manner::Garbage, "answers garbage", "baud rate is wrong"),
        (Manner::Silent, "is silent", "runs the CORTEX firmware"),
        (Manner::OldWire, "speaks wire version 0 to 0", "flash the firmware of this release"),
    ];
    thread::scope(|scope| {
        for (manner, what, remedy) in cases {
            scope.spawn(move || {
                let (master, path) = terminal();
                let _board = Board::start(master, manner);
                all_refuse(&device(&path), 4, &[&format!("serial port {path}: "), what, remedy]);
            });
        }
    });
}

#[test]
fn ports_that_cannot_be_opened_are_named() {
    all_refuse("serial:///dev/ttyNOWHERE7", 4, &["/dev/ttyNOWHERE7 does not exist"]);
    let (_master, path) = terminal();
    let _first = SerialLink::open(&path, 921_600).unwrap();
    all_refuse(&device(&path), 4, &["is in use by another program"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "text").unwrap();
    all_refuse(&device(file.to_str().unwrap()), 4, &["is not a serial port"]);
}

/// Root may open everything: the command is then run as nobody.
#[test]
fn a_port_without_permission_is_named() {
    let (_master, path) = terminal();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if !rustix::process::geteuid().is_root() {
        return all_refuse(&device(&path), 4, &["no permission to open", "dialout"]);
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    // Where nobody can reach it, which need not be so for the build folder.
    let program = folder.path().join("cortex-host");
    fs::copy(cortex_host().get_program(), &program).unwrap();
    let config = folder.path().join("config.yaml");
    fs::write(&config, CONFIG).unwrap();
    let device = device(&path);
    for arguments in [
        vec!["run", "-q", "--config", config.to_str().unwrap(), "--device", &device],
        vec!["verify", "-q", "--device", &device],
        vec!["devices", "-q", &device],
    ] {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        let output = command.args(&arguments).current_dir(folder.path()).output();
        let Ok(output) = output else {
            skip(Need::Setpriv, &"root may open every port, and there is no setpriv");
            return;
        };
        let text = sentence(&output, 4);
        assert!(text.starts_with(&format!("no permission to open serial port {path}")), "{text}");
    }
    assert!(runs(folder.path()).is_empty());
}

/// A board that fails after some windows: those are kept, the run ends with the cause.
#[test]
fn a_board_that_stops_in_the_middle_keeps_the_windows_before() {
    let cases = [
        (Manner::MuteAfter(3), "the device fell silent for 4"),
        (Manner::DeafAfter(3), "it has stopped reading"),
        (Manner::UnpluggedAfter(3), "was unplugged or stopped"),
    ];
    thread::scope(|scope| {
        for (manner, what) in cases {
            scope.spawn(move || {
                let folder = tempfile::tempdir().unwrap();
                let (master, path) = terminal();
                let _board = Board::start(master, manner);
                let output = run_command(folder.path(), &device(&path)).output().unwrap();
                let text = sentence(&output, 4);
                assert!(text.contains(what) && text.contains(&path), "{manner:?}: {text}");
                let [run] = &runs(folder.path())[..] else { panic!("{manner:?}: one run") };
                let read = |name: &str| fs::read_to_string(run.join(name)).unwrap();
                let summary: Value = serde_json::from_str(&read("summary.json")).unwrap();
                assert_eq!(summary["status"], "failed");
                assert_eq!(summary["error"], text);
                let telemetry = read("kernel-data/car/telemetry.ndjson");
                let rows: Vec<Value> =
                    telemetry.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
                let whole = rows.iter().filter(|row| row["window_failed"] == 0).count();
                // Unplugging may swallow the last result on its way.
                let swallowed = usize::from(manner == Manner::UnpluggedAfter(3));
                assert!((3 - swallowed..=3).contains(&whole), "{manner:?}: {whole}");
                assert_eq!(rows.len(), whole + 1);
                assert_eq!(rows[whole]["error_code"], 11);
            });
        }
    });
}

/// The device goes away when the run's folder is there, but no window yet.
#[test]
fn a_board_that_stops_before_the_first_window_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (master, path) = terminal();
    // The first CONFIGURE asks whether the kernel fits, the second begins the run.
    let _board = Board::start(master, Manner::UnpluggedAtConfigure(2));
    let output = run_command(folder.path(), &device(&path)).output().unwrap();
    assert!(sentence(&output, 4).contains("was unplugged or stopped"));
    assert_eq!(runs(folder.path()), [] as [PathBuf; 0]);
    let (master, path) = terminal();
    let _board = Board::start(master, Manner::UnpluggedAtConfigure(1));
    let output = cortex_host().args(["verify", "-q", "--device", &device(&path)]).output().unwrap();
    assert!(sentence(&output, 4).contains("was unplugged or stopped"));
}

/// Text before the port was opened and before the first answer is no part of the session; and
/// the port can be opened again, by any number of commands.
#[test]
fn a_talkative_board_works_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let (master, path) = terminal();
    let _board = Board::start(master, Manner::Talkative);
    for times in 1..=2 {
        let output = run_command(folder.path(), &device(&path)).arg("--json").output().unwrap();
        let summary: Value = serde_json::from_str(&stdout_of(&output, 0)).unwrap();
        assert_eq!(summary["kernels"][0]["outputs"]["equal"], WINDOWS);
        assert_eq!(summary["device_facts"]["board"], "pty-board");
        assert_eq!(runs(folder.path()).len(), times);
        let list = cortex_host().args(["devices", "-q", &device(&path)]).output().unwrap();
        assert!(stdout_of(&list, 0).contains("boot 1"));
    }
}
