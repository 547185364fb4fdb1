//! The Pico's real image in an emulated RP2040 (`tests/pico`, npm's rp2040js): its USB serial port as
//! a [`Link`].

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cortex_core::link::HostOptions;
use cortex_host::device::board::board;
use cortex_host::device::qemu::{EmulatorError, Program, image};
use cortex_host::device::{Connection, Link, LinkError};

use crate::skip::{Need, skip};
use crate::{checkout, cortex_host, stdout_of};

/// An emulated Pico that several sessions use one after the other.
#[derive(Clone)]
pub struct Pico(Arc<Mutex<Running>>);

struct Running {
    emulator: Child,
    stdin: ChildStdin,
    received: Receiver<Vec<u8>>,
    early: Vec<u8>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
    }
}

impl Pico {
    /// Builds the firmware and starts it; `None`, seen, where node, rp2040js or the target is not
    /// installed.
    ///
    /// # Panics
    /// When it cannot be built or started for another reason.
    #[must_use]
    #[track_caller]
    pub fn start() -> Option<Self> {
        if !Self::can_run() {
            return None;
        }
        let spec = board("pico").expect("the Pico has a file in primitives/devices");
        let image = match image(&spec, Program::Firmware, None) {
            Ok(image) => image,
            Err(error @ EmulatorError::TargetMissing { .. }) => {
                skip(Need::Rp2040, &error);
                return None;
            }
            Err(error) => panic!("{error}"),
        };
        Some(Self::run(&image))
    }

    /// A hard fault in the middle of the program.
    ///
    /// # Panics
    /// When the emulator cannot be told.
    pub fn hard_fault(&self) {
        let id = self.0.lock().expect("no test panics with it").emulator.id().to_string();
        let status = Command::new("kill").args(["-s", "USR2", &id]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -s USR2 {id}");
    }

    /// Whether the emulator is installed; seen where it is not.
    #[must_use]
    #[track_caller]
    pub fn can_run() -> bool {
        let installed = checkout().join("tests/pico/node_modules/rp2040js").is_dir();
        if !installed {
            skip(Need::Rp2040, &"`npm ci` in tests/pico installs the emulator");
        }
        installed
    }

    /// Starts the ELF file `image`, made a UF2 file first, as a board takes it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(image: &Path) -> Self {
        let mut emulator = Command::new("node")
            .arg("emulate.cjs")
            .arg(uf2(image))
            .current_dir(checkout().join("tests/pico"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node starts");
        let stdin = emulator.stdin.take().expect("a pipe");
        let mut stdout = emulator.stdout.take().expect("a pipe");
        let (sender, received) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self(Arc::new(Mutex::new(Running { emulator, stdin, received, early: Vec::new() })))
    }

    /// A session over `link`, with the patience that an emulator of a twentieth of the speed needs.
    ///
    /// # Errors
    /// As [`Connection::open_with`].
    pub fn open(link: impl Link + 'static) -> Result<Connection, LinkError> {
        let second = 1_000_000_000;
        let options = HostOptions {
            hello_limit_ns: 240 * second,
            silence_limit_ns: 60 * second,
            busy_limit_ns: 120 * second,
            progress_limit_ns: 120 * second,
            ..HostOptions::default()
        };
        Connection::open_with(Box::new(link), options, None)
    }
}

/// `image` as the file that a board with BOOTSEL held takes, made by the command for it.
fn uf2(image: &Path) -> PathBuf {
    let file = image.with_extension("uf2");
    let mut command = cortex_host();
    command.args(["firmware", "pico", "--quiet", "--force", "--image"]).arg(image).arg(&file);
    stdout_of(&command.output().expect("the program starts"), 0);
    file
}

impl Link for Pico {
    fn send(&mut self, bytes: &[u8], _patience: Duration) -> Result<(), LinkError> {
        let mut running = self.0.lock().expect("no test panics with the board in its hands");
        let sent = running.stdin.write_all(bytes).and_then(|()| running.stdin.flush());
        sent.map_err(|error| LinkError::Io { device: "emulated Pico".into(), error })
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        let mut running = self.0.lock().expect("no test panics with the board in its hands");
        if running.early.is_empty() {
            let wait = deadline.saturating_duration_since(Instant::now());
            match running.received.recv_timeout(wait) {
                Ok(bytes) => running.early = bytes,
                Err(RecvTimeoutError::Timeout) => return Ok(0),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(LinkError::Unplugged { device: "emulated Pico".into() });
                }
            }
        }
        let count = running.early.len().min(buffer.len());
        buffer[..count].copy_from_slice(&running.early[..count]);
        running.early.drain(..count);
        Ok(count)
    }

    fn describe(&self) -> String {
        "emulated Pico".into()
    }
}
