//! What each kernel costs a window, beside what bounds it, all in one run on one thread:
//! `cargo bench -p cortex-host --bench kernels [-- KERNEL|CHANNELS|wWINDOW ...]`, of everything or of what is named.
//!
//! Times are the least of many rounds, in microseconds a window; the columns after them are ratios within
//! the run, so that a busy machine disturbs them little. Before each round a window goes by untimed: in use a
//! kernel finds its memory in the caches where it left it, not where the others of this benchmark did.
//!
//! - `noop`: the kernel that copies; `copy`: a plain memory copy of the hop;
//! - `floor`: additions of the algorithm over the additions a second that this path makes at most
//!   (bandpass_fir: one a tap; goertzel: three a bin and sample of the window, nothing where it has few bins);
//! - `realfft`: the bare transforms of the window by the realfft crate, without gathering channels or
//!   writing spectra; for welch_psd, Welch's method written on realfft;
//! - `scipy`: with CORTEX_ORACLE_PYTHON naming a Python that has SciPy, the same of the window in single
//!   precision: `scipy.fft.rfft`, `scipy.signal.welch` and, for car, NumPy.
#![allow(missing_docs)]

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cortex_core::kernel::golden::fill_golden_rows;
use cortex_core::kernel::{Kernel, KernelName, KernelShape, KernelSpec};
use cortex_host::harness::VectorKernel;
use cortex_host::platform::aligned::AlignedSamples;
use cortex_host::platform::simd::{SimdPath, Vectorised};
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

const CHANNELS: [usize; 6] = [1, 8, 64, 256, 1024, 4096];
/// Window, hop and sample rate in Hz.
const WINDOWS: [(usize, usize, f64); 2] = [(160, 80, 160.0), (1024, 512, 30_000.0)];
/// A thousandth of a second a round and more than one round: enough to meet a quiet moment.
const ROUND: Duration = Duration::from_micros(500);
const ROUNDS: usize = 60;

fn main() {
    let asked: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    // Of names, channels and windows those that are asked for, and all where none is.
    let wanted = |one: String, all: &[String]| {
        asked.contains(&one) || !asked.iter().any(|asked| all.contains(asked))
    };
    let names = KernelName::ALL.map(|name| name.as_str().to_owned());
    let counts = CHANNELS.map(|channels| channels.to_string());
    let lengths = WINDOWS.map(|(window, ..)| format!("w{window}"));
    let mut python = Python::start();
    for path in SimdPath::available() {
        println!("{}: {:.1} G additions/s", path.level(), additions_per_ns(path));
    }
    for (window, hop, sample_rate_hz) in WINDOWS {
        if !wanted(format!("w{window}"), &lengths) {
            continue;
        }
        println!(
            "\nwindow {window}, hop {hop}, {sample_rate_hz} Hz; least time a window in microseconds, ratios"
        );
        println!(
            "{:13} {:>5} {:>10} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8}",
            "kernel", "ch", "us", "baseline", "copy", "noop", "floor", "realfft", "scipy"
        );
        for name in KernelName::ALL {
            if !wanted(name.as_str().to_owned(), &names) {
                continue;
            }
            for channels in CHANNELS {
                if !wanted(channels.to_string(), &counts) {
                    continue;
                }
                let shape = KernelShape { channels, window, hop, sample_rate_hz };
                row(name, shape, python.as_mut());
            }
        }
    }
}

/// One line of the table.
fn row(name: KernelName, shape: KernelShape, python: Option<&mut Python>) {
    let best = SimdPath::best();
    let mut own = windows(name, shape, best);
    let baseline = SimdPath::available().nth(1).unwrap_or(best);
    let mut narrow = windows(name, shape, baseline);
    let mut noop = windows(KernelName::Noop, shape, best);
    let mut transforms: Box<dyn FnMut()> = match name {
        KernelName::Fft => bare_transforms(shape),
        KernelName::WelchPsd => welch_on_realfft(shape),
        _ => Box::new(|| {}),
    };
    let mut copy = copy(shape);
    let [own, narrow, copy, noop, mut transforms] =
        least([&mut own, &mut narrow, &mut copy, &mut noop, &mut transforms]);
    if !matches!(name, KernelName::Fft | KernelName::WelchPsd) {
        transforms = 0.0;
    }
    let scipy = python.map_or(0.0, |python| python.least_ns(name, shape));
    let floor = additions(name, shape) / additions_per_ns(best);
    let ratio = |other: f64| {
        if other > 0.0 { format!("{:.2}", own / other) } else { String::new() }
    };
    println!(
        "{:13} {:5} {:10.2} {:10.2} {:>8} {:>8} {:>8} {:>8} {:>8}",
        name.as_str(),
        shape.channels,
        own / 1e3,
        narrow / 1e3,
        ratio(copy),
        ratio(noop),
        ratio(floor),
        ratio(transforms),
        ratio(scipy)
    );
}

