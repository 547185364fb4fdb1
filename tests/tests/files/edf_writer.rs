//! EDF+ and BDF+ that we write, read back by us and by edfio, pyEDFlib and MNE.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use cortex_host::base::Progress;
use cortex_host::recording::brainvision::{Header, Marker, write_header};
use cortex_host::recording::{OpenOptions, Recording, Writing, convert};
use cortex_tests::{oracle, stdout_of};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A recording of random shape, range, names, start and events as BrainVision.
fn random(folder: &Path, index: u64) -> PathBuf {
    let mut rng = ChaCha8Rng::seed_from_u64(index);
    let mut below = |bound: u64| rng.next_u64() % bound;
    let channels = 1 + below(20) as usize;
    // Long ones of no channel but one, of lengths that are mostly not divided by much.
    let (channels, samples) =
        if index % 20 == 19 { (1, 100_003 + below(60_000)) } else { (channels, 1 + below(3000)) };
    let rate_hz = [0.5, 100.0, 160.0, 250.0, 256.0, 512.0, 1000.0, 2048.0, 30_000.0];
    let rate_hz = rate_hz[below(9) as usize];
    let mut bytes = Vec::new();
    let levels: Vec<(f32, f32)> = (0..channels)
        .map(|_| {
            let scale = [1e-9, 1e-2, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4][below(8) as usize];
            (scale * (below(200) as f32 - 100.0), if below(20) == 0 { 0.0 } else { scale })
        })
        .collect();
    for _ in 0..samples {
        for (offset, scale) in &levels {
            let sample = offset + scale * (below(2_000_001) as f32 / 1e6 - 1.0);
            bytes.extend_from_slice(&sample.to_le_bytes());
        }
    }
    let data = folder.join(format!("{index:03}.eeg"));
    fs::write(&data, bytes).unwrap();
    let names: Vec<String> = (0..channels).map(|channel| format!("Ch {channel}")).collect();
    let events = if below(4) == 0 { 0 } else { below(40) };
    let mut markers: Vec<Marker> = (0..events)
        .map(|event| Marker {
            sample: below(samples),
            length: below(3) * below(100),
            description: format!("{} {event}", ["T1", "größer, länger", "a/b"][event as usize % 3]),
        })
        .collect();
    markers.sort_by_key(|marker| marker.sample);
    let year = [1951, 1985, 1999, 2009, 2084, 2099][below(6) as usize];
    let start = format!("{year}0812161501{:06}", below(2) * below(1_000_000));
    let header = Header {
        channel_names: &names,
        sample_rate_hz: rate_hz,
        samples,
        markers: &markers,
        start: (below(5) > 0).then_some(start.as_str()),
    };
    write_header(&data, &header).unwrap()
}

/// The first `samples` samples of a recording, and the events in them, as BrainVision.
fn shortened(folder: &Path, source: &Recording, samples: u64) -> PathBuf {
    let data = folder.join("shortened.eeg");
    let bytes = fs::read(&source.data_path).unwrap();
    fs::write(&data, &bytes[..samples as usize * source.channels() * 4]).unwrap();
    let at = |seconds: f64| (seconds * source.sample_rate_hz).round() as u64;
    let markers: Vec<Marker> = source
        .events
        .iter()
        .filter(|event| at(event.onset_s) < samples)
        .map(|event| Marker {
            sample: at(event.onset_s),
            length: event.duration_s.map_or(0, at),
            description: event.label.clone(),
        })
        .collect();
    let header = Header {
        channel_names: &source.channel_names,
        sample_rate_hz: source.sample_rate_hz,
        samples,
        markers: &markers,
        start: source.start.as_deref(),
    };
    write_header(&data, &header).unwrap()
}

