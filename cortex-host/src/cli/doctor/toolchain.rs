//! What boards need: compilers for them, emulators of them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::check::Check;
use crate::device::board::{BoardSpec, boards};
use crate::device::qemu::{how_to_install, in_path};

/// Compiler targets and emulators of all boards we know.
pub fn checks() -> [Check; 2] {
    let mut boards = boards();
    // Programs for Linux boards are built by scripts/release.sh, with a linker of their own.
    boards.retain(|board| board.linux.is_none());
    [targets(&boards), emulators(&boards)]
}

fn targets(boards: &[BoardSpec]) -> Check {
    let name = "board compilers";
    let Some(sysroot) = sysroot() else {
        return Check::advice(
            name,
            "no Rust compiler; only needed to build firmware",
            "install Rust from https://rustup.rs",
        );
    };
    let installed = |target: &str| sysroot.join("lib/rustlib").join(target).join("lib").is_dir();
    let (there, absent) = split(boards.iter().map(|board| board.target.as_str()), installed);
    if absent.is_empty() {
        return Check::ok(name, there.join(", "));
    }
    Check::advice(
        name,
        format!("missing: {}", absent.join(", ")),
        format!("rustup target add {}", absent.join(" ")),
    )
}

fn emulators(boards: &[BoardSpec]) -> Check {
    let name = "emulators";
    let emulators: Vec<_> = boards.iter().filter_map(|board| board.emulator.as_ref()).collect();
    let (there, absent) = split(emulators.iter().map(|e| e.program.as_str()), in_path);
    if absent.is_empty() {
        return Check::ok(name, there.join(", "));
    }
    let mut packages: Vec<&str> = emulators
        .iter()
        .filter(|emulator| absent.contains(&emulator.program.as_str()))
        .map(|emulator| emulator.debian_package.as_str())
        .collect();
    packages.sort_unstable();
    packages.dedup();
    Check::advice(
        name,
        format!("missing: {}; only needed to run on emulated boards", absent.join(", ")),
        how_to_install(&packages.join(" ")),
    )
}

/// The distinct names for which `there` holds, and the others.
fn split<'a>(
    names: impl Iterator<Item = &'a str>,
    there: impl Fn(&str) -> bool,
) -> (Vec<&'a str>, Vec<&'a str>) {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().partition(|name| there(name))
}

fn sysroot() -> Option<PathBuf> {
    let mut command = Command::new("rustc");
    let output = command.args(["--print", "sysroot"]).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_once_and_sorted_by_presence() {
        let (there, absent) = split(["b", "a", "b", "c"].into_iter(), |name| name != "b");
        assert_eq!((there, absent), (vec!["a", "c"], vec!["b"]));
    }
}
