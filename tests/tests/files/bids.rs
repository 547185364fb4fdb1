//! Recordings written into BIDS data sets, read with MNE-BIDS and looked at by the BIDS validator.

use std::fs;
use std::path::Path;
use std::process::Command;

use cortex_tests::skip::{Need, skip};
use cortex_tests::{cortex_host, oracle, real_recordings, stderr_of, stdout_of};
use serde_json::Value;

fn convert(input: &Path, set: &Path, more: &[&str]) -> std::process::Output {
    let mut command = cortex_host();
    command.arg("convert").arg(input).arg("--bids").arg(set).args(more);
    command.output().unwrap()
}

/// A second of an array, four channels.
fn array(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("a.npy");
    let mut bytes = cortex_host::recording::npy::header_bytes(&[100, 4]);
    bytes.extend((0..400_u16).flat_map(|n| (f32::from(n % 37) - 18.0).to_le_bytes()));
    fs::write(&path, bytes).unwrap();
    path
}

/// The BIDS validator, which lies beside the oracles' Python, has nothing but recommendations.
fn no_errors(set: &Path) {
    let python = std::env::var_os("CORTEX_ORACLE_PYTHON").unwrap_or_default();
    let validator = Path::new(&python).with_file_name("bids-validator-deno");
    if !validator.is_file() {
        skip(Need::Oracle, &format_args!("{} is not there", validator.display()));
        return;
    }
    let run = Command::new(validator).arg(set).arg("--json").output().unwrap();
    let found: Value = serde_json::from_slice(&run.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&run.stderr));
    });
    let issues = found["issues"]["issues"].as_array().unwrap();
    // It has looked: a set like this has always something that is recommended.
    assert!(issues.iter().any(|issue| issue["severity"] == "warning"), "{found:#}");
    let errors: Vec<_> = issues.iter().filter(|issue| issue["severity"] == "error").collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(found["summary"]["subjects"].as_array().map(Vec::len), Some(4), "{found:#}");
}

#[test]
fn names_and_companions_are_those_of_bids() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    let input = array(folder.path());
    let entities = ["--rate", "100", "--subject", "01", "--session", "pre", "--task", "rest"];
    stdout_of(&convert(&input, &set, &entities), 0);
    let beside =
        |suffix: &str| set.join(format!("sub-01/ses-pre/eeg/sub-01_ses-pre_task-rest_{suffix}"));
    for suffix in ["eeg.vhdr", "eeg.vmrk", "eeg.eeg", "eeg.json", "channels.tsv"] {
        assert!(beside(suffix).is_file(), "{suffix}");
    }
    assert!(!beside("events.tsv").exists(), "an array keeps no events");
    let text = fs::read_to_string(set.join("participants.tsv")).unwrap();
    assert_eq!(text, "participant_id\nsub-01\n");

    // A second subject, with a column that somebody has added.
    fs::write(set.join("participants.tsv"), "participant_id\tage\nsub-01\t33").unwrap();
    let other = ["--rate", "100", "--subject", "02", "--task", "rest", "--format", "bdf"];
    stdout_of(&convert(&input, &set, &other), 0);
    let text = fs::read_to_string(set.join("participants.tsv")).unwrap();
    assert_eq!(text, "participant_id\tage\nsub-01\t33\nsub-02\tn/a\n");
    assert!(set.join("sub-02/eeg/sub-02_task-rest_eeg.bdf").is_file());

    let again = stderr_of(&convert(&input, &set, &other), 2);
    assert!(again.contains("--force"), "{again}");
    let label = convert(&input, &set, &["--rate", "100", "--subject", "0_1", "--task", "rest"]);
    assert!(stderr_of(&label, 2).contains("letters and digits"));
    let format = ["--rate", "100", "--subject", "3", "--task", "rest", "--format", "npy"];
    assert!(stderr_of(&convert(&input, &set, &format), 2).contains("BIDS knows"));
    assert!(!set.join("sub-3").exists());
}

#[test]
fn mne_bids_reads_equal_samples_and_events() {
    let Some(data) = real_recordings() else { return };
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    let input = data.join("S001R03.edf");
    for (subject, format) in [("1", "brainvision"), ("2", "edf"), ("3", "bdf")] {
        let entities = ["--subject", subject, "--task", "motor", "--run", "3", "--format", format];
        stdout_of(&convert(&input, &set, &entities), 0);
    }
    let generate = |place: &[&str]| {
        let parameters = ["generate", "eeg", "8", "250", "20", "--paradigm=p300"];
        let more = ["--blinks-per-min=20", "--bad-channel-rate=0.4"];
        let run = cortex_host()
            .args(parameters)
            .args(more)
            .args(place)
            .current_dir(folder.path())
            .output()
            .unwrap();
        stdout_of(&run, 0);
    };
    generate(&["p300.float32"]);
    let entities = ["--subject", "4", "--task", "motor", "--run", "3", "--format", "bdf"];
    generate(&[&["--bids", "set"], &entities[..]].concat());
    let generated = folder.path().join("p300.float32");
    let arguments = [set.as_os_str(), input.as_os_str(), generated.as_os_str()];
    let Some(run) = oracle("bids_reads.py", &arguments) else { return };
    assert_eq!(stdout_of(&run, 0).trim(), "4 recordings");
    no_errors(&set);
}

