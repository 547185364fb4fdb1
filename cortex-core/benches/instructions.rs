//! Fixed amounts of work for an instruction counter: `instructions STAGE` does one stage's work
//! and nothing else. `sh scripts/instructions.sh` counts them with callgrind and compares.
//!
//! Counts, unlike times, are the same on a busy machine, so that CI can refuse regressions.

use std::hint::black_box;

use cortex_core::kernel::golden::fill_golden_rows;
use cortex_core::kernel::{Kernel, KernelName, KernelShape, KernelSpec};
use cortex_core::signal::{
    BLOCK_SAMPLES, Generator, GeneratorVersion, LaneBlock, PinkNoise, PowerLawNoise, Scratch,
    Signal, SineWave, SourceSpec,
};

/// Samples of each stage's work.
const SAMPLES: usize = 65_536;

const AMPLITUDE_UV: f64 = 100.0;

fn main() {
    let stages = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    for stage in stages {
        run(&stage);
    }
}

fn run(stage: &str) {
    let pink = Signal::PinkNoise(PinkNoise { amplitude_uv_rms: AMPLITUDE_UV, low_corner_hz: 0.05 });
    let power = Signal::PowerLawNoise(PowerLawNoise {
        amplitude_uv_rms: AMPLITUDE_UV,
        low_corner_hz: 0.05,
        exponent: 1.0,
    });
    let sine = Signal::SineWave(SineWave { frequency_hz: 10.0, amplitude_uv_peak: AMPLITUDE_UV });
    match stage {
        // What every stage pays too: starting the process.
        "nothing" => {}
        "v1-1" => generate::<1>(GeneratorVersion::V1, pink),
        "v1-8" => generate::<8>(GeneratorVersion::V1, pink),
        "v2-1" => generate::<1>(GeneratorVersion::V2, power),
        "v2-8" => generate::<8>(GeneratorVersion::V2, power),
        "sine-8" => generate::<8>(GeneratorVersion::V1, sine),
        name => process(name),
    }
}

fn generate<const N: usize>(version: GeneratorVersion, signal: Signal) {
    let generator = Generator::new(&SourceSpec::new(version, signal, 160.0, 42)).unwrap();
    let mut lanes = generator.start::<N>(0);
    let mut scratch = Box::new(Scratch::new());
    let mut block: Box<LaneBlock<N>> = Box::new([[0.0; N]; BLOCK_SAMPLES]);
    for _ in 0..SAMPLES / BLOCK_SAMPLES / N {
        generator.fill(&mut lanes, &mut scratch, &mut block);
        black_box(&block);
    }
}

fn process(name: &str) {
    let Some(name) = KernelName::parse(name) else {
        eprintln!("unknown stage {name}");
        std::process::exit(2);
    };
    let shape = KernelShape { channels: 64, window: 160, hop: 80, sample_rate_hz: 160.0 };
    let kernel = KernelSpec::with_defaults(name).build(shape).unwrap();
    let mut state = vec![0.0; kernel.state_len()];
    kernel.reset(&mut state);
    let mut input = vec![0.0; shape.channels * shape.hop];
    fill_golden_rows(0, shape.channels, &mut input);
    let mut output = vec![0.0; kernel.output_len(shape.hop)];
    for _ in 0..SAMPLES / input.len() {
        kernel.process(&mut state, black_box(&input), &mut output).unwrap();
        black_box(&output);
    }
}
