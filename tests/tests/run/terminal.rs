//! What a person at a terminal sees that a file does not get: progress that redraws itself, colour.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use cortex_tests::cortex_host;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Runs the command with a terminal for its stderr; returns its exit code and all it wrote there.
fn at_terminal(mut command: Command, folder: &Path) -> (Option<i32>, String) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave =
        rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::from(slave)).spawn().unwrap();
    // The command's end of the terminal closes with it.
    drop(command);
    let mut seen = Vec::new();
    let mut terminal = File::from(master);
    let mut buffer = [0; 4096];
    // At the end a terminal reports an error, not an end of file.
    while let Ok(count @ 1..) = terminal.read(&mut buffer) {
        seen.extend_from_slice(&buffer[..count]);
    }
    let code = child.wait().unwrap().code();
    (code, String::from_utf8_lossy(&seen).into_owned())
}

fn generate(more: &[&str]) -> Command {
    let mut command = cortex_host();
    command.args(["generate", "pink_noise", "64", "1000", "60", "x.float32"]).args(more);
    command.env("TERM", "xterm");
    command
}

#[test]
fn progress_is_drawn_on_a_terminal_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let (code, seen) = at_terminal(generate(&[]), folder.path());
    assert_eq!(code, Some(0), "{seen}");
    let drawn = seen.split('\r').filter(|part| part.contains("64ch × 60000 samples"));
    assert!(drawn.clone().any(|part| part.contains('░') || part.contains('█')), "{seen:?}");
    assert!(seen.contains("[cortex] 64ch × 60000 samples... 100% complete"), "{seen:?}");
    let (code, seen) = at_terminal(generate(&["--force", "--quiet"]), folder.path());
    assert_eq!((code, seen.as_str()), (Some(0), ""));
    let output = generate(&["--force"]).current_dir(folder.path()).output().unwrap();
    let plain = String::from_utf8(output.stderr).unwrap();
    assert!(!plain.contains('\r') && !plain.contains('\x1b') && !plain.contains('█'), "{plain:?}");
    assert_eq!(plain.lines().count(), 3, "{plain}");
}

#[test]
fn errors_are_red_unless_no_color_is_set() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.float32"), "").unwrap();
    let red = "\x1b[1;31merror:\x1b[0m x.float32 exists already";
    for (value, colour) in [(None, true), (Some(""), true), (Some("1"), false)] {
        let mut command = generate(&[]);
        match value {
            Some(value) => command.env("NO_COLOR", value),
            None => command.env_remove("NO_COLOR"),
        };
        let (code, seen) = at_terminal(command, folder.path());
        assert_eq!(code, Some(2));
        assert_eq!(seen.contains(red), colour, "NO_COLOR={value:?}: {seen:?}");
        assert!(seen.contains("x.float32 exists already"), "{seen:?}");
    }
}
