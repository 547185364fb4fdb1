//! The image of an emulated board: named by the user, built in the firmware folder of the checkout
//! one is in, or released with the program.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::{EmulatorError, FIRMWARE_VARIABLE};
use crate::device::board::BoardSpec;

/// The programs a board folder builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The link session: kernels and generators behind the serial protocol.
    Firmware,
    /// The same with the kernels in q15 in place of those in single precision: of boards whose flash
    /// does not hold both.
    Q15,
    /// Digests and costs as text, for a board without a host.
    Selftest,
}

/// The image of `program` for `board`: `explicit` if given (an image, a checkout's firmware folder or
/// the folder of a crate of the user's own, which is built), else [`FIRMWARE_VARIABLE`]'s (for
/// [`Program::Firmware`]), else built in the firmware folder of the checkout around the working
/// directory, else `firmware/BOARD.elf` beside the program. Nothing is ever built in a folder only
/// because this program was compiled there.
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
    match named {
        Some(path) if path.is_file() => return Ok(path),
        Some(folder) if is_source(&folder) => return build(board, program, &folder),
        Some(folder) if folder.join("Cargo.toml").is_file() => return build_own(board, &folder),
        Some(path) => return Err(EmulatorError::ImageMissing { path }),
        None => {}
    }
    if let Some(workspace) = firmware_folder() {
        return build(board, program, &workspace);
    }
    released(board)
        .filter(|_| program == Program::Firmware)
        .ok_or_else(|| EmulatorError::NoSource { board: board.name.clone() })
}

/// The firmware folder of the checkout around the working directory.
fn firmware_folder() -> Option<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    here.ancestors().map(|folder| folder.join("firmware")).find(|folder| is_source(folder))
}

/// Whether images can be built in `folder`.
fn is_source(folder: &Path) -> bool {
    folder.join("boards").is_dir()
}

/// The released image of `board` beside this program.
fn released(board: &BoardSpec) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let image = program.parent()?.join("firmware").join(format!("{}.elf", board.name));
    image.is_file().then_some(image)
}

fn build(board: &BoardSpec, program: Program, workspace: &Path) -> Result<PathBuf, EmulatorError> {
    let folder = workspace.join("boards").join(&board.name);
    let binary = match program {
        Program::Firmware => board.name.clone(),
        Program::Q15 => format!("q15-{}", board.name),
        Program::Selftest => format!("selftest-{}", board.name),
    };
    let target_dir = workspace.join("target");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--locked", "--bin", &binary, "--target", &board.target])
        .args(match program {
            Program::Firmware | Program::Q15 => &[][..],
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
    Err(not_built(board, folder, &output.stderr))
}

/// Builds the only program of the crate in `folder`, an image of the user's own for `board`.
fn build_own(board: &BoardSpec, folder: &Path) -> Result<PathBuf, EmulatorError> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--release", "--bins", "--target", &board.target])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(folder)
        // Flags meant for the host must not reach the board.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| EmulatorError::NoCargo { board: board.name.clone(), source })?;
    // One message a line; that of the program says where it lies.
    let messages = String::from_utf8_lossy(&output.stdout);
    let program = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message["executable"].as_str()?))
    });
    match program {
        Some(program) if output.status.success() => Ok(program),
        _ => Err(not_built(board, folder.to_owned(), &output.stderr)),
    }
}

/// What cargo said, as an error.
fn not_built(board: &BoardSpec, folder: PathBuf, stderr: &[u8]) -> EmulatorError {
    let text = String::from_utf8_lossy(stderr);
    if text.contains("can't find crate for `core`") {
        return EmulatorError::TargetMissing {
            board: board.name.clone(),
            target: board.target.clone(),
        };
    }
    let lines: Vec<&str> = text.lines().collect();
    EmulatorError::Build {
        board: board.name.clone(),
        folder,
        tail: lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join(" | "),
    }
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
