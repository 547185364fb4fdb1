//! Whole experiments through the library: no program is started, nothing is printed.

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use cortex_host::base::{ExitCode, Level, Observer, Progress};
use cortex_host::config::{Source, parse};
use cortex_host::device::FaultSpec;
use cortex_host::plan::Plan;
use cortex_host::primitive::Library;
use cortex_host::results::RunStatus;
use cortex_host::run::{Options, run};

/// Two kernels over two seconds of pink noise, results in `folder`; `more` is appended.
fn plan(folder: &Path, more: &str) -> Plan {
    let text = format!(
        "dataset: {{ path: primitives/datasets/v1/synthetic, channels: 4, sample_rate_hz: 250, \
         params: {{ signal_type: pink_noise, duration_s: 2 }} }}\n\
         kernels: [{{ name: car, window: 100, hop: 50 }}, {{ name: goertzel, window: 250 }}]\n\
         execution: {{ pace: max, warmup_windows: 1 }}\n\
         output: {{ directory: {folder:?} }}\n{more}"
    );
    let source = Source { name: "test".into(), text, folder: None };
    Plan::new(&parse(&source).unwrap(), &Library::new(None)).unwrap()
}

/// Remembers what it is told, and cancels when a step has come so far.
struct Listener {
    messages: Mutex<Vec<(Level, String)>>,
    steps: Mutex<Vec<(String, u64)>>,
    cancel_at: Option<u64>,
}

impl Listener {
    fn new(cancel_at: Option<u64>) -> Self {
        Self { messages: Mutex::default(), steps: Mutex::default(), cancel_at }
    }
}

impl Observer for Listener {
    fn message(&self, level: Level, text: &str) {
        self.messages.lock().unwrap().push((level, text.to_owned()));
    }

    fn step(&self, progress: &Progress, label: &str, total: u64) -> Progress {
        self.steps.lock().unwrap().push((label.to_owned(), total));
        let (cancelled, cancel_at) = (progress.clone(), self.cancel_at);
        progress.reporting(move |_| {
            if cancel_at == Some(total) {
                cancelled.cancel();
            }
        })
    }
}

#[test]
fn a_run_leaves_a_folder_and_says_what_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let listener = Listener::new(None);
    let outcome = run(&plan(folder.path(), ""), &Options::default(), &listener).unwrap();
    assert_eq!((outcome.code(), outcome.failure), (ExitCode::Success, None));
    assert_eq!(outcome.summary.status, RunStatus::Complete);
    // 500 samples: (500 - 100) / 50 + 1 = 9 windows, and (500 - 250) / 125 + 1 = 3.
    let windows = outcome.summary.kernels.iter().map(|kernel| kernel.windows.run);
    assert_eq!(windows.collect::<Vec<_>>(), [9, 3]);
    for name in ["config.yaml", "summary.json", "SUMMARY.md", "report.html"] {
        assert!(outcome.folder.join(name).is_file(), "{name}");
    }
    let telemetry = outcome.folder.join("kernel-data/car/telemetry.ndjson");
    assert_eq!(fs::read_to_string(telemetry).unwrap().lines().count(), 9);
    let steps = listener.steps.into_inner().unwrap();
    let expected =
        [("4ch × 500 samples", 2000), ("car", 9), ("goertzel", 3)].map(|(a, b)| (a.to_owned(), b));
    assert_eq!(steps, expected);
    let messages = listener.messages.into_inner().unwrap();
    assert!(messages.contains(&(Level::Info, "Running harness...".to_owned())), "{messages:?}");
}

#[test]
fn a_loopback_device_gives_the_same_outputs_with_faults_on_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let fault: FaultSpec = "ber=1e-5,drop=0.01".parse().unwrap();
    let options = Options { fault: Some((fault, 3)), ..Options::default() };
    let outcome = run(&plan(folder.path(), "device: loopback\n"), &options, &()).unwrap();
    assert_eq!(outcome.code(), ExitCode::Success, "{:?}", outcome.failure);
    for kernel in &outcome.summary.kernels {
        let outputs = kernel.outputs.unwrap();
        assert_eq!((outputs.equal, outputs.different), (kernel.windows.run, 0), "{}", kernel.name);
    }
}

#[test]
fn a_cancelled_run_keeps_its_windows() {
    let folder = tempfile::tempdir().unwrap();
    // In real time goertzel's second window comes a second after its first, which cancels.
    let plan = Plan {
        execution: cortex_host::plan::ExecutionPlan {
            pace: cortex_host::harness::Pace::Realtime,
            ..plan(folder.path(), "").execution
        },
        ..plan(folder.path(), "")
    };
    let outcome = run(&plan, &Options::default(), &Listener::new(Some(9))).unwrap();
    assert_eq!((outcome.code(), outcome.failure), (ExitCode::Interrupted, None));
    assert_eq!(outcome.summary.status, RunStatus::Interrupted);
    assert!(outcome.folder.join("report.html").is_file());
}

#[test]
fn what_cannot_begin_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results");
    let failure =
        run(&plan(&results, "device: 'serial:///dev/no-such-port'\n"), &Options::default(), &())
            .unwrap_err();
    assert_eq!(failure.code(), ExitCode::Device);
    assert!(!results.exists());
}