/// One window after another of a kernel on one path.
fn windows(name: KernelName, shape: KernelShape, path: SimdPath) -> Box<dyn FnMut()> {
    let kernel = KernelSpec::with_defaults(name).build(shape).unwrap();
    let kernel = VectorKernel::new(kernel, path);
    let mut state = AlignedSamples::zeros(kernel.state_len());
    kernel.reset(&mut state);
    let mut input = AlignedSamples::zeros(shape.channels * shape.window);
    fill_golden_rows(0, shape.channels, &mut input);
    let mut output = AlignedSamples::zeros(kernel.output_len(shape.window));
    kernel.process(&mut state, &input, &mut output).unwrap();
    let mut hop = AlignedSamples::zeros(shape.channels * shape.hop);
    fill_golden_rows(shape.window as u32, shape.channels, &mut hop);
    Box::new(move || {
        kernel.process(&mut state, black_box(&hop), &mut output).unwrap();
        black_box(&output[0]);
    })
}

/// A copy of a hop's samples by the C library.
fn copy(shape: KernelShape) -> Box<dyn FnMut()> {
    let mut from = AlignedSamples::zeros(shape.channels * shape.hop);
    fill_golden_rows(shape.window as u32, shape.channels, &mut from);
    let mut to = AlignedSamples::zeros(from.len());
    Box::new(move || {
        to.copy_from_slice(black_box(&from));
        black_box(&to[0]);
    })
}

/// Least nanoseconds of one call of each, measured in turns.
fn least<const N: usize>(mut works: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut least = [f64::INFINITY; N];
    let mut calls = [1_u32; N];
    for (work, calls) in works.iter_mut().zip(&mut calls) {
        let start = Instant::now();
        work();
        let once = start.elapsed().max(Duration::from_nanos(20));
        *calls = (ROUND.as_nanos() / once.as_nanos()).clamp(1, 20_000) as u32;
    }
    for _ in 0..ROUNDS {
        for ((work, &calls), least) in works.iter_mut().zip(&calls).zip(&mut least) {
            work();
            let start = Instant::now();
            for _ in 0..calls {
                work();
            }
            *least = least.min(start.elapsed().as_nanos() as f64 / f64::from(calls));
        }
    }
    least
}

/// Additions that a kernel's algorithm needs a window, where they are what bounds it.
fn additions(name: KernelName, shape: KernelShape) -> f64 {
    let KernelShape { channels, window, hop, sample_rate_hz } = shape;
    match name {
        KernelName::BandpassFir => (channels * hop * 129) as f64,
        KernelName::Goertzel => {
            let bin = |hz: f64| (hz * window as f64 / sample_rate_hz + 0.5) as usize;
            let bins = (bin(13.0) - bin(8.0) + 1) + (bin(30.0) - bin(13.0) + 1);
            // Few bins wait for their own sums and for memory, not for the adders.
            if bins < 8 { 0.0 } else { (3 * bins * channels * window) as f64 }
        }
        _ => 0.0,
    }
}

/// The most additions a nanosecond: eight registers that do nothing else.
fn additions_per_ns(path: SimdPath) -> f64 {
    const TIMES: usize = 2_000;
    let work = || black_box(path.run(Additions(TIMES)));
    let mut least = f64::INFINITY;
    for _ in 0..200 {
        let start = Instant::now();
        let count = work();
        least = least.min(start.elapsed().as_nanos() as f64 / count as f64);
    }
    1.0 / least
}

struct Additions(usize);

impl Vectorised for Additions {
    type Output = usize;

    #[inline(always)]
    fn run<const LANES: usize>(self) -> usize {
        match LANES {
            1 => add::<8>(self.0),
            8 => add::<32>(self.0),
            16 => add::<64>(self.0),
            _ => add::<128>(self.0),
        }
    }
}

/// Makes additions in N lanes; returns their number.
#[inline(always)]
fn add<const N: usize>(times: usize) -> usize {
    let mut sums: [f32; N] = black_box(std::array::from_fn(|lane| lane as f32));
    let step = black_box(1e-3_f32);
    for _ in 0..times {
        for sum in &mut sums {
            *sum += step;
        }
    }
    black_box(sums);
    times * N
}

/// A transform's length, plan, and buffers of one channel each.
struct Transforms {
    plan: Arc<dyn RealToComplex<f32>>,
    samples: Vec<Vec<f32>>,
    work: Vec<f32>,
    spectra: Vec<Vec<Complex<f32>>>,
    scratch: Vec<Complex<f32>>,
}

