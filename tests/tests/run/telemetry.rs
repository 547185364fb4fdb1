//! Telemetry files and statistics from records that are known, through the library.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cortex_core::kernel::{KernelFault, KernelShape};
use cortex_host::base::Progress;
use cortex_host::harness::{DeviceTiming, KernelRun, Pace, WindowFault, WindowRecord, WindowSink};
use cortex_host::plan::TelemetryFormat;
use cortex_host::results::{KernelStatistics, KernelSummary, TelemetrySettings, TelemetryWriter};
use cortex_host::run::Options;
use cortex_tests::{checkout, runs};
use serde_json::Value;

/// Upstream CORTEX's columns, in its order.
const COLUMNS: &str = "run_id,plugin,window_index,release_ts_ns,deadline_ts_ns,start_ts_ns,\
    end_ts_ns,deadline_missed,W,H,C,Fs,warmup,repeat,device_tin_ns,device_tstart_ns,\
    device_tend_ns,device_tfirst_tx_ns,device_tlast_tx_ns,adapter_name,window_failed,error_code";

fn kernel_run(rows: u64) -> KernelRun {
    KernelRun {
        name: "goertzel".to_owned(),
        shape: KernelShape { channels: 4, window: 20, hop: 10, sample_rate_hz: 250.5 },
        deadline_ns: 1_000_000,
        rows,
        warmup_windows: 2,
        repeats: 2,
        pace: Pace::Max,
    }
}

/// Window `index`, released at index ms, with a kernel time of `kernel_us`.
fn record(repeat: u32, index: u64, kernel_us: u64) -> WindowRecord {
    let release_ns = (u64::from(repeat) * 1_000_000 + index + 1) * 1_000_000;
    let start_ns = release_ns + 2_000;
    let device = DeviceTiming {
        input_ns: start_ns + 100,
        start_ns: start_ns + 200,
        end_ns: start_ns + 200 + kernel_us * 1_000,
        first_tx_ns: start_ns + 300 + kernel_us * 1_000,
        last_tx_ns: start_ns + 400 + kernel_us * 1_000,
        ticks: None,
    };
    WindowRecord {
        index,
        repeat,
        warmup: index < 2,
        release_ns,
        deadline_ns: release_ns + 1_000_000,
        start_ns,
        end_ns: device.last_tx_ns + 600,
        device,
        fault: None,
    }
}

fn failed(mut record: WindowRecord) -> WindowRecord {
    record.device = DeviceTiming::default();
    record.fault = Some(WindowFault::Kernel(KernelFault::OutputLength));
    record
}

fn settings(format: TelemetryFormat) -> TelemetrySettings {
    TelemetrySettings {
        run_id: "run-2026-01-12-153000".to_owned(),
        plugin: "goertzel".to_owned(),
        adapter_name: "board, \"A\"".to_owned(),
        format,
        include_raw_data: true,
        max_output_len: 3,
        output_sizes: vec![3],
        clock: None,
        labels: None,
    }
}

fn write(
    folder: &Path,
    format: TelemetryFormat,
    kernel_run: &KernelRun,
    records: &[WindowRecord],
) -> KernelStatistics {
    let told = Arc::new(AtomicU64::new(0));
    let mut writer =
        TelemetryWriter::create(folder, settings(format), kernel_run, counter(&told)).unwrap();
    for record in records {
        let value = record.index as f32 + 0.5;
        let output = if record.fault.is_some() { &[][..] } else { &[value, -value, 0.25][..] };
        writer.window(record, output).unwrap();
    }
    let statistics = writer.finish().unwrap();
    assert_eq!(told.load(Ordering::SeqCst), records.len() as u64);
    statistics
}

fn ndjson_rows(folder: &Path) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(folder.join("telemetry.ndjson")).unwrap();
    text.lines()
        .map(|line| {
            let Value::Object(object) = serde_json::from_str(line).unwrap() else {
                panic!("{line}");
            };
            let cell = |value: Value| match value {
                Value::String(text) => text,
                number => number.to_string(),
            };
            object.into_iter().map(|(name, value)| (name, cell(value))).collect()
        })
        .collect()
}

