//! Emulated boards for tests: an image is built, QEMU started, its pseudo-terminal opened
//! with the same `serialport` crate that a real board is opened with.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use cortex_host::device::QemuLink;
use cortex_host::device::board::BoardSpec;
use cortex_host::device::qemu::{self, Emulator, EmulatorError, Program};
use serialport::SerialPort;

/// Set by the test command, which installs QEMU and the targets: without them is a failure then.
const REQUIRE_VARIABLE: &str = "CORTEX_REQUIRE_EMULATOR";

/// Long enough for the slowest board's self-test on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// Starts `program` on the board called `name`; `None`, with one line that says why, where
/// QEMU or the target is not installed.
///
/// # Panics
/// When the board does not start for another reason, or when the environment asks for it.
#[must_use]
pub fn start(name: &str, program: Program) -> Option<(BoardSpec, Emulator)> {
    let (board, spec) = qemu::emulated_board(name).unwrap_or_else(|error| panic!("{error}"));
    let started =
        qemu::image(&board, program, None).and_then(|image| Emulator::start(&board, &spec, &image));
    installed(started).map(|emulator| (board, emulator))
}

/// The firmware on the board called `name`, as a link; `None` as [`start`].
///
/// # Panics
/// As [`start`].
#[must_use]
pub fn link(name: &str) -> Option<QemuLink> {
    installed(QemuLink::start(name, None))
}

fn installed<T>(started: Result<T, EmulatorError>) -> Option<T> {
    match started {
        Ok(started) => Some(started),
        Err(error @ (EmulatorError::QemuMissing { .. } | EmulatorError::TargetMissing { .. }))
            if std::env::var_os(REQUIRE_VARIABLE).is_none() =>
        {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The lines of one self-test of the board called `name`, without the final `end`; `None` where
/// [`start`] gives none.
///
/// # Panics
/// When the board says nothing for a minute.
#[must_use]
pub fn selftest(name: &str) -> Option<Vec<String>> {
    let (_, emulator) = start(name, Program::Selftest)?;
    let mut port = open(&emulator);
    let mut text = String::new();
    let started = Instant::now();
    let mut asked = None;
    while !text.contains("end\r\n") {
        assert!(started.elapsed() < DEADLINE, "{name} has only said: {text}");
        // What is sent before QEMU notices the opening is lost: ask again until it talks.
        let again = asked.is_none_or(|at: Instant| at.elapsed() > Duration::from_millis(200));
        if text.is_empty() && again {
            port.write_all(b"\n").expect("write to the pseudo-terminal");
            asked = Some(Instant::now());
        }
        let mut bytes = [0; 256];
        match port.read(&mut bytes) {
            Ok(count) => text.push_str(&String::from_utf8_lossy(&bytes[..count])),
            Err(error) if error.kind() == ErrorKind::TimedOut => {}
            Err(error) => panic!("reading from {name}: {error}"),
        }
    }
    let (report, _) = text.split_once("end\r\n")?;
    Some(report.lines().map(str::to_owned).collect())
}

/// The board's serial port, opened.
///
/// # Panics
/// When it cannot be opened.
#[must_use]
pub fn open(emulator: &Emulator) -> Box<dyn SerialPort> {
    serialport::new(emulator.port().to_string_lossy(), 921_600)
        .timeout(Duration::from_millis(50))
        .open()
        .expect("open the pseudo-terminal")
}

/// The value of `key=` in a line of `key=value` words.
#[must_use]
pub fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}
