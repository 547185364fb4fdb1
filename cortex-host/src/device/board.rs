//! The boards we know: `primitives/devices/NAME.yaml`, embedded in the program.

use serde::Deserialize;

/// One board, as its primitive describes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardSpec {
    /// Name: the primitive's file, the folder in firmware/boards and `BOARD` in `qemu:BOARD`.
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

const EMBEDDED: [&str; 5] = [
    include_str!("../../../primitives/devices/mps2-an386.yaml"),
    include_str!("../../../primitives/devices/mps2-an385.yaml"),
    include_str!("../../../primitives/devices/netduinoplus2.yaml"),
    include_str!("../../../primitives/devices/microbit.yaml"),
    include_str!("../../../primitives/devices/sifive-e.yaml"),
];

/// All boards, the fastest emulated one first.
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
        }
    }
}
