//! The image of an emulated board: named by the user, or built in the checkout's firmware folder.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::{EmulatorError, FIRMWARE_VARIABLE};
use crate::device::board::BoardSpec;

/// The two programs each board folder builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The link session: kernels and generators behind the serial protocol.
    Firmware,
    /// Digests and costs as text, for a board without a host.
    Selftest,
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
