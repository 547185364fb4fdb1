//! Datasets in real time: through a pipe, and as streams of the Lab Streaming Layer. The library is
//! one of the tests' own here, which writes down what it is given; with the real one and pylsl:
//! `sh tests/slow.sh lsl`.

use std::fs;
use std::time::{Duration, Instant};

use cortex_tests::libraries::compiled;
use cortex_tests::{cortex_host, stderr_of, stdout_of};

/// What was streamed: descriptions, rows with their times, texts with their times.
#[derive(Default)]
struct Streamed {
    streams: Vec<String>,
    values: Vec<String>,
    rows: Vec<(f64, Vec<f32>)>,
    texts: Vec<(f64, String)>,
    ended: usize,
}

fn streamed(log: &str) -> Streamed {
    let mut found = Streamed::default();
    for line in log.lines() {
        let (kind, rest) = line.split_once(' ').unwrap();
        let parts: Vec<&str> = rest.split('|').collect();
        match kind {
            "stream" => found.streams.push(rest.to_owned()),
            "value" => found.values.push(rest.to_owned()),
            "rows" => {
                let values = parts[2].split_whitespace().map(|value| value.parse().unwrap());
                found.rows.push((parts[1].parse().unwrap(), values.collect()));
            }
            "text" => found.texts.push((parts[1].parse().unwrap(), parts[2].to_owned())),
            _ => found.ended += 1,
        }
    }
    found
}

fn values(bytes: &[u8]) -> Vec<f32> {
    let (values, rest) = bytes.as_chunks();
    assert!(rest.is_empty());
    values.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

#[test]
fn every_sample_and_event_is_streamed_once_with_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let library = compiled("lsl", folder.path());
    let here = |name: &str| folder.path().join(name);
    // A chunk has 30 samples, the last one fewer.
    let made = cortex_host()
        .args(["generate", "spikes", "4", "30000", "0.4003"])
        .arg(here("units.float32"))
        .output()
        .unwrap();
    stdout_of(&made, 0);
    let expected = values(&fs::read(here("units.float32")).unwrap());
    for source in ["units.float32.manifest.yaml", "units.vhdr"] {
        let log = here("log");
        let start = Instant::now();
        let run = cortex_host()
            .args(["stream", "--lsl", "--wait", "--json", "--name", "try"])
            .arg(here(source))
            .env("PYLSL_LIB", &library)
            .env("FAKE_LSL", &log)
            .output()
            .unwrap();
        let facts: serde_json::Value = serde_json::from_str(&stdout_of(&run, 0)).unwrap();
        assert!(start.elapsed() >= Duration::from_millis(400), "{source}: {:?}", start.elapsed());
        let found = streamed(&fs::read_to_string(&log).unwrap());
        assert_eq!(
            found.streams,
            [
                "0|try|EEG|4|30000|1|cortex-host:try:4:30000",
                "1|try-markers|Markers|1|0|3|cortex-host:try:4:30000:markers"
            ]
        );
        for value in ["label|E0001", "unit|microvolts", "type|EEG", "manufacturer|CORTEX-rs"] {
            assert!(found.values.iter().any(|have| have == value), "{value} {:?}", found.values);
        }
        assert_eq!(found.ended, 2, "{source}");
        let all: Vec<f32> = found.rows.iter().flat_map(|(_, rows)| rows.clone()).collect();
        assert_eq!(all, expected, "{source}");
        assert_eq!((&facts["samples"], &facts["channels"]), (&12009.into(), &4.into()));
        // The time of the last sample of each chunk, from the clock that stands at 1000 s.
        let mut sample = 0;
        for (time_s, rows) in &found.rows {
            sample += rows.len() / 4;
            assert_eq!(*time_s, 1000.0 + (sample - 1) as f64 / 30_000.0, "{source}");
        }
        let table = fs::read_to_string(here("units_events.tsv")).unwrap();
        let events: Vec<(f64, String)> = table
            .lines()
            .skip(1)
            .map(|line| line.split('\t').collect::<Vec<_>>())
            .map(|cells| (1000.0 + cells[0].parse::<f64>().unwrap(), cells[2].to_owned()))
            .collect();
        assert!(events.len() >= 3, "{table}");
        assert_eq!(facts["markers"], events.len());
        assert_eq!(found.texts.len(), events.len(), "{source}");
        for (have, want) in found.texts.iter().zip(&events) {
            assert!((have.0 - want.0).abs() < 1e-9 && have.1 == want.1, "{have:?} {want:?}");
        }
    }
}

#[test]
fn a_configuration_is_played_and_markers_can_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let library = compiled("lsl", folder.path());
    let here = |name: &str| folder.path().join(name);
    let config = "dataset:\n  path: primitives/datasets/v1/synthetic\n  channels: 2\n  sample_rate_hz: 250\n  params: { signal_type: sine_wave, duration_s: 0.1 }\nkernels:\n  - { name: noop, window: 5, hop: 5 }\n";
    fs::write(here("my.yaml"), config).unwrap();
    let run = cortex_host()
        .args(["stream", "--lsl", "--no-markers", "--type", "EMG"])
        .arg(here("my.yaml"))
        .arg("--liblsl")
        .arg(&library)
        .env("FAKE_LSL", here("log"))
        .output()
        .unwrap();
    stdout_of(&run, 0);
    let found = streamed(&fs::read_to_string(here("log")).unwrap());
    assert_eq!(found.streams, ["0|sine_wave|EMG|2|250|1|cortex-host:sine_wave:2:250"]);
    assert_eq!(found.rows.len(), 25);
}

#[test]
fn without_liblsl_it_says_how_to_get_it() {
    let run = cortex_host()
        .args(["stream", "--lsl"])
        .env("PYLSL_LIB", "/nonexistent/liblsl.so")
        .output()
        .unwrap();
    let error = stderr_of(&run, 3);
    for part in ["/nonexistent/liblsl.so", "pip install pylsl", "PYLSL_LIB", "--liblsl"] {
        assert!(error.contains(part), "{error}");
    }
    // A library, but another one.
    let folder = tempfile::tempdir().unwrap();
    let other = compiled("own", folder.path());
    let run = cortex_host().args(["stream", "--lsl", "--liblsl"]).arg(other).output().unwrap();
    assert!(stderr_of(&run, 3).contains("lsl_create_streaminfo"));
}

#[test]
fn a_paced_pipe_has_the_same_bytes_and_takes_its_time() {
    let generate = |more: &[&str]| {
        let run = cortex_host()
            .args(["generate", "pink_noise", "8", "500", "0.6", "-"])
            .args(more)
            .output()
            .unwrap();
        stdout_of(&run, 0);
        run.stdout
    };
    let start = Instant::now();
    let paced = generate(&["--pace", "realtime"]);
    assert!(start.elapsed() >= Duration::from_millis(598), "{:?}", start.elapsed());
    assert!(paced == generate(&[]), "other bytes");

    let folder = tempfile::tempdir().unwrap();
    let file = cortex_host()
        .args(["generate", "pink_noise", "8", "500", "1", "--pace", "realtime"])
        .arg(folder.path().join("x.float32"))
        .output()
        .unwrap();
    assert!(stderr_of(&file, 2).contains("--pace realtime is for a pipe"));
}
