//! Tests that this machine cannot run: seen, counted, and refused where they must run.
//!
//! A skipped test prints one line past libtest's capture of output and appends it to the file
//! that `CORTEX_SKIPS` names, which `tests/all.sh` lists at its end. Where `CORTEX_REQUIRE` names
//! what is missing (`CORTEX_REQUIRE=emulator,oracle`), the test fails instead. The shell's side of
//! the same is `tests/skip.sh`.

use std::fmt::{self, Display};
use std::fs::OpenOptions;
use std::io::Write;
use std::panic::Location;

/// Comma-separated names of what may not be missing.
const REQUIRE: &str = "CORTEX_REQUIRE";
/// The file that collects one line for each skipped test.
const SKIPS: &str = "CORTEX_SKIPS";
/// What scripts check without a test: known names, so that they are not refused here.
const OF_SCRIPTS: [&str; 7] =
    ["valgrind", "fuzzer", "deny", "actionlint", "static", "portability", "wine"];

/// What a test needs and a machine may not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// QEMU and the Rust targets of the boards.
    Emulator,
    /// A Python with SciPy, MNE and edfio.
    Oracle,
    /// Chromium.
    Chromium,
    /// Recordings of PhysioNet's eegmmidb.
    Recordings,
    /// Permission to mount a file system.
    Mount,
    /// A way to give up root's rights.
    Setpriv,
    /// The crates of all platforms, downloaded or to be downloaded.
    Registry,
    /// `/dev/full`.
    DevFull,
    /// node with rp2040js in `tests/pico`.
    Rp2040,
    /// A C compiler for Cortex-M.
    ArmCompiler,
    /// A C compiler for RV32.
    RiscvCompiler,
    /// `python3`.
    Python,
    /// A folder of the original CORTEX's kernel libraries.
    OriginalKernels,
    /// A processor with all vector units of its kind.
    Vectors,
}

impl Need {
    const ALL: [Self; 14] = [
        Self::Emulator,
        Self::Oracle,
        Self::Chromium,
        Self::Recordings,
        Self::Mount,
        Self::Setpriv,
        Self::Registry,
        Self::DevFull,
        Self::Rp2040,
        Self::ArmCompiler,
        Self::RiscvCompiler,
        Self::Python,
        Self::OriginalKernels,
        Self::Vectors,
    ];

    /// Its name in `CORTEX_REQUIRE`.
    fn name(self) -> &'static str {
        match self {
            Self::Emulator => "emulator",
            Self::Oracle => "oracle",
            Self::Chromium => "chromium",
            Self::Recordings => "recordings",
            Self::Mount => "mount",
            Self::Setpriv => "setpriv",
            Self::Registry => "registry",
            Self::DevFull => "dev-full",
            Self::Rp2040 => "rp2040",
            Self::ArmCompiler => "arm-compiler",
            Self::RiscvCompiler => "riscv-compiler",
            Self::Python => "python",
            Self::OriginalKernels => "original-kernels",
            Self::Vectors => "vectors",
        }
    }
}

impl Display for Need {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Says that the calling test, or a part of it, is skipped for lack of `need`.
///
/// # Panics
/// When `CORTEX_REQUIRE` names `need` or something unknown, or when the list of skipped tests
/// cannot be written.
#[track_caller]
pub fn skip(need: Need, why: &dyn Display) {
    let required = std::env::var(REQUIRE).unwrap_or_default();
    if let Err(refusal) = allowed(need, &required) {
        panic!("{refusal}: {why}");
    }
    // libtest names a test's thread after it, unless there is one thread for all.
    let thread = std::thread::current();
    let place = Location::caller();
    let test = match thread.name() {
        Some(name) if name != "main" => name.to_owned(),
        _ => format!("{}:{}", place.file(), place.line()),
    };
    let line = format!("skipped: {test}: {need}: {why}\n");
    // Not eprint!, whose output libtest keeps for tests that fail.
    std::io::stderr().write_all(line.as_bytes()).expect("stderr can be written");
    if let Some(path) = std::env::var_os(SKIPS) {
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

/// Whether a test may be skipped for lack of `need` where `required` is required.
fn allowed(need: Need, required: &str) -> Result<(), String> {
    for name in required.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if name == need.name() {
            return Err(format!("{REQUIRE} says that {name} is not missing"));
        }
        let known = Need::ALL.iter().any(|need| need.name() == name) || OF_SCRIPTS.contains(&name);
        if !known {
            let known = Need::ALL.map(Need::name).join(", ");
            return Err(format!("{REQUIRE} names '{name}'; known are {known}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_required_is_not_skipped_and_other_things_are() {
        assert_eq!(allowed(Need::Oracle, ""), Ok(()));
        assert_eq!(allowed(Need::Oracle, "emulator, valgrind"), Ok(()));
        assert!(allowed(Need::Oracle, "emulator,oracle").unwrap_err().contains("oracle"));
    }

    #[test]
    fn every_name_that_a_script_requires_or_skips_is_known() {
        let scripts = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
        let mut named = 0;
        for script in scripts.map(|entry| entry.unwrap().path()) {
            if script.extension().is_none_or(|extension| extension != "sh") {
                continue;
            }
            let text = std::fs::read_to_string(&script).unwrap();
            for command in text.split(['\n', ';', '{']).map(str::trim) {
                let command = command.strip_prefix("then ").unwrap_or(command);
                let mut words = command.split(' ');
                if !matches!(words.next(), Some("require" | "skip")) {
                    continue;
                }
                let name = words.next().unwrap();
                let known = Need::ALL.iter().any(|need| need.name() == name);
                assert!(known || OF_SCRIPTS.contains(&name), "{}: {command}", script.display());
                named += 1;
            }
        }
        assert!(named >= 10, "{named}");
    }

    #[test]
    fn a_misspelt_requirement_is_refused() {
        assert!(allowed(Need::Oracle, "orakel").unwrap_err().contains("'orakel'"));
    }
}
