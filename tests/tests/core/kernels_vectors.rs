//! Every kernel gives the same bits on every vector path of this processor and, one channel at a time,
//! in the form that microcontrollers run.

use cortex_core::kernel::golden::golden_sample;
use cortex_core::kernel::{
    AnyKernel, Band, GoertzelParams, Kernel, KernelFault, KernelName, KernelShape, KernelSpec,
};
use cortex_host::harness::VectorKernel;
use cortex_host::platform::simd::SimdPath;
use proptest::prelude::*;

/// The kernel as a board runs it.
struct OneByOne(AnyKernel);

impl Kernel for OneByOne {
    fn state_len(&self) -> usize {
        self.0.state_len()
    }

    fn reset(&self, state: &mut [f32]) {
        self.0.reset(state);
    }

    fn output_len(&self, rows: usize) -> usize {
        self.0.output_len(rows)
    }

    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        self.0.process_abreast::<1>(state, input, output)
    }

    fn missing_samples(&self, state: &[f32]) -> u32 {
        self.0.missing_samples(state)
    }
}

/// A NaN that no kernel puts out.
const UNTOUCHED: u32 = 0x7fc0_1234;

/// How long the output is that a kernel is called with.
#[derive(Clone, Copy, Debug)]
enum Room {
    /// As long as the call's output.
    Exact,
    /// As long as that of the longest call, as everything that runs kernels in windows has it.
    Longest,
}

/// The outputs' bits of a window and three hops, and the number of missing samples.
fn outputs(kernel: &impl Kernel, shape: KernelShape, room: Room, input: &[f32]) -> (Vec<u32>, u32) {
    // Whatever was in the memory before must not matter.
    let mut state = vec![f32::NAN; kernel.state_len()];
    kernel.reset(&mut state);
    let mut all = Vec::new();
    let (first, later) = input.split_at(shape.window * shape.channels);
    for rows in [first].into_iter().chain(later.chunks(shape.hop * shape.channels)) {
        let len = kernel.output_len(rows.len() / shape.channels);
        let room = match room {
            Room::Exact => len,
            Room::Longest => kernel.output_len(shape.window).max(kernel.output_len(shape.hop)),
        };
        let mut output = vec![f32::from_bits(UNTOUCHED); room];
        let written = kernel.process(&mut state, rows, &mut output).expect("lengths are right");
        assert_eq!(written, len);
        let (output, behind) = output.split_at(written);
        assert!(
            behind.iter().all(|y| y.to_bits() == UNTOUCHED),
            "{shape:?}: written behind the end"
        );
        all.extend(output.iter().map(|y| y.to_bits()));
    }
    (all, kernel.missing_samples(&state))
}

/// EEG-sized samples; electrode offsets, missing samples, zeros of both signs, silence and tiny numbers.
fn input(shape: KernelShape, seed: u32) -> Vec<f32> {
    let rows = shape.window + 3 * shape.hop;
    (0..(rows * shape.channels) as u32)
        .map(|i| {
            let (row, channel) = (i / shape.channels as u32, i % shape.channels as u32);
            let x = golden_sample(row, channel.wrapping_add(seed));
            let offset = if channel % 3 == 1 { 14_000.0 } else { 0.0 };
            let hash = (i ^ seed).wrapping_mul(2_654_435_761) >> 20;
            match hash % 128 {
                0 => f32::NAN,
                1 => f32::NEG_INFINITY,
                2 => -3e12,
                3 => -0.0,
                4 => 0.0,
                5 => 1e-42,
                _ if channel % 7 == 5 && row > 20 => 0.0,
                _ => x + offset,
            }
        })
        .collect()
}

fn check(name: KernelName, shape: KernelShape, seed: u32) {
    check_spec(&KernelSpec::with_defaults(name), shape, seed);
}

fn check_spec(spec: &KernelSpec, shape: KernelShape, seed: u32) {
    let input = input(shape, seed);
    let kernel = spec.build(shape).expect("parameters fit the shape");
    let one_by_one = OneByOne(kernel.clone());
    let expected = outputs(&one_by_one, shape, Room::Exact, &input);
    for room in [Room::Exact, Room::Longest] {
        let of = |found, on: &str| {
            assert!(found == expected, "{spec:?} {shape:?} seed {seed} {room:?} on {on}");
        };
        of(outputs(&one_by_one, shape, room, &input), "one channel after the other");
        of(outputs(&kernel, shape, room, &input), "no path");
        for path in SimdPath::available() {
            let kernel = VectorKernel::new(kernel.clone(), path);
            of(outputs(&kernel, shape, room, &input), &path.level().to_string());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_path_gives_the_same_bits(
        name in proptest::sample::select(KernelName::ALL.to_vec()),
        channels in prop_oneof![1usize..40, 60usize..140],
        window in 8usize..200,
        hop_share in 0.05f64..1.0,
        rate in prop_oneof![Just(160.0), Just(250.0), Just(1000.0)],
        seed in 0u32..1000,
    ) {
        let hop = ((window as f64 * hop_share) as usize).max(1);
        check(name, KernelShape { channels, window, hop, sample_rate_hz: rate }, seed);
    }
}

/// Every number of channels at which kernels change their way, up to 4,096.
#[test]
fn every_number_of_channels_gives_the_same_bits() {
    for name in KernelName::ALL {
        for channels in [1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 31, 32, 33, 64, 100, 1024, 4096] {
            let (window, hop) = if channels > 100 { (32, 9) } else { (160, 80) };
            check(name, KernelShape { channels, window, hop, sample_rate_hz: 160.0 }, 0);
        }
    }
    // Windows and hops shorter than a filter's taps, whose beginning they cut in pieces.
    for name in KernelName::ALL {
        for (window, hop) in [(50, 25), (50, 10), (60, 30), (50, 50), (200, 25)] {
            check(name, KernelShape { channels: 3, window, hop, sample_rate_hz: 250.0 }, 0);
        }
    }
    // Lengths of transforms: odd and even powers of two, more than one part of a transform.
    for name in [KernelName::Fft, KernelName::WelchPsd] {
        for window in [8, 16, 32, 64, 128, 256, 512, 1024, 2048] {
            check(name, KernelShape { channels: 35, window, hop: 8, sample_rate_hz: 160.0 }, 1);
        }
    }
}

/// Bands whose bins share passes and bands that do not: of one bin, the same twice, 0 Hz, both sides of a
/// quarter of the sample rate, up to the last bin.
#[test]
fn every_band_gives_the_same_bits() {
    let shape = KernelShape { channels: 40, window: 160, hop: 80, sample_rate_hz: 160.0 };
    let bands: [&[(f64, f64)]; 5] = [
        &[(0.0, 0.0), (0.0, 0.0), (0.0, 1.0)],
        &[(8.0, 8.0), (8.0, 8.0), (8.0, 9.0), (7.0, 12.0), (79.0, 79.0)],
        &[(38.0, 44.0), (41.0, 42.0), (40.0, 40.0), (3.0, 41.0)],
        &[(60.0, 79.0), (0.0, 2.0), (61.0, 61.0)],
        &[(0.0, 79.0)],
    ];
    for bands in bands {
        let mut params = GoertzelParams::default();
        params.bands.clear();
        for &(low_hz, high_hz) in bands {
            params.bands.push(Band { low_hz, high_hz }).expect("as many bands fit");
        }
        check_spec(&KernelSpec::Goertzel(params), shape, 3);
    }
}
