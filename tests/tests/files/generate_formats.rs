//! Datasets generated into every format that recordings have, and into BIDS data sets.

use std::fs;
use std::path::Path;

use cortex_host::base::Progress;
use cortex_host::recording::{OpenOptions, Recording};
use cortex_tests::{cortex_host, stderr_of, stdout_of};
use serde_json::Value;

/// Half a minute of a task with blinks and a bad channel: events, channels and their state.
const EEG: &str = "generate eeg 8 250 4 --paradigm=p300 --blinks-per-min=30 --bad-channel-rate=0.4";

fn host(arguments: &str, folder: &Path) -> std::process::Output {
    let mut command = cortex_host();
    command.args(arguments.split_whitespace()).current_dir(folder).output().unwrap()
}

fn facts(arguments: &str, folder: &Path) -> Value {
    serde_json::from_str(&stdout_of(&host(&format!("{arguments} --json"), folder), 0)).unwrap()
}

fn samples(path: &Path, options: &OpenOptions) -> (Recording, Vec<f32>) {
    let mut recording = Recording::open(path, options).unwrap();
    let mut all = vec![0.0; recording.samples as usize * recording.channels()];
    assert_eq!(recording.read(&mut all).unwrap() as u64, recording.samples);
    (recording, all)
}

#[test]
fn every_format_holds_the_same_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let here = |name: &str| folder.path().join(name);
    let raw = facts(&format!("{EEG} raw.float32"), folder.path());
    assert_eq!(raw["format"], "float32");
    let (_, expected) = samples(&here("raw.float32"), &OpenOptions::default());
    let names: Vec<&str> = vec!["Fp1", "Fpz"];
    for (name, format, bits) in [
        ("a.edf", "edf", 16),
        ("b.bdf", "bdf", 24),
        ("c.vhdr", "brainvision", 32),
        ("d.npy", "npy", 32),
    ] {
        let made = facts(&format!("{EEG} {name}"), folder.path());
        assert_eq!(made["format"], format);
        assert_eq!(made["blake3"], raw["blake3"], "{name}: digests are of the samples");
        let data = here(made["data"].as_str().unwrap());
        assert_eq!(made["bytes"], fs::metadata(&data).unwrap().len(), "{name}");
        let manifest = made["manifest"].as_str().unwrap();
        let again = facts(&format!("reproduce {manifest}"), folder.path());
        assert_eq!(again["reproduced"], true, "{name}: {again}");

        // An array does not say its rate.
        let sample_rate_hz = (format == "npy").then_some(250.0);
        let options = OpenOptions { sample_rate_hz, ..OpenOptions::default() };
        let (recording, found) = samples(&here(name), &options);
        assert_eq!((recording.samples, recording.sample_rate_hz), (1000, 250.0), "{name}");
        // What a format has no place for stands in the tables beside it.
        assert_eq!(recording.channel_names[..2], names, "{name}");
        assert!(recording.events.len() > 4, "{name}: {:?}", recording.events);
        for channel in 0..8 {
            let of = |all: &[f32]| -> Vec<f64> {
                all.iter().skip(channel).step_by(8).map(|value| f64::from(*value)).collect()
            };
            let (found, expected) = (of(&found), of(&expected));
            let low = expected.iter().copied().fold(f64::INFINITY, f64::min);
            let high = expected.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            // Half a step of the channel's range, whose limits are rounded outwards by 1e-4 µV at
            // most (eight characters, below 1000), and the rounding to float32 when read.
            let bound = match bits {
                32 => 0.0,
                // A flat channel has one value, and is given a range of 2 µV.
                _ if low == high => 1.0 / 65_535.0,
                bits => {
                    (high - low + 2e-4) / f64::from((1_u32 << bits) - 1) / 2.0
                        + high.abs().max(low.abs()) * f64::from(f32::EPSILON) / 2.0
                }
            };
            for (have, want) in found.iter().zip(&expected) {
                assert!((have - want).abs() <= bound, "{name}: {have} for {want}, {bound}");
            }
        }
        assert_eq!(
            fs::read_to_string(here(&format!("{}_events.tsv", &name[..1]))).unwrap(),
            fs::read_to_string(here("raw_events.tsv")).unwrap(),
            "{name}"
        );
        let taken = stderr_of(&host(&format!("{EEG} {name}"), folder.path()), 2);
        assert!(taken.contains("--force"), "{taken}");
        stdout_of(&host(&format!("{EEG} {name} --force"), folder.path()), 0);
    }
    let named = facts(&format!("{EEG} e --format edf"), folder.path());
    assert_eq!(named["format"], "edf");
    assert_eq!(fs::read(here("e")).unwrap(), fs::read(here("a.edf")).unwrap());
}

