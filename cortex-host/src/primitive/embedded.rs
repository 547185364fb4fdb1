//! Primitives built into the binary, so that it works outside a checkout.

<<<<<<< HEAD
/// Path (as configurations spell it) and text of every embedded file: all YAML files of
/// `primitives/`, sorted by path.
pub const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/primitives.rs"));
=======
/// Path (as configurations spell it) and text of every embedded file.
pub const FILES: &[(&str, &str)] = &[
    DEFAULT_CONFIG,
    BOARD_CONFIG,
    (
        "primitives/datasets/v1/physionet-motor-imagery/spec.yaml",
        include_str!("../../../primitives/datasets/v1/physionet-motor-imagery/spec.yaml"),
    ),
    (
        "primitives/datasets/v1/synthetic/spec.yaml",
        include_str!("../../../primitives/datasets/v1/synthetic/spec.yaml"),
    ),
    (
        "primitives/datasets/v1/synthetic/examples/high_channel_scalability.yaml",
        include_str!(
            "../../../primitives/datasets/v1/synthetic/examples/high_channel_scalability.yaml"
        ),
    ),
    (
        "primitives/datasets/v1/synthetic/examples/filter_validation.yaml",
        include_str!("../../../primitives/datasets/v1/synthetic/examples/filter_validation.yaml"),
    ),
    (
        "primitives/datasets/v2/synthetic/spec.yaml",
        include_str!("../../../primitives/datasets/v2/synthetic/spec.yaml"),
    ),
    (
        "primitives/datasets/v2/synthetic/examples/artifacts.yaml",
        include_str!("../../../primitives/datasets/v2/synthetic/examples/artifacts.yaml"),
    ),
    (
        "primitives/datasets/v2/synthetic/examples/chirp_response.yaml",
        include_str!("../../../primitives/datasets/v2/synthetic/examples/chirp_response.yaml"),
    ),
];
>>>>>>> main

/// The configuration of `run` when none is given.
pub const DEFAULT_CONFIG: (&str, &str) = (
    "primitives/configs/quickstart.yaml",
    include_str!("../../primitives/configs/quickstart.yaml"),
);

/// The configuration of `run` on a board when none is given.
pub const BOARD_CONFIG: (&str, &str) =
    ("primitives/configs/board.yaml", include_str!("../../../primitives/configs/board.yaml"));

/// The text of an embedded file.
#[must_use]
pub fn text(path: &str) -> Option<&'static str> {
    FILES.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}
