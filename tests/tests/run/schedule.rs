//! The harness against kernels whose time is known: a manual clock that only the kernel moves
//! makes every latency exact, whatever the machine is doing.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cortex_core::kernel::{Kernel, KernelFault, KernelShape};
use cortex_host::base::Progress;
use cortex_host::harness::{
    Clock, Device, Ending, KernelRun, KernelRunError, Manual, NativeDevice, Pace, SampleFile,
    SampleFileError, WindowDone, WindowFault, WindowRecord, WindowSink, run_windows,
};

const MS: u64 = 1_000_000;
const CHANNELS: usize = 2;

/// A kernel that takes `cost_ms(call)` of the manual clock, adds every sample to a running sum per
/// channel and returns the sums.
struct TestKernel<F> {
    clock: Arc<Manual>,
    calls: AtomicU64,
    cost_ms: F,
    refuse: Option<u64>,
}

impl<F: Fn(u64) -> u64> Kernel for TestKernel<F> {
    fn state_len(&self) -> usize {
        CHANNELS
    }

    fn reset(&self, state: &mut [f32]) {
        state.fill(0.0);
        self.calls.store(0, Ordering::SeqCst);
    }

    fn output_len(&self, _rows: usize) -> usize {
        CHANNELS
    }

    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        self.clock.advance((self.cost_ms)(call) * MS);
        if self.refuse == Some(call) {
            return Err(KernelFault::InputLength);
        }
        for row in input.chunks_exact(CHANNELS) {
            for (sum, sample) in state.iter_mut().zip(row) {
                *sum += sample;
            }
        }
        output[..CHANNELS].copy_from_slice(state);
        Ok(CHANNELS)
    }

    fn missing_samples(&self, _state: &[f32]) -> u32 {
        0
    }
}

/// Keeps records and outputs.
#[derive(Default)]
struct Memory {
    records: Vec<WindowRecord>,
    outputs: Vec<Vec<f32>>,
}

impl WindowSink for Memory {
    fn window(&mut self, record: &WindowRecord, output: &[f32]) -> std::io::Result<()> {
        self.records.push(*record);
        self.outputs.push(output.to_vec());
        Ok(())
    }
}

/// 100 Hz, W = 20, H = 10: a window every 100 ms, the first after 200 ms.
fn kernel_run(rows: u64) -> KernelRun {
    KernelRun {
        name: "test".to_owned(),
        shape: KernelShape { channels: CHANNELS, window: 20, hop: 10, sample_rate_hz: 100.0 },
        deadline_ns: 100 * MS,
        rows,
        warmup_windows: 0,
        repeats: 1,
        pace: Pace::Realtime,
    }
}

/// Rows whose samples are 1, 2, 3 ... in file order.
fn dataset(folder: &Path, rows: usize) -> SampleFile {
    let path = folder.join("données de test.float32");
    let bytes: Vec<u8> =
        (0..rows * CHANNELS).flat_map(|i| (i as f32 + 1.0).to_le_bytes()).collect();
    std::fs::write(&path, bytes).unwrap();
    SampleFile::open(&path, CHANNELS).unwrap()
}

fn run(
    kernel_run: &KernelRun,
    refuse: Option<u64>,
    cost_ms: impl Fn(u64) -> u64 + Send + 'static,
) -> Result<Memory, KernelRunError> {
    let folder = tempfile::tempdir().unwrap();
    let mut samples = dataset(folder.path(), kernel_run.rows as usize);
    let clock = Arc::new(Manual::new(0));
    let kernel = TestKernel { clock: clock.clone(), calls: AtomicU64::new(0), cost_ms, refuse };
    let mut device = NativeDevice::new(Box::new(kernel), &kernel_run.shape);
    let mut memory = Memory::default();
    let ending =
        run_windows(kernel_run, &mut samples, &mut device, &*clock, &Progress::new(), &mut memory)?;
    assert_eq!(ending, Ending::Complete);
    Ok(memory)
}

fn end_to_end_ms(memory: &Memory) -> Vec<u64> {
    memory.records.iter().map(|record| record.end_to_end_ns().unwrap() / MS).collect()
}

#[test]
fn windows_are_released_by_the_sample_clock() {
    let memory = run(&kernel_run(100), None, |_| 30).unwrap();
    let releases: Vec<u64> = memory.records.iter().map(|record| record.release_ns).collect();
    // (W + w H) / fs after the first sample, 1 ms after the start.
    let expected: Vec<u64> = (0..9).map(|w| MS + 200 * MS + w * 100 * MS).collect();
    assert_eq!(releases, expected);
    assert!(memory.records.iter().all(|r| r.deadline_ns == r.release_ns + 100 * MS));
    assert_eq!(end_to_end_ms(&memory), [30; 9]);
    assert!(!memory.records.iter().any(WindowRecord::deadline_missed));
}

