//! What it costs to run a kernel of a user's own in a process of its own: the round trip of a window
//! against a futex ping-pong of two processes, bare and with the same bytes copied as often, and the
//! kernel's own time against `isolation: none`. All of it on the cores that the scheduler chooses,
//! with both processes bound to one core, as `realtime.cpu_affinity: [0]` binds them, and to two.
//! Ratios are of the bound ones: left to itself the scheduler may put one pair of processes on one
//! core and the next on two, where many channels take three times as long.
//!
//! `cargo bench -p cortex-tests --bench handover`, on a machine that does nothing else. The rows
//! take turns, so that a disturbed moment touches all alike; ratios compare within one run.

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("kernels have processes of their own on Linux only");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::AsFd;
    use std::path::Path;
    use std::process::{Child, Command};
    use std::time::{Duration, Instant};

    use cortex_host::foreign::{
        Dtype, Feed, InProcess, KernelProcess, KernelSetup, Launcher, Parameters,
    };
    use cortex_host::harness::{Device, Monotonic, RealtimeSettings, apply_realtime};
    use cortex_host::platform::shared_memory::{Buffers, SharedMemory, Side};
    use cortex_tests::cortex_host_of_bench;
    use cortex_tests::libraries::compiled;

    /// Windows of every row in a round, and rounds.
    const WINDOWS: usize = 200;
    const ROUNDS: usize = 25;
    const HOP: u32 = 80;

    /// The argument that makes this program the other process of a ping-pong.
    const PONG: &str = "the-other-process";

    pub fn main() {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        if let [word, bytes, cores @ ..] = &arguments[..]
            && word == PONG
        {
            let number = |text: &String| text.parse().expect("a number");
            let cores: Vec<usize> = cores.iter().map(number).collect();
            return pong(number(bytes), &cores);
        }
        let program = cortex_host_of_bench();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let library = compiled("bench", folder.path());
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        println!("{cores} cores, load before: {}", load.trim());
        let places = [
            ("on any core", &[][..], &[][..]),
            ("bound to one core", &[0], &[0]),
            ("bound to two cores", &[0], &[1]),
        ];
        for (what, here, there) in places {
            println!("\n== {what}");
            bind(here);
            for channels in [64, 1024] {
                round_trips(&library, &program, channels, there);
            }
            kernel_time(&library, &program, there);
        }
    }

    fn setup(library: &Path, kernel: &str, channels: u32) -> KernelSetup {
        KernelSetup {
            library: library.to_owned(),
            kernel: kernel.to_owned(),
            channels,
            window: 2 * HOP,
            hop: HOP,
            sample_rate_hz: 160.0,
            feed: Feed::Hops,
            dtype: Dtype::F32,
            scale_uv: 1.0,
            parameters: Parameters::Values(vec![]),
            state: None,
        }
    }

    fn process(setup: &KernelSetup, program: &Path, cores: &[usize]) -> KernelProcess {
        let realtime = RealtimeSettings { cpu_affinity: cores.to_vec(), ..Default::default() };
        let launcher = Launcher { program: program.to_owned(), realtime, ..Launcher::here() };
        KernelProcess::open(setup, Duration::from_secs(10), &launcher).expect("the kernel plans")
    }

    /// The rows of one shape: p50 of each, and ratios.
    fn round_trips(library: &Path, program: &Path, channels: u32, cores: &[usize]) {
        let values = (HOP * channels) as usize;
        let (mut bare, mut laden) = (PingPong::start(4, cores), PingPong::start(4 * values, cores));
        let mut isolated = process(&setup(library, "copy", channels), program, cores);
        isolated.reset().expect("the kernel resets");
        let input = vec![1.0_f32; values];
        let mut output = vec![0.0_f32; 2 * values];
        isolated.run_window(0, &vec![1.0; 2 * values], &mut output, &Monotonic).expect("it runs");
        let mut times: [Vec<f64>; 3] = Default::default();
        let mut index = 0;
        for _ in 0..ROUNDS {
            for _ in 0..WINDOWS {
                times[0].push(micros(|| bare.round_trip(&[1.0], &mut [0.0])));
            }
            for _ in 0..WINDOWS {
                times[1].push(micros(|| laden.round_trip(&input, &mut output[..values])));
            }
            for _ in 0..WINDOWS {
                index += 1;
                times[2].push(micros(|| {
                    isolated.run_window(index, &input, &mut output, &Monotonic).expect("it runs");
                }));
            }
        }
        let [bare, laden, isolated] = times.map(|mut times| quantiles(&mut times));
        println!(
            "\n{channels} channels x {HOP} rows ({} KB each way), µs p50 (p10, p99)",
            values * 4 / 1024
        );
        for (name, [p10, p50, p99]) in [
            ("futex ping-pong, no data", bare),
            ("futex ping-pong, the same data", laden),
            ("kernel in its process", isolated),
        ] {
            println!("  {name:32} {p50:7.1} ({p10:.1}, {p99:.1})");
        }
        println!(
            "  kernel / ping-pong: {:.2} without data, {:.2} with",
            isolated[1] / bare[1],
            isolated[1] / laden[1]
        );
    }

    /// The same kernel in its process and in this one: what the kernel itself takes.
    fn kernel_time(library: &Path, program: &Path, cores: &[usize]) {
        let setup = setup(library, "work", 64);
        let mut isolated = process(&setup, program, cores);
        let mut inside = InProcess::open(&setup).expect("the kernel plans");
        let values = (HOP * 64) as usize;
        let input = vec![1.0_f32; values];
        let mut output = vec![0.0_f32; 2 * values];
        let mut times: [Vec<f64>; 2] = Default::default();
        let mut devices: [&mut dyn Device; 2] = [&mut isolated, &mut inside];
        for device in &mut devices {
            device.reset().expect("the kernel resets");
            let first = vec![1.0; 2 * values];
            device.run_window(0, &first, &mut output, &Monotonic).expect("it runs");
        }
        for round in 0..ROUNDS as u64 {
            for (device, times) in devices.iter_mut().zip(&mut times) {
                for window in 0..WINDOWS as u64 / 4 {
                    let index = 1 + round * WINDOWS as u64 / 4 + window;
                    let done = device.run_window(index, &input, &mut output, &Monotonic);
                    let timing = done.expect("it runs").timing;
                    times.push((timing.end_ns - timing.start_ns) as f64 / 1e3);
                }
            }
        }
        let [isolated, inside] = times.map(|mut times| quantiles(&mut times));
        println!("\nkernel time of a kernel of some 200 µs, µs p50 (p10, p99)");
        for (name, [p10, p50, p99]) in [("in its process", isolated), ("isolation: none", inside)] {
            println!("  {name:32} {p50:7.2} ({p10:.2}, {p99:.2})");
        }
        println!(
            "  process / none: {:.4} (p50), {:.4} (p10)",
            isolated[1] / inside[1],
            isolated[0] / inside[0]
        );
    }

    fn micros(work: impl FnOnce()) -> f64 {
        let begun = Instant::now();
        work();
        begun.elapsed().as_secs_f64() * 1e6
    }

    /// p10, p50 and p99.
    fn quantiles(times: &mut [f64]) -> [f64; 3] {
        times.sort_by(f64::total_cmp);
        [10, 50, 99].map(|percent| times[times.len() * percent / 100])
    }

    /// Two processes that wake each other, and copy: into the shared memory, within it as the kernel
    /// `copy` does, and out of it.
    struct PingPong {
        here: SharedMemory,
        buffers: Buffers,
        there: Child,
    }

    impl PingPong {
        fn start(bytes: usize, cores: &[usize]) -> Self {
            let here = SharedMemory::create().expect("shared memory");
            let there = Command::new(std::env::current_exe().expect("a program knows its file"))
                .arg(PONG)
                .arg(bytes.to_string())
                .args(cores.iter().map(usize::to_string))
                .stdin(here.descriptor().try_clone_to_owned().expect("a descriptor"))
                .spawn()
                .expect("the other process");
            here.control().request();
            assert!(here.control().wait_answer(Duration::from_secs(10)), "no answer");
            let buffers = here.map_buffers(Side::Parent, [bytes; 2]).expect("buffers");
            Self { here, buffers, there }
        }

        fn round_trip(&mut self, input: &[f32], output: &mut [f32]) {
            let (to, _) = self.buffers.parent();
            for (bytes, value) in to.as_chunks_mut().0.iter_mut().zip(input) {
                *bytes = value.to_le_bytes();
            }
            self.here.control().request();
            assert!(self.here.control().wait_answer(Duration::from_secs(10)), "no answer");
            let (_, from) = self.buffers.parent();
            for (value, bytes) in output.iter_mut().zip(from.as_chunks().0) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
    }

    impl Drop for PingPong {
        fn drop(&mut self) {
            let _ = self.there.kill();
            let _ = self.there.wait();
        }
    }

    /// The other process of a ping-pong; it is ended by the first.
    fn pong(bytes: usize, cores: &[usize]) {
        bind(cores);
        let file = std::io::stdin().as_fd().try_clone_to_owned().expect("a descriptor");
        let memory = SharedMemory::of(file).expect("shared memory");
        memory.control().wait_request();
        let mut buffers = memory.map_buffers(Side::Child, [bytes; 2]).expect("buffers");
        loop {
            memory.control().answer();
            memory.control().wait_request();
            let (input, output) = buffers.child();
            output.copy_from_slice(input);
        }
    }

    /// Binds this thread to these cores, if there are any.
    fn bind(cores: &[usize]) {
        let wish = RealtimeSettings { cpu_affinity: cores.to_vec(), ..Default::default() };
        assert!(apply_realtime(&wish).warnings.is_empty(), "cannot bind to {cores:?}");
    }
}
