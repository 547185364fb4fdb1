//! Emulated boards for tests: an image is built, QEMU started, its pseudo-terminal opened
//! with the same `serialport` crate that a real board is opened with.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use cortex_host::device::board::BoardSpec;
use cortex_host::device::qemu::{self, Emulator, EmulatorError, Program};
use cortex_host::device::{Connection, Link, LinkError, QemuLink};
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

/// An emulated board that several sessions use one after the other.
#[derive(Clone)]
pub struct Board(Arc<Mutex<QemuLink>>);

impl Board {
    /// The firmware on the board called `name`; `None` as [`start`].
    ///
    /// # Panics
    /// As [`start`].
    #[must_use]
    pub fn start(name: &str) -> Option<Self> {
        installed(QemuLink::start(name, None)).map(|link| Self(Arc::new(Mutex::new(link))))
    }

    /// The board itself.
    ///
    /// # Panics
    /// When a test panicked with the board in its hands.
    pub fn lock(&self) -> MutexGuard<'_, QemuLink> {
        self.0.lock().expect("no test panics with the board in its hands")
    }

    /// A session on a clean line.
    ///
    /// # Panics
    /// When the board does not answer.
    #[must_use]
    pub fn connect(&self) -> Connection {
        open_session(self.clone()).expect("the board answers")
    }

    /// Sends a signal to the emulator.
    ///
    /// # Panics
    /// When that fails.
    pub fn signal(&self, signal: &str) {
        let id = self.lock().emulator().process_id().to_string();
        let status = std::process::Command::new("kill").args(["-s", signal, &id]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -s {signal} {id}");
    }
}

impl Link for Board {
    fn send(&mut self, bytes: &[u8], patience: Duration) -> Result<(), LinkError> {
        self.lock().send(bytes, patience)
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        self.lock().recv(buffer, deadline)
    }

    fn describe(&self) -> String {
        self.lock().describe()
    }

    fn instruction_ns(&self) -> Option<u64> {
        self.lock().instruction_ns()
    }
}

/// A session over `link`.
///
/// # Errors
/// As [`Connection::open`].
pub fn open_session(link: impl Link + 'static) -> Result<Connection, LinkError> {
    Connection::open(Box::new(link), Some(QemuLink::BAUD), None)
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
    Some(report(name, open(&emulator).as_mut()))
}

/// Asks a self-test for its report: the lines of [`selftest`].
///
/// # Panics
/// When the board says nothing for a minute.
#[must_use]
pub fn report(name: &str, port: &mut dyn SerialPort) -> Vec<String> {
    let mut text = String::new();
    let started = Instant::now();
    let mut asked = None;
    loop {
        if let Some((report, _)) = text.split_once("end\r\n") {
            return report.lines().map(str::to_owned).collect();
        }
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
