//! Emulated boards: find or build the image, start QEMU on a pseudo-terminal, stop it after.
//!
//! QEMU runs with `-icount shift=8`: every instruction takes 256 ns of emulated time, so that a
//! board's timer counts instructions exactly, run after run ([`instructions`]).

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::board::{BoardSpec, EmulatorSpec, board, boards};
use super::{Link, LinkError, SerialLink};
use crate::config::quoted;
use crate::exit::{ExitCode, Failure};

/// `-icount shift=N`: one instruction takes `2^N` ns of emulated time. At 8 the counts repeat
/// exactly on all our boards; at 0 and 6 they were seen not to.
const ICOUNT_SHIFT: u32 = 8;

/// How long QEMU may take to name its pseudo-terminal. Measured: below 0.2 s on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a process whose port has closed may take to end.
const END_TIMEOUT: Duration = Duration::from_millis(200);

/// Environment variable with a ready image, used instead of building one.
pub const FIRMWARE_VARIABLE: &str = "CORTEX_FIRMWARE";

/// The two programs each board folder builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The link session: kernels and generators behind the serial protocol.
    Firmware,
    /// Digests and costs as text, for a board without a host.
    Selftest,
}

/// Why an emulated board could not be started.
#[derive(Debug, Error)]
pub enum EmulatorError {
    /// No primitive has this name, or QEMU cannot emulate it.
    #[error("there is no emulated board {}; known are {known}", quoted(name))]
    UnknownBoard {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The emulator is not installed.
    #[error("{program} is not installed; install it with `apt-get install {package}`")]
    QemuMissing {
        /// The program.
        program: String,
        /// The Debian package that holds it.
        package: String,
    },
    /// The image named by the user is not there.
    #[error("the firmware image {} does not exist", path.display())]
    ImageMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is neither an image nor a firmware folder to build it in.
    #[error(
        "there is no image for {board}: run from a checkout with a firmware/ folder, or name an image with {FIRMWARE_VARIABLE}=FILE"
    )]
    NoSource {
        /// The board.
        board: String,
    },
    /// Cargo is not installed.
    #[error(
        "the image for {board} must be built, but cargo cannot be run ({source}); install Rust, or name an image with {FIRMWARE_VARIABLE}=FILE"
    )]
    NoCargo {
        /// The board.
        board: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The compiler lacks the target's core library.
    #[error(
        "the image for {board} needs a Rust target that is not installed; run `rustup target add {target}`"
    )]
    TargetMissing {
        /// The board.
        board: String,
        /// The target triple.
        target: String,
    },
    /// The build failed for another reason.
    #[error("building the image for {board} failed; run `cargo build --release` in {} to see why. Its last words: {tail}", folder.display())]
    Build {
        /// The board.
        board: String,
        /// Its folder.
        folder: PathBuf,
        /// The end of cargo's output.
        tail: String,
    },
    /// QEMU started, but gave no pseudo-terminal.
    #[error("{program} did not start the board {board}: {tail}")]
    Start {
        /// The program.
        program: String,
        /// The board.
        board: String,
        /// What QEMU said.
        tail: String,
    },
    /// The board's serial port could not be opened.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A system call failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl From<EmulatorError> for Failure {
    fn from(error: EmulatorError) -> Self {
        let code = match error {
            EmulatorError::UnknownBoard { .. } | EmulatorError::ImageMissing { .. } => {
                ExitCode::Usage
            }
            _ => ExitCode::Device,
        };
        Failure::new(code, error.to_string())
    }
}

/// The board called `name`, if QEMU can emulate it.
///
/// # Errors
/// [`EmulatorError::UnknownBoard`], which lists the known ones.
pub fn emulated_board(name: &str) -> Result<(BoardSpec, EmulatorSpec), EmulatorError> {
    if let Some(spec) = board(name)
        && let Some(emulator) = spec.emulator.clone()
    {
        return Ok((spec, emulator));
    }
    let known: Vec<String> =
        boards().into_iter().filter(|b| b.emulator.is_some()).map(|b| b.name).collect();
    Err(EmulatorError::UnknownBoard { name: name.to_owned(), known: known.join(", ") })
}

/// Instructions executed during `ticks` of a timer of `hz`, under this module's `-icount`.
#[must_use]
pub fn instructions(ticks: u64, hz: u32) -> u64 {
    let ns = (u128::from(ticks) * 1_000_000_000 + u128::from(hz / 2)) / u128::from(hz.max(1));
    let instruction_ns = 1u128 << ICOUNT_SHIFT;
    u64::try_from((ns + instruction_ns / 2) / instruction_ns).unwrap_or(u64::MAX)
}