/// One stall of 450 ms in window 2, 30 ms otherwise: the windows behind it are due every 100 ms all
/// the same and wait. A harness that stamps the release when it gets round to a window would
/// report 30 ms for all of them.
#[test]
fn a_stall_makes_every_later_window_late_until_it_is_caught_up() {
    let memory = run(&kernel_run(120), None, |call| if call == 2 { 450 } else { 30 }).unwrap();
    assert_eq!(end_to_end_ms(&memory), [30, 30, 450, 380, 310, 240, 170, 100, 30, 30, 30]);
    let missed: Vec<usize> = (0..memory.records.len())
        .filter(|&window| memory.records[window].deadline_missed())
        .collect();
    // 100 ms is exactly on the deadline, not past it.
    assert_eq!(missed, [2, 3, 4, 5, 6]);
    let kernel_ms: Vec<u64> =
        memory.records.iter().map(|record| record.kernel_ns().unwrap() / MS).collect();
    assert_eq!(kernel_ms, [30, 30, 450, 30, 30, 30, 30, 30, 30, 30, 30]);
}

#[test]
fn a_kernel_slower_than_the_data_falls_further_behind_with_every_window() {
    let memory = run(&kernel_run(120), None, |_| 150).unwrap();
    assert_eq!(end_to_end_ms(&memory), [150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 650]);
    assert!(memory.records.iter().all(WindowRecord::deadline_missed));
}

#[test]
fn pace_max_releases_a_window_when_the_one_before_is_done() {
    let kernel_run = KernelRun { pace: Pace::Max, ..kernel_run(120) };
    let memory = run(&kernel_run, None, |call| if call == 2 { 450 } else { 30 }).unwrap();
    assert_eq!(end_to_end_ms(&memory), [30, 30, 450, 30, 30, 30, 30, 30, 30, 30, 30]);
    for pair in memory.records.windows(2) {
        assert_eq!(pair[1].release_ns, pair[0].end_ns);
    }
}

