//! Shared libraries with kernels, compiled from C by the tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use cortex_host::foreign::{Dtype, Feed, KernelSetup, Launcher, Parameters};

use crate::{checkout, cortex_host};

/// Compiles `tests/kernels/SOURCE.c` into `folder/libSOURCE.so`.
///
/// # Panics
/// There is no C compiler, or it has something to say.
#[must_use]
pub fn compiled(source: &str, folder: &Path) -> PathBuf {
    let library = folder.join(format!("lib{source}.so"));
    let kernels = checkout().join("tests/kernels");
    let output = Command::new("cc")
        .args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-O2", "-ffp-contract=off"])
        .args(["-Wall", "-Wextra", "-Werror", "-Wno-infinite-recursion", "-fPIC", "-shared", "-I"])
        .arg(checkout().join("cortex-core/c"))
        .arg("-o")
        .arg(&library)
        .arg(kernels.join(format!("{source}.c")))
        .output()
        .expect("a C compiler, cc, is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}

/// Compiles the program `tests/kernels/SOURCE.c` into `folder/SOURCE`.
///
/// # Panics
/// There is no C compiler, or it has something to say.
#[must_use]
pub fn compiled_program(source: &str, folder: &Path) -> PathBuf {
    let program = folder.join(source);
    let output = Command::new("cc")
        .args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&program)
        .arg(checkout().join("tests/kernels").join(format!("{source}.c")))
        .arg("-ldl")
        .output()
        .expect("a C compiler, cc, is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

/// The launcher with the program under test; a test is not one itself.
#[must_use]
pub fn launcher() -> Launcher {
    let program = cortex_host().get_program().into();
    Launcher { program, ..Launcher::here() }
}

/// A kernel of `library` for 4 channels, windows of 8 samples every 4, at 250 Hz, in f32 and hops.
#[must_use]
pub fn setup(library: &Path, kernel: &str, values: &[f64]) -> KernelSetup {
    KernelSetup {
        library: library.to_owned(),
        kernel: kernel.to_owned(),
        channels: 4,
        window: 8,
        hop: 4,
        sample_rate_hz: 250.0,
        feed: Feed::Hops,
        dtype: Dtype::F32,
        scale_uv: 1.0,
        parameters: Parameters::Values(values.iter().copied().map(Some).collect()),
        state: None,
    }
}