/// The image of `program` for `board`: `explicit` if given, else [`FIRMWARE_VARIABLE`]'s (for
/// [`Program::Firmware`]), else built in the checkout's firmware folder.
///
/// # Errors
/// [`EmulatorError`], each with what to do.
pub fn image(
    board: &BoardSpec,
    program: Program,
    explicit: Option<&Path>,
) -> Result<PathBuf, EmulatorError> {
    let named = explicit.map(Path::to_path_buf).or_else(|| {
        (program == Program::Firmware)
            .then(|| std::env::var_os(FIRMWARE_VARIABLE).map(PathBuf::from))
            .flatten()
    });
    if let Some(path) = named {
        return if path.is_file() { Ok(path) } else { Err(EmulatorError::ImageMissing { path }) };
    }
    let workspace =
        firmware_folder().ok_or_else(|| EmulatorError::NoSource { board: board.name.clone() })?;
    build(board, program, &workspace)
}

/// A running emulated board. Dropping it stops QEMU.
#[derive(Debug)]
pub struct Emulator {
    child: Child,
    control: ChildStdin,
    port: PathBuf,
    said: Receiver<String>,
}

impl Emulator {
    /// Starts `emulator` on `image` and waits until its serial port exists. Output before the
    /// port is opened is lost, and QEMU notices the opening up to 1 s later: open it at once
    /// and repeat the first request.
    ///
    /// # Errors
    /// [`EmulatorError::QemuMissing`], [`EmulatorError::Start`] and [`EmulatorError::Io`].
    pub fn start(
        board: &BoardSpec,
        emulator: &EmulatorSpec,
        image: &Path,
    ) -> Result<Self, EmulatorError> {
        let mut child = Command::new(&emulator.program)
            .args(["-M", &emulator.machine, "-display", "none", "-monitor", "none"])
            .args(["-serial", "pty", "-qmp", "stdio"])
            .args(["-icount", &format!("shift={ICOUNT_SHIFT}"), "-kernel"])
            .arg(image)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|source| match source.kind() {
                std::io::ErrorKind::NotFound => EmulatorError::QemuMissing {
                    program: emulator.program.clone(),
                    package: emulator.debian_package.clone(),
                },
                _ => EmulatorError::Io { what: format!("starting {}", emulator.program), source },
            })?;
        let (sender, said) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            forward_lines(stdout, sender.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            forward_lines(stderr, sender);
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
        loop {
            match said.recv_timeout(START_TIMEOUT) {
                Ok(line) => {
                    if let Some(port) = pty_name(&line) {
                        let mut started = Self { child, control, port, said };
                        started.command("qmp_capabilities")?;
                        return Ok(started);
                    }
                    tail.push(line);
                }
                Err(_) => return Err(failed(&mut child, tail)),
            }
        }
    }

