//! The headline: how long a 1024-channel, 120-second, 160 Hz dataset takes, against writing
//! as many zeros in the same run; what a sample costs over channel counts; the memory it takes.
//!
//! `cargo bench -p cortex-host --bench headline [-- FOLDER]`; files go to FOLDER (default: the
//! system's temporary folder). `-- --truth` measures v3's signals in memory, and nothing else. The rounds of all rows are taken in turn, so that a disturbed
//! moment touches all alike; the least of a row is what the work costs, the median what this
//! machine gave meanwhile. With CORTEX_ORACLE_PYTHON naming a Python that has NumPy and
//! colorednoise, their generator is a row too.

use std::hint::black_box;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cortex_core::signal::eeg::{EegParams, ParadigmName};
use cortex_core::signal::spikes::SpikeParams;
use cortex_core::signal::{
    BLOCK_SAMPLES, Generator, GeneratorVersion, LaneBlock, Lanes, PinkNoise, PowerLawNoise,
    Scratch, Signal, SineWave, SourceSpec,
};
use cortex_host::base::Progress;
use cortex_host::base::digest::{Algorithm, FileDigester};
use cortex_host::generate::truth::each_spike;
use cortex_host::generate::{FileOptions, IoMode, Recipe, Settings, write_file};
use cortex_host::platform::map::MappedSamplesMut;
use cortex_host::platform::simd::{SimdLevel, SimdPath, Vectorised};
use cortex_host::synthetic::{GeneratedDataset, Normalize};

const ROUNDS: usize = 15;
const CHANNELS: u32 = 1024;
const SAMPLES: u64 = 19_200;
const BYTES: u64 = CHANNELS as u64 * SAMPLES * 4;

fn main() {
    if std::env::args().any(|argument| argument == "--truth") {
        return with_truth();
    }
    let folder = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"))
        .map_or_else(std::env::temp_dir, PathBuf::from);
    println!("files in {}; best vector path {}", folder.display(), SimdPath::best().level());
    in_memory(GeneratorVersion::V1);
    in_memory(GeneratorVersion::V2);
    with_truth();
    against_zeros(&folder);
    over_channels(&folder);
    memory(&folder);
}

fn pink(version: GeneratorVersion, sample_rate_hz: f64) -> SourceSpec {
    let (amplitude_uv_rms, low_corner_hz) = (100.0, 0.05);
    let signal = match version {
        GeneratorVersion::V1 => Signal::PinkNoise(PinkNoise { amplitude_uv_rms, low_corner_hz }),
        GeneratorVersion::V2 | GeneratorVersion::V3 => {
            Signal::PowerLawNoise(PowerLawNoise { amplitude_uv_rms, low_corner_hz, exponent: 1.0 })
        }
    };
    SourceSpec::new(version, signal, sample_rate_hz, 42)
}

fn sine() -> SourceSpec {
    let signal = Signal::SineWave(SineWave { frequency_hz: 10.0, amplitude_uv_peak: 100.0 });
    SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 42)
}

/// Nanoseconds per sample of the generator alone, one thread, per vector path and lane count.
fn in_memory(version: GeneratorVersion) {
    println!("\nin memory, one thread, {version} pink, ns/sample, least of {ROUNDS}:");
    println!("{:8} {:>8} {:>8} {:>8} {:>8} {:>8}", "path", "N=1", "N=4", "N=8", "N=16", "N=32");
    let generator = Generator::new(&pink(version, 160.0)).unwrap();
    for path in SimdPath::available() {
        let cost = [
            lanes::<1>(&generator, path),
            lanes::<4>(&generator, path),
            lanes::<8>(&generator, path),
            lanes::<16>(&generator, path),
            lanes::<32>(&generator, path),
        ];
        print!("{:8}", path.level().to_string());
        cost.iter().for_each(|cost| print!(" {cost:8.2}"));
        println!();
    }
}