/// Adds up what the writer tells of its progress.
fn counter(told: &Arc<AtomicU64>) -> Progress {
    let told = Arc::clone(told);
    Progress::new().reporting(move |windows| {
        told.fetch_add(windows, Ordering::SeqCst);
    })
}

#[test]
fn csv_and_ndjson_hold_the_same_rows_in_upstreams_columns() {
    let (folder, kernel_run) = (tempfile::tempdir().unwrap(), kernel_run(50));
    let mut records: Vec<WindowRecord> = (0..4).map(|index| record(1, index, 40)).collect();
    records[3] = failed(records[3]);
    write(folder.path(), TelemetryFormat::Ndjson, &kernel_run, &records);
    fs::remove_file(folder.path().join("outputs.npy")).unwrap();
    write(folder.path(), TelemetryFormat::Csv, &kernel_run, &records);

    let text = fs::read_to_string(folder.path().join("telemetry.csv")).unwrap();
    assert_eq!(text.lines().next().unwrap(), COLUMNS);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let csv_rows: Vec<BTreeMap<String, String>> =
        reader.deserialize().collect::<Result<_, _>>().unwrap();
    assert_eq!(csv_rows, ndjson_rows(folder.path()));

    let ndjson = fs::read_to_string(folder.path().join("telemetry.ndjson")).unwrap();
    assert_eq!(
        ndjson.lines().nth(2).unwrap(),
        "{\"run_id\":\"run-2026-01-12-153000\",\"plugin\":\"goertzel\",\"window_index\":2,\
         \"release_ts_ns\":1000003000000,\"deadline_ts_ns\":1000004000000,\
         \"start_ts_ns\":1000003002000,\"end_ts_ns\":1000003043000,\"deadline_missed\":0,\
         \"W\":20,\"H\":10,\"C\":4,\"Fs\":250.5,\"warmup\":0,\"repeat\":1,\
         \"device_tin_ns\":1000003002100,\"device_tstart_ns\":1000003002200,\
         \"device_tend_ns\":1000003042200,\"device_tfirst_tx_ns\":1000003042300,\
         \"device_tlast_tx_ns\":1000003042400,\"adapter_name\":\"board, \\\"A\\\"\",\
         \"window_failed\":0,\"error_code\":0}"
    );
    let last = &csv_rows[3];
    assert_eq!(
        [&last["window_failed"], &last["deadline_missed"], &last["error_code"]],
        ["1", "1", "2"]
    );
}

#[test]
fn warmup_is_in_no_statistic_and_failures_are_no_latency() {
    let folder = tempfile::tempdir().unwrap();
    // Rows for 12 windows: 2 warm-up and 10 measured, twice.
    let kernel_run = kernel_run(130);
    assert_eq!(kernel_run.windows_per_repeat(), 12);
    let mut records = Vec::new();
    for repeat in 0..2 {
        for index in 0..12 {
            // Warm-up windows are slow and late; measured ones take 10, 20 ... 100 us.
            let kernel_us = if index < 2 { 5_000 } else { (index - 1) * 10 };
            records.push(record(repeat, index, kernel_us));
        }
    }
    records[0] = failed(records[0]);
    records[11] = failed(records[11]);
    let statistics = write(folder.path(), TelemetryFormat::Ndjson, &kernel_run, &records);
    let summary = KernelSummary::new(&kernel_run, None, &statistics);
    let windows = summary.windows;
    assert_eq!((windows.planned, windows.run, windows.warmup, windows.measured), (24, 24, 4, 20));
    assert_eq!((windows.failed, windows.deadline_missed), (2, 1));
    let kernel = summary.kernel_time_us.unwrap();
    // 19 values: 10, 10, 20, 20 ... 90, 90, 100; the tenth is the median.
    assert_eq!((kernel.min, kernel.max), (10.0, 100.0));
    assert!((50.0..=50.05).contains(&kernel.p50), "{}", kernel.p50);
    assert_eq!(kernel.mean, 52.632);
    let end_to_end = summary.end_to_end_us.unwrap();
    assert_eq!(end_to_end.max, 103.0, "2 us to the start, 0.2 before, 0.8 after the kernel");
    assert_eq!(summary.harness_cost_us.unwrap().max, 3.0);
    // Each repeat's measured windows span 9 ms and the last one's 103 us, failed or not.
    let elapsed_s = 2.0 * (9e-3 + 103e-6);
    let rate = summary.throughput.unwrap().windows_per_s;
    assert!((rate - 19.0 / elapsed_s).abs() < 1e-6 * rate, "{rate}");
}

