//! The law of the generators: a channel's bits depend on its parameters and its index alone.

use cortex_core::signal::eeg::ParadigmName;
use cortex_core::signal::front_end::{ConverterName, FrontEndParams};
use cortex_core::signal::{
    BLOCK_SAMPLES, Chirp, EegParams, Effects, Generator, GeneratorVersion, LineNoise, PinkNoise,
    PowerLawNoise, Scratch, Signal, SineWave, SourceSpec, SpikeParams, Sweep, WhiteNoise,
};
use proptest::prelude::*;

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

/// Signals with truth: spikes through a front end that loses packets, and an EEG with everything.
fn v3_generators() -> Vec<Generator> {
    let front_end = FrontEndParams {
        converter: ConverterName::N1,
        packet_samples: 7,
        loss_rate: 0.1,
        burst_packets: 3.0,
        ..FrontEndParams::default()
    };
    let spikes = SpikeParams {
        units_per_electrode: 2,
        firing_rate_hz: 60.0,
        columns: 7,
        drift_um: 10.0,
        bad_channel_rate: 0.1,
        front_end: Some(front_end),
        ..SpikeParams::default()
    };
    let eeg = EegParams {
        paradigm: ParadigmName::MotorImagery,
        blinks_per_min: 30.0,
        emg_per_min: 20.0,
        ecg_per_min: 70.0,
        pops_per_min: 20.0,
        wander_uv: 20.0,
        mains_uv: 5.0,
        bad_channel_rate: 0.1,
        ..EegParams::default()
    };
    let v3 = |signal, rate_hz| SourceSpec::new(GeneratorVersion::V3, signal, rate_hz, 42);
    [v3(spikes.into(), 8_000.0), v3(eeg.into(), 250.0)]
        .iter()
        .map(|spec| Generator::new(spec).expect("valid parameters"))
        .collect()
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
    blocks(generator, first, BLOCKS)
}

/// The first `count` blocks of them.
fn blocks<const N: usize>(generator: &Generator, first: u32, count: usize) -> Vec<[f32; N]> {
    let mut lanes = generator.start::<N>(first);
    let (mut scratch, mut out) = (Scratch::new(), [[0.0; N]; BLOCK_SAMPLES]);
    let mut rows = Vec::with_capacity(count * BLOCK_SAMPLES);
    for _ in 0..count {
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
    let generators = v2_generators().into_iter().chain(v3_generators());
    for generator in generators.chain([PINK, SINE].map(generator)) {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any spikes: eight channels at any place of any grid are eight times one channel.
    #[test]
    fn spikes_of_any_grid_do_not_know_their_neighbours(
        (columns, first, seed) in (1_usize..40, 0_u32..200, any::<u64>()),
        (firing_rate_hz, burst_probability) in (1.0..60.0, 0.0..0.5),
        (units_per_electrode, drift_um, loss_rate) in (1_usize..4, 0.0..20.0, 0.0..0.5),
    ) {
        let front_end = FrontEndParams { loss_rate, ..FrontEndParams::default() };
        let params = SpikeParams {
            columns,
            firing_rate_hz,
            burst_probability,
            units_per_electrode,
            drift_um,
            bad_channel_rate: 0.2,
            front_end: Some(front_end),
            ..SpikeParams::default()
        };
        let spec = SourceSpec::new(GeneratorVersion::V3, params.into(), 8_000.0, seed);
        let generator = Generator::new(&spec).expect("valid parameters");
        let wide = blocks::<8>(&generator, first, 8);
        for lane in 0..8 {
            let alone = blocks::<1>(&generator, first + lane as u32, 8);
            for (many, one) in wide.iter().zip(&alone) {
                prop_assert_eq!(many[lane].to_bits(), one[0].to_bits());
            }
        }
    }
}