fn open(path: &Path) -> Recording {
    Recording::open(path, &OpenOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn samples(recording: &mut Recording) -> Vec<f32> {
    let mut all = vec![0.0; recording.samples as usize * recording.channels()];
    assert_eq!(recording.read(&mut all).unwrap() as u64, recording.samples);
    all
}

/// Half a step of each channel, and what float32 adds: half a unit in the last place of the
/// largest value.
fn tolerances(rows: &[f32], channels: usize, bits: u32) -> Vec<f64> {
    let of = |channel| {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for sample in rows.iter().skip(channel).step_by(channels) {
            (low, high) = (low.min(f64::from(*sample)), high.max(f64::from(*sample)));
        }
        if low == high {
            (low, high) = (low - 1.0, high + 1.0);
        }
        // The limits are rounded outwards to eight characters, at worst to whole microvolts, and
        // where they are tiny to two digits.
        let largest = low.abs().max(high.abs());
        let outwards = 2.0 * f64::max(1e-6, largest * 1e-5).min(largest * 0.1).min(1.0);
        let half_step = (high - low + outwards) / f64::from((1_u32 << bits) - 1) / 2.0;
        half_step + largest * f64::from(f32::EPSILON) / 2.0
    };
    (0..channels).map(of).collect()
}

#[test]
fn two_hundred_random_recordings_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut list = String::new();
    let (mut refused, mut inexact) = (0, 0);
    for index in 0..200 {
        let (format, extension, bits) =
            if index % 2 == 0 { ("edf", "edf", 16) } else { ("bdf", "bdf", 24) };
        let source = random(folder.path(), index);
        let mut source = open(&source);
        let target = folder.path().join(format!("{index:03}.{extension}"));
        let writing = Writing::default();
        let mut written = convert(&mut source, &target, writing, &Progress::new());
        if let Err(error) = &written {
            // A rate that no division gives: the length that is named has one.
            refused += 1;
            let error = error.to_string();
            assert!(error.contains("equal records gives"), "{index}: {error}");
            let fewer = error.split_once("its first ").and_then(|(_, rest)| rest.split_once(' '));
            let fewer = fewer.unwrap_or_else(|| panic!("{index}: {error}")).0.parse().unwrap();
            source = open(&shortened(folder.path(), &source, fewer));
            written = convert(&mut source, &target, Writing::default(), &Progress::new());
        }
        let written = written.unwrap_or_else(|error| panic!("{index}: {error}"));
        assert_eq!(written.format.key, format);
        source.rewind();
        let expected = samples(&mut source);
        let mut back = open(&target);
        assert_eq!(back.notes, Vec::<String>::new(), "{index}");
        assert_eq!(back.channel_names, source.channel_names);
        // A record's length has whole microseconds and at most seven digits: where the number of
        // samples does not divide well, the rate is off by at most a millionth, and told.
        let exact = back.sample_rate_hz == source.sample_rate_hz;
        let told = |what| written.warnings.iter().any(|warning| warning.contains(what));
        assert_eq!(exact, !told("the header has the sample rate"), "{index}");
        let off = (back.sample_rate_hz / source.sample_rate_hz - 1.0).abs();
        assert!(off <= 1e-6, "{index}: off by {off}");
        inexact += usize::from(!exact);
        assert_eq!((back.samples, back.format.key), (source.samples, format), "{index}");
        let early = source.start.as_deref().is_some_and(|start| !("1985".."2085").contains(&start));
        assert_eq!(early, told("the start in "), "{index}");
        assert_eq!(back.start, source.start.clone().filter(|_| !early), "{index}");
        let tolerances = tolerances(&expected, source.channels(), bits);
        for (at, (have, want)) in samples(&mut back).iter().zip(&expected).enumerate() {
            let (have, want) = (f64::from(*have), f64::from(*want));
            let tolerance = tolerances[at % tolerances.len()];
            assert!((have - want).abs() <= tolerance, "{index}: {have} for {want}, {tolerance}");
        }
        // Markers have whole samples: they come back to a hundredth, whatever the rate.
        let events = |recording: &Recording| -> Vec<_> {
            let key = |event: &cortex_host::recording::events::Event| {
                let at = |seconds: f64| (seconds * recording.sample_rate_hz * 1e2).round() as i64;
                (at(event.onset_s), event.duration_s.map(at), event.label.clone())
            };
            recording.events.iter().map(key).collect()
        };
        assert_eq!(events(&back), events(&source), "{index}");

        let name = target.file_name().unwrap().to_str().unwrap();
        let _ = writeln!(list, "{name}\t{}\t{}", back.sample_rate_hz, source.samples);
        let raw: Vec<u8> = expected.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        fs::write(folder.path().join(format!("{name}.f32")), raw).unwrap();
        let bounds: Vec<String> = tolerances.iter().map(|bound| format!("{bound:e}")).collect();
        let start = back.start.clone().unwrap_or_default();
        let mut told =
            format!("{}\n{}\n{start}\n", source.channel_names.join("\t"), bounds.join("\t"));
        for event in &back.events {
            let duration = event.duration_s.unwrap_or(0.0);
            let _ = writeln!(told, "{}\t{duration}\t{}", event.onset_s, event.label);
        }
        fs::write(folder.path().join(format!("{name}.txt")), told).unwrap();
    }
    // 1 in 100 is no check of either.
    assert!(refused > 2 && inexact > 2, "{refused} refused, {inexact} inexact");
    fs::write(folder.path().join("list.tsv"), list).unwrap();
    let Some(run) = oracle("edf_written.py", &[folder.path().as_os_str()]) else { return };
    assert_eq!(stdout_of(&run, 0).trim(), "200 files");
}

#[test]
fn what_has_no_place_in_a_header_is_refused_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, names: &[&str], rows: &[f32], rate_hz: f64| -> PathBuf {
        let data = folder.path().join(name).with_extension("eeg");
        let bytes: Vec<u8> = rows.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        fs::write(&data, bytes).unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let samples = (rows.len() / names.len()) as u64;
        let header = Header {
            channel_names: &names,
            sample_rate_hz: rate_hz,
            samples,
            markers: &[],
            start: None,
        };
        write_header(&data, &header).unwrap()
    };
    let target = folder.path().join("out.edf");
    let convert = |source: &Path| {
        let written = convert(&mut open(source), &target, Writing::default(), &Progress::new());
        written.map(|written| written.warnings).map_err(|error| error.to_string())
    };
    for (source, sentence) in [
        (write("nan", &["C3"], &[1.0, f32::NAN], 250.0), "sample 1 of C3 is NaN"),
        (write("large", &["C3"], &[1.0, 1e9], 250.0), "C3 reaches from 1 to 1000000000 µV"),
        (
            write("alike", &["electrode number 1a", "electrode number 1b"], &[0.0, 1.0], 250.0),
            "more than one channel would become \"electrode number\"",
        ),
        (write("reserved", &["EDF Annotations"], &[0.0], 250.0), "read as annotations"),
        // A thirtieth of a second is no decimal.
        (
            write("short", &["C3"], &[0.5; 1000], 30_000.0),
            "gives 30000 Hz; its first 999 samples could be",
        ),
    ] {
        let error = convert(&source).unwrap_err();
        assert!(error.contains(sentence), "{error}");
        assert!(!target.exists(), "half a file is left");
    }
    let warnings = convert(&write("micro", &["µ"], &[0.0, 1.0], 250.0)).unwrap();
    assert_eq!(warnings, ["labels have 16 ASCII characters: µ → _"]);
    let again = convert(&write("again", &["C3"], &[0.0, 1.0], 250.0)).unwrap_err();
    assert!(again.contains("--force"), "{again}");
}

