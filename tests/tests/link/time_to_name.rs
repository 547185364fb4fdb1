//! Boards that go wrong at the far end of a pseudo-terminal are told by name, in time; boards that
//! are far away are not. (A board whose process is killed: `emulated link`.)
#![cfg(unix)]

use std::time::{Duration, Instant};

use cortex_core::kernel::golden::fill_golden_rows;
use cortex_core::kernel::{Kernel, KernelName, KernelShape, KernelSpec};
use cortex_core::link::{Encoding, Failure};
use cortex_host::device::{Connection, DeviceKernel, KernelSettings, LinkError, SerialLink};
use cortex_tests::pty::{Board, Distance, Manner, terminal};

const SHAPE: KernelShape = KernelShape { channels: 2, window: 16, hop: 8, sample_rate_hz: 160.0 };
const BAUD: u32 = 921_600;

fn spec() -> KernelSpec {
    KernelSpec::with_defaults(KernelName::Car)
}

fn settings() -> KernelSettings {
    let kernel = DeviceKernel::BuiltIn(spec().into());
    KernelSettings { kernel, shape: SHAPE, input: Encoding::F32, output: Encoding::F32 }
}

fn open(manner: Manner) -> (Board, Connection) {
    let (device, path) = terminal();
    let board = Board::start(device, manner);
    let link = SerialLink::open(&path, BAUD).expect("the port opens");
    (board, Connection::open(Box::new(link), Some(BAUD), None).expect("the board answers"))
}

/// Rows of block `block`, counted from 0.
fn input(block: u32) -> Vec<f32> {
    let (first, rows) = match block {
        0 => (0, SHAPE.window),
        _ => (SHAPE.window + (block as usize - 1) * SHAPE.hop, SHAPE.hop),
    };
    let mut samples = vec![0.0; rows * SHAPE.channels];
    fill_golden_rows(first as u32, SHAPE.channels, &mut samples);
    samples
}

/// Runs `blocks` blocks, each compared with the kernel run here.
fn run(connection: &mut Connection, blocks: u32) -> Result<(), LinkError> {
    let settings = settings();
    let kernel = spec().build(SHAPE).expect("default parameters");
    let mut state = vec![0.0; kernel.state_len()];
    kernel.reset(&mut state);
    let configured = connection.configure(&settings)?;
    let mut there = vec![0.0; configured.output_values as usize];
    let mut here = there.clone();
    for block in 0..blocks {
        let samples = input(block);
        let done = connection.run_block(block, &samples, &mut there, || {})?;
        let count = kernel.process(&mut state, &samples, &mut here).expect("whole rows");
        let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&there[..done.output_len]), bits(&here[..count]), "block {block}");
    }
    Ok(())
}

/// The board goes wrong at the third block: how that is told, and how long after the block was sent.
fn told(manner: Manner) -> (LinkError, Duration) {
    let (_board, mut connection) = open(manner);
    let settings = settings();
    let configured = connection.configure(&settings).expect("fits");
    let mut output = vec![0.0; configured.output_values as usize];
    for block in 0..2 {
        connection.run_block(block, &input(block), &mut output, || {}).expect("it is right so far");
    }
    let begun = Instant::now();
    let error = connection.run_block(2, &input(2), &mut output, || {}).expect_err("it went wrong");
    (error, begun.elapsed())
}

/// What `manner` is told as within `limit`; a busy machine has three attempts.
fn told_within(manner: Manner, limit: Duration, is_right: impl Fn(&LinkError) -> bool) {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let (error, after) = told(manner);
        assert!(is_right(&error), "{manner:?}: {error}");
        fastest = fastest.min(after);
        if fastest <= limit {
            break;
        }
    }
    println!("{manner:?} is told after {fastest:?}");
    assert!(fastest <= limit, "{manner:?}: {fastest:?}");
}

#[test]
fn an_unplugged_board_is_told_within_200_ms() {
    told_within(Manner::UnpluggedAfter(2), Duration::from_millis(200), |error| {
        matches!(error, LinkError::Unplugged { .. })
    });
}

#[test]
fn a_reset_board_is_told_within_a_second() {
    told_within(Manner::ResetAfter(2), Duration::from_secs(1), |error| {
        matches!(error, LinkError::Session { failure: Failure::Reset, .. })
    });
}

#[test]
fn a_silent_board_is_told_within_five_seconds() {
    told_within(Manner::MuteAfter(2), Duration::from_secs(5), |error| {
        matches!(error, LinkError::Session { failure: Failure::Silent { .. }, .. })
    });
}

#[test]
fn a_board_that_computes_for_ever_is_told_within_ten_seconds() {
    told_within(Manner::BusyAfter(2), Duration::from_secs(10), |error| {
        matches!(error, LinkError::Session { failure: Failure::Busy { .. }, .. })
    });
}

/// A session from 16 ms to 800 ms of round trip, from 9,600 to 921,600 baud: equal outputs.
#[test]
fn boards_far_away_and_behind_slow_lines_give_the_same_outputs() {
    let lines = [(921_600, 16), (9_600, 16), (115_200, 200), (9_600, 800), (921_600, 800)];
    std::thread::scope(|scope| {
        for (baud, round_trip_ms) in lines {
            scope.spawn(move || {
                let (device, path) = terminal();
                let one_way = Duration::from_millis(round_trip_ms / 2);
                let distance = Distance { baud: u64::from(baud), one_way };
                let _board = Board::start_at(device, Manner::Honest, Some(distance));
                let link = SerialLink::open(&path, baud).expect("the port opens");
                let what = format!("{baud} baud, {round_trip_ms} ms");
                let mut connection = Connection::open(Box::new(link), Some(baud), None)
                    .unwrap_or_else(|error| panic!("{what}: {error}"));
                run(&mut connection, 3).unwrap_or_else(|error| panic!("{what}: {error}"));
                let stats = connection.close().unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(stats.retransmissions, 0, "{what}");
            });
        }
    });
}

/// Results of 16 GiB are refused before memory is taken for them.
#[test]
fn announced_results_of_another_length_are_refused() {
    let (_board, mut connection) = open(Manner::HugeResults);
    let error = connection.configure(&settings()).expect_err("a claim that cannot be true");
    assert!(error.to_string().contains("announces results of another length"), "{error}");
}

/// What a receiver loses reaches the figures of the link.
#[test]
fn losses_of_the_receiver_are_read() {
    let (_board, mut connection) = open(Manner::Losing(3));
    let before = connection.stats();
    run(&mut connection, 2).expect("it is right all the same");
    connection.read_losses().expect("it answers");
    let figures = cortex_host::device::LinkStats::new(
        &before,
        &connection.stats(),
        Duration::from_secs(1),
        None,
    );
    assert_eq!((figures.receiver_overruns, figures.ring_overflows), (6, 2));
    let words = figures.receiver_losses().expect("there are some");
    assert!(words.contains("6 UART overruns") && words.contains("2 at a full"), "{words}");
}
