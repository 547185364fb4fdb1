//! The law of the generators: a channel's bits depend on its parameters and its index alone.

use cortex_core::signal::{
    BLOCK_SAMPLES, Chirp, Effects, Generator, GeneratorVersion, LineNoise, PinkNoise,
    PowerLawNoise, Scratch, Signal, SineWave, SourceSpec, Sweep, WhiteNoise,
};

const BLOCKS: usize = 64;

fn generator(signal: Signal) -> Generator {
    Generator::new(&SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 42))
        .expect("valid parameters")
}

/// Every signal of v2, one of them with every effect.
fn v2_generators() -> Vec<Generator> {
    let amplitude_uv_rms = 100.0;
    let signals = [
        Signal::PowerLawNoise(PowerLawNoise {
            amplitude_uv_rms,
            low_corner_hz: 0.05,
            exponent: 1.0,
        }),
        Signal::PowerLawNoise(PowerLawNoise {
            amplitude_uv_rms,
            low_corner_hz: 0.2,
            exponent: 1.7,
        }),
        Signal::WhiteNoise(WhiteNoise { amplitude_uv_rms }),
        chirp(Sweep::Linear),
        chirp(Sweep::Logarithmic),
        SINE,
    ];
    let mut specs: Vec<_> = signals
        .into_iter()
        .map(|signal| SourceSpec::new(GeneratorVersion::V2, signal, 160.0, 42))
        .collect();
    let effects = Effects {
        line_noise: Some(LineNoise { frequency_hz: 50.0, amplitude_uv: 20.0 }),
        dc_offset_uv: 12.5,
        saturation_level_uv: Some(150.0),
        nan_rate: 0.01,
    };
    specs.push(SourceSpec { effects, ..specs[0] });
    specs.iter().map(|spec| Generator::new(spec).expect("valid parameters")).collect()
}

fn chirp(sweep: Sweep) -> Signal {
    Signal::Chirp(Chirp {
        start_hz: 1.0,
        end_hz: 70.0,
        sweep_s: 20.0,
        sweep,
        amplitude_uv_peak: 100.0,
    })
}

const PINK: Signal = Signal::PinkNoise(PinkNoise { amplitude_uv_rms: 100.0, low_corner_hz: 0.05 });
const SINE: Signal = Signal::SineWave(SineWave { frequency_hz: 10.0, amplitude_uv_peak: 100.0 });

/// Samples of channels `first .. first + N`, interleaved.
fn interleaved<const N: usize>(generator: &Generator, first: u32) -> Vec<[f32; N]> {
    let mut lanes = generator.start::<N>(first);
    let (mut scratch, mut out) = (Scratch::new(), [[0.0; N]; BLOCK_SAMPLES]);
    let mut rows = Vec::with_capacity(BLOCKS * BLOCK_SAMPLES);
    for _ in 0..BLOCKS {
        generator.fill(&mut lanes, &mut scratch, &mut out);
        rows.extend_from_slice(&out);
    }
    rows
}

/// Every lane width, at any alignment of channels to lanes, against one lane (a
/// microcontroller's way, with microfft).
#[test]
fn every_lane_width_gives_the_same_bits() {
    fn check<const N: usize>(generator: &Generator, first: u32, one: &[Vec<[f32; 1]>]) {
        let wide = interleaved::<N>(generator, first);
        for (n, row) in wide.iter().enumerate() {
            for (lane, sample) in row.iter().enumerate() {
                let expected = one[first as usize + lane][n][0];
                assert_eq!(sample.to_bits(), expected.to_bits(), "{N} lanes, sample {n}");
            }
        }
    }
    for generator in v2_generators().into_iter().chain([PINK, SINE].map(generator)) {
        let one: Vec<_> = (0..40).map(|channel| interleaved::<1>(&generator, channel)).collect();
        check::<2>(&generator, 0, &one);
        check::<4>(&generator, 3, &one);
        check::<8>(&generator, 0, &one);
        check::<8>(&generator, 31, &one);
        check::<16>(&generator, 16, &one);
        check::<16>(&generator, 5, &one);
        check::<32>(&generator, 8, &one);
    }
}
