//! The firmware on emulated boards, behind a real pseudo-terminal and the real serial port
//! code: the same bits as here, through faults, pauses, resets and a killed emulator.

use std::time::{Duration, Instant};

use cortex_core::digest::SampleDigest;
use cortex_core::kernel::golden::fill_golden_rows;
use cortex_core::kernel::{
    FixedPoint, FixedType, Kernel, KernelForm, KernelName, KernelShape, KernelSpec,
};
use cortex_core::link::message::Seeded;
use cortex_core::link::{Encoding, Failure};
use cortex_core::signal::{
    BLOCK_SAMPLES, Generator, GeneratorVersion, PinkNoise, Scratch, Signal, SourceSpec,
};
use cortex_host::device::qemu::{LineKind, Program};
use cortex_host::device::{Connection, Fault, KernelSettings, LinkError};
use cortex_tests::documented::check_board_figure;
use cortex_tests::emulated::{Board, makes_signals_with_truth, open_session as open, start_line};
use cortex_tests::line_faults::fault_mix;

/// What fits into the 6 KB of values of the smallest board, for every kernel.
const SMALL: KernelShape = KernelShape { channels: 2, window: 64, hop: 32, sample_rate_hz: 160.0 };
/// What goldens are taken at.
const LARGE: KernelShape = KernelShape { channels: 8, window: 160, hop: 80, sample_rate_hz: 160.0 };
/// Blocks of a run.
const BLOCKS: u32 = 4;

fn job(name: KernelName, shape: KernelShape) -> KernelSettings {
    let kernel = KernelSpec::with_defaults(name);
    KernelSettings { kernel: kernel.into(), shape, input: Encoding::F32, output: Encoding::F32 }
}

/// The q15 and q31 forms of `name`.
fn fixed_jobs(name: KernelName, shape: KernelShape) -> [KernelSettings; 2] {
    [(FixedType::Q15, Encoding::Q15), (FixedType::Q31, Encoding::F32)].map(|(dtype, input)| {
        // 500 uV, five times the input's RMS, is the end of the range.
        let fixed = Some(FixedPoint { dtype, scale_uv: 500.0 / f64::from(dtype.limit()) });
        let form = KernelForm { spec: KernelSpec::with_defaults(name), fixed };
        let samples = !name.info().output.is_windowed();
        let output = if samples { input } else { Encoding::F32 };
        KernelSettings { kernel: form.into(), shape, input, output }
    })
}

fn rows(shape: &KernelShape, block: u32) -> usize {
    if block == 0 { shape.window } else { shape.hop }
}

fn golden_input(shape: &KernelShape, block: u32) -> Vec<f32> {
    let first = if block == 0 { 0 } else { shape.window + (block as usize - 1) * shape.hop };
    let mut samples = vec![0.0; rows(shape, block) * shape.channels];
    fill_golden_rows(first as u32, shape.channels, &mut samples);
    samples
}

/// Bits of what the kernel puts out here.
fn here(job: &KernelSettings, input: impl Fn(u32) -> Vec<f32>) -> Vec<Vec<u32>> {
    let kernel =
        job.kernel.built_in().expect("built in").build(job.shape).expect("default parameters");
    let mut state = vec![0.0; kernel.state_len()];
    kernel.reset(&mut state);
    (0..BLOCKS)
        .map(|block| {
            let mut output = vec![0.0; kernel.output_len(rows(&job.shape, block))];
            let count = kernel.process(&mut state, &input(block), &mut output).expect("whole rows");
            output[..count].iter().map(|value| value.to_bits()).collect()
        })
        .collect()
}

/// The same on the board, and the instructions each block took.
fn there(
    connection: &mut Connection,
    job: &KernelSettings,
    input: impl Fn(u32) -> Vec<f32>,
) -> Result<(Vec<Vec<u32>>, Vec<u64>), LinkError> {
    let configured = connection.configure(job)?;
    let clock = connection.device_clock();
    let mut output = vec![0.0; configured.output_values as usize];
    let (mut bits, mut instructions) = (Vec::new(), Vec::new());
    for block in 0..BLOCKS {
        let done = connection.run_block(block, &input(block), &mut output, || {})?;
        bits.push(output[..done.output_len].iter().map(|value| value.to_bits()).collect());
        let ticks = done.end.end_ticks - done.end.start_ticks;
        instructions.push(clock.instructions(ticks).expect("an emulated board"));
    }
    Ok((bits, instructions))
}