#[test]
fn every_sample_is_fed_once_and_repeats_start_from_fresh_state() {
    let kernel_run = KernelRun { repeats: 3, warmup_windows: 2, ..kernel_run(50) };
    let memory = run(&kernel_run, None, |_| 1).unwrap();
    assert_eq!(memory.records.len(), 12);
    // After window w the sums hold rows 0..20 + 10 w; channel c of row r is 2 r + c + 1.
    for (record, output) in memory.records.iter().zip(&memory.outputs) {
        let rows = 20 + 10 * record.index;
        let sum = |channel: u64| (0..rows).map(|row| 2 * row + channel + 1).sum::<u64>() as f32;
        assert_eq!(*output, [sum(0), sum(1)]);
        assert_eq!(record.warmup, record.index < 2);
    }
    let repeats: Vec<u32> = memory.records.iter().map(|record| record.repeat).collect();
    assert_eq!(repeats, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
}

#[test]
fn a_failed_window_is_no_fast_one() {
    let memory = run(&kernel_run(60), Some(1), |_| 5).unwrap();
    let failed = &memory.records[1];
    assert_eq!(failed.fault, Some(WindowFault::Kernel(KernelFault::InputLength)));
    assert!(failed.deadline_missed());
    assert_eq!((failed.kernel_ns(), failed.end_to_end_ns()), (None, None));
    assert!(memory.outputs[1].is_empty());
    assert_eq!(memory.records.iter().filter(|record| record.fault.is_some()).count(), 1);
}

#[test]
fn nothing_to_measure_is_an_error_before_anything_starts() {
    for (rows, warmup_windows) in [(19, 0), (50, 4), (50, 5)] {
        let kernel_run = KernelRun { warmup_windows, ..kernel_run(rows) };
        let error = run(&kernel_run, None, |_| panic!("no window may run")).err().unwrap();
        assert!(matches!(error, KernelRunError::NothingToMeasure { .. }), "{error}");
    }
}

/// The interrupt is raised inside window 3: it is finished and recorded, then the kernel run ends.
#[test]
fn an_interrupt_ends_the_job_between_windows() {
    let folder = tempfile::tempdir().unwrap();
    let kernel_run = kernel_run(120);
    let mut samples = dataset(folder.path(), 120);
    let clock = Arc::new(Manual::new(0));
    let progress = Progress::new();
    let raiser = progress.clone();
    let kernel = TestKernel {
        clock: clock.clone(),
        calls: AtomicU64::new(0),
        cost_ms: move |call| {
            if call == 3 {
                raiser.cancel();
            }
            1
        },
        refuse: None,
    };
    let mut device = NativeDevice::new(Box::new(kernel), &kernel_run.shape);
    let mut records = Vec::new();
    let ending =
        run_windows(&kernel_run, &mut samples, &mut device, &*clock, &progress, &mut records);
    assert_eq!(ending.unwrap(), Ending::Interrupted);
    assert_eq!(records.len(), 4);
    assert!(records.iter().all(|record: &WindowRecord| record.fault.is_none()));
}

/// A device that goes away in window 2.
struct Vanishing;

impl Device for Vanishing {
    fn adapter_name(&self) -> &str {
        "vanishing"
    }

    fn max_output_len(&self) -> usize {
        1
    }

    fn reset(&mut self) -> Result<(), WindowFault> {
        Ok(())
    }

    fn run_window(
        &mut self,
        index: u64,
        _input: &[f32],
        _output: &mut [f32],
        _clock: &dyn Clock,
    ) -> Result<WindowDone, WindowFault> {
        if index < 2 { Ok(WindowDone::default()) } else { Err(WindowFault::DeviceLost) }
    }
}

#[test]
fn a_lost_device_ends_the_job_and_its_last_window_counts_as_failed() {
    let folder = tempfile::tempdir().unwrap();
    let mut samples = dataset(folder.path(), 120);
    let mut records = Vec::new();
    let result = run_windows(
        &kernel_run(120),
        &mut samples,
        &mut Vanishing,
        &Manual::new(0),
        &Progress::new(),
        &mut records,
    );
    assert!(matches!(result, Err(KernelRunError::DeviceLost { index: 2, .. })), "{result:?}");
    assert_eq!(records.len(), 3);
    assert!(records[2].deadline_missed());
}

/// A clock that somebody sets, by up to 10 ms back or forth, at every look.
#[derive(Default)]
struct SetBack(AtomicU64, AtomicU64);

impl Clock for SetBack {
    fn now_ns(&self) -> u64 {
        let look = self.1.fetch_add(1, Ordering::SeqCst);
        self.0.fetch_add(MS / 10, Ordering::SeqCst) + look.wrapping_mul(2_654_435_761) % 11 * MS
    }

    fn wait_until(&self, instant_ns: u64, progress: &Progress) -> bool {
        self.0.fetch_max(instant_ns, Ordering::SeqCst);
        !progress.is_cancelled()
    }
}

#[test]
fn a_clock_that_is_set_back_makes_no_latency_of_centuries() {
    for pace in [Pace::Realtime, Pace::Max] {
        let folder = tempfile::tempdir().unwrap();
        let kernel_run = KernelRun { pace, ..kernel_run(2000) };
        let mut samples = dataset(folder.path(), 2000);
        let kernel = TestKernel {
            clock: Arc::new(Manual::new(0)),
            calls: AtomicU64::new(0),
            cost_ms: |_| 0,
            refuse: None,
        };
        let mut device = NativeDevice::new(Box::new(kernel), &kernel_run.shape);
        let mut memory = Memory::default();
        let clock = SetBack::default();
        let ending = run_windows(
            &kernel_run,
            &mut samples,
            &mut device,
            &clock,
            &Progress::new(),
            &mut memory,
        );
        assert_eq!(ending.unwrap(), Ending::Complete);
        assert_eq!(memory.records.len(), 199);
        let turned = memory.records.iter().filter(|record| record.end_ns < record.start_ns);
        assert!(turned.count() > 10, "the test would show nothing");
        for record in &memory.records {
            for latency_ns in [record.kernel_ns(), record.end_to_end_ns()] {
                assert!(latency_ns.unwrap() < 100 * MS, "{record:?}");
            }
        }
    }
}

#[test]
fn a_dataset_that_shrinks_during_the_run_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut samples = dataset(folder.path(), 60);
    let path = folder.path().join("données de test.float32");
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(200).unwrap();
    let mut records = Vec::new();
    let result = run_windows(
        &kernel_run(60),
        &mut samples,
        &mut Vanishing,
        &Manual::new(0),
        &Progress::new(),
        &mut records,
    );
    let error = result.err().unwrap();
    assert!(matches!(error, KernelRunError::Samples(SampleFileError::Shrunk { .. })), "{error}");
    assert_eq!(records.len(), 1, "the first window was still there");
}

#[test]
fn unusable_datasets_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.float32");
    let open = || SampleFile::open(&path, 3).err().unwrap().to_string();
    assert!(open().contains("cannot open"), "{}", open());
    std::fs::write(&path, b"").unwrap();
    assert!(open().contains("is empty"), "{}", open());
    std::fs::write(&path, [0; 16]).unwrap();
    assert!(open().contains("no whole number of rows of 3"), "{}", open());
    let error = SampleFile::open(folder.path(), 3).err().unwrap().to_string();
    assert!(error.contains("not a regular file"), "{error}");
}
