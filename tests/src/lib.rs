//! What several cross-crate tests share: where the checkout, its data and the oracles are.

pub mod documented;
pub mod emulated;
#[cfg(unix)]
pub mod faults;
pub mod fuzz;
pub mod html;
pub mod http;
pub mod kernels;
#[cfg(target_os = "linux")]
pub mod libraries;
pub mod line_faults;
pub mod link_sim;
#[cfg(unix)]
pub mod nucleo;
pub mod pico;
#[cfg(unix)]
pub mod pty;
pub mod runs;
pub mod skip;
pub mod tolerance;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use crate::skip::{Need, skip};

/// The example `name` of either crate, built as [`cortex_host()`] is.
///
/// # Panics
/// It cannot be built.
#[must_use]
pub fn example(name: &str) -> Command {
    Command::new(built("--examples", &format!("examples/{name}")))
}

/// The program at `path` in the folder of the tests' profile, built from the current sources with
/// all others of its `kind`.
fn built(kind: &str, path: &str) -> PathBuf {
    // .../target/<profile>/deps/<test>
    let test = std::env::current_exe().expect("a test knows its own file");
    let profile = test.ancestors().nth(2).expect("tests lie in target/<profile>/deps");
    let target = profile.parent().expect("a profile folder lies in a target folder");
    let mut cargo = Command::new(env!("CARGO"));
    // The whole workspace and the test that runs, so that libraries have the features the
    // tests were built with and nothing is built again.
    let name = test.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let name = name.split('-').next().unwrap_or_default();
    cargo.args(["build", "--quiet", "--workspace", kind, "--test", name]);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    cargo.arg("--target-dir").arg(target).current_dir(checkout());
    // What Cargo tells this test of its own package would make build scripts that watch it
    // (ring's), and all that depends on them, run again at every switch between test and build.
    for (name, _) in std::env::vars_os() {
        let told = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
        if name.to_str().is_some_and(|name| told.iter().any(|start| name.starts_with(start))) {
            cargo.env_remove(&name);
        }
    }
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "{path} does not build");
    profile.join(format!("{path}{}", std::env::consts::EXE_SUFFIX))
}

/// The program `cortex-host` in the release profile, for the benchmark that runs.
///
/// # Panics
/// It cannot be built.
#[must_use]
pub fn cortex_host_of_bench() -> PathBuf {
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "-p", "cortex-host", "--bin", "cortex-host"])
        .current_dir(checkout())
        .status();
    assert!(status.is_ok_and(|status| status.success()), "cortex-host does not build");
    let bench = std::env::current_exe().expect("a program knows its own file");
    // .../target/release/deps/<bench>
    bench.ancestors().nth(2).expect("in target/release").join("cortex-host")
}

/// The root of the checkout.
#[must_use]
pub fn checkout() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// The `cortex-host` binary, built from the current sources in the profile of the tests.
///
/// # Panics
/// It cannot be built.
#[must_use]
pub fn cortex_host() -> Command {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new(BINARY.get_or_init(|| built("--bins", "cortex-host")));
    command.env("NO_COLOR", "1");
    // From a folder of its own it finds no checkout to build a board's image in.
    command.env("CORTEX_FIRMWARE", checkout().join("firmware"));
    command
}

/// The folder of real recordings (PhysioNet eegmmidb): `CORTEX_DATA`, or `../shared/data`
/// beside the checkout; without it the test is skipped (`None`).
#[must_use]
#[track_caller]
pub fn real_recordings() -> Option<PathBuf> {
    let data = std::env::var_os("CORTEX_DATA")
        .map_or_else(|| checkout().join("../shared/data"), PathBuf::from);
    let folder = data.join("physionet-eegmmidb");
    if folder.join("S001R03.edf").is_file() {
        return Some(folder);
    }
    skip(Need::Recordings, &format_args!("none in {} (set CORTEX_DATA)", folder.display()));
    None
}

/// Runs `tests/oracle/SCRIPT` with the Python of `CORTEX_ORACLE_PYTHON`, which has NumPy,
/// SciPy, MNE and edfio; without that variable the test is skipped (`None`).
///
/// # Panics
/// The Python cannot be started.
#[must_use]
#[track_caller]
pub fn oracle(script: &str, arguments: &[&std::ffi::OsStr]) -> Option<Output> {
    let Some(python) = std::env::var_os("CORTEX_ORACLE_PYTHON") else {
        skip(Need::Oracle, &format_args!("{script} is not run (set CORTEX_ORACLE_PYTHON)"));
        return None;
    };
    let mut command = Command::new(python);
    // Without folders of byte code, which would lie among the primitives.
    command.arg("-B").arg(checkout().join("tests/oracle").join(script)).args(arguments);
    Some(command.output().expect("the oracle's Python starts"))
}

/// Asserts that a process ended with `code` and returns its stdout; both streams are in the
/// message when it did not.
///
/// # Panics
/// The exit code is another one.
#[track_caller]
pub fn stdout_of(output: &Output, code: i32) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "stdout:\n{stdout}\nstderr:\n{stderr}");
    stdout
}

/// As [`stdout_of`], returning stderr.
///
/// # Panics
/// The exit code is another one.
#[track_caller]
pub fn stderr_of(output: &Output, code: i32) -> String {
    stdout_of(output, code);
    String::from_utf8_lossy(&output.stderr).into_owned()
}
