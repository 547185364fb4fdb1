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
