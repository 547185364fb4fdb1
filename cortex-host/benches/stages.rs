//! What each stage of generation and each kernel costs, one thread, widest vectors, by criterion:
//! `cargo bench -p cortex-host --bench stages`. Throughput is in samples.
#![allow(missing_docs)] // criterion_group! makes an undocumented function

use std::hint::black_box;

use cortex_core::kernel::golden::fill_golden_rows;
use cortex_core::kernel::{Kernel, KernelName, KernelShape, KernelSpec};
use cortex_core::random::{StreamKey, WordBlock, normals};
use cortex_core::signal::{
    BLOCK_SAMPLES, Generator, GeneratorVersion, LaneBlock, Lanes, PinkNoise, PowerLawNoise,
    Scratch, Signal, SineWave, SourceSpec, WhiteNoise,
};
use cortex_host::platform::simd::{SimdPath, Vectorised};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Channels at once: whole registers on every path.
const LANES: usize = 16;
const BLOCKS: usize = 64;

fn pink(version: GeneratorVersion) -> Signal {
    let (amplitude_uv_rms, low_corner_hz) = (100.0, 0.05);
    match version {
        GeneratorVersion::V1 => Signal::PinkNoise(PinkNoise { amplitude_uv_rms, low_corner_hz }),
        GeneratorVersion::V2 | GeneratorVersion::V3 => {
            Signal::PowerLawNoise(PowerLawNoise { amplitude_uv_rms, low_corner_hz, exponent: 1.0 })
        }
    }
}

#[repr(C, align(64))]
struct Aligned<T>(T);

struct Words<'a>(&'a StreamKey, &'a mut Aligned<WordBlock<LANES>>);

impl Vectorised for Words<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const PATH_LANES: usize>(self) {
        for block in 0..BLOCKS {
            self.0.words(0, block as u64, &mut self.1.0);
            black_box(&self.1.0);
        }
    }
}

struct Normals<'a>(&'a Aligned<WordBlock<LANES>>, &'a mut Aligned<LaneBlock<LANES>>);

impl Vectorised for Normals<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const PATH_LANES: usize>(self) {
        for _ in 0..BLOCKS {
            normals(&black_box(self.0).0, &mut self.1.0);
            black_box(&self.1.0);
        }
    }
}

struct Blocks<'a> {
    generator: &'a Generator,
    lanes: &'a mut Lanes<LANES>,
    scratch: &'a mut Scratch<LANES>,
    block: &'a mut Aligned<LaneBlock<LANES>>,
}

impl Vectorised for Blocks<'_> {
    type Output = ();
    #[inline(always)]
    fn run<const PATH_LANES: usize>(self) {
        for _ in 0..BLOCKS {
            self.generator.fill(self.lanes, self.scratch, &mut self.block.0);
            black_box(&self.block.0);
        }
    }
}

fn generation(criterion: &mut Criterion) {
    let path = SimdPath::best();
    let mut group = criterion.benchmark_group("generation");
    group.throughput(Throughput::Elements((LANES * BLOCKS * BLOCK_SAMPLES) as u64));
    let key = StreamKey::new(42, "cortex/bench");
    let mut words = Aligned([[0; LANES]; BLOCK_SAMPLES]);
    let mut block = Aligned([[0.0; LANES]; BLOCK_SAMPLES]);
    group.bench_function("words", |b| b.iter(|| path.run(Words(&key, &mut words))));
    group.bench_function("normals", |b| b.iter(|| path.run(Normals(&words, &mut block))));
    let sine = Signal::SineWave(SineWave { frequency_hz: 10.0, amplitude_uv_peak: 100.0 });
    for (name, version, signal) in [
        ("v1 pink", GeneratorVersion::V1, pink(GeneratorVersion::V1)),
        ("v2 pink", GeneratorVersion::V2, pink(GeneratorVersion::V2)),
        (
            "v2 white",
            GeneratorVersion::V2,
            Signal::WhiteNoise(WhiteNoise { amplitude_uv_rms: 100.0 }),
        ),
        ("sine", GeneratorVersion::V1, sine),
    ] {
        let generator = Generator::new(&SourceSpec::new(version, signal, 160.0, 42)).unwrap();
        let mut lanes = generator.start::<LANES>(0);
        let mut scratch = Box::new(Scratch::new());
        group.bench_function(name, |b| {
            b.iter(|| {
                path.run(Blocks {
                    generator: &generator,
                    lanes: &mut lanes,
                    scratch: &mut scratch,
                    block: &mut block,
                });
            });
        });
    }
    group.finish();
}

/// One window of 64 channels, as a run releases it: 160 samples, 80 of them new.
fn kernels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernels");
    let shape = KernelShape { channels: 64, window: 160, hop: 80, sample_rate_hz: 160.0 };
    let mut input = vec![0.0; shape.channels * shape.hop];
    fill_golden_rows(0, shape.channels, &mut input);
    group.throughput(Throughput::Elements(input.len() as u64));
    for name in ["noop", "car", "notch_iir", "bandpass_fir", "goertzel", "welch_psd", "fft"] {
        let spec = KernelSpec::with_defaults(KernelName::parse(name).unwrap());
        let kernel = spec.build(shape).unwrap();
        let mut state = vec![0.0; kernel.state_len()];
        kernel.reset(&mut state);
        let mut output = vec![0.0; kernel.output_len(shape.hop)];
        group.bench_function(name, |b| {
            b.iter(|| kernel.process(&mut state, black_box(&input), &mut output));
        });
    }
    group.finish();
}

criterion_group!(stages, generation, kernels);
criterion_main!(stages);
