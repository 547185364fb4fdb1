//! Five emulated processors, two of them with a floating-point unit, print the same digests as
//! the host: eight channels, 64 blocks of 64 samples, in file order.

use cortex_core::digest::SampleDigest;
use cortex_core::signal::{BLOCK_SAMPLES, Generator, Scratch, SourceSpec};
use cortex_host::device::DeviceClock;
use cortex_host::device::qemu;
use cortex_tests::documented::check_board_figure;
use cortex_tests::emulated::{selftest, sources, sources_with_truth, value};

const CHANNELS: usize = 8;
const BLOCKS: usize = 64;
/// Boards whose RAM does not hold what v3 keeps.
const WITHOUT_TRUTH: [&str; 2] = ["microbit", "sifive-e"];
/// One board of each processor has its costs in docs/performance.md.
const DOCUMENTED: [&str; 4] = ["mps2-an386", "mps2-an385", "microbit", "sifive-e"];

/// The host's digest, generated eight channels abreast where the boards go one by one.
fn host_digest(spec: &SourceSpec) -> u32 {
    let generator = Generator::new(spec).expect("a valid source");
    let mut lanes = generator.start::<CHANNELS>(0);
    let mut scratch = Scratch::new();
    let mut block = [[0.0; CHANNELS]; BLOCK_SAMPLES];
    let mut digest = SampleDigest::new();
    for _ in 0..BLOCKS {
        generator.fill(&mut lanes, &mut scratch, &mut block);
        digest.update(block.as_flattened());
    }
    digest.finish()
}

/// Every digest of the self-test equals the host's.
fn check(board: &str) {
    let Some(lines) = selftest(board) else { return };
    let line = |start: &str, name: &str| {
        lines
            .iter()
            .find(|line| line.starts_with(start) && value(line, "signal") == Some(name))
            .unwrap_or_else(|| panic!("no {start} of {name} in {lines:#?}"))
    };
    assert_eq!(value(&lines[0], "name"), Some(board));
    let with_truth = sources_with_truth();
    let with_truth = if WITHOUT_TRUTH.contains(&board) { &[][..] } else { &with_truth[..] };
    for (name, spec) in sources().iter().chain(with_truth) {
        let digest = line("digest", name);
        assert_eq!(value(digest, "channels"), Some("8"));
        assert_eq!(value(digest, "blocks"), Some("64"));
        assert_eq!(value(digest, "crc32"), Some(&*format!("{:08x}", host_digest(spec))), "{name}");
    }
    let costs = costs(&lines);
    for Cost { name, mean, greatest } in &costs {
        println!("{board} {name}: {greatest:.1} instructions per sample, {mean:.1} in the mean");
    }
    for Cost { name, mean, greatest } in costs {
        if DOCUMENTED.contains(&board) {
            // Of spikes a block has some or none.
            let figure = if name.starts_with("v3/") { mean } else { greatest };
            check_board_figure(&name, board, figure);
        }
    }
}

/// Instructions per sample of a signal.
#[derive(Debug, PartialEq)]
struct Cost {
    name: String,
    /// Of all blocks of all channels.
    mean: f64,
    /// Of the most expensive block of a channel.
    greatest: f64,
}

/// What each signal costs, counted in whole instructions per block.
fn costs(lines: &[String]) -> Vec<Cost> {
    let number = |line: &str, key: &str| -> u64 {
        value(line, key).and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{line}"))
    };
    let clock = DeviceClock {
        source: "the board's timer".to_owned(),
        hz: number(&lines[0], "hz"),
        bits: 32,
        instruction_ns: Some(qemu::INSTRUCTION_NS),
    };
    lines
        .iter()
        .filter(|line| line.starts_with("cost"))
        .map(|line| {
            let instructions =
                |key: &str| clock.instructions(number(line, key)).expect("emulated") as f64;
            let name = value(line, "signal").unwrap_or_default().to_owned();
            let samples = number(line, "samples") as f64;
            let mean = instructions("ticks_sum") / (samples * (BLOCKS * CHANNELS) as f64);
            Cost { name, mean, greatest: instructions("ticks_max") / samples }
        })
        .collect()
}

#[test]
fn cortex_m4f() {
    check("mps2-an386");
}

#[test]
fn cortex_m4f_of_the_stm32f405() {
    check("netduinoplus2");
}

#[test]
fn cortex_m3() {
    check("mps2-an385");
}

#[test]
fn cortex_m0() {
    check("microbit");
}

#[test]
fn rv32imac() {
    check("sifive-e");
}

/// Pink noise of v1 costs at most 400 and spikes at most 250 instructions per sample and channel on
/// a Cortex-M4F, and every cost repeats to the instruction. Spikes: one unit an electrode at 10 Hz,
/// noise and distant spikes, the mean of all blocks.
#[test]
fn pink_noise_and_spikes_are_cheap_on_a_cortex_m4f_and_costs_repeat() {
    let Some(lines) = selftest("mps2-an386") else { return };
    let costs = costs(&lines);
    for (first, again) in costs.iter().zip(self::costs(&selftest("mps2-an386").expect("it ran"))) {
        assert_eq!((&first.name, first.greatest), (&again.name, again.greatest));
        // Its 512 blocks begin anywhere between two ticks of the timer.
        assert!((first.mean - again.mean).abs() < 0.001, "{first:?} {again:?}");
    }
    let of = |name: &str| costs.iter().find(|cost| cost.name == name).expect("a cost");
    let (pink, spikes) = (of("v1/pink_noise").greatest, of("v3/spikes").mean);
    assert!(pink <= 400.0, "{pink} instructions per sample");
    assert!(spikes <= 250.0, "{spikes} instructions per sample");
}