#[test]
fn a_manifest_becomes_an_edf_and_the_library_writes_one() {
    let folder = tempfile::tempdir().unwrap();
    let here = |name: &str| folder.path().join(name);
    stdout_of(&host("generate pink_noise 3 160 2 x.float32", folder.path()), 0);
    stdout_of(&host("generate --from x.float32.manifest.yaml x.bdf", folder.path()), 0);
    let dataset = cortex_host::generate("pink_noise")
        .channels(3)
        .sample_rate_hz(160.0)
        .set("duration_s", 2)
        .build()
        .unwrap();
    let manifest = dataset.write(here("y.bdf")).unwrap();
    assert_eq!(manifest.warnings(), <[String; 0]>::default());
    assert_eq!(fs::read(here("x.bdf")).unwrap(), fs::read(here("y.bdf")).unwrap());
    let reproduced = cortex_host::reproduce(here("y.bdf.manifest.yaml"), &Progress::new()).unwrap();
    assert!(reproduced.reproduced);
}

#[test]
fn what_a_format_cannot_hold_is_refused_or_told_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let nan = "generate pink_noise 2 160 4 nan.edf --primitive primitives/datasets/v2/synthetic \
               --nan-rate 0.1";
    let error = stderr_of(&host(nan, folder.path()), 2);
    assert!(error.contains("is NaN") && error.contains("write float32 instead"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something was left");
    // 1001 samples at a rate of many digits: told, not hidden.
    let rate = "generate pink_noise 1 333.123456789 3 odd.edf";
    let said = stderr_of(&host(rate, folder.path()), 0);
    assert!(said.contains("odd.edf: the header has the sample rate"), "{said}");
}

#[test]
fn a_data_set_gets_recording_tables_and_sources() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    let place = "--bids set --subject 01 --task p300";
    for format in ["brainvision", "edf"] {
        let run = if format == "edf" { " --run 2 --format edf" } else { "" };
        let made = facts(&format!("{EEG} {place}{run}"), folder.path());
        assert_eq!(made["format"], format);
        let stem = if format == "edf" { "sub-01_task-p300_run-2" } else { "sub-01_task-p300" };
        let table = |what: &str| {
            fs::read_to_string(set.join(format!("sub-01/eeg/{stem}_{what}.tsv"))).unwrap()
        };
        assert!(table("events").contains("\tstandard\n"), "{}", table("events"));
        let channels = table("channels");
        assert!(channels.contains("\tEEG\tµV\t250\tgood\tn/a\n"), "{channels}");
        assert!(channels.contains("\tbad\t"), "{channels}");
        let source = format!("set/sourcedata/sub-01/eeg/{stem}_eeg.manifest.yaml");
        assert_eq!(made["manifest"], Value::from(source.clone()));
        let again = facts(&format!("reproduce {source}"), folder.path());
        assert_eq!(again["reproduced"], true, "{again}");
    }
    let taken = stderr_of(&host(&format!("{EEG} {place}"), folder.path()), 2);
    assert!(taken.contains("--force"), "{taken}");
    stdout_of(&host(&format!("{EEG} {place} --force"), folder.path()), 0);
    // Nothing that BIDS has no name for lies among its files, hidden or not.
    for entry in fs::read_dir(set.join("sub-01/eeg")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with("sub-01_task-p300_"), "{name}");
    }
}