/// Nanoseconds per sample of v3's signals beside v2's pink noise, one thread: all channels of a block
/// before the next block, in groups as wide as the path likes best. Spikes are one unit a channel
/// at 10 Hz; their truth, which is computed by itself, is a column of its own and in the sum. EEG
/// has a column for each task, in multiples of the pink noise.
fn with_truth() {
    println!("\nin memory, one thread, a block of all channels at a time, ns/sample:");
    println!(
        "{:8} {:>10} {:>14} {:>6} {:>6} {:>11} {:>8} {:>8} {:>8} {:>8}",
        "path",
        "v2 pink 64",
        "v3 spikes 1024",
        "truth",
        "sum",
        "v3 eeg 64",
        "x pink",
        "imagery",
        "p300",
        "ssvep"
    );
    let spikes = SpikeParams::default();
    let spikes = SourceSpec::new(GeneratorVersion::V3, spikes.into(), 30_000.0, 42);
    let generator = |spec: &SourceSpec| Generator::new(spec).unwrap();
    let eeg =
        [ParadigmName::Rest, ParadigmName::MotorImagery, ParadigmName::P300, ParadigmName::Ssvep]
            .map(|paradigm| EegParams { paradigm, ..EegParams::default() })
            .map(|eeg| generator(&SourceSpec::new(GeneratorVersion::V3, eeg.into(), 250.0, 42)));
    let pink = generator(&pink(GeneratorVersion::V2, 250.0));
    let truth = truth(&spikes);
    let spikes = generator(&spikes);
    for path in SimdPath::available() {
        let cost = |generator: &Generator, channels: usize| match path.level() {
            SimdLevel::Scalar => together::<1>(generator, path, channels),
            SimdLevel::Sse2 | SimdLevel::Neon => together::<8>(generator, path, channels),
            SimdLevel::Avx2 => together::<16>(generator, path, channels),
            SimdLevel::Avx512 => together::<32>(generator, path, channels),
        };
        let (pink, spikes) = (cost(&pink, 64), cost(&spikes, 1024));
        let eeg = eeg.each_ref().map(|eeg| cost(eeg, 64));
        print!(
            "{:8} {pink:10.3} {spikes:14.2} {truth:6.3} {:6.2} {:11.3}",
            path.level().to_string(),
            spikes + truth,
            eeg[0]
        );
        eeg.iter().for_each(|eeg| print!(" {:8.2}", eeg / pink));
        println!();
    }
}

/// What the truth of ten seconds of spikes costs.
fn truth(spec: &SourceSpec) -> f64 {
    let samples = 10 * spec.sample_rate_hz as u64;
    let dataset = GeneratedDataset {
        primitive: String::new(),
        version: spec.version,
        spec: *spec,
        normalize: Normalize::None,
        signal_type: String::new(),
        duration_s: 10.0,
        channels: CHANNELS as usize,
        samples,
    };
    let least = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            let _ = each_spike(&dataset, |spikes| {
                black_box(spikes);
                Ok::<(), ()>(())
            });
            started.elapsed()
        })
        .min();
    least.unwrap_or_default().as_secs_f64() * 1e9 / (samples * u64::from(CHANNELS)) as f64
}

struct Together<'a, const N: usize> {
    generator: &'a Generator,
    groups: &'a mut [Lanes<N>],
    scratch: &'a mut Scratch<N>,
    blocks: usize,
}

impl<const N: usize> Vectorised for Together<'_, N> {
    type Output = ();
    #[inline(always)]
    fn run<const PATH_LANES: usize>(self) {
        let mut block = Aligned([[0.0; N]; BLOCK_SAMPLES]);
        for _ in 0..self.blocks {
            for lanes in self.groups.iter_mut() {
                self.generator.fill(lanes, self.scratch, &mut block.0);
                black_box(&block);
            }
        }
    }
}

fn together<const N: usize>(generator: &Generator, path: SimdPath, channels: usize) -> f64 {
    let starts = (0..channels as u32).step_by(N);
    let mut groups: Vec<Lanes<N>> = starts.map(|first| generator.start(first)).collect();
    let mut scratch = Box::new(Scratch::new());
    let blocks = 65_536 / channels;
    let least = (0..ROUNDS)
        .map(|_| {
            let started = Instant::now();
            let (groups, scratch) = (&mut groups[..], &mut *scratch);
            path.run(Together { generator, groups, scratch, blocks });
            started.elapsed()
        })
        .min();
    let samples = blocks * BLOCK_SAMPLES * channels;
    least.unwrap_or_default().as_secs_f64() * 1e9 / samples as f64
}

#[repr(C, align(64))]
struct Aligned<const N: usize>(LaneBlock<N>);

struct Blocks<'a, const N: usize> {
    generator: &'a Generator,
    lanes: Lanes<N>,
    scratch: Box<Scratch<N>>,
    count: usize,
}

impl<const N: usize> Vectorised for Blocks<'_, N> {
    type Output = f32;
    #[inline(always)]
    fn run<const PATH_LANES: usize>(mut self) -> f32 {
        let mut block = Aligned([[0.0; N]; BLOCK_SAMPLES]);
        for _ in 0..self.count {
            self.generator.fill(&mut self.lanes, &mut self.scratch, &mut block.0);
            black_box(&block);
        }
        block.0[0][0]
    }
}

