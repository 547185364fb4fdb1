//! A kernel that breaks its process ends by name, with the window, and takes nothing with it.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use cortex_host::foreign::{KernelProcess, Launcher};
use cortex_host::harness::{Device, Monotonic, WindowFault};
use cortex_tests::libraries::{compiled, launcher, setup};

/// The ways of `tests/kernels/deadly.c` and what is said of each.
const WAYS: [(&str, f64, &str); 10] = [
    ("segfault", 1.0, "it used a null pointer (SIGSEGV); it printed: last words"),
    ("abort", 2.0, "it aborted (SIGABRT)"),
    ("exit", 3.0, "it ended its process with exit code 3"),
    ("loop", 4.0, "it did not return within"),
    ("stack", 5.0, "it overflowed its stack of 64 MiB (SIGSEGV)"),
    ("overrun", 6.0, "past the end of its output (SIGSEGV)"),
    ("overrun by one", 7.0, "past the end of its output (SIGSEGV)"),
    ("close", 8.0, "it closed file descriptors that are not its own"),
    ("write input", 9.0, "it wrote into its input (SIGSEGV)"),
    ("divide", 10.0, "it was ended by SIGFPE (division by zero)"),
];

#[test]
fn each_death_has_a_name_and_comes_in_its_window_within_a_second_of_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let library = compiled("deadly", folder.path());
    let deadline = Duration::from_millis(20);
    for (name, way, said) in WAYS {
        // A busy machine may hold any one of them up.
        let within = (0..3).any(|_| die(&library, deadline, name, way, said));
        assert!(within, "{name}: three times more than a second after its deadline");
    }
}

/// Lets a kernel die in window 2 and says whether that was known within a second of the deadline.
fn die(library: &Path, deadline: Duration, name: &str, way: f64, said: &str) -> bool {
    let setup = setup(library, "deadly", &[way, 2.0]);
    let mut device = KernelProcess::open(&setup, deadline, &launcher()).unwrap();
    device.reset().unwrap();
    let mut output = [0.0; 32];
    device.run_window(0, &[1.0; 32], &mut output, &Monotonic).unwrap();
    device.run_window(1, &[2.0; 16], &mut output, &Monotonic).unwrap();
    assert_eq!(output[15], 2.0);
    let start = Instant::now();
    let fault = device.run_window(2, &[3.0; 16], &mut output, &Monotonic).expect_err(name);
    let elapsed = start.elapsed();
    assert_eq!(fault, WindowFault::KernelLost, "{name}");
    let loss = device.loss().unwrap();
    assert!(loss.contains(said), "{name}: {loss}");
    elapsed < deadline + Duration::from_secs(1)
}

#[test]
fn a_kernel_that_never_finishes_planning_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let setup = setup(&compiled("deadly", folder.path()), "deadly", &[11.0, 0.0]);
    let launcher = Launcher { start: Duration::from_secs(1), ..launcher() };
    let refusal = KernelProcess::open(&setup, Duration::from_secs(1), &launcher).err().unwrap();
    assert!(refusal.message.contains("while it was being loaded"), "{refusal}");
    assert!(refusal.message.contains("did not return within 1000 ms"), "{refusal}");
}

/// Kernel processes of this one, zombies included.
fn processes() -> usize {
    let own = std::process::id().to_string();
    let is_ours = |stat: String| {
        let after = stat.rsplit(')').next().unwrap_or_default().to_owned();
        stat.contains("(cortex-host)") && after.split_whitespace().nth(1) == Some(own.as_str())
    };
    let stats = fs::read_dir("/proc").unwrap().flatten();
    stats
        .filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok())
        .filter(|stat| is_ours(stat.clone()))
        .count()
}

#[test]
fn deaths_leave_no_process_and_no_shared_memory() {
    let folder = tempfile::tempdir().unwrap();
    let library = compiled("deadly", folder.path());
    let launcher = Launcher { grace: Duration::ZERO, ..launcher() };
    let maps = || {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().filter(|line| line.contains("cortex-kernel")).count()
    };
    for death in 0..60_u32 {
        let (_, way, _) = WAYS[death as usize % WAYS.len()];
        let setup = setup(&library, "deadly", &[way, 0.0]);
        let mut device = KernelProcess::open(&setup, Duration::from_millis(20), &launcher).unwrap();
        device.reset().unwrap();
        device.run_window(0, &[1.0; 32], &mut [0.0; 32], &Monotonic).unwrap_err();
    }
    // Other tests of this binary have processes and memory of their own, for a moment.
    let start = Instant::now();
    while (processes(), maps()) != (0, 0) {
        assert!(start.elapsed() < Duration::from_secs(60), "{} {}", processes(), maps());
        std::thread::sleep(Duration::from_millis(50));
    }
}
