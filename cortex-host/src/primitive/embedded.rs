//! Primitives built into the binary, so that it works outside a checkout.

/// Path (as configurations spell it) and text of every embedded file: all YAML files of
/// `primitives/`, sorted by path.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/primitives.rs"));

/// The configuration of `run` when none is given.
pub const DEFAULT_CONFIG: (&str, &str) = (
    "primitives/configs/quickstart.yaml",
    include_str!("../../primitives/configs/quickstart.yaml"),
);

/// The configuration of `run` on a board when none is given.
pub const BOARD_CONFIG: (&str, &str) =
    ("primitives/configs/board.yaml", include_str!("../../primitives/configs/board.yaml"));

/// The text of an embedded file.
#[must_use]
pub fn text(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}