#[test]
fn a_kernel_whose_windows_all_failed_has_no_latency_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let kernel_run = kernel_run(50);
    let records: Vec<WindowRecord> = (0..4).map(|index| failed(record(0, index, 1))).collect();
    let statistics = write(folder.path(), TelemetryFormat::Csv, &kernel_run, &records);
    let summary = KernelSummary::new(&kernel_run, None, &statistics);
    assert_eq!(summary.kernel_time_us, None);
    assert_eq!(summary.end_to_end_us, None);
    assert_eq!(summary.throughput, None);
    assert_eq!((summary.windows.failed, summary.windows.deadline_missed), (4, 2));
    let json = serde_json::to_value(&summary).unwrap();
    assert!(json["kernel_time_us"].is_null(), "no number may stand for a latency");
}

#[test]
fn outputs_are_the_first_repeats_values_as_returned() {
    let folder = tempfile::tempdir().unwrap();
    let mut records: Vec<WindowRecord> =
        (0..2).flat_map(|repeat| (0..4).map(move |index| record(repeat, index, 1))).collect();
    records[1] = failed(records[1]);
    write(folder.path(), TelemetryFormat::Csv, &kernel_run(50), &records);
    let bytes = fs::read(folder.path().join("outputs.npy")).unwrap();
    let header = String::from_utf8_lossy(&bytes[..128]);
    assert!(header.contains("'descr': '<f4'") && header.contains("'shape': (3, 3)"), "{header}");
    let bytes = &bytes[128..];
    let values: Vec<f32> =
        bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    assert_eq!(values, [0.5, -0.5, 0.25, 2.5, -2.5, 0.25, 3.5, -3.5, 0.25]);
}

/// Many times the windows that are in memory at once, all of them written and counted.
#[test]
fn a_hundred_thousand_windows_go_through() {
    let folder = tempfile::tempdir().unwrap();
    let mut kernel_run = kernel_run(1_000_010);
    kernel_run.repeats = 1;
    let records: Vec<WindowRecord> = (0..100_000).map(|index| record(0, index, 7)).collect();
    let statistics = write(folder.path(), TelemetryFormat::Ndjson, &kernel_run, &records);
    assert_eq!(statistics.counts().measured, 99_998);
    let text = fs::read_to_string(folder.path().join("telemetry.ndjson")).unwrap();
    assert_eq!(text.lines().count(), 100_000);
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["window_index"], 99_999);
    let outputs = fs::metadata(folder.path().join("outputs.npy")).unwrap();
    assert_eq!(outputs.len(), 128 + 100_000 * 3 * 4);
}

/// What has been handed on is in the file before the run ends: a killed run keeps it.
#[test]
fn rows_are_on_their_way_to_the_disk_while_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let told = Arc::new(AtomicU64::new(0));
    let mut writer = TelemetryWriter::create(
        folder.path(),
        settings(TelemetryFormat::Ndjson),
        &kernel_run(50),
        counter(&told),
    )
    .unwrap();
    writer.window(&record(0, 0, 1), &[1.0]).unwrap();
    writer.idle().unwrap();
    // The writer's thread says through the counter when the row has been written.
    while told.load(Ordering::SeqCst) < 1 {
        std::thread::yield_now();
    }
    assert_eq!(ndjson_rows(folder.path()).len(), 1);
    writer.finish().unwrap();
}

#[test]
fn existing_telemetry_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), TelemetryFormat::Csv, &kernel_run(50), &[]);
    let again = TelemetryWriter::create(
        folder.path(),
        settings(TelemetryFormat::Csv),
        &kernel_run(50),
        Progress::new(),
    );
    let error = again.err().unwrap().to_string();
    assert!(error.contains("telemetry.csv") && error.contains("exists"), "{error}");
}