fn pink() -> SourceSpec {
    let signal = Signal::PinkNoise(PinkNoise { amplitude_uv_rms: 100.0, low_corner_hz: 0.05 });
    SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 42)
}

/// The first blocks of `source`, cut as a run of `shape` cuts them.
fn generated(source: &SourceSpec, shape: &KernelShape) -> Vec<Vec<f32>> {
    let generator = Generator::new(source).expect("a valid source");
    let mut lanes: Vec<_> =
        (0..shape.channels).map(|channel| generator.start::<1>(channel as u32)).collect();
    let mut scratch = Scratch::new();
    let mut samples = Vec::new();
    let all: usize = (0..BLOCKS).map(|block| rows(shape, block) * shape.channels).sum();
    while samples.len() < all {
        let mut blocks = vec![[[0.0; 1]; BLOCK_SAMPLES]; shape.channels];
        for (lane, block) in lanes.iter_mut().zip(&mut blocks) {
            generator.fill(lane, &mut scratch, block);
        }
        for row in 0..BLOCK_SAMPLES {
            samples.extend(blocks.iter().map(|block| block[row][0]));
        }
    }
    let mut rest = samples.as_slice();
    (0..BLOCKS)
        .map(|block| {
            let (now, later) = rest.split_at(rows(shape, block) * shape.channels);
            rest = later;
            now.to_vec()
        })
        .collect()
}

fn crc(values: impl IntoIterator<Item = f32>) -> u32 {
    let mut digest = SampleDigest::new();
    for value in values {
        digest.update(&[value]);
    }
    digest.finish()
}

/// Every kernel streamed: bit for bit as here, instructions the same twice; then seeded, with
/// the digests of the same input and output.
fn board_computes_as_this_machine(
    name: &str,
    program: Program,
    shape: KernelShape,
    jobs: impl Fn(KernelName) -> Vec<KernelSettings>,
) {
    let Some(board) = Board::start_program(name, program) else { return };
    let mut connection = board.connect();
    assert_eq!(connection.info().board, name);
    assert_eq!(connection.info().boot_count, 1);
    let source = pink();
    let blocks = generated(&source, &shape);
    for job in KernelName::ALL.into_iter().flat_map(jobs) {
        let form = job.kernel.built_in().expect("built in");
        let kernel = match form.fixed {
            None => form.spec.name().to_string(),
            Some(format) => format!("{}, {}", form.spec.name(), format.dtype.as_str()),
        };
        let input = |block: u32| {
            let mut samples = blocks[block as usize].clone();
            if let Some(format) = form.fixed {
                format.encode(&mut samples);
            }
            samples
        };
        let (streamed, instructions) =
            there(&mut connection, &job, input).unwrap_or_else(|error| panic!("{kernel}: {error}"));
        assert!(streamed == here(&job, input), "{kernel} on {name}");
        let (_, again) = there(&mut connection, &job, input).expect("it ran before");
        assert_eq!(instructions, again, "{kernel} on {name}");
        let per_sample = instructions[1] as f64 / (shape.hop * shape.channels) as f64;
        println!("{name} {kernel}: {per_sample:.1} instructions per sample");
        // Kernels are documented at this shape.
        if shape == SMALL {
            check_board_figure(&kernel, name, per_sample);
        }

        connection.configure(&job).expect("it was configured before");
        let seeded = Seeded {
            source,
            first: 0,
            count: BLOCKS,
            generator_digest: connection.info().generator_digest(GeneratorVersion::V1),
        };
        let result = connection.run_seeded(&seeded).expect("the board generates");
        let all: Vec<f32> = (0..BLOCKS).flat_map(input).collect();
        assert_eq!(result.input_crc, crc(all), "{kernel} on {name}");
        let output = streamed.concat().into_iter().map(f32::from_bits);
        assert_eq!(result.output_crc, crc(output), "{kernel} on {name}");
    }
    let stats = connection.close().expect("the session ends");
    assert_eq!((stats.damaged_here, stats.damaged_at_device), (0, 0));
}

/// A kernel in single precision.
fn single(shape: KernelShape) -> impl Fn(KernelName) -> Vec<KernelSettings> {
    move |kernel| vec![job(kernel, shape)]
}

/// A kernel in all its forms, as boards without a floating-point unit have it.
fn every_form(shape: KernelShape) -> impl Fn(KernelName) -> Vec<KernelSettings> {
    move |kernel| [vec![job(kernel, shape)], fixed_jobs(kernel, shape).to_vec()].concat()
}

#[test]
fn cortex_m4f_computes_as_this_machine() {
    board_computes_as_this_machine("mps2-an386", Program::Firmware, SMALL, single(SMALL));
}

