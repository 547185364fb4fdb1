//! What the link makes of its line, in the 8N1 simulation of `cortex_tests::link_sim`.

use cortex_core::link::Encoding;
use cortex_core::link::message::Configure;
use cortex_host::device::FaultSpec;
use cortex_tests::link_sim::{
    BlocksRun, LeakyKernel, LineModel, Simulation, expected_outputs, run_blocks,
};

const CHANNELS: u32 = 256;
const ROWS: u32 = 256;

fn configure() -> Configure<'static> {
    Configure {
        channels: CHANNELS,
        window: ROWS,
        hop: ROWS,
        sample_rate_hz: 1000.0,
        input: Encoding::F32,
        output: Encoding::F32,
        kernel: LeakyKernel::LAST,
    }
}

struct Figures {
    /// Sample bytes over all bytes on the line to the device.
    efficiency: f64,
    /// Sample bytes per second over baud / 10.
    goodput: f64,
}

fn measure(fragment_bytes: u16, blocks: u32, spec: Option<FaultSpec>) -> Figures {
    let model = LineModel::usb_serial(usize::from(fragment_bytes));
    let mut sim = Simulation::new(model, 0x1234_5678);
    if let Some(spec) = spec {
        sim.disturb(spec, 7);
    }
    let configure = configure();
    let run: BlocksRun = run_blocks(&mut sim, &configure, blocks, 1_000_000_000_000, |_, _| {});
    assert_eq!(run.failed, None);
    assert!(run.outputs == expected_outputs(&configure, blocks), "outputs differ");
    assert_eq!(sim.overruns, 0);
    let payload = f64::from(blocks * CHANNELS * ROWS * 4);
    let seconds = (run.span_ns.1 - run.span_ns.0) as f64 * 1e-9;
    let stats = sim.host.stats();
    println!(
        "{fragment_bytes} B frames: {} of {} line bytes, {:.3} s, {} sent again, {} polls",
        payload,
        sim.line_bytes().0,
        seconds,
        stats.retransmissions,
        stats.polls
    );
    Figures {
        efficiency: payload / sim.line_bytes().0 as f64,
        goodput: payload / seconds / (model.baud as f64 / 10.0),
    }
}

#[test]
fn a_clean_line_carries_payload_with_little_overhead() {
    let clean = measure(1024, 8, None);
    println!("efficiency {:.4}, goodput {:.4}", clean.efficiency, clean.goodput);
    assert!(clean.efficiency >= 0.98, "{}", clean.efficiency);
    assert!(clean.goodput >= 0.97 * clean.efficiency, "{}", clean.goodput);
}

#[test]
fn a_noisy_line_loses_little_more_than_its_damaged_frames() {
    let spec = FaultSpec { bit_error_rate: 1e-5, ..FaultSpec::default() };
    let noisy = measure(256, 4, Some(spec));
    println!("BER 1e-5: efficiency {:.4}, goodput {:.4}", noisy.efficiency, noisy.goodput);
    assert!(noisy.goodput >= 0.80, "{}", noisy.goodput);
    assert!(noisy.efficiency >= 0.80, "{}", noisy.efficiency);
}