#[test]
fn a_long_prime_length_keeps_rate_and_events() {
    let folder = tempfile::tempdir().unwrap();
    // 40 channels of 153607 samples: 12.3 MB, beyond the 10 MiB of a record that EDFlib takes.
    let (channels, samples) = (40, 153_607_u64);
    let data = folder.path().join("long.eeg");
    fs::write(&data, vec![0; channels * samples as usize * 4]).unwrap();
    let names: Vec<String> = (0..channels).map(|channel| format!("C{channel}")).collect();
    let markers: Vec<Marker> = (0..samples)
        .step_by(256)
        .chain([samples - 1])
        .map(|sample| Marker { sample, length: 1, description: "T".to_owned() })
        .collect();
    let header = Header {
        channel_names: &names,
        sample_rate_hz: 256.0,
        samples,
        markers: &markers,
        start: None,
    };
    let mut source = open(&write_header(&data, &header).unwrap());
    let target = folder.path().join("long.edf");
    let written = convert(&mut source, &target, Writing::default(), &Progress::new()).unwrap();
    let [size, rate] = written.warnings.as_slice() else { panic!("{:?}", written.warnings) };
    assert!(size.contains("EDFlib") && size.contains("its first 153604 samples"), "{size}");
    assert!(rate.contains("events stay at their samples"), "{rate}");
    let back = open(&target);
    assert!((back.sample_rate_hz / 256.0 - 1.0).abs() <= 1e-6, "{}", back.sample_rate_hz);
    let at = |recording: &Recording| -> Vec<f64> {
        recording.events.iter().map(|event| event.onset_s * recording.sample_rate_hz).collect()
    };
    assert_eq!((back.samples, back.events.len()), (samples, markers.len()));
    for (have, want) in at(&back).into_iter().zip(at(&source)) {
        // Onsets are rounded to a nanosecond.
        assert!((have - want).abs() < 1e-6, "{have} for {want}");
    }
    // Who knows the true rate gets it, and the onsets as they were.
    let options = |rate_hz| OpenOptions { sample_rate_hz: Some(rate_hz), ..OpenOptions::default() };
    let back = Recording::open(&target, &options(256.0)).unwrap();
    assert_eq!(back.sample_rate_hz, 256.0);
    for (have, want) in back.events.iter().zip(&source.events) {
        assert!((have.onset_s - want.onset_s).abs() < 2e-9, "{have:?} for {want:?}");
    }
    assert!(Recording::open(&target, &options(256.001)).is_err());
}

