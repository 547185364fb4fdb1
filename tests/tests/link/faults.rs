//! What must hold on a bad line, in the simulation of `cortex_tests::link_sim`: results are
//! those of the kernel run here, or the run ends with a named cause; every block runs once.

use cortex_core::link::message::Configure;
use cortex_core::link::{Encoding, Failure, HostAction, HostEvent};
use cortex_host::device::FaultSpec;
use cortex_tests::line_faults::fault_mix;
use cortex_tests::link_sim::{
    BlocksRun, LeakyKernel, LineModel, Simulation, expected_outputs, run_blocks,
};

const BLOCKS: u32 = 6;
const SECOND_NS: u64 = 1_000_000_000;
const LIMIT_NS: u64 = 300 * SECOND_NS;

fn configure() -> Configure<'static> {
    Configure {
        channels: 8,
        window: 48,
        hop: 32,
        sample_rate_hz: 250.0,
        input: Encoding::F32,
        output: Encoding::F32,
        kernel: LeakyKernel::ECHO,
    }
}

fn simulation(session: u32) -> Simulation {
    Simulation::new(LineModel::usb_serial(256), session)
}

/// Runs all blocks and checks what must hold whatever happened.
fn run(sim: &mut Simulation) -> BlocksRun {
    let run = run_blocks(sim, &configure(), BLOCKS, LIMIT_NS, |_, _| {});
    check(sim, &run);
    run
}

fn check(sim: &Simulation, run: &BlocksRun) {
    let expected = expected_outputs(&configure(), BLOCKS);
    assert!(run.outputs[..] == expected[..run.outputs.len()], "a result differs");
    if run.outputs.len() < BLOCKS as usize {
        assert!(
            matches!(run.failed, Some(HostEvent::Failed(_))),
            "no named cause: {:?}",
            run.failed
        );
    }
    // A block runs once; the last may have run without its result getting through.
    let executed = sim.executed_before_reset + sim.device.blocks_executed();
    let done = run.outputs.len() as u64;
    assert!(executed == done || executed == done + 1, "{executed} executed, {done} results");
}

#[test]
fn two_hundred_seeds_of_mixed_faults_give_exact_results_or_a_named_cause() {
    let (mut complete, mut faults, mut sent_again, mut damaged) = (0, 0, 0, 0);
    let mut causes = Vec::new();
    for seed in 0..200u64 {
        let mut sim = simulation(seed as u32 + 1);
        sim.disturb(fault_mix(seed), seed);
        let run = run(&mut sim);
        faults += sim.fault_log().len();
        let stats = sim.host.stats();
        sent_again += stats.retransmissions;
        damaged += stats.damaged_here + u64::from(stats.damaged_at_device);
        match run.failed {
            None => complete += 1,
            Some(cause) => causes.push((seed, cause)),
        }
    }
    println!(
        "{complete} of 200 complete, {faults} faults, {damaged} damaged frames, {sent_again} sent again by the host; {causes:?}"
    );
    assert!(faults > 2_000, "the injector did nothing: {faults}");
    assert!(complete >= 195, "{complete}");
}

#[test]
fn the_same_seed_gives_the_same_log_and_another_does_not() {
    let once = |seed| {
        let mut sim = simulation(77);
        sim.disturb(fault_mix(3), seed);
        let run = run(&mut sim);
        (sim.fault_log(), sim.now_ns, sim.line_bytes(), sim.host.stats(), run)
    };
    assert!(once(3) == once(3));
    assert!(once(3).0 != once(4).0);
}

#[test]
fn duplicates_cause_no_retransmission() {
    let mut sim = simulation(1);
    sim.disturb(FaultSpec { duplicate: 1.0, ..FaultSpec::default() }, 1);
    assert_eq!(run(&mut sim).failed, None);
    let stats = sim.host.stats();
    assert_eq!((stats.retransmissions, stats.polls), (0, 0));
    assert!(stats.duplicates > 10);
}

#[test]
fn any_single_lost_or_cut_frame_costs_at_most_a_window_and_nothing_runs_twice() {
    let mut clean = simulation(1);
    assert_eq!(run(&mut clean).failed, None);
    assert_eq!(clean.overruns, 0);
    assert_eq!(clean.bytes_during_kernel, 0, "bytes while a kernel ran");
    let (to_device, to_host) = clean.writes();
    assert!(to_device > 25 && to_host > 20, "{to_device}, {to_host}");
    let mut most_extra = 0;
    for (frames, to_host) in [(to_device, false), (to_host, true)] {
        for frame in 0..frames {
            for keep in [0, 1, 12, 40] {
                let mut sim = simulation(1);
                if to_host {
                    sim.cut_to_host(frame, keep);
                } else {
                    sim.cut_to_device(frame, keep);
                }
                assert_eq!(run(&mut sim).failed, None, "frame {frame} cut to {keep}");
                assert_eq!(sim.overruns, 0);
                // A lost acknowledgement may be asked for once while the kernel runs: one poll.
                assert!(sim.bytes_during_kernel <= 45, "frame {frame} cut to {keep}");
                let bytes = sim.line_bytes().0 + sim.line_bytes().1;
                let extra = bytes.saturating_sub(clean.line_bytes().0 + clean.line_bytes().1);
                most_extra = most_extra.max(extra);
            }
        }
    }
    println!("a lost frame cost at most {most_extra} bytes more on the line");
    // Losing the head of a block costs the block's other fragments too, since nothing says yet
    // where they belong; a window is 8 frames of 276 bytes here.
    assert!(most_extra < 8 * 280, "{most_extra}");
}