#[test]
fn stm32f405_computes_as_this_machine() {
    board_computes_as_this_machine("netduinoplus2", Program::Firmware, LARGE, single(LARGE));
}

#[test]
fn cortex_m3_computes_as_this_machine() {
    board_computes_as_this_machine("mps2-an385", Program::Firmware, SMALL, every_form(SMALL));
}

#[test]
fn cortex_m0_computes_as_this_machine() {
    board_computes_as_this_machine("microbit", Program::Firmware, SMALL, single(SMALL));
}

/// 64 KB hold the kernels in one of their forms: the other image has q15, and names what it lacks.
#[test]
fn cortex_m0_computes_in_q15_as_this_machine() {
    let q15 = |kernel| fixed_jobs(kernel, SMALL)[..1].to_vec();
    board_computes_as_this_machine("microbit", Program::Q15, SMALL, q15);
    let Some(board) = Board::start_program("microbit", Program::Q15) else { return };
    let [_, q31] = fixed_jobs(KernelName::Car, SMALL);
    for absent in [q31, job(KernelName::Car, SMALL)] {
        let refused = board.connect().configure(&absent).expect_err("it has q15 alone");
        assert!(refused.to_string().contains("only dtype q15"), "{refused}");
    }
}

#[test]
fn rv32_computes_as_this_machine() {
    board_computes_as_this_machine("sifive-e", Program::Firmware, SMALL, every_form(SMALL));
}

#[test]
fn cortex_m4f_makes_signals_with_truth() {
    let Some(board) = Board::start("mps2-an386") else { return };
    makes_signals_with_truth(&mut board.connect());
}

/// Twenty seeds of everything that can happen to a line: the results are right or the run fails
/// with a named cause, and what the line does never changes what the kernel costs.
#[test]
fn faults_on_the_line_are_survived_or_named() {
    let Some(board) = Board::start("mps2-an386") else { return };
    let job = job(KernelName::NotchIir, SMALL);
    let input = |block: u32| golden_input(&SMALL, block);
    let (_, clean) = there(&mut board.connect(), &job, input).expect("a clean line");
    let expected = here(&job, input);
    let (mut complete, mut damaged, mut causes) = (0, 0, Vec::new());
    for seed in 0..20 {
        let run =
            open(Fault::new(board.clone(), fault_mix(seed), seed)).and_then(|mut connection| {
                let run = there(&mut connection, &job, input)?;
                let stats = connection.stats();
                Ok((run, stats.damaged_here + u64::from(stats.damaged_at_device)))
            });
        match run {
            Ok(((bits, instructions), damaged_frames)) => {
                // The kernel has state: a block that ran twice would show in all that follow.
                assert!(bits == expected, "seed {seed}");
                assert_eq!(instructions, clean, "seed {seed}");
                complete += 1;
                damaged += damaged_frames;
            }
            Err(LinkError::Session { failure, .. }) => causes.push((seed, failure)),
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    println!("{complete} of 20 complete, {damaged} damaged frames; {causes:?}");
    // All of these rates can be repaired: a failure would be a finding.
    assert!(complete >= 19 && damaged > 20, "{complete} complete, {damaged} damaged frames");
}

/// A second session without BYE of the first wins; then resets at several moments of a run: what
/// came before is right, the session ends by name, and no result is of two boots.
#[test]
fn a_reset_ends_the_session_and_no_result_spans_it() {
    let Some(board) = Board::start("mps2-an386") else { return };
    let job = job(KernelName::NotchIir, SMALL);
    let mut first = board.connect();
    first.configure(&job).expect("fits");
    drop(first);
    for (resets, delay_ms) in [0, 10, 40, 90].into_iter().enumerate() {
        let mut connection = board.connect();
        assert_eq!(connection.info().boot_count as usize, 1 + resets);
        let configured = connection.configure(&job).expect("fits");
        let mut output = vec![0.0; configured.output_values as usize];
        let kernel =
            job.kernel.built_in().expect("built in").build(SMALL).expect("default parameters");
        let mut state = vec![0.0; kernel.state_len()];
        kernel.reset(&mut state);
        let mut expected = vec![0.0; kernel.output_len(SMALL.window)];
        let resetting = {
            let board = board.clone();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(delay_ms));
                board.lock().emulator().reset().expect("QEMU resets the board");
            })
        };
        let error = (0..100_000)
            .find_map(|block| {
                let input = golden_input(&SMALL, block);
                let done = match connection.run_block(block, &input, &mut output, || {}) {
                    Ok(done) => done,
                    Err(error) => return Some(error),
                };
                let count = kernel.process(&mut state, &input, &mut expected).expect("whole rows");
                assert!(output[..done.output_len] == expected[..count], "block {block}");
                None
            })
            .expect("the reset ends the session");
        assert!(matches!(error, LinkError::Session { failure: Failure::Reset, .. }), "{error}");
        resetting.join().expect("no panic");
    }
    assert_eq!(board.connect().info().boot_count, 5);
}

