//! The Pico's real image, USB included, in an emulated RP2040: stray bytes do not hang it, its
//! arithmetic is the host's down to the subnormal numbers, and a crash is told over USB.

use std::time::Duration;

use cortex_core::kernel::{Kernel, KernelName, KernelShape, KernelSpec};
use cortex_core::link::Encoding;
use cortex_host::device::{Connection, Fault, KernelSettings, Link, LinkError};
use cortex_tests::pico::Pico;

const SHAPE: KernelShape = KernelShape { channels: 2, window: 64, hop: 32, sample_rate_hz: 160.0 };
const BLOCKS: u32 = 3;

/// Samples of block `block`, some of them subnormal, and some whose products are.
fn input(block: u32) -> Vec<f32> {
    let rows = if block == 0 { SHAPE.window } else { SHAPE.hop };
    (0..rows * SHAPE.channels)
        .map(|n| match (n + block as usize) % 3 {
            0 => f32::from_bits(1 + (n as u32 * 7_919) % 0x007F_FFFF),
            1 => (n as f32 - 50.0) * 1e-38,
            _ => (n as f32 - 50.0) * 0.37,
        })
        .collect()
}

/// Runs the blocks on the board and here; every output must have the same bits.
pub(super) fn blocks_are_equal(
    connection: &mut Connection,
    name: KernelName,
) -> Result<(), LinkError> {
    let kernel = KernelSpec::with_defaults(name);
    let job = KernelSettings {
        kernel: kernel.into(),
        shape: SHAPE,
        input: Encoding::F32,
        output: Encoding::F32,
    };
    let kernel = job.kernel.built_in().expect("built in").build(SHAPE).expect("defaults");
    let mut state = vec![0.0; kernel.state_len()];
    kernel.reset(&mut state);
    let configured = connection.configure(&job)?;
    let mut output = vec![0.0; configured.output_values as usize];
    let mut expected = output.clone();
    for block in 0..BLOCKS {
        let samples = input(block);
        let done = connection.run_block(block, &samples, &mut output, || {})?;
        let count = kernel.process(&mut state, &samples, &mut expected).expect("whole rows");
        assert_eq!(done.output_len, count);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&output[..count]), bits(&expected[..count]), "{name:?}, block {block}");
    }
    Ok(())
}

fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// `CORTEX_PICO_SEEDS` (1) and `CORTEX_PICO_JUNK` (8,192 bytes, twice what the ring holds).
#[test]
fn the_pico_computes_as_this_machine_whatever_it_has_been_sent() {
    let Some(mut pico) = Pico::start() else { return };
    let mut connection = Pico::open(pico.clone()).expect("the board answers");
    assert_eq!(connection.info().board, "pico");
    for name in [KernelName::NotchIir, KernelName::Car] {
        blocks_are_equal(&mut connection, name).expect("runs");
    }
    let junk: Vec<u8> =
        (0..number("CORTEX_PICO_JUNK", 8_192)).map(|n| (n * 31 + 7) as u8 | 1).collect();
    pico.send(&junk, Duration::from_secs(60)).expect("taken");
    let mut connection = Pico::open(pico.clone()).expect("the board answers after stray bytes");
    blocks_are_equal(&mut connection, KernelName::Car).expect("runs after stray bytes");
    let (mut complete, mut named) = (0, Vec::new());
    for seed in 0..number("CORTEX_PICO_SEEDS", 1) as u64 {
        let spec = "oversize=0.05".parse().expect("valid");
        let run = Pico::open(Fault::new(pico.clone(), spec, seed))
            .and_then(|mut connection| blocks_are_equal(&mut connection, KernelName::Car));
        match run {
            Ok(()) => complete += 1,
            Err(LinkError::Session { failure, .. }) => named.push((seed, failure)),
            Err(error) => panic!("seed {seed}: {error}"),
        }
        let mut connection = Pico::open(pico.clone()).expect("the board answers after faults");
        blocks_are_equal(&mut connection, KernelName::Noop).expect("runs after faults");
    }
    println!("{complete} runs equal, {named:?}");
    tells_what_it_crashed_with(&pico);
}

/// The fault is kept over the reset and told to the next host, when USB has begun anew.
fn tells_what_it_crashed_with(pico: &Pico) {
    let mut connection = Pico::open(pico.clone()).expect("the board answers");
    assert_eq!((connection.info().boot_count, connection.info().crash.as_str()), (1, ""));
    pico.hard_fault();
    let lost = blocks_are_equal(&mut connection, KernelName::Car).expect_err("it was reset");
    assert!(lost.to_string().contains("crashed and restarted"), "{lost}");
    let mut connection = Pico::open(pico.clone()).expect("the board answers after its reset");
    let info = connection.info();
    assert_eq!((info.boot_count, info.crash.as_str()), (2, "hard fault"));
    assert!((0x1000_0000..0x1020_0000).contains(&info.crash_place), "{:#x}", info.crash_place);
    blocks_are_equal(&mut connection, KernelName::Car).expect("runs after a crash");
}
