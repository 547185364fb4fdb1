//! Emulated boards for tests: an image is built, QEMU started, its pseudo-terminal opened
//! with the same `serialport` crate that a real board is opened with.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use cortex_core::kernel::{KernelName, KernelShape, KernelSpec};
use cortex_core::link::message::Seeded;
use cortex_core::link::{Encoding, ErrorCode};
use cortex_core::signal::{GeneratorVersion, SourceSpec, SpikeParams};
use cortex_host::device::board::BoardSpec;
use cortex_host::device::qemu::{self, Emulator, EmulatorError, LineKind, Program};
use cortex_host::device::{Connection, KernelSettings, Link, LinkError, QemuLink, compare_seeded};
use serialport::SerialPort;

use crate::skip::{Need, skip};

#[path = "../../firmware/app/src/sources.rs"]
mod sources;
#[path = "../../firmware/app/src/sources_with_truth.rs"]
mod sources_with_truth;

pub use sources::sources;
pub use sources_with_truth::sources_with_truth;

/// Long enough for the slowest board's self-test on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// Starts `program` on the board called `name`; where QEMU or the target is not installed, the
/// test is skipped (`None`).
///
/// # Panics
/// When the board does not start for another reason.
#[must_use]
#[track_caller]
pub fn start(name: &str, program: Program) -> Option<(BoardSpec, Emulator)> {
    let (board, spec) = qemu::emulated_board(name).unwrap_or_else(|error| panic!("{error}"));
    let image = image(&board, program)?;
    let started = Emulator::start(&board, &spec, &image, LineKind::Terminal);
    installed(started).map(|emulator| (board, emulator))
}

/// The firmware on the board called `name` behind a line of this kind; `None` as [`start`].
///
/// # Panics
/// As [`start`].
#[must_use]
#[track_caller]
pub fn start_line(name: &str, kind: LineKind) -> Option<QemuLink> {
    let (board, spec) = qemu::emulated_board(name).unwrap_or_else(|error| panic!("{error}"));
    let image = image(&board, Program::Firmware)?;
    installed(QemuLink::run(&board, &spec, &image, kind))
}

/// The image of `program` for `board`; where the target is not installed, the test is skipped
/// (`None`).
///
/// # Panics
/// When it does not build.
#[must_use]
#[track_caller]
pub fn image(board: &BoardSpec, program: Program) -> Option<PathBuf> {
    installed(qemu::image(board, program, None))
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
    #[track_caller]
    pub fn start(name: &str) -> Option<Self> {
        Self::start_program(name, Program::Firmware)
    }

    /// Another program on the board called `name`; `None` as [`start`].
    ///
    /// # Panics
    /// As [`start`].
    #[must_use]
    #[track_caller]
    pub fn start_program(name: &str, program: Program) -> Option<Self> {
        let (board, _) = qemu::emulated_board(name).unwrap_or_else(|error| panic!("{error}"));
        let image = image(&board, program)?;
        installed(QemuLink::start(name, Some(&image))).map(|link| Self(Arc::new(Mutex::new(link))))
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

/// What was started; where QEMU or the target is not installed, the test is skipped (`None`).
#[track_caller]
fn installed<T>(started: Result<T, EmulatorError>) -> Option<T> {
    match started {
        Ok(started) => Some(started),
        Err(error @ (EmulatorError::QemuMissing { .. } | EmulatorError::TargetMissing { .. })) => {
            skip(Need::Emulator, &error);
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// A device behind `connection` generates v3's signals as this machine does, and says by name what
/// its memory does not hold.
///
/// # Panics
/// When it does not.
pub fn makes_signals_with_truth(connection: &mut Connection) {
    let mut job = KernelSettings {
        kernel: KernelSpec::with_defaults(KernelName::Car).into(),
        shape: KernelShape { channels: 5, window: 64, hop: 48, sample_rate_hz: 250.0 },
        input: Encoding::F32,
        output: Encoding::DigestOnly,
    };
    for (name, source) in sources_with_truth() {
        job.shape.sample_rate_hz = source.sample_rate_hz;
        let compared = compare_seeded(connection, &job, &source, 2..14).expect(name);
        assert!(compared.identical(), "{name}: {compared:?}");
    }
    let (_, spikes) = sources_with_truth()[0];
    let mut refused = |channels, units_per_electrode| {
        job.shape = KernelShape { channels, sample_rate_hz: 30_000.0, ..job.shape };
        connection.configure(&job).expect("it fits");
        let generator_digest = connection.info().generator_digest(GeneratorVersion::V3);
        let params = SpikeParams { units_per_electrode, ..SpikeParams::default() };
        let source = SourceSpec { signal: params.into(), ..spikes };
        let seeded = Seeded { source, first: 0, count: 1, generator_digest };
        match connection.run_seeded(&seeded) {
            Err(LinkError::Refused { error, .. }) => error,
            other => panic!("{other:?}"),
        }
    };
    let error = refused(17, 1);
    assert_eq!((error.code, error.a, error.b), (ErrorCode::TooManyChannels, 17, 16));
    let error = refused(2, 2);
    assert_eq!((error.code, &*error.text), (ErrorCode::BadSource, "units_per_electrode"));
}

/// The lines of one self-test of the board called `name`, without the final `end`; `None` where
/// [`start`] gives none.
///
/// # Panics
/// When the board says nothing for a minute.
#[must_use]
pub fn selftest(name: &str) -> Option<Vec<String>> {
    let (_, emulator) = start(name, Program::Selftest)?;
    let text = ask(open(&emulator).as_mut(), b"\n", "end\r\n");
    let (report, _) = text.split_once("end\r\n")?;
    Some(report.lines().map(str::to_owned).collect())
}

/// Sends `command` to a self-test, again until it talks, and returns all it says up to and beyond
/// `awaited`.
///
/// # Panics
/// When it does not say that within a minute.
#[must_use]
pub fn ask(port: &mut dyn SerialPort, command: &[u8], awaited: &str) -> String {
    let mut text = String::new();
    let started = Instant::now();
    let mut asked = None;
    while !text.contains(awaited) {
        assert!(started.elapsed() < DEADLINE, "no {awaited:?}, but: {text}");
        // What is sent before QEMU notices the opening is lost.
        let again = asked.is_none_or(|at: Instant| at.elapsed() > Duration::from_millis(500));
        if text.is_empty() && again {
            port.write_all(command).expect("write to the pseudo-terminal");
            asked = Some(Instant::now());
        }
        let mut bytes = [0; 256];
        match port.read(&mut bytes) {
            Ok(count) => text.push_str(&String::from_utf8_lossy(&bytes[..count])),
            Err(error) if error.kind() == ErrorKind::TimedOut => {}
            Err(error) => panic!("reading from the emulated board: {error}"),
        }
    }
    text
}

/// The board's serial port, opened.
///
/// # Panics
/// When it cannot be opened.
#[must_use]
pub fn open(emulator: &Emulator) -> Box<dyn SerialPort> {
    let port = emulator.port().expect("its line is a terminal");
    serialport::new(port.to_string_lossy(), 921_600)
        .timeout(Duration::from_millis(50))
        .open()
        .expect("open the pseudo-terminal")
}

/// The value of `key=` in a line of `key=value` words.
#[must_use]
pub fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}
