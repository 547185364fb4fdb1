//! Kernels of a user's own in images of the user's: the same C file and the same Rust crate as a
//! library here and on boards, with nothing of this repository changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cortex_core::kernel::KernelShape;
use cortex_core::link::Encoding;
use cortex_host::device::qemu::in_path;
use cortex_host::device::{DeviceKernel, KernelSettings, OwnDeviceKernel};
use cortex_host::foreign::{InProcess, KernelSetup};
use cortex_host::harness::{Device, Monotonic};
use cortex_tests::pico::Pico;
use cortex_tests::skip::{Need, skip};
use cortex_tests::{checkout, cortex_host, libraries, stderr_of, stdout_of};
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
/// processors; every output has the same bits. An image takes ten seconds: two of the six are built
/// where `CORTEX_ALL_IMAGES` is set (`tests/slow.sh images`).
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
    let every_image = std::env::var_os("CORTEX_ALL_IMAGES").is_some();
    for board in ["mps2-an386", "microbit", "sifive-e"] {
        for kernel in ["lowpass/lowpass.c", "smooth"] {
            let slow = matches!(
                (board, kernel),
                ("microbit", "smooth") | ("sifive-e", "lowpass/lowpass.c")
            );
            if slow && !every_image {
                continue;
            }
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

/// The same C source in the Pico's image, which runs in an emulated RP2040.
#[test]
#[ignore = "a minute; sh tests/slow.sh pico"]
fn a_kernel_of_ones_own_has_the_same_bits_on_a_pico() {
    if !boards_can_be_built() || !Pico::can_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stdout_of(&host(folder, &["new", "kernel", "lowpass", "--c"]), 0);
    let made = Command::new("make").args(["-C", "lowpass", "lib"]).current_dir(folder).output();
    stdout_of(&made.unwrap(), 0);
    let new = ["new", "firmware", "lowpass-pico", "--board", "pico", "--kernel", "lowpass"];
    stdout_of(&host(folder, &new), 0);
    let target = checkout().join("target/own-images");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--quiet"]).current_dir(folder.join("lowpass-pico"));
    stdout_of(&cargo.env("CARGO_TARGET_DIR", &target).output().unwrap(), 0);

    let shape = KernelShape { channels: 2, window: 64, hop: 32, sample_rate_hz: 160.0 };
    let setup = KernelSetup {
        channels: 2,
        window: 64,
        hop: 32,
        sample_rate_hz: 160.0,
        ..libraries::setup(&folder.join("lowpass/liblowpass.so"), "lowpass", &[7.5])
    };
    let mut here = InProcess::open(&setup).unwrap();
    here.reset().unwrap();
    let mut connection =
        Pico::open(Pico::run(&target.join("thumbv6m-none-eabi/release/lowpass-pico"))).unwrap();
    let settings = KernelSettings {
        kernel: DeviceKernel::Own(OwnDeviceKernel {
            name: "lowpass".to_owned(),
            hop: shape.hop,
            whole_windows: false,
            parameters: vec![7.5],
            max_output_values: here.max_output_len(),
            bit_exact: true,
        }),
        shape,
        input: Encoding::F32,
        output: Encoding::F32,
    };
    connection.configure(&settings).unwrap();
    let (mut output, mut expected) = ([0.0; 128], [0.0; 128]);
    for block in 0..4_u32 {
        let rows = if block == 0 { shape.window } else { shape.hop };
        let samples: Vec<f32> =
            (0..rows * 2).map(|n| ((n as u32 * 7919 + block) % 1000) as f32 / 7.0 - 60.0).collect();
        let done = connection.run_block(block, &samples, &mut output, || {}).unwrap();
        let wanted =
            here.run_window(u64::from(block), &samples, &mut expected, &Monotonic).unwrap();
        assert_eq!(done.output_len, wanted.output_len);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let count = done.output_len;
        assert_eq!(bits(&output[..count]), bits(&expected[..count]), "block {block}");
    }
}
