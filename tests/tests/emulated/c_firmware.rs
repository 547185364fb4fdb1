//! The example firmware in C over libcortex.a on four processors: golden digests, kernels in C,
//! generators and kernels called from C, and what it takes of the flash.

use std::path::PathBuf;
use std::process::Command;

use cortex_core::digest::SampleDigest;
use cortex_core::kernel::golden::fill_golden_rows;
use cortex_core::kernel::{Kernel, KernelName, KernelShape, KernelSpec};
use cortex_core::link::Encoding;
use cortex_core::link::engine::generator_digest;
use cortex_core::signal::{
    BLOCK_SAMPLES, Generator, GeneratorVersion, PinkNoise, Scratch, Signal, SourceSpec,
};
use cortex_host::device::{Connection, KernelSettings, OwnDeviceKernel, QemuLink};
use cortex_tests::documented::check_board_figure;
use cortex_tests::emulated::open_session;
use cortex_tests::{checkout, cortex_host, stdout_of};

use super::firmware_budget::Elf;
use super::own_images::{boards_can_be_built, images_target};

/// Flash of the M0 promise: generator v1, the session and one kernel, in bytes.
const M0_FLASH_BYTES: u64 = 65_536;
/// One call of the generator is a window.
const SHAPE: KernelShape =
    KernelShape { channels: 2, window: BLOCK_SAMPLES, hop: BLOCK_SAMPLES, sample_rate_hz: 160.0 };
const WINDOWS: usize = 3;

/// Makes the example for `board` with the kernels of `kernel`, its own when empty.
fn firmware(board: &str, kernel: &str) -> PathBuf {
    let folder = checkout().join("firmware/c/example");
    let name = if kernel.is_empty() { "example" } else { "kernels" };
    let out = checkout().join(format!("target/c/{board}-{name}"));
    let mut make = Command::new("make");
    make.args(["--silent", "-C"]).arg(folder).arg(format!("BOARD={board}"));
    make.arg(format!("OUT={}", out.display()));
    make.arg(format!("TARGET_DIR={}", images_target().display()));
    make.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    if !kernel.is_empty() {
        make.arg(format!("KERNEL={}", checkout().join(kernel).display()));
    }
    stdout_of(&make.output().expect("make is there"), 0);
    out.join("firmware.elf")
}

fn settings(name: &str) -> KernelSettings {
    let kernel = OwnDeviceKernel {
        name: name.to_owned(),
        hop: SHAPE.hop,
        whole_windows: false,
        parameters: Vec::new(),
        max_output_values: SHAPE.window * SHAPE.channels,
        bit_exact: true,
    };
    let kernel = cortex_host::device::DeviceKernel::Own(kernel);
    KernelSettings { kernel, shape: SHAPE, input: Encoding::F32, output: Encoding::F32 }
}

fn golden_input(window: usize) -> Vec<f32> {
    let mut samples = vec![0.0; SHAPE.window * SHAPE.channels];
    fill_golden_rows((window * SHAPE.window) as u32, SHAPE.channels, &mut samples);
    samples
}

/// What a kernel of the firmware puts out for the golden input.
fn there(connection: &mut Connection, name: &str) -> Vec<f32> {
    let configured = connection.configure(&settings(name)).unwrap();
    let mut output = vec![0.0; configured.output_values as usize];
    let mut outputs = Vec::new();
    for window in 0..WINDOWS {
        let samples = golden_input(window);
        let done = connection.run_block(window as u32, &samples, &mut output, || {}).unwrap();
        let mut digest = SampleDigest::new();
        digest.update(&output[..done.output_len]);
        assert_eq!(done.end.output_crc, digest.finish());
        outputs.extend_from_slice(&output[..done.output_len]);
    }
    outputs
}

