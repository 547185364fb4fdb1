//! Kernels of a user's own in images of the user's: the same C file and the same Rust crate as a
//! library here and on boards, with nothing of this repository changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cortex_host::device::qemu::in_path;
use cortex_tests::skip::{Need, skip};
use cortex_tests::{checkout, cortex_host, stderr_of, stdout_of};
use serde_json::Value;

/// Windows of the run below: 1,600 samples in windows of 64 every 32.
const WINDOWS: u64 = 49;

/// Cargo's folder of the images in C and of a user's own: what they need is compiled once for all.
pub(super) fn images_target() -> PathBuf {
    checkout().join("target/own-images")
}

/// Runs the program in `folder`.
fn host(folder: &Path, arguments: &[&str]) -> Output {
    let mut host = cortex_host();
    host.args(arguments).current_dir(folder);
    host.env("CARGO_TARGET_DIR", images_target());
    host.output().unwrap()
}

/// What the boards of these tests need; false where that is not installed and the test is skipped.
pub(super) fn boards_can_be_built() -> bool {
    for emulator in ["qemu-system-arm", "qemu-system-riscv32"] {
        if !in_path(emulator) {
            skip(Need::Emulator, &format_args!("kernels in images of one's own: {emulator}"));
            return false;
        }
    }
    let compilers = [
        ("arm-none-eabi-gcc", Need::ArmCompiler),
        ("riscv64-unknown-elf-gcc", Need::RiscvCompiler),
    ];
    for (compiler, need) in compilers {
        if !in_path(compiler) {
            skip(need, &format_args!("C kernels in images: {compiler}"));
            return false;
        }
    }
    true
}

/// A new image for `board` with the kernels at `kernel`, run: the summary, and the bytes of the
/// outputs.
fn image_runs(folder: &Path, board: &str, kernel: &str) -> (Value, Vec<u8>) {
    let name = format!("{}-{board}", Path::new(kernel).file_stem().unwrap().to_string_lossy());
    let made = host(folder, &["new", "firmware", &name, "--board", board, "--kernel", kernel]);
    stdout_of(&made, 0);
    let config = format!("{name}/run.yaml");
    let arguments =
        ["run", "--config", &config, "--quiet", "--json", "--set", "output.include_raw_data=true"];
    let run: Value = serde_json::from_str(&stdout_of(&host(folder, &arguments), 0)).unwrap();
    let kernel = &run["kernels"][0];
    assert_eq!(kernel["outputs"]["equal"], WINDOWS, "{board}: {kernel}");
    assert_eq!(kernel["outputs"]["different"], 0, "{board}: {kernel}");
    assert!(kernel["kernel_instructions"]["p50"].as_f64().unwrap() > 100.0, "{kernel}");
    let results = folder.join(run["folder"].as_str().unwrap());
    assert!(results.join("report.html").is_file());
    let file = results.join(kernel["outputs_file"]["file"].as_str().unwrap());
    // The numbers follow a header of 128 bytes.
    (run, fs::read(file).unwrap().split_off(128))
}

/// One C source and one Rust crate: built for the desktop, measured there, and in images of three
/// processors; every output has the same bits.
#[test]
fn one_source_has_the_same_bits_here_and_on_three_boards() {
    if !boards_can_be_built() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stdout_of(&host(folder, &["new", "kernel", "lowpass", "--c"]), 0);
    stdout_of(&host(folder, &["new", "kernel", "smooth", "--rust"]), 0);
    let made = Command::new("make").args(["-C", "lowpass", "lib"]).current_dir(folder).output();
    stdout_of(&made.unwrap(), 0);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--quiet"]).current_dir(folder.join("smooth"));
    // That of the tests of kernels on the desktop, so that the crate's own folder gets its library.
    let target = checkout().join("target/own-kernels");
    stdout_of(&cargo.env("CARGO_TARGET_DIR", &target).output().unwrap(), 0);
    fs::create_dir_all(folder.join("smooth/target/release")).unwrap();
    let library = "target/release/libsmooth.so";
    fs::copy(target.join("release/libsmooth.so"), folder.join("smooth").join(library)).unwrap();

    let mut outputs = Vec::new();
    for board in ["mps2-an386", "microbit", "sifive-e"] {
        for kernel in ["lowpass/lowpass.c", "smooth"] {
            let (run, bytes) = image_runs(folder, board, kernel);
            assert_eq!(run["device"], format!("qemu:{board}"));
            assert_eq!(bytes.len() as u64, (64 + 48 * 32) * 2 * 4);
            outputs.push(bytes);
        }
    }
    assert!(outputs.iter().all(|bytes| *bytes == outputs[0]));

    // The image has the kernels of the repository as well, and none that it was not linked with.
    let config = folder.join("lowpass-microbit/run.yaml");
    let text = fs::read_to_string(&config).unwrap();
    let with_car = text.replace("kernels:\n", "kernels:\n  - { name: car, window: 64, hop: 32 }\n");
    fs::write(&config, &with_car).unwrap();
    let run = host(folder, &["run", "--config", "lowpass-microbit/run.yaml", "--quiet", "--json"]);
    let run: Value = serde_json::from_str(&stdout_of(&run, 0)).unwrap();
    for kernel in run["kernels"].as_array().unwrap() {
        assert_eq!(kernel["outputs"]["equal"], WINDOWS, "{kernel}");
    }
    fs::write(
        &config,
        with_car.replace("lowpass/liblowpass.so", "smooth/target/release/libsmooth.so"),
    )
    .unwrap();
    let run = host(folder, &["run", "--config", "lowpass-microbit/run.yaml"]);
    let refused = stderr_of(&run, 1);
    assert!(
        refused.contains("smooth will not run: the firmware of microbit does not have it"),
        "{refused}"
    );
}
