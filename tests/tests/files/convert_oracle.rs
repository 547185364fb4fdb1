//! Converted recordings against edfio, MNE and NumPy.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use cortex_tests::{cortex_host, oracle, real_recordings, stdout_of};

fn convert(input: &Path, output: &Path, more: &[&str]) {
    let run = cortex_host().arg("convert").args([input, output]).args(more).output().unwrap();
    stdout_of(&run, 0);
}

#[test]
fn awkward_edf_and_bdf_files_are_bit_equal_to_edfio() {
    let folder = tempfile::tempdir().unwrap();
    let Some(run) = oracle("edf_awkward.py", &[folder.path().as_os_str()]) else { return };
    stdout_of(&run, 0);
    let mut checked = 0;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let input = entry.unwrap().path();
        if !matches!(input.extension().and_then(OsStr::to_str), Some("edf" | "bdf")) {
            continue;
        }
        let output = input.with_extension("float32");
        convert(&input, &output, &[]);
        let same =
            fs::read(&output).unwrap() == fs::read(input.with_extension("expected")).unwrap();
        assert!(same, "{} differs from edfio", input.display());

        // Our events against edfio's annotations, field by field.
        let expected = fs::read_to_string(input.with_extension("events")).unwrap();
        let stem = input.file_stem().unwrap().to_str().unwrap();
        let events = folder.path().join(format!("{stem}_events.tsv"));
        if expected.is_empty() {
            assert!(!events.exists(), "{}: plain EDF keeps no events", input.display());
            checked += 1;
            continue;
        }
        let ours = fs::read_to_string(events).unwrap();
        let number = |text: &str| text.parse::<f64>().ok();
        let fields = |line: &str| {
            let parts: Vec<&str> = line.split('\t').collect();
            (number(parts[0]), number(parts[1]), parts[2].to_owned())
        };
        let ours: Vec<_> = ours.lines().skip(1).map(fields).collect();
        let expected: Vec<_> = expected.lines().map(fields).collect();
        let mut sorted = ours.clone();
        sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
        assert_eq!(sorted, expected, "{}", input.display());
        checked += 1;
    }
    assert_eq!(checked, 7);
}

#[test]
fn the_real_recording_converts_to_the_known_bytes() {
    let Some(data) = real_recordings() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("S001R03.float32");
    convert(&data.join("S001R03.edf"), &output, &[]);
    let bytes = fs::read(&output).unwrap();
    assert_eq!(bytes.len(), 5_120_000);
    assert!(bytes == fs::read(data.join("S001R03.float32")).unwrap(), "made with MNE");
}

#[test]
fn mne_opens_the_converted_recording_and_equals_its_own_edf_reading() {
    let Some(data) = real_recordings() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut checks: Vec<OsString> = Vec::new();
    for name in ["S001R03", "S001R04"] {
        let input = data.join(format!("{name}.edf"));
        let output = folder.path().join(format!("{name}.float32"));
        convert(&input, &output, &["--npy"]);
        let vhdr = output.with_extension("vhdr");
        let npy = output.with_extension("npy");
        checks.extend(["edf".into(), input.into(), vhdr.into(), "+".into()]);
        checks.extend(["npy".into(), npy.into(), output.into(), "64".into(), "+".into()]);
    }
    checks.pop();
    let arguments: Vec<&OsStr> = checks.iter().map(OsString::as_os_str).collect();
    let Some(run) = oracle("mne_opens.py", &arguments) else { return };
    assert_eq!(stdout_of(&run, 0), "equal\n");
}

#[test]
fn numpy_arrays_of_every_order_and_type() {
    let folder = tempfile::tempdir().unwrap();
    let Some(run) = oracle("npy_write.py", &[folder.path().as_os_str()]) else { return };
    stdout_of(&run, 0);
    for kind in ["f4", "f8", "i2", "i4"] {
        for order in ["C", "F", "C-first", "F-first"] {
            let input = folder.path().join(format!("{kind}{order}.npy"));
            let output = input.with_extension("float32");
            let mut options = vec!["--rate", "100", "--quiet"];
            if order.ends_with("first") {
                options.push("--channels-first");
            }
            convert(&input, &output, &options);
            let same =
                fs::read(&output).unwrap() == fs::read(input.with_extension("expected")).unwrap();
            assert!(same, "{kind}{order}");
        }
    }
}

#[test]
fn mne_and_numpy_open_generated_datasets() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("made.float32");
    let mut checks: Vec<OsString> = Vec::new();
    // A thousand channels, and a rate whose interval is no whole number of microseconds.
    let mut generate = cortex_host();
    generate.args(["generate", "pink_noise", "1000", "256", "1"]).arg(&data).arg("--npy");
    stdout_of(&generate.output().unwrap(), 0);
    let (vhdr, npy) = (data.with_extension("vhdr"), data.with_extension("npy"));
    checks.extend(["raw".into(), data.clone().into(), "1000".into(), "256".into(), vhdr.into()]);
    checks.extend(["+".into(), "npy".into(), npy.into(), data.into(), "1000".into()]);
    let arguments: Vec<&OsStr> = checks.iter().map(OsString::as_os_str).collect();
    let Some(run) = oracle("mne_opens.py", &arguments) else { return };
    assert_eq!(stdout_of(&run, 0), "equal\n");
}