#[test]
fn truncation_at_every_offset_of_a_frame_is_survived() {
    for keep in 0..280 {
        let mut sim = simulation(1);
        sim.cut_to_device(12, keep);
        assert_eq!(run(&mut sim).failed, None, "{keep}");
        let mut sim = simulation(1);
        sim.cut_to_host(14, keep);
        assert_eq!(run(&mut sim).failed, None, "{keep}");
    }
}

#[test]
fn a_reset_at_any_time_ends_the_run_and_no_result_spans_two_boots() {
    let mut clean = simulation(1);
    assert_eq!(run(&mut clean).failed, None);
    let mut ended = 0;
    for step in 0..120 {
        let at = clean.now_ns * step / 120;
        let mut sim = simulation(1);
        sim.reset_at_ns = Some(at);
        let run = run(&mut sim);
        assert!(
            sim.executed_before_reset == 0 || sim.device.blocks_executed() == 0,
            "blocks ran on both sides of a reset at {at} ns"
        );
        match run.failed {
            None => assert_eq!(run.outputs.len(), BLOCKS as usize),
            Some(HostEvent::Failed(Failure::Reset)) => ended += 1,
            Some(other) => panic!("reset at {at} ns: {other:?}"),
        }
        assert!(sim.now_ns < at + 2 * SECOND_NS, "seen late: {} ns", sim.now_ns - at);
    }
    assert!(ended > 90, "{ended}");
}

#[test]
fn three_seconds_of_standstill_are_survived_and_a_dead_device_is_named() {
    let mut clean = simulation(1);
    assert_eq!(run(&mut clean).failed, None);
    let mut dead = 0;
    for step in 0..20 {
        let at = clean.now_ns * step / 20;
        let mut sim = simulation(1);
        sim.device_stopped_ns = (at, at + 3 * SECOND_NS);
        // A device that is still starting when HELLO comes may stay silent for too long.
        let failed = run(&mut sim).failed;
        assert!(failed.is_none() || step == 0, "stopped at {at} ns: {failed:?}");
        let mut sim = simulation(1);
        sim.device_stopped_ns = (at, u64::MAX);
        match run(&mut sim).failed {
            Some(HostEvent::Failed(
                Failure::NoAnswer | Failure::Silent { .. } | Failure::Busy { .. },
            )) => dead += 1,
            // The last result was already on its way.
            None => assert!(step == 19, "complete after {at} ns"),
            other => panic!("dead from {at} ns on: {other:?}"),
        }
        // 4.5 s of silence, or 9.5 s when the last word was that a kernel runs.
        assert!(sim.now_ns < at + 10 * SECOND_NS);
    }
    assert!(dead >= 19, "{dead}");
}

#[test]
fn another_host_takes_over_and_the_first_one_says_so() {
    let mut sim = simulation(1);
    let mut second = simulation(2);
    let hello = match second.host.poll(0) {
        HostAction::Transmit(bytes) => bytes.to_vec(),
        other => panic!("{other:?}"),
    };
    let mut sent = false;
    let run = run_blocks(&mut sim, &configure(), BLOCKS, LIMIT_NS, |sim, done| {
        if done == 2 && !sent {
            sent = true;
            sim.inject_to_device(&hello);
        }
    });
    assert_eq!(run.failed, Some(HostEvent::Failed(Failure::TakenOver)));
    check(&sim, &run);
}

#[test]
fn a_late_copy_of_hello_changes_nothing() {
    let mut sim = simulation(1);
    let hello = match simulation(1).host.poll(0) {
        HostAction::Transmit(bytes) => bytes.to_vec(),
        other => panic!("{other:?}"),
    };
    let run = run_blocks(&mut sim, &configure(), BLOCKS, LIMIT_NS, |sim, _| {
        sim.inject_to_device(&hello);
    });
    assert_eq!(run.failed, None);
    check(&sim, &run);
    assert_eq!(run.outputs.len(), BLOCKS as usize);
}

#[test]
fn a_refused_block_fails_alone() {
    // The kernel refuses a block that begins with -1e30 and leaves its state as it was.
    let mut sim = simulation(1);
    let configure = configure();
    let mut block = 0;
    let mut seen = Vec::new();
    while block < 3 || sim.host.outstanding() > 0 {
        match sim.next_event(LIMIT_NS).expect("something happens") {
            HostEvent::Connected => sim.host.configure(&configure).expect("idle"),
            HostEvent::Result { block, .. } => seen.push((block, true)),
            HostEvent::Refused { block, .. } => seen.push((block, false)),
            HostEvent::Failed(failure) => panic!("{failure}"),
            HostEvent::Configured(_) | HostEvent::Delivered => {}
            other => panic!("{other:?}"),
        }
        if sim.host.info().is_some() && block < 3 && sim.host.outstanding() == 0 {
            let values = (configure.rows(block) * configure.channels) as usize;
            let mut samples = vec![1.0; values];
            if block == 1 {
                samples[0] = -1.0e30;
            }
            sim.host.send_block(block, &samples).expect("room");
            block += 1;
        }
    }
    assert_eq!(seen, [(0, true), (1, false), (2, true)]);
}
