//! What belongs to a file that is replaced goes with it: nothing that was known of older samples is
//! taken for what is known of new ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cortex_tests::{cortex_host, stderr_of, stdout_of};
use serde_json::Value;

const EEG: &str = "generate eeg 4 200 4 --paradigm=p300";
const FRONT_END: &str = "--front-end-converter=intan_rhd";

fn host(arguments: &str, folder: &Path) -> std::process::Output {
    let mut command = cortex_host();
    command.args(arguments.split_whitespace()).current_dir(folder).output().unwrap()
}

fn done(arguments: &str, folder: &Path) -> String {
    stdout_of(&host(arguments, folder), 0)
}

fn facts(arguments: &str, folder: &Path) -> Value {
    serde_json::from_str(&done(&format!("{arguments} --json"), folder)).unwrap()
}

/// The files of `folder` by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    files(folder).into_keys().collect()
}

#[test]
fn a_conversion_over_a_generated_file_leaves_nothing_of_it() {
    let inputs = tempfile::tempdir().unwrap();
    done("generate pink_noise 2 160 1 in.edf", inputs.path());
    done(&format!("generate eeg 2 160 1 in.i16 {FRONT_END}"), inputs.path());
    for (name, written) in [
        ("x.edf", &["x.edf"][..]),
        ("x.bdf", &["x.bdf"]),
        // EDF+ keeps events, if only none.
        ("x.npy", &["x.npy", "x_events.tsv"]),
        ("x.i16", &["x.i16", "x.i16.json"]),
        ("x.float32", &["x.float32", "x.vhdr", "x.vmrk", "x_events.tsv"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        let codes = name == "x.i16";
        done(&format!("{EEG} {name} {FRONT_END}"), here);
        let old = names(here);
        for beside in ["x_events.tsv", "x_channels.tsv", "x.packets.npy"] {
            assert!(old.iter().any(|name| name == beside), "{old:?}");
        }
        let input = inputs.path().join(if codes { "in.i16" } else { "in.edf" });
        let convert = format!("convert {} {name}", input.display());
        stderr_of(&host(&convert, here), 2);
        done(&format!("{convert} --force"), here);
        assert_eq!(names(here), written, "{name}");
        if name == "x.npy" {
            // The array of NumPy says no rate; 200 Hz was that of the old one.
            assert!(stderr_of(&host("inspect x.npy", here), 2).contains("--rate"));
        } else {
            assert_eq!(facts(&format!("inspect {name}"), here)["sample_rate_hz"], 160.0);
        }
    }
}

#[test]
fn what_would_be_taken_for_the_new_data_is_refused_without_force() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    done("generate pink_noise 2 160 1 in.edf", here);
    for command in ["convert in.edf", "generate pink_noise 2 160 1"] {
        for (target, beside) in [
            ("x.edf", "x.edf.manifest.yaml"),
            ("x.npy", "x.npy.manifest.yaml"),
            ("x.bdf", "x_channels.tsv"),
            ("x.npy", "x.spikes.npy"),
            ("x.edf", "x_events.tsv"),
            ("x.float32 --npy", "x.npy.manifest.yaml"),
        ] {
            fs::write(here.join(beside), "old").unwrap();
            let before = files(here);
            let told = stderr_of(&host(&format!("{command} {target}"), here), 2);
            assert!(told.contains(&format!("{beside} exists already; choose another")), "{told}");
            assert_eq!(files(here), before, "{command} {target}");
            done(&format!("{command} {target} --force"), here);
            let kept = files(here).get(beside).is_some_and(|bytes| bytes == b"old");
            assert!(!kept, "{command} {target}: {beside} is still there");
            for name in names(here).iter().filter(|name| !name.starts_with("in.")) {
                fs::remove_file(here.join(name)).unwrap();
            }
        }
    }
}

#[test]
fn a_dataset_without_truth_replaces_one_with_truth() {
    for name in ["x.npy", "x.edf", "x.float32"] {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        done(&format!("generate spikes 4 30000 0.1 {name}"), here);
        assert!(here.join("x.spikes.npy").exists() && here.join("x_channels.tsv").exists());
        done(&format!("generate pink_noise 4 250 2 {name} --force"), here);
        let left = names(here);
        assert!(
            left.iter().all(|name| !name.contains('_') && !name.contains("spikes")),
            "{left:?}"
        );
        let shown = done(&format!("inspect {name}"), here);
        assert!(!shown.contains("unit 0") && !shown.contains("spikes"), "{shown}");
    }
}

/// The same recording in two formats side by side has one truth.
#[test]
fn a_conversion_beside_its_own_input_keeps_its_truth() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    done(&format!("{EEG} x.float32"), here);
    let before = files(here);
    for force in ["", " --force"] {
        done(&format!("convert x.float32 x.edf{force}"), here);
        let mut after = files(here);
        assert!(after.remove("x.edf").is_some());
        assert_eq!(after, before);
    }
}

#[test]
fn a_replacement_that_fails_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    done(&format!("{EEG} x.edf"), here);
    let before = files(here);
    // EDF has no place for NaN, which shows only when the samples are there.
    let told =
        stderr_of(&host("generate white_noise 4 200 4 x.edf --nan-rate=0.1 --force", here), 2);
    assert!(told.contains("is NaN"), "{told}");
    assert_eq!(files(here), before);
}

#[test]
fn reproduce_says_which_file_it_cannot_compare() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    done("generate pink_noise 2 160 1 x.edf", here);
    done("generate pink_noise 2 160 1 x.npy", here);
    let told = done("reproduce x.edf.manifest.yaml", here);
    assert!(told.contains("data file: x.edf not compared") && told.ends_with("\nreproduced\n"));
    let answer = facts("reproduce x.edf.manifest.yaml", here);
    assert_eq!((&answer["data_file"], &answer["not_compared"]), (&Value::Null, &"x.edf".into()));
    fs::remove_file(here.join("x.edf")).unwrap();
    assert!(done("reproduce x.edf.manifest.yaml", here).contains("none beside the manifest"));

    // An array holds the samples as they are.
    let told = done("reproduce x.npy.manifest.yaml", here);
    assert!(told.contains("of the samples of x.npy: equal"), "{told}");
    let answer = facts("reproduce x.npy.manifest.yaml", here);
    assert_eq!((&answer["data_file"], &answer["not_compared"]), (&"x.npy".into(), &Value::Null));
    let mut bytes = fs::read(here.join("x.npy")).unwrap();
    bytes[500] ^= 1;
    fs::write(here.join("x.npy"), &bytes).unwrap();
    let told = stdout_of(&host("reproduce x.npy.manifest.yaml", here), 1);
    assert!(told.contains("of the samples of x.npy: DIFFERENT"), "{told}");
    fs::write(here.join("x.npy"), &bytes[..1000]).unwrap();
    let told = stderr_of(&host("reproduce x.npy.manifest.yaml", here), 3);
    assert!(told.contains("the file is not whole"), "{told}");
}