/// The files of a folder and below, with their bytes.
fn all_files(folder: &Path) -> std::collections::BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut all = std::collections::BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(all_files(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

fn host(arguments: &str, folder: &Path) -> std::process::Output {
    let mut command = cortex_host();
    command.args(arguments.split_whitespace()).current_dir(folder).output().unwrap()
}

/// One recording has one format, and goes with its sources.
#[test]
fn a_recording_in_another_format_is_refused_or_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    array(folder.path());
    let place = "--bids set --subject 01 --task rest";
    let generate = format!("generate eeg 2 200 2 --paradigm=p300 {place}");
    stdout_of(&host(&generate, folder.path()), 0);
    let old = all_files(&set);
    let convert = format!("convert a.npy --rate 100 {place} --format edf");
    let told = stderr_of(&host(&convert, folder.path()), 2);
    assert!(told.contains("exists already"), "{told}");
    assert_eq!(all_files(&set), old);
    stdout_of(&host(&format!("{convert} --force"), folder.path()), 0);
    let stem = "sub-01/eeg/sub-01_task-rest";
    let beside = |suffix: &str| set.join(format!("{stem}_{suffix}"));
    let names: Vec<_> = all_files(&set).into_keys().collect();
    // An array has no events.
    let mut expected = ["channels.tsv", "eeg.edf", "eeg.json"].map(beside).to_vec();
    let whole = ["README.md", "dataset_description.json", "participants.tsv"];
    expected.extend(whole.map(|name| set.join(name)));
    expected.sort();
    assert_eq!(names, expected);

    // The other file alone is enough to be refused; what is read is never removed.
    for table in ["channels.tsv", "eeg.json"] {
        fs::remove_file(beside(table)).unwrap();
    }
    let old = all_files(&set);
    let told = stderr_of(&host(&generate, folder.path()), 2);
    assert!(told.contains("rest_eeg.edf exists already"), "{told}");
    let own = format!("convert set/{stem}_eeg.edf {place} --format bdf --force");
    let told = stderr_of(&host(&own, folder.path()), 2);
    assert!(told.contains("its own input"), "{told}");
    assert_eq!(all_files(&set), old);
}

#[test]
fn a_conversion_that_fails_leaves_the_recording_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    let place = "--bids set --subject 01 --task rest --format edf";
    let generate = format!("generate eeg 2 200 2 --paradigm=p300 {place}");
    stdout_of(&host(&generate, folder.path()), 0);
    assert!(set.join("sub-01/eeg/sub-01_task-rest_events.tsv").exists());
    let old = all_files(&set);
    // EDF has no place for NaN.
    let mut bytes = cortex_host::recording::npy::header_bytes(&[100, 2]);
    bytes.extend((0..200).flat_map(|_| f32::NAN.to_le_bytes()));
    fs::write(folder.path().join("nan.npy"), bytes).unwrap();
    let convert = format!("convert nan.npy --rate 100 {place} --force");
    let told = stderr_of(&host(&convert, folder.path()), 2);
    assert!(told.contains("is NaN"), "{told}");
    assert_eq!(all_files(&set), old);
}

#[test]
fn the_table_has_the_labels_that_the_recording_has() {
    let folder = tempfile::tempdir().unwrap();
    let header = "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nCodepage=UTF-8\n\
                  DataFile=a.eeg\nNumberOfChannels=2\nSamplingInterval=10000\n[Binary Infos]\n\
                  BinaryFormat=IEEE_FLOAT_32\n[Channel Infos]\nCh1=Electrode number one,,1,uV\n\
                  Ch2=Möbius,,1,uV\n";
    fs::write(folder.path().join("a.vhdr"), header).unwrap();
    let samples: Vec<u8> = (0..200_u8).flat_map(|n| f32::from(n).to_le_bytes()).collect();
    fs::write(folder.path().join("a.eeg"), samples).unwrap();
    for (format, names) in [
        ("edf", ["Electrode number", "M_bius"]),
        ("bdf", ["Electrode number", "M_bius"]),
        ("brainvision", ["Electrode number one", "Möbius"]),
    ] {
        let place = format!("--bids set --subject {format} --task rest --format {format}");
        stdout_of(&host(&format!("convert a.vhdr {place}"), folder.path()), 0);
        let stem = format!("set/sub-{format}/eeg/sub-{format}_task-rest");
        let table = fs::read_to_string(folder.path().join(format!("{stem}_channels.tsv"))).unwrap();
        let column: Vec<&str> =
            table.lines().skip(1).map(|line| line.split('\t').next().unwrap()).collect();
        assert_eq!(column, names, "{format}");
        let extension = if format == "brainvision" { "vhdr" } else { format };
        let options = cortex_host::recording::OpenOptions::default();
        let written = folder.path().join(format!("{stem}_eeg.{extension}"));
        let recording = cortex_host::recording::Recording::open(&written, &options).unwrap();
        assert_eq!(recording.channel_names, names, "{format}");
    }
}

#[test]
fn a_set_that_cannot_be_added_to_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    let input = array(folder.path());
    let entities = ["--rate", "100", "--subject", "01", "--task", "rest"];
    let participants = set.join("participants.tsv");
    fs::create_dir(&set).unwrap();
    fs::write(&participants, b"participant_id\tname\nsub-02\tJ\xf6rg\n").unwrap();
    for said in ["it is not in UTF-8", "cannot read"] {
        let told = stderr_of(&convert(&input, &set, &entities), 3);
        assert!(told.contains("participants.tsv") && told.contains(said), "{told}");
        assert_eq!(fs::read_dir(&set).unwrap().count(), 1, "something was written");
        // Then a folder of that name.
        let _ = fs::remove_file(&participants);
        let _ = fs::create_dir(&participants);
    }

    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    for more in [&[][..], &["--force"]] {
        let told = stderr_of(&convert(&input, &file, &[&entities[..], more].concat()), 2);
        assert!(told.contains("file is a file, but --bids"), "{told}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}