/// The files below `folder`, relative to `run`.
fn files(run: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(run, &path, found);
        } else {
            found.push(path.strip_prefix(run).unwrap().to_str().unwrap().to_owned());
        }
    }
}

#[test]
fn the_reference_names_every_file_and_every_column() {
    let folder = tempfile::tempdir().unwrap();
    let kernels = ["{ name: car, window: 100, hop: 50 }"];
    let rest = "execution: { pace: max }\noutput: { include_raw_data: true }\n";
    let run = runs::run(folder.path(), &runs::config(1, 2, &kernels, rest));
    let page = fs::read_to_string(checkout().join("docs/reference/results.md")).unwrap();
    let mut names = Vec::new();
    files(&run, &run, &mut names);
    assert!(names.len() >= 7, "{names:?}");
    for name in names {
        let name = name.replace("/car/", "/<kernel>/");
        assert!(page.contains(&format!("| `{name}`")), "{name} is not in results.md");
    }
    for column in ndjson_rows(&run.join("kernel-data/car"))[0].keys() {
        assert!(page.contains(&format!("`{column}`")), "{column} is not in results.md");
    }
}

/// A run on trials: the label column against the events of the run's folder, window by window, in both
/// formats, and the report's table.
#[test]
fn windows_have_the_labels_of_the_trials_in_them() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["ndjson", "csv"] {
        let config = format!(
            "dataset:\n  path: primitives/datasets/v3/synthetic\n  channels: 4\n  \
             sample_rate_hz: 250\n  params: {{ signal_type: eeg, duration_s: 40, paradigm: \
             motor_imagery, trial_s: 8, mains_uv: 5, blinks_per_min: 30 }}\n\
             kernels: [{{ name: noop, window: 250, hop: 125 }}]\n\
             execution: {{ pace: max, warmup_windows: 2 }}\n\
             output: {{ format: {format}, directory: {format} }}\n"
        );
        let run = runs::experiment(folder.path(), &config, &Options::default()).unwrap();
        let run = run.outcome.folder;
        let events = fs::read_to_string(run.join("dataset/events.tsv")).unwrap();
        let trials: Vec<(f64, f64, &str)> = events
            .lines()
            .filter_map(|line| {
                let [onset, duration, label] = line.split('\t').collect::<Vec<_>>()[..] else {
                    panic!("{line}");
                };
                let seconds = |text: &str| text.parse::<f64>().unwrap();
                let known = label.ends_with("_hand");
                known.then(|| (seconds(onset) * 250.0, seconds(duration) * 250.0, label))
            })
            .collect();
        assert_eq!(trials.len(), 5);
        assert!(events.contains("\tmains\n") && events.contains("\tblink\n"));

        let data = run.join("kernel-data/noop");
        let rows: Vec<BTreeMap<String, String>> = if format == "csv" {
            let text = fs::read_to_string(data.join("telemetry.csv")).unwrap();
            assert_eq!(text.lines().next().unwrap(), format!("{COLUMNS},label"));
            csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
        } else {
            ndjson_rows(&data)
        };
        assert_eq!(rows.len(), 79);
        let mut counts = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            let (first, end) = (125.0 * index as f64, 125.0 * index as f64 + 250.0);
            let inside =
                trials.iter().rfind(|(onset, samples, _)| *onset < end && onset + samples > first);
            let expected = inside.map_or("", |(_, _, label)| label);
            assert_eq!(row["label"], expected, "window {index}");
            // Two of the windows are warm-up.
            *counts.entry(expected).or_insert(0) += i32::from(index >= 2);
        }
        let report = fs::read_to_string(run.join("report.html")).unwrap();
        for (label, count) in counts {
            let label = if label.is_empty() { "none" } else { label };
            let row = format!("<tr><td>{label}</td><td class=\"first\">{count}</td>");
            assert!(report.contains(&row), "{row}");
        }
    }
}