#[test]
fn many_markers_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("many.eeg");
    fs::write(&data, vec![0; 10_007 * 4]).unwrap();
    let markers: Vec<Marker> = (0..120_000)
        .map(|index| Marker {
            sample: index * 10_006 / 120_000,
            length: 1,
            description: format!("Stimulus {index}"),
        })
        .collect();
    let names = ["C3".to_owned()];
    let target = folder.path().join("many.edf");
    let write = |sample_rate_hz| {
        let header = Header {
            channel_names: &names,
            sample_rate_hz,
            samples: 10_007,
            markers: &markers,
            start: None,
        };
        let mut source = open(&write_header(&data, &header).unwrap());
        convert(&mut source, &target, Writing::default(), &Progress::new())
    };
    let error = write(256.0).unwrap_err().to_string();
    assert!(error.contains("room for 120000 events; its first 10004 samples could be"), "{error}");
    write(250.0).unwrap();
    assert_eq!(open(&target).events.len(), 120_000);
}

#[test]
fn more_channels_than_a_common_reader_takes_are_told() {
    let folder = tempfile::tempdir().unwrap();
    for (channels, told) in [(639, 0), (640, 1)] {
        let data = folder.path().join(format!("{channels}.eeg"));
        fs::write(&data, vec![0; channels * 4 * 10]).unwrap();
        let names: Vec<String> = (0..channels).map(|channel| format!("C{channel}")).collect();
        let header = Header {
            channel_names: &names,
            sample_rate_hz: 100.0,
            samples: 10,
            markers: &[],
            start: None,
        };
        let mut source = open(&write_header(&data, &header).unwrap());
        let target = folder.path().join(format!("{channels}.edf"));
        let written = convert(&mut source, &target, Writing::default(), &Progress::new()).unwrap();
        assert_eq!(written.warnings.len(), told, "{:?}", written.warnings);
        assert!(written.warnings.iter().all(|warning| warning.contains("EDFlib")));
    }
}