/// QEMU ends with this program, not with the thread that happened to start it.
#[test]
fn a_board_outlives_the_thread_that_started_it() {
    let starting = std::thread::spawn(|| Board::start("mps2-an386"));
    let Some(board) = starting.join().expect("no panic") else { return };
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(board.connect().info().board, "mps2-an386");
}

/// A board that never goes on is given up: within a session, and when it is opened.
#[test]
fn a_board_that_stays_still_is_given_up() {
    let Some(board) = Board::start("mps2-an386") else { return };
    let mut connection = board.connect();
    let configured = connection.configure(&job(KernelName::Car, SMALL)).expect("fits");
    let mut output = vec![0.0; configured.output_values as usize];
    board.signal("STOP");
    let error = connection
        .run_block(0, &golden_input(&SMALL, 0), &mut output, || {})
        .expect_err("nobody answers");
    assert!(matches!(error, LinkError::Session { failure: Failure::Silent { .. }, .. }), "{error}");
    drop(connection);
    let error = open(board.clone()).err().expect("nobody answers");
    assert!(matches!(error, LinkError::Session { failure: Failure::NoAnswer, .. }), "{error}");
}

/// A board that stands still for 3 s and goes on loses nothing.
#[test]
fn a_pause_of_three_seconds_is_waited_out() {
    let Some(board) = Board::start("mps2-an386") else { return };
    let job = job(KernelName::Car, SMALL);
    let mut connection = board.connect();
    let configured = connection.configure(&job).expect("fits");
    let mut output = vec![0.0; configured.output_values as usize];
    board.signal("STOP");
    let stopped = Instant::now();
    let resume = {
        let board = board.clone();
        let id = board.lock().emulator().process_id().to_string();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(3));
            std::process::Command::new("kill").args(["-s", "CONT", &id]).status()
        })
    };
    let input = golden_input(&SMALL, 0);
    connection.run_block(0, &input, &mut output, || {}).expect("the board goes on");
    assert!(stopped.elapsed() >= Duration::from_secs(3));
    assert!(resume.join().expect("no panic").is_ok_and(|status| status.success()));
    let bits: Vec<u32> = output.iter().map(|value| value.to_bits()).collect();
    assert!(bits == here(&job, |block| golden_input(&SMALL, block))[0]);
}

/// A board whose emulator is killed is named as gone within 100 ms, while a block is on its way.
#[test]
fn a_killed_board_is_seen_at_once() {
    let mut fastest = Duration::MAX;
    // Measured: 6 ms. A machine that is busy elsewhere gets two more chances; waiting out the
    // silence limit of 5 s would fail every time.
    for _ in 0..3 {
        let Some(board) = Board::start("mps2-an386") else { return };
        let mut connection = board.connect();
        let configured = connection.configure(&job(KernelName::Car, SMALL)).expect("fits");
        let mut output = vec![0.0; configured.output_values as usize];
        board.signal("KILL");
        let killed = Instant::now();
        let error = connection
            .run_block(0, &golden_input(&SMALL, 0), &mut output, || {})
            .expect_err("nobody is there");
        fastest = fastest.min(killed.elapsed());
        assert!(matches!(error, LinkError::EmulatorEnded { .. }), "{error}");
        assert!(error.to_string().contains("emulated board mps2-an386"), "{error}");
        if fastest < Duration::from_millis(100) {
            break;
        }
    }
    println!("seen {fastest:?} after SIGKILL");
    assert!(fastest < Duration::from_millis(100), "{fastest:?}");
}

/// Windows has no pseudo-terminals: there QEMU connects to a socket.
#[test]
fn a_socket_carries_the_line_where_there_is_no_terminal() {
    let Some(link) = start_line("mps2-an386", LineKind::Socket) else { return };
    let mut connection = open(link).expect("the board answers");
    let job = job(KernelName::NotchIir, LARGE);
    let input = |block| golden_input(&LARGE, block);
    let (bits, _) = there(&mut connection, &job, input).expect("the board runs");
    assert!(bits == here(&job, input));
}
