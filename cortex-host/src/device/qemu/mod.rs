//! Emulated boards: find or build the image, start QEMU, stop it after. The board's serial line is a
//! pseudo-terminal, or a TCP connection where the system has none.
//!
//! QEMU runs with `-icount shift=8`: every instruction takes 256 ns of emulated time, so that a
//! board's timer counts instructions exactly, run after run ([`INSTRUCTION_NS`]).

mod emulator;
mod error;
mod image;
mod line;

use std::path::Path;
use std::time::{Duration, Instant};

use super::board::{BoardSpec, EmulatorSpec, board, boards};
use super::{Link, LinkError};

pub use emulator::{Emulator, INSTRUCTION_NS, in_path};
pub use error::{EmulatorError, FIRMWARE_VARIABLE, how_to_install};
pub use image::{Program, image};
pub use line::LineKind;

/// For so long the bytes behind the first are gathered.
const GATHERING: Duration = Duration::from_micros(300);

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

/// An emulated board as a [`Link`]: its serial port, and QEMU, which stops with it.
pub struct QemuLink {
    // Fields drop in order: the port closes before QEMU stops.
    line: Box<dyn Link>,
    emulator: Emulator,
    board: String,
}

impl QemuLink {
    /// Line speed to reckon with, in bit/s.
    pub const BAUD: u32 = line::BAUD;

    /// Finds or builds the firmware of the board called `name` ([`image`]), starts it and opens
    /// its serial port.
    ///
    /// # Errors
    /// [`EmulatorError`], each with what to do.
    pub fn start(name: &str, firmware: Option<&Path>) -> Result<Self, EmulatorError> {
        let (board, spec) = emulated_board(name)?;
        // Before the image: a build of minutes need not come first.
        emulator::check_installed(&spec)?;
        let image = image(&board, Program::Firmware, firmware)?;
        Self::run(&board, &spec, &image, LineKind::HERE)
    }

    /// Starts `image` on `board` with a line of this kind.
    ///
    /// # Errors
    /// As [`Emulator::start`], and what opening the line says.
    pub fn run(
        board: &BoardSpec,
        spec: &EmulatorSpec,
        image: &Path,
        kind: LineKind,
    ) -> Result<Self, EmulatorError> {
        let mut emulator = Emulator::start(board, spec, image, kind)?;
        Ok(Self { line: emulator.open_line()?, emulator, board: board.name.clone() })
    }

    /// The emulator, to reset or to inspect.
    pub fn emulator(&mut self) -> &mut Emulator {
        &mut self.emulator
    }

    /// Says that the board is gone, not its port, and how its emulator ended.
    fn named(&mut self, error: LinkError) -> LinkError {
        let device = self.describe();
        match error {
            LinkError::Unplugged { .. } | LinkError::Closed { .. } => {
                match self.emulator.ended_soon() {
                    Some((status, said)) if said.is_empty() => {
                        LinkError::EmulatorEnded { device, how: status.to_string() }
                    }
                    Some((status, said)) => {
                        LinkError::EmulatorEnded { device, how: format!("{status}: {said}") }
                    }
                    None => LinkError::Unplugged { device },
                }
            }
            LinkError::WriteStalled { sent, bytes, waited_ms, .. } => {
                LinkError::WriteStalled { device, sent, bytes, waited_ms }
            }
            other => other,
        }
    }
}

impl Link for QemuLink {
    fn send(&mut self, bytes: &[u8], patience: Duration) -> Result<(), LinkError> {
        match self.line.send(bytes, patience) {
            Err(error) => Err(self.named(error)),
            sent => sent,
        }
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        let count = match self.line.recv(buffer, deadline) {
            Err(error) => return Err(self.named(error)),
            Ok(0) => return Ok(0),
            Ok(count) => count,
        };
        // It sends byte by byte: to be woken for each costs both processes more than the byte.
        std::thread::sleep(GATHERING);
        let rest = buffer.get_mut(count..).unwrap_or_default();
        // A port that has gone since says so at the next call.
        let more = self.line.recv(rest, Instant::now()).unwrap_or_default();
        Ok(count + more)
    }

    fn describe(&self) -> String {
        format!("emulated board {}", self.board)
    }

    fn instruction_ns(&self) -> Option<u64> {
        Some(INSTRUCTION_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_board_is_refused_with_the_known_ones() {
        let message = emulated_board("uno").expect_err("unknown").to_string();
        assert!(message.contains("\"uno\"") && message.contains("mps2-an386"), "{message}");
    }
}
