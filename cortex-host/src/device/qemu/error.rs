//! Why an emulated board could not be started.

use std::path::PathBuf;

use thiserror::Error;

use crate::base::{ExitCode, Failure, quoted};
use crate::device::LinkError;

/// Environment variable with a ready image, used instead of building one.
pub const FIRMWARE_VARIABLE: &str = "CORTEX_FIRMWARE";

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
    #[error("{program} is not installed; {}", how_to_install(package))]
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
        "there is no image for {board}: run from a checkout of the project, whose firmware/ folder builds it, put firmware/{board}.elf beside the program, or name an image with {FIRMWARE_VARIABLE}=FILE"
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

/// How the emulator of Debian's package `package` is installed on this system.
#[must_use]
pub fn how_to_install(package: &str) -> String {
    if cfg!(windows) {
        "install QEMU from https://www.qemu.org/download and put its folder into PATH".to_owned()
    } else if cfg!(target_os = "macos") {
        "install it with `brew install qemu`".to_owned()
    } else {
        format!("install it with `apt-get install {package}`")
    }
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
