//! The boards we know: `primitives/devices/NAME.yaml`, embedded in the program.

use serde::{Deserialize, Serialize};

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
    #[serde(default)]
    pub emulator: Option<EmulatorSpec>,
    /// How to flash and reach it, when it is a board to hold in one's hand.
    #[serde(default)]
    pub hardware: Option<HardwareSpec>,
}

impl BoardSpec {
    /// `CORE: DESCRIPTION`, with the clock of a real board.
    #[must_use]
    pub fn summary(&self) -> String {
        let clock = self.hardware.as_ref().map_or(String::new(), |hardware| {
            format!(" at {} MHz", hardware.clock_hz as f64 / 1e6)
        });
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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SerialSpec {
    /// What Linux calls the port of the first such board.
    pub port: String,
    /// Line speed in baud.
    pub baud: u32,
}

/// How to flash a board.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FlashSpec {
    /// Folder of the checkout.
    pub folder: String,
    /// Command in that folder.
    pub command: String,
    /// Programs and cables it needs.
    pub needs: String,
}

const EMBEDDED: [&str; 7] = [
    include_str!("../../../primitives/devices/mps2-an386.yaml"),
    include_str!("../../../primitives/devices/mps2-an385.yaml"),
    include_str!("../../../primitives/devices/netduinoplus2.yaml"),
    include_str!("../../../primitives/devices/microbit.yaml"),
    include_str!("../../../primitives/devices/sifive-e.yaml"),
    include_str!("../../../primitives/devices/nucleo-f446re.yaml"),
    include_str!("../../../primitives/devices/pico.yaml"),
];

/// All boards: the emulated ones, the fastest first, then the real ones.
#[must_use]
pub fn boards() -> Vec<BoardSpec> {
    // The texts are part of the program; the test below parses every one of them.
    EMBEDDED.iter().filter_map(|text| serde_saphyr::from_str(text).ok()).collect()
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
        let boards = boards();
        assert_eq!(boards.len(), EMBEDDED.len());
        for one in &boards {
            assert_eq!(board(&one.name).as_ref(), Some(one));
            assert!(
                one.emulator.is_some() || one.hardware.is_some(),
                "{} cannot be used",
                one.name
            );
        }
    }
}