impl Transforms {
    fn new(nfft: usize, shape: KernelShape) -> Self {
        let plan = RealFftPlanner::new().plan_fft_forward(nfft);
        let mut rows = vec![0.0; shape.window * shape.channels];
        fill_golden_rows(0, shape.channels, &mut rows);
        let column =
            |c: usize| rows.iter().skip(c).step_by(shape.channels).copied().collect::<Vec<_>>();
        Self {
            samples: (0..shape.channels).map(column).collect(),
            work: plan.make_input_vec(),
            spectra: vec![plan.make_output_vec(); shape.channels],
            scratch: plan.make_scratch_vec(),
            plan,
        }
    }
}

fn bare_transforms(shape: KernelShape) -> Box<dyn FnMut()> {
    let nfft = shape.window.next_power_of_two();
    let mut all = Transforms::new(nfft, shape);
    for samples in &mut all.samples {
        samples.resize(nfft, 0.0);
    }
    Box::new(move || {
        let Transforms { plan, samples, spectra, scratch, .. } = &mut all;
        for (samples, spectrum) in samples.iter_mut().zip(spectra) {
            plan.process_with_scratch(black_box(samples), spectrum, scratch).unwrap();
        }
    })
}

/// Segments of at most 256 samples with half overlap, mean removed, Hann window, mean of the
/// periodograms.
fn welch_on_realfft(shape: KernelShape) -> Box<dyn FnMut()> {
    let nperseg = shape.window.min(256);
    let nfft = nperseg.next_power_of_two();
    let step = nperseg - nperseg / 2;
    let mut all = Transforms::new(nfft, shape);
    let mut psd = vec![0.0_f32; (nfft / 2 + 1) * shape.channels];
    let hann: Vec<f32> = (0..nperseg)
        .map(|n| {
            let sine = cortex_core::math::sin(std::f64::consts::PI * n as f64 / nperseg as f64);
            (sine * sine) as f32
        })
        .collect();
    Box::new(move || {
        let Transforms { plan, samples, work, spectra, scratch } = &mut all;
        psd.fill(0.0);
        let lines = psd.chunks_exact_mut(nfft / 2 + 1);
        for ((samples, spectrum), line) in samples.iter().zip(spectra).zip(lines) {
            for segment in black_box(samples).windows(nperseg).step_by(step) {
                let mean = segment.iter().sum::<f32>() / nperseg as f32;
                work.fill(0.0);
                for ((x, &sample), &weight) in work.iter_mut().zip(segment).zip(&hann) {
                    *x = (sample - mean) * weight;
                }
                plan.process_with_scratch(work, spectrum, scratch).unwrap();
                for (density, bin) in line.iter_mut().zip(&*spectrum) {
                    *density += bin.norm_sqr();
                }
            }
        }
        black_box(&psd);
    })
}

/// SciPy in a process of its own, which times one kernel at a time.
struct Python {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    const PROGRAM: &str = r#"
import sys, time
import numpy as np, scipy.fft, scipy.signal
for line in sys.stdin:
    name, channels, window, hop, rate = line.split()
    channels, window, hop, rate = int(channels), int(window), int(hop), float(rate)
    x = np.random.default_rng(1).standard_normal((window, channels), np.float32) * 100
    nfft = 1 << (window - 1).bit_length()
    work = {
        "fft": lambda: scipy.fft.rfft(x, nfft, axis=0),
        "welch_psd": lambda: scipy.signal.welch(
            x, rate, nperseg=min(window, 256), nfft=min(nfft, 256), axis=0),
        "car": lambda: x[:hop] - x[:hop].mean(axis=1, keepdims=True),
    }.get(name)
    least = 0
    if work:
        begun = time.perf_counter_ns(); work(); once = time.perf_counter_ns() - begun
        calls = max(1, min(5000, 500_000 // once))
        least = float("inf")
        for _ in range(60):
            begun = time.perf_counter_ns()
            for _ in range(calls):
                work()
            least = min(least, (time.perf_counter_ns() - begun) / calls)
    print(least, flush=True)
"#;

    fn start() -> Option<Self> {
        let Some(python) = std::env::var_os("CORTEX_ORACLE_PYTHON") else {
            println!("skipped: SciPy (set CORTEX_ORACLE_PYTHON to a Python with SciPy)");
            return None;
        };
        let mut command = Command::new(python);
        command.args(["-c", Self::PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let asks = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, asks, answers })
    }

    /// Least nanoseconds of one window; 0 for a kernel without counterpart.
    fn least_ns(&mut self, name: KernelName, shape: KernelShape) -> f64 {
        let KernelShape { channels, window, hop, sample_rate_hz } = shape;
        writeln!(self.asks, "{name} {channels} {window} {hop} {sample_rate_hz}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer.trim().parse().unwrap()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It is of no more use, whatever state it is in.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
