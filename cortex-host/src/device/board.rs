//! The boards we know: `primitives/devices/NAME.yaml`, on disk or embedded in the program.

use serde::{Deserialize, Serialize};

use crate::config::decode::decode;
use crate::config::{ConfigError, Node};
use crate::primitive::Library;

/// One board, as its primitive describes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardSpec {
    /// Name: the primitive's file, the folder in firmware/boards, what HELLO says, and `BOARD` in
    /// `qemu:BOARD` when it is emulated.
    pub name: String,
    /// What it is, in one line.
    pub description: String,
    /// Processor core, for example `Cortex-M4F`.
    pub core: String,
    /// Rust target triple of its image.
    pub target: String,
    /// How to emulate it, when QEMU can.
    pub emulator: Option<EmulatorSpec>,
    /// How to flash and reach it, when it is a board to hold in one's hand.
    pub hardware: Option<HardwareSpec>,
    /// How to make it a device, when it runs Linux.
    pub linux: Option<LinuxSpec>,
}

impl BoardSpec {
    /// `CORE: DESCRIPTION`, with the clock of a real board.
    #[must_use]
    pub fn summary(&self) -> String {
        let clock_hz = (self.hardware.as_ref().map(|hardware| hardware.clock_hz))
            .or(self.linux.as_ref().map(|linux| linux.clock_hz));
        let clock =
            clock_hz.map_or(String::new(), |clock_hz| format!(" at {} MHz", clock_hz as f64 / 1e6));
        format!("{}{clock}: {}", self.core, self.description)
    }
}

/// How QEMU emulates a board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmulatorSpec {
    /// The emulator's program.
    pub program: String,
    /// Its `-M` argument.
    pub machine: String,
    /// The Debian package that holds the program.
    pub debian_package: String,
}

/// A board of metal: how to flash and reach it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HardwareSpec {
    /// Clock of the core under our firmware, in Hz.
    pub clock_hz: u64,
    /// Its serial port, seen from the host.
    pub serial: SerialSpec,
    /// How our firmware gets onto it.
    pub flash: FlashSpec,
}

impl HardwareSpec {
    /// How a configuration spells the board when its port has the name it mostly gets.
    #[must_use]
    pub fn device(&self) -> String {
        format!("serial://{}?baud={}", self.serial.port, self.serial.baud)
    }
}

/// Where a board's serial port mostly appears, and its speed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SerialSpec {
    /// What Linux calls the port of the first such board.
    pub port: String,
    /// Line speed in baud.
    pub baud: u32,
}

/// How to flash a board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FlashSpec {
    /// Folder of the checkout.
    pub folder: String,
    /// Command in that folder.
    pub command: String,
    /// Programs and cables it needs.
    pub needs: String,
    /// Family of chips in UF2 files, when the board can be flashed as a drive.
    pub uf2_family: Option<u32>,
}

/// A board that runs Linux: `cortex-host serve` makes it a device.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LinuxSpec {
    /// Greatest clock of its cores, in Hz.
    pub clock_hz: u64,
    /// How the program for it is made, in the folder of the checkout.
    pub build: String,
    /// What to call on the board.
    pub serve: String,
    /// How a configuration spells it, when it has the name it mostly gets.
    pub device: String,
}

/// All boards, of a local `primitives/devices` folder or embedded: the emulated ones, then the
/// real ones. [`described`] says what is wrong with those that are left out.
#[must_use]
pub fn boards() -> Vec<BoardSpec> {
    let mut boards: Vec<_> = described().into_iter().filter_map(Result::ok).collect();
    boards.sort_by_key(|board| board.emulator.is_none());
    boards
}

/// Every board's description, or what is wrong with it.
#[must_use]
pub fn described() -> Vec<Result<BoardSpec, ConfigError>> {
    let files = Library::new(None).devices().into_iter();
    files
        .map(|(path, text)| {
            let board = Node::parse(&text).and_then(|node| decode(&node, ""));
            board.map_err(|problem| problem.in_source(&path))
        })
        .collect()
}

/// The board called `name`.
#[must_use]
pub fn board(name: &str) -> Option<BoardSpec> {
    boards().into_iter().find(|board| board.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_board_parses_and_has_its_own_name() {
        let boards: Vec<BoardSpec> =
            described().into_iter().collect::<Result<_, _>>().expect("they are ours");
        assert!(boards.len() >= 7);
        for one in &boards {
            assert_eq!(board(&one.name).as_ref(), Some(one));
            assert!(
                one.emulator.is_some() || one.hardware.is_some() || one.linux.is_some(),
                "{} cannot be used",
                one.name
            );
        }
    }
}
