//! QEMU as a child process: started, watched, reset and ended.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::error::EmulatorError;
use super::line::{Line, LineKind};
use crate::device::board::{BoardSpec, EmulatorSpec};
use crate::device::{Link, LinkError};
use crate::platform::child::{
    apart_from_the_terminal, bind_to_one_core, end_with_program, end_with_thread,
};

/// `-icount shift=N`: one instruction takes `2^N` ns of emulated time. At 8 the counts repeat
/// exactly on all our boards; at 0 and 6 they were seen not to.
const ICOUNT_SHIFT: u32 = 8;

/// Nanoseconds of emulated time that one instruction takes.
pub const INSTRUCTION_NS: u64 = 1 << ICOUNT_SHIFT;

/// How long QEMU may take until its serial port is there. Measured: below 0.2 s on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// How long its words are waited for at a time.
const START_TURN: Duration = Duration::from_millis(5);

/// How long a process whose port has closed may take to end.
const END_TIMEOUT: Duration = Duration::from_millis(200);

/// A running emulated board. Dropping it stops QEMU.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    control: ChildStdin,
    line: Line,
    said: Receiver<String>,
}

impl Emulator {
    /// Starts `emulator` on `image` and waits until its serial port exists. Output before a
    /// terminal is opened is lost, and QEMU notices the opening up to 1 s later: open it at once
    /// and repeat the first request.
    ///
    /// # Errors
    /// [`EmulatorError::QemuMissing`], [`EmulatorError::Start`] and [`EmulatorError::Io`].
    pub fn start(
        board: &BoardSpec,
        emulator: &EmulatorSpec,
        image: &Path,
        kind: LineKind,
    ) -> Result<Self, EmulatorError> {
        let of_line = |source| EmulatorError::Io {
            what: "making the emulated board's serial line".to_owned(),
            source,
        };
        let mut line = Line::new(kind).map_err(of_line)?;
        let mut command = Command::new(&emulator.program);
        command
            .args(["-M", &emulator.machine, "-display", "none", "-monitor", "none"])
            .args(line.arguments().map_err(of_line)?)
            .args(["-qmp", "stdio"])
            .args(["-icount", &format!("shift={ICOUNT_SHIFT}"), "-kernel"])
            .arg(image)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Its threads hand every byte of the serial port to one another, which costs less on one core.
        bind_to_one_core(&mut command);
        let (sender, said) = mpsc::channel();
        let mut child =
            start_kept(command, sender.clone()).map_err(|source| not_started(emulator, source))?;
        if let Some(stderr) = child.stderr.take() {
            std::thread::spawn(move || forward_lines(stderr, &sender));
        }
        let failed = |child: &mut Child, tail: Vec<String>| {
            // It may have ended by itself already.
            let _ = child.kill();
            let _ = child.wait();
            EmulatorError::Start {
                program: emulator.program.clone(),
                board: board.name.clone(),
                tail: if tail.is_empty() {
                    format!("no serial port within {} s", START_TIMEOUT.as_secs())
                } else {
                    tail.join(" ")
                },
            }
        };
        let Some(control) = child.stdin.take() else {
            return Err(failed(&mut child, vec![]));
        };
        let mut tail = Vec::new();
        let begun = Instant::now();
        loop {
            match said.recv_timeout(START_TURN) {
                Ok(words) if line.is_named_in(&words) => break,
                Ok(words) => tail.push(words),
                // It said no more, whatever it was.
                Err(RecvTimeoutError::Disconnected) => return Err(failed(&mut child, tail)),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if line.is_connected().map_err(of_line)? {
                break;
            }
            if begun.elapsed() > START_TIMEOUT {
                return Err(failed(&mut child, tail));
            }
        }
        let mut started = Self { child, control, line, said };
        started.command("qmp_capabilities")?;
        Ok(started)
    }

    /// Path of the board's serial port, if that is a terminal.
    #[must_use]
    pub fn port(&self) -> Option<&Path> {
        self.line.terminal()
    }

    /// The board's serial line, which there is once.
    pub(super) fn open_line(&mut self) -> Result<Box<dyn Link>, LinkError> {
        self.line.open()
    }

    /// Process id of QEMU.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Presses the board's reset button; its RAM keeps what `.uninit` holds.
    ///
    /// # Errors
    /// [`EmulatorError::Io`] when QEMU is gone.
    pub fn reset(&mut self) -> Result<(), EmulatorError> {
        self.command("system_reset")
    }

    /// Reads `bytes` of the board's memory from `address` on, between two of its instructions.
    ///
    /// # Errors
    /// [`EmulatorError::Io`] when QEMU is gone, does not answer or cannot write its answer.
    pub fn memory(&mut self, address: u64, bytes: usize) -> Result<Vec<u8>, EmulatorError> {
        let failed = |source| EmulatorError::Io {
            what: "reading the emulated board's memory".to_owned(),
            source,
        };
        // QEMU writes it to a file, which goes away with its name.
        let file = tempfile::NamedTempFile::new().map_err(failed)?;
        let arguments = serde_json::json!({
            "val": address, "size": bytes, "filename": file.path().display().to_string(),
        });
        let request =
            serde_json::json!({ "execute": "memsave", "id": "memory", "arguments": arguments });
        writeln!(self.control, "{request}").and_then(|()| self.control.flush()).map_err(failed)?;
        loop {
            // Answers to earlier commands come first.
            match self.said.recv_timeout(START_TIMEOUT) {
                Ok(line) if line.contains("\"id\": \"memory\"") => break,
                Ok(_) => {}
                Err(_) => return Err(failed(std::io::ErrorKind::TimedOut.into())),
            }
        }
        std::fs::read(file.path()).map_err(failed)
    }

    /// How QEMU ended, and its last words, when it is no longer running.
    pub fn ended(&mut self) -> Option<(ExitStatus, String)> {
        let status = self.child.try_wait().ok().flatten()?;
        // Its control protocol answers on the same pipe, in JSON.
        let words = self.said.try_iter().filter(|line| !line.starts_with('{'));
        Some((status, words.last().unwrap_or_default()))
    }

    /// The same, waiting a moment: the serial port of an ending process closes first.
    pub(super) fn ended_soon(&mut self) -> Option<(ExitStatus, String)> {
        let begun = Instant::now();
        loop {
            match self.ended() {
                None if begun.elapsed() < END_TIMEOUT => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                ended => return ended,
            }
        }
    }

    /// Sends one QMP command without arguments.
    fn command(&mut self, name: &str) -> Result<(), EmulatorError> {
        writeln!(self.control, "{{\"execute\":\"{name}\"}}")
            .and_then(|()| self.control.flush())
            .map_err(|source| EmulatorError::Io {
                what: format!("sending `{name}` to the emulator"),
                source,
            })
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Nothing can be done about a process that is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts `command` on a thread that then forwards its lines of output until it closes them. QEMU
/// ends with that thread, hence with this program, even when that is killed; and the thread ends
/// no sooner than QEMU, whichever thread asked for it.
fn start_kept(mut command: Command, sender: Sender<String>) -> std::io::Result<Child> {
    end_with_thread(&mut command);
    apart_from_the_terminal(&mut command);
    let (give, taken) = mpsc::channel();
    std::thread::spawn(move || {
        let mut started = command.spawn().inspect(end_with_program);
        let stdout = started.as_mut().ok().and_then(|child| child.stdout.take());
        // The other end waits for this.
        let _ = give.send(started);
        if let Some(stdout) = stdout {
            forward_lines(stdout, &sender);
        }
    });
    taken.recv().unwrap_or_else(|_| Err(std::io::ErrorKind::BrokenPipe.into()))
}

/// Forwards lines until the pipe closes, whether or not somebody still listens.
fn forward_lines(pipe: impl Read, sender: &Sender<String>) {
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        let _ = sender.send(String::from_utf8_lossy(&line).trim_end().to_owned());
    }
}

/// Looks whether the program of `emulator` is installed.
///
/// # Errors
/// [`EmulatorError::QemuMissing`].
pub(super) fn check_installed(emulator: &EmulatorSpec) -> Result<(), EmulatorError> {
    if in_path(&emulator.program) {
        return Ok(());
    }
    Err(not_started(emulator, std::io::ErrorKind::NotFound.into()))
}

/// Whether a folder of `PATH` has `program`.
#[must_use]
pub fn in_path(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else { return false };
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).any(|folder| folder.join(&file).is_file())
}

fn not_started(emulator: &EmulatorSpec, source: std::io::Error) -> EmulatorError {
    match source.kind() {
        std::io::ErrorKind::NotFound => EmulatorError::QemuMissing {
            program: emulator.program.clone(),
            package: emulator.debian_package.clone(),
        },
        _ => EmulatorError::Io { what: format!("starting {}", emulator.program), source },
    }
}