    /// Path of the board's serial port.
    #[must_use]
    pub fn port(&self) -> &Path {
        &self.port
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

    /// How QEMU ended, and its last words, when it is no longer running.
    pub fn ended(&mut self) -> Option<(ExitStatus, String)> {
        let status = self.child.try_wait().ok().flatten()?;
        // Its control protocol answers on the same pipe, in JSON.
        let words = self.said.try_iter().filter(|line| !line.starts_with('{'));
        Some((status, words.last().unwrap_or_default()))
    }

    /// The same, waiting a moment: the serial port of an ending process closes first.
    fn ended_soon(&mut self) -> Option<(ExitStatus, String)> {
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

/// An emulated board as a [`Link`]: its serial port, and QEMU, which stops with it.
pub struct QemuLink {
    // Fields drop in order: the port closes before QEMU stops.
    serial: SerialLink,
    emulator: Emulator,
    board: String,
}

impl QemuLink {
    /// Line speed to reckon with: an emulated line has none and is faster than this.
    pub const BAUD: u32 = 921_600;

    /// Finds or builds the firmware of the board called `name` ([`image`]), starts it and opens
    /// its serial port.
    ///
    /// # Errors
    /// [`EmulatorError`], each with what to do.
    pub fn start(name: &str, firmware: Option<&Path>) -> Result<Self, EmulatorError> {
        let (board, spec) = emulated_board(name)?;
        let image = image(&board, Program::Firmware, firmware)?;
        let emulator = Emulator::start(&board, &spec, &image)?;
        let serial = SerialLink::open(&emulator.port().to_string_lossy(), Self::BAUD)?;
        Ok(Self { serial, emulator, board: board.name })
    }

    /// The emulator, to reset or to inspect.
    pub fn emulator(&mut self) -> &mut Emulator {
        &mut self.emulator
    }

    /// Says that the board is gone, not its port, and how its emulator ended.
    fn named(&mut self, error: LinkError) -> LinkError {
        let device = self.describe();
        match error {
            LinkError::Unplugged { .. } => match self.emulator.ended_soon() {
                Some((status, said)) if said.is_empty() => {
                    LinkError::EmulatorEnded { device, how: status.to_string() }
                }
                Some((status, said)) => {
                    LinkError::EmulatorEnded { device, how: format!("{status}: {said}") }
                }
                None => LinkError::Unplugged { device },
            },
            LinkError::WriteStalled { waited_ms, .. } => {
                LinkError::WriteStalled { device, waited_ms }
            }
            other => other,
        }
    }
}

impl Link for QemuLink {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), LinkError> {
        match self.serial.send(bytes, deadline) {
            Err(error) => Err(self.named(error)),
            sent => sent,
        }
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        match self.serial.recv(buffer, deadline) {
            Err(error) => Err(self.named(error)),
            received => received,
        }
    }

    fn describe(&self) -> String {
        format!("emulated board {}", self.board)
    }

    fn instruction_ns(&self) -> Option<u64> {
        Some(1 << ICOUNT_SHIFT)
    }
}

/// The checkout's firmware folder: upwards from the working directory, else where this
/// program was built.
fn firmware_folder() -> Option<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let mut candidates: Vec<PathBuf> =
        here.ancestors().map(|folder| folder.join("firmware")).collect();
    candidates.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware"));
    candidates.into_iter().find(|folder| folder.join("boards").is_dir())
}

fn build(board: &BoardSpec, program: Program, workspace: &Path) -> Result<PathBuf, EmulatorError> {
    let folder = workspace.join("boards").join(&board.name);
    let binary = match program {
        Program::Firmware => board.name.clone(),
        Program::Selftest => format!("selftest-{}", board.name),
    };
    let target_dir = workspace.join("target");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--locked", "--bin", &binary, "--target", &board.target])
        .args(match program {
            Program::Firmware => &[][..],
            Program::Selftest => &["--features", "v2"],
        })
        .args([OsStr::new("--target-dir"), target_dir.as_os_str()])
        .current_dir(&folder)
        // In place of flags meant for the host, which must not reach the board.
        .env("CARGO_ENCODED_RUSTFLAGS", short_paths(workspace))
        .env_remove("CARGO_BUILD_TARGET")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| EmulatorError::NoCargo { board: board.name.clone(), source })?;
    if output.status.success() {
        return Ok(target_dir.join(&board.target).join("release").join(binary));
    }
    let text = String::from_utf8_lossy(&output.stderr);
    if text.contains("can't find crate for `core`") {
        return Err(EmulatorError::TargetMissing {
            board: board.name.clone(),
            target: board.target.clone(),
        });
    }
    let lines: Vec<&str> = text.lines().collect();
    Err(EmulatorError::Build {
        board: board.name.clone(),
        folder,
        tail: lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join(" | "),
    })
}

/// Flags that shorten the source paths which panics carry: the image is then the same, and as
/// small, wherever the checkout lies.
fn short_paths(workspace: &Path) -> std::ffi::OsString {
    let root = workspace.canonicalize().ok().and_then(|path| path.parent().map(Path::to_path_buf));
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")));
    let registries = home
        .and_then(|home| std::fs::read_dir(home.join("registry/src")).ok())
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()));
    let mut flags = std::ffi::OsString::new();
    for path in root.into_iter().chain(registries) {
        if !flags.is_empty() {
            flags.push("\u{1f}"); // what separates encoded flags
        }
        flags.push("--remap-path-prefix=");
        flags.push(path);
        flags.push("/=");
    }
    flags
}

/// The path in QEMU's `char device redirected to /dev/pts/3 (label serial0)`.
fn pty_name(line: &str) -> Option<PathBuf> {
    let (_, rest) = line.split_once("char device redirected to ")?;
    rest.split_whitespace().next().map(PathBuf::from)
}

fn forward_lines(pipe: impl Read + Send + 'static, sender: mpsc::Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pty_is_found_in_qemus_own_words() {
        let line = "(qemu) char device redirected to /dev/pts/12 (label serial0)";
        assert_eq!(pty_name(line), Some(PathBuf::from("/dev/pts/12")));
        assert_eq!(pty_name("{\"QMP\": {}}"), None);
    }

    #[test]
    fn ticks_become_whole_instructions_at_every_timer_rate() {
        // 1000 instructions take 256,000 ns; a timer shows the floor of that, or one tick less.
        for (hz, ticks) in [(25_000_000, 6400), (16_000_000, 4096), (1_000_000_000, 256_000)] {
            assert_eq!(instructions(ticks, hz), 1000);
            assert_eq!(instructions(ticks - 1, hz), 1000);
        }
    }

    #[test]
    fn an_unknown_board_is_refused_with_the_known_ones() {
        let message = emulated_board("uno").expect_err("unknown").to_string();
        assert!(message.contains("\"uno\"") && message.contains("mps2-an386"), "{message}");
    }
}
