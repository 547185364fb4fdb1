//! The headline: how long a 1024-channel, 120-second, 160 Hz dataset takes, against writing
//! as many zeros in the same run, with the memory it takes.
//!
//! `cargo bench -p cortex-host --bench headline [-- FOLDER]`; files go to FOLDER (default: the
//! system's temporary folder). Every figure is the median of several rounds, the rounds of all
//! rows taken in turn, so that a disturbed moment touches all alike. No statistics library: the differences of interest
//! are factors.

use std::hint::black_box;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cortex_core::signal::{BLOCK_SAMPLES, GeneratorVersion, Signal, SourceSpec};
use cortex_host::generate::{
    FileDigester, FileOptions, IoMode, Recipe, Settings, Watch, digest_only, write_file,
};
use cortex_host::platform::map::MappedSamplesMut;
use cortex_host::platform::simd::{SimdPath, Vectorised};

const ROUNDS: usize = 9;
const BYTES: u64 = 1024 * 19_200 * 4;

fn main() {
    let folder = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"))
        .map_or_else(std::env::temp_dir, PathBuf::from);
    println!("files in {}", folder.display());
    in_memory();
    against_zeros(&folder);
    memory(&folder);
}

fn pink(version: GeneratorVersion) -> SourceSpec {
    let signal = Signal::PinkNoise { amplitude_uv_rms: 100.0, low_corner_hz: 0.05 };
    SourceSpec::new(version, signal, 160.0, 42)
}

fn sine() -> SourceSpec {
    let signal = Signal::SineWave { frequency_hz: 10.0, amplitude_uv_peak: 100.0 };
    SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 42)
}

/// Nanoseconds per sample of the generator alone, one thread, per vector path and lane count.
fn in_memory() {
    println!("\nin memory, one thread, v1 pink, ns/sample:");
    println!("{:8} {:>8} {:>8} {:>8} {:>8}", "path", "N=1", "N=4", "N=8", "N=16");
    let generator = cortex_core::signal::Generator::new(&pink(GeneratorVersion::V1)).unwrap();
    for path in SimdPath::available() {
        let cost = [
            lanes::<1>(&generator, path),
            lanes::<4>(&generator, path),
            lanes::<8>(&generator, path),
            lanes::<16>(&generator, path),
        ];
        let [one, four, eight, sixteen] = cost;
        println!("{:8} {one:8.2} {four:8.2} {eight:8.2} {sixteen:8.2}", path.level().to_string());
    }
}

struct Blocks<'a, const N: usize> {
    generator: &'a cortex_core::signal::Generator,
    lanes: cortex_core::signal::Lanes<N>,
    scratch: Box<cortex_core::signal::Scratch<N>>,
    count: usize,
}

impl<const N: usize> Vectorised for Blocks<'_, N> {
    type Output = f32;
    #[inline(always)]
    fn run(mut self) -> f32 {
        let mut block = [[0.0; N]; BLOCK_SAMPLES];
        for _ in 0..self.count {
            self.generator.fill(&mut self.lanes, &mut self.scratch, &mut block);
            black_box(&block);
        }
        block[0][0]
    }
}

fn lanes<const N: usize>(generator: &cortex_core::signal::Generator, path: SimdPath) -> f64 {
    let count = 8192 / N;
    let mut rounds: Vec<Duration> = (0..ROUNDS)
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
        .collect();
    rounds.sort();
    rounds[ROUNDS / 2].as_secs_f64() * 1e9 / (count * N * BLOCK_SAMPLES) as f64
}

/// Makes one file in a folder and says how long that took.
type Timed = Box<dyn Fn(&Path) -> Duration>;

fn against_zeros(folder: &Path) {
    let threads = Settings::automatic().threads;
    println!("\n1024 channels x 120 s x 160 Hz ({BYTES} bytes), {threads} threads:");
    let v1 = Recipe { spec: pink(GeneratorVersion::V1), channels: 1024, samples: 19_200 };
    let sine = Recipe { spec: sine(), channels: 1024, samples: 19_200 };
    let file = |recipe: Recipe, io: IoMode, digest: bool| {
        move |folder: &Path| {
            let options = FileOptions { io, replace: true, ..FileOptions::automatic() };
            let target = folder.join("headline.float32");
            let mut digester = digest.then(FileDigester::default);
            let start = Instant::now();
            write_file(&recipe, &target, &options, digester.as_mut(), Watch::nobody()).unwrap();
            black_box(digester.map(FileDigester::finish));
            let elapsed = start.elapsed();
            std::fs::remove_file(&target).unwrap();
            elapsed
        }
    };
    let rows: Vec<(&str, Timed)> = vec![
        ("zeros, mmap (Z)", Box::new(zeros_by_map)),
        ("zeros, positioned writes", Box::new(zeros_by_writes)),
        ("v1 pink, mmap", Box::new(file(v1, IoMode::Mmap, false))),
        ("v1 pink, direct", Box::new(file(v1, IoMode::Direct, false))),
        ("v1 pink, mmap, with SHA-256", Box::new(file(v1, IoMode::Mmap, true))),
        ("v1 pink, direct, with SHA-256", Box::new(file(v1, IoMode::Direct, true))),
        ("v1 sine, mmap", Box::new(file(sine, IoMode::Mmap, false))),
        ("v1 sine, direct", Box::new(file(sine, IoMode::Direct, false))),
        (
            "v1 pink, SHA-256 only",
            Box::new(move |_: &Path| {
                let start = Instant::now();
                digest_only(&v1, &Settings::automatic(), Watch::nobody()).unwrap();
                start.elapsed()
            }),
        ),
    ];
    let mut times = vec![Vec::new(); rows.len()];
    for _ in 0..ROUNDS {
        for (row, times) in rows.iter().zip(&mut times) {
            times.push(row.1(folder));
        }
    }
    let medians: Vec<f64> = times
        .iter_mut()
        .map(|times| {
            times.sort();
            times[ROUNDS / 2].as_secs_f64() * 1e3
        })
        .collect();
    for ((name, _), (median, times)) in rows.iter().zip(medians.iter().zip(&times)) {
        let least = times[0].as_secs_f64() * 1e3;
        println!("{name:32} {median:8.1} ms  (least {least:6.1})  {:5.2} Z", median / medians[0]);
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

fn memory(folder: &Path) {
    println!("\nanonymous memory at most (RssAnon, sampled every 0.2 ms):");
    for (channels, seconds) in [(1024, 120), (4096, 120), (1024, 1200), (65_536, 2)] {
        for io in [IoMode::Mmap, IoMode::Direct] {
            let recipe =
                Recipe { spec: pink(GeneratorVersion::V1), channels, samples: seconds * 160 };
            let options = FileOptions { io, replace: true, ..FileOptions::automatic() };
            let target = folder.join("headline.float32");
            let most = AtomicU64::new(0);
            let done = AtomicBool::new(false);
            let start = Instant::now();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        most.fetch_max(anonymous_kib(), Ordering::Relaxed);
                        std::thread::sleep(Duration::from_micros(200));
                    }
                });
                write_file(&recipe, &target, &options, None, Watch::nobody()).unwrap();
                done.store(true, Ordering::Relaxed);
            });
            println!(
                "{channels:6} ch x {seconds:5} s {io:?}: {:6.1} MiB, {:.2} s",
                most.load(Ordering::Relaxed) as f64 / 1024.0,
                start.elapsed().as_secs_f64()
            );
            std::fs::remove_file(&target).unwrap();
            let _ = std::io::stdout().flush();
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
