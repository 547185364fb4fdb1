//! Lines as they are: slow, far away, unsteady, noisy. Both sessions in the simulation of
//! `cortex_tests::link_sim`.

use cortex_core::link::Encoding;
use cortex_core::link::message::Configure;
use cortex_host::device::FaultSpec;
use cortex_tests::link_sim::{LeakyKernel, LineModel, Simulation, expected_outputs, run_blocks};

const MS: u64 = 1_000_000;
const SECOND_NS: u64 = 1_000_000_000;

/// A run of the quick start's shape: windows of a second, hops of half of one, at 160 Hz.
fn configure(channels: u32) -> Configure<'static> {
    Configure {
        channels,
        window: 160,
        hop: 80,
        sample_rate_hz: 160.0,
        input: Encoding::F32,
        output: Encoding::F32,
        kernel: LeakyKernel::ECHO,
    }
}

/// The ring of the boards in `firmware/boards` that have one: 4 KB for frames of 1,024 bytes.
fn line(baud: u64, round_trip_ns: u64) -> LineModel {
    LineModel {
        baud,
        to_device_latency_ns: round_trip_ns / 2,
        to_host_latency_ns: round_trip_ns / 2,
        ring_bytes: 4_096,
        ..LineModel::usb_serial(1_024)
    }
}

/// Runs `windows` windows; the share of sample bytes in all that crossed the line both ways.
fn efficiency(model: LineModel, channels: u32, windows: u32) -> f64 {
    let mut sim = Simulation::new(model, 0x1357_9BDF);
    let configure = configure(channels);
    let run = run_blocks(&mut sim, &configure, windows, 10_000 * SECOND_NS, |_, _| {});
    let what = format!("{model:?}, {channels} channels");
    assert_eq!(run.failed, None, "{what}");
    assert!(run.outputs == expected_outputs(&configure, windows), "{what}: outputs differ");
    let stats = sim.host.stats();
    assert_eq!((stats.retransmissions, stats.duplicates), (0, 0), "{what}: {stats:?}");
    assert_eq!(sim.overruns, 0, "{what}");
    let (there, back) = sim.line_bytes();
    (stats.sample_bytes_sent + stats.sample_bytes_received) as f64 / (there + back) as f64
}

#[test]
fn a_clean_line_is_used_well_at_any_speed_and_distance() {
    for baud in [9_600, 115_200, 921_600] {
        for round_trip_ms in [16, 200, 800] {
            for (channels, windows) in [(8, 40), (64, 6)] {
                let share = efficiency(line(baud, round_trip_ms * MS), channels, windows);
                println!("{baud} baud, {round_trip_ms} ms, {channels} channels: {share:.4}");
                assert!(share >= 0.95, "{baud} baud, {round_trip_ms} ms, {channels}: {share}");
            }
        }
    }
}

/// Every answer may take up to 300 ms longer than the one before or after it.
#[test]
fn a_line_that_hesitates_loses_nothing_and_repeats_nothing() {
    let model = LineModel { jitter_ns: 300 * MS, ..line(115_200, 20 * MS) };
    let share = efficiency(model, 8, 40);
    println!("300 ms jitter: {share:.4}");
    assert!(share >= 0.9, "{share}");
}

/// At a bit error rate of 3e-4 a frame of 1,047 bytes comes through once in 12 times, one of 4,119
/// never.
#[test]
fn fragments_shrink_until_a_noisy_line_lets_them_through() {
    let spec = FaultSpec { bit_error_rate: 3e-4, ..FaultSpec::default() };
    for (fragment, ring_bytes) in [(256, 2_048), (1_024, 4_096), (4_096, 16_384)] {
        let mut slowest = 0;
        for seed in 0..20 {
            let model = LineModel { ring_bytes, ..LineModel::usb_serial(fragment) };
            let mut sim = Simulation::new(model, 77 + seed as u32);
            sim.disturb(spec, seed);
            let configure = configure(8);
            let run = run_blocks(&mut sim, &configure, 10, 30 * SECOND_NS, |_, _| {});
            assert_eq!(run.failed, None, "{fragment}-byte fragments, seed {seed}");
            assert!(run.outputs == expected_outputs(&configure, 10), "seed {seed}");
            slowest = slowest.max(sim.now_ns);
        }
        println!("fragments up to {fragment}: at most {:.2} s", slowest as f64 * 1e-9);
    }
}