/// The first rows of v1's pink noise.
fn pink() -> Vec<f32> {
    let signal = Signal::PinkNoise(PinkNoise { amplitude_uv_rms: 100.0, low_corner_hz: 0.05 });
    let spec = SourceSpec::new(GeneratorVersion::V1, signal, SHAPE.sample_rate_hz, 42);
    let generator = Generator::new(&spec).unwrap();
    let mut lanes = generator.start::<2>(0);
    let mut block = [[0.0; 2]; BLOCK_SAMPLES];
    let mut rows = Vec::new();
    for _ in 0..WINDOWS {
        generator.fill(&mut lanes, &mut Scratch::new(), &mut block);
        rows.extend_from_slice(block.as_flattened());
    }
    rows
}

fn car() -> Vec<f32> {
    let kernel = KernelSpec::with_defaults(KernelName::Car).build(SHAPE).unwrap();
    let mut state = vec![0.0; kernel.state_len()];
    kernel.reset(&mut state);
    let windows = (0..WINDOWS).map(|window| {
        let mut output = vec![0.0; SHAPE.window * SHAPE.channels];
        kernel.process(&mut state, &golden_input(window), &mut output).unwrap();
        output
    });
    windows.collect::<Vec<_>>().concat()
}

fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|sample| sample.to_bits()).collect()
}

fn firmware_in_c_computes_as_this_machine(board: &str) {
    if !boards_can_be_built() {
        return;
    }
    let example = firmware(board, "");
    let size = Elf::read(&example).size();
    println!("{board}: {} bytes of flash, {} of static RAM in C", size.flash, size.static_ram);
    check_board_figure(&format!("{board}, in C"), "flash", size.flash as f64);
    if board == "microbit" {
        assert!(size.flash <= M0_FLASH_BYTES, "{size:?}");
    }
    // The golden datasets of generator v1.
    let mut verify = cortex_host();
    verify.args([
        "verify",
        "--device",
        &format!("qemu:{board}"),
        "primitives/datasets/v1/synthetic",
    ]);
    let verified = verify.env("CORTEX_FIRMWARE", &example).output().unwrap();
    let text = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(stdout_of(&verified, 0).contains("equal") || text.contains("equal"), "{text}");

    let image = firmware(board, "tests/kernels/board.c");
    let link = QemuLink::start(board, Some(&image)).unwrap();
    let mut connection = open_session(link).unwrap();
    let info = connection.info().clone();
    assert_eq!((info.board.as_str(), info.firmware_version.as_str()), (board, "c-example"));
    assert_eq!(info.generator_v1_digest, generator_digest(GeneratorVersion::V1));
    assert_eq!(info.generator_v2_digest, 0);
    println!("{board}: {} values for a kernel, its input and its output", info.max_values);
    assert!(bits(&there(&mut connection, "core_car")) == bits(&car()), "car on {board}");
    assert!(bits(&there(&mut connection, "generated")) == bits(&pink()), "pink noise on {board}");
    let unknown = connection.configure(&settings("absent")).unwrap_err().to_string();
    assert!(
        unknown.contains("does not have this kernel") && unknown.contains("absent"),
        "{unknown}"
    );
    // The kernel's own refusal, with its status.
    let shape = KernelShape { window: 32, hop: 32, ..SHAPE };
    let refused = connection.configure(&KernelSettings { shape, ..settings("generated") });
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("[1, 1]"), "{refused}");
}

#[test]
fn cortex_m4f_in_c_computes_as_this_machine() {
    firmware_in_c_computes_as_this_machine("mps2-an386");
}

#[test]
fn cortex_m3_in_c_computes_as_this_machine() {
    firmware_in_c_computes_as_this_machine("mps2-an385");
}

#[test]
fn cortex_m0_in_c_computes_as_this_machine_within_64_kb() {
    firmware_in_c_computes_as_this_machine("microbit");
}

#[test]
fn rv32_in_c_computes_as_this_machine() {
    firmware_in_c_computes_as_this_machine("sifive-e");
}