fn lanes<const N: usize>(generator: &Generator, path: SimdPath) -> f64 {
    let count = 4096 / N;
    let least = (0..ROUNDS)
        .map(|_| {
            let work = Blocks::<N> {
                generator,
                lanes: generator.start(0),
                scratch: Box::default(),
                count,
            };
            let start = Instant::now();
            black_box(path.run(work));
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    least.as_secs_f64() * 1e9 / (count * N * BLOCK_SAMPLES) as f64
}

/// Makes one file in a folder and says how long that took.
type Timed = Box<dyn Fn(&Path) -> Duration>;

fn settings(path: SimdPath, threads: usize) -> Settings {
    Settings { path, threads, ..Settings::automatic() }
}

/// Times one dataset file, made under `settings`, with or without its digests.
fn timed(recipe: Recipe, settings: Settings, io: IoMode, digest: Option<Algorithm>) -> Timed {
    Box::new(move |folder| {
        let options = FileOptions { io, replace: true, settings, ..FileOptions::automatic() };
        let target = folder.join("headline.float32");
        let mut digester = digest.map(FileDigester::new);
        let start = Instant::now();
        write_file(&recipe, &target, &options, digester.as_mut(), &Progress::new()).unwrap();
        black_box(digester.map(FileDigester::finish));
        let elapsed = start.elapsed();
        std::fs::remove_file(&target).unwrap();
        elapsed
    })
}

fn against_zeros(folder: &Path) {
    let threads = Settings::automatic().threads;
    println!("\n{CHANNELS} channels x 120 s x 160 Hz ({BYTES} bytes), {threads} threads:");
    let whole = |spec| Recipe { channels: CHANNELS, samples: SAMPLES, ..Recipe::one(spec) };
    let mut rows: Vec<(String, Timed)> = vec![
        ("zeros, ftruncate + mmap (Z)".into(), Box::new(zeros_by_map)),
        ("zeros, positioned writes".into(), Box::new(zeros_by_writes)),
    ];
    let paths = [SimdLevel::Avx512, SimdLevel::Avx2, SimdLevel::Neon];
    for path in paths.into_iter().filter_map(SimdPath::detect) {
        for version in [GeneratorVersion::V2, GeneratorVersion::V1] {
            for (io, name) in [(IoMode::Direct, "direct"), (IoMode::Mmap, "mmap")] {
                for digest in [None, Some(Algorithm::Blake3), Some(Algorithm::Sha256)] {
                    let with = digest.map_or_else(String::new, |it| format!(", {}", it.name()));
                    let name = format!("{version} pink, {}, {name}{with}", path.level());
                    let recipe = whole(pink(version, 160.0));
                    rows.push((name, timed(recipe, settings(path, threads), io, digest)));
                }
            }
        }
    }
    let automatic = Settings::automatic();
    rows.push(("sine, direct".into(), timed(whole(sine()), automatic, IoMode::Direct, None)));
    for algorithm in [Algorithm::Blake3, Algorithm::Sha256] {
        let name = format!("{} and CRC-32 alone", algorithm.name());
        rows.push((name, Box::new(move |_| digests(algorithm))));
    }
    let mut times = vec![Vec::new(); rows.len()];
    for _ in 0..ROUNDS {
        for (row, times) in rows.iter().zip(&mut times) {
            times.push(row.1(folder));
        }
    }
    if let Some(python) = std::env::var_os("CORTEX_ORACLE_PYTHON") {
        rows.push(("NumPy, colorednoise".into(), Box::new(|_| Duration::ZERO)));
        times.push((0..3).map(|_| numpy(Path::new(&python), folder)).collect());
    } else {
        println!("skipped: NumPy (set CORTEX_ORACLE_PYTHON to a Python with colorednoise)");
    }
    let milliseconds = |time: &Duration| time.as_secs_f64() * 1e3;
    for times in &mut times {
        times.sort();
    }
    let zeros = (milliseconds(&times[0][0]), milliseconds(&times[0][times[0].len() / 2]));
    println!("{:36} {:>9} {:>7} {:>11} {:>7}", "", "least ms", "Z", "median ms", "Z");
    for ((name, _), times) in rows.iter().zip(&times) {
        let (least, median) = (milliseconds(&times[0]), milliseconds(&times[times.len() / 2]));
        println!(
            "{name:36} {least:9.1} {:7.2} {median:11.1} {:7.2}",
            least / zeros.0,
            median / zeros.1
        );
    }
}

/// What NumPy's memmap does: a sparse file, mapped and touched.
fn zeros_by_map(folder: &Path) -> Duration {
    let file = tempfile::tempfile_in(folder).unwrap();
    let start = Instant::now();
    file.set_len(BYTES).unwrap();
    let mut map = MappedSamplesMut::open(&file).unwrap();
    map.samples_mut().fill(0.0);
    drop(map);
    start.elapsed()
}

fn zeros_by_writes(folder: &Path) -> Duration {
    let file = tempfile::tempfile_in(folder).unwrap();
    let zeros = vec![0_u8; 256 * 1024];
    let start = Instant::now();
    rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, BYTES).unwrap();
    for position in (0..BYTES).step_by(zeros.len()) {
        file.write_all_at(&zeros, position).unwrap();
    }
    start.elapsed()
}

fn digests(algorithm: Algorithm) -> Duration {
    let bytes = vec![1_u8; 256 * 1024];
    let start = Instant::now();
    let mut digester = FileDigester::new(algorithm);
    for _ in (0..BYTES).step_by(bytes.len()) {
        digester.update(&bytes);
    }
    black_box(digester.finish());
    start.elapsed()
}

/// The same dataset by `colorednoise` (Timmer and König 1995, one long FFT a channel) into the
/// same layout on the disk; interpreter start and imports do not count.
fn numpy(python: &Path, folder: &Path) -> Duration {
    let target = folder.join("headline-numpy.float32");
    let script = "import sys, time, numpy, colorednoise\n\
                  start = time.perf_counter()\n\
                  x = colorednoise.powerlaw_psd_gaussian(1, (1024, 19200), random_state=42)\n\
                  (x.T * 100.0).astype('<f4').tofile(sys.argv[1])\n\
                  print(time.perf_counter() - start)\n";
    let output = Command::new(python).args(["-c", script]).arg(&target).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::remove_file(&target).unwrap();
    Duration::from_secs_f64(String::from_utf8_lossy(&output.stdout).trim().parse().unwrap())
}

/// What a sample costs at any width; equal sizes, positioned writes, no digest.
fn over_channels(folder: &Path) {
    println!("\nns/sample of a {BYTES}-byte file over channels, direct, no digest, least of 5:");
    println!(
        "{:>9} {:>10} {:>10} {:>10} {:>10}",
        "channels", "v2, 1 thr", "2 thr", "v1, 1 thr", "2 thr"
    );
    for channels in [64_u32, 128, 256, 512, 1024, 2048, 4096] {
        let samples = BYTES / 4 / u64::from(channels);
        print!("{channels:9}");
        for version in [GeneratorVersion::V2, GeneratorVersion::V1] {
            for threads in [1, 2] {
                let recipe = Recipe { channels, samples, ..Recipe::one(pink(version, 160.0)) };
                let run = timed(recipe, settings(SimdPath::best(), threads), IoMode::Direct, None);
                let least = (0..5).map(|_| run(folder)).min().unwrap_or_default();
                print!(" {:10.2}", least.as_secs_f64() * 1e9 / (BYTES / 4) as f64);
            }
        }
        println!();
        let _ = std::io::stdout().flush();
    }
    println!("\none channel, one hour at 30 kHz, direct, no digest, least of 3:");
    for version in [GeneratorVersion::V2, GeneratorVersion::V1] {
        let samples = 3600 * 30_000;
        let recipe = Recipe { samples, ..Recipe::one(pink(version, 30_000.0)) };
        let run = timed(recipe, settings(SimdPath::best(), 1), IoMode::Direct, None);
        let least = (0..3).map(|_| run(folder)).min().unwrap_or_default().as_secs_f64();
        println!("{version}: {least:.2} s, {:.2} ns/sample", least * 1e9 / samples as f64);
    }
}

fn memory(folder: &Path) {
    println!("\nv2, anonymous memory at most (RssAnon, sampled every 0.2 ms):");
    for (channels, seconds) in [(1024, 120), (4096, 120), (1024, 1200), (65_536, 2)] {
        for io in [IoMode::Mmap, IoMode::Direct] {
            let spec = pink(GeneratorVersion::V2, 160.0);
            let recipe = Recipe { channels, samples: seconds * 160, ..Recipe::one(spec) };
            let most = AtomicU64::new(0);
            let done = AtomicBool::new(false);
            let mut elapsed = Duration::ZERO;
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        most.fetch_max(anonymous_kib(), Ordering::Relaxed);
                        std::thread::sleep(Duration::from_micros(200));
                    }
                });
                elapsed = timed(recipe, Settings::automatic(), io, None)(folder);
                done.store(true, Ordering::Relaxed);
            });
            println!(
                "{channels:6} ch x {seconds:5} s {io:?}: {:6.1} MiB, {:.2} s",
                most.load(Ordering::Relaxed) as f64 / 1024.0,
                elapsed.as_secs_f64()
            );
        }
    }
}

fn anonymous_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok())
        .unwrap_or(0)
}
