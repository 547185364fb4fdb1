//! Files with what describes them beside them: a manifest, a header that names data of another
//! kind, nothing at all; and names that are none.

use std::fs;
use std::path::Path;
use std::process::Output;

use cortex_tests::{cortex_host, stderr_of, stdout_of};

fn cortex(folder: &Path, arguments: &[&str]) -> Output {
    cortex_host().args(arguments).current_dir(folder).env("HOME", folder).output().unwrap()
}

/// Runs `noop` on `dataset`, lines of YAML, and gives the exit code and what was said.
fn run(folder: &Path, dataset: &str) -> (i32, String) {
    let config = format!(
        "dataset: {{{dataset}}}\nkernels: [{{name: noop, window: 10, hop: 10}}]\n\
         execution: {{pace: max}}\noutput: {{directory: r}}\n"
    );
    fs::write(folder.join("c.yaml"), config).unwrap();
    let _ = fs::remove_dir_all(folder.join("r"));
    let output = cortex(folder, &["run", "c.yaml", "--name", "x"]);
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_run_takes_what_generate_wrote_in_any_format_and_keeps_its_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let here = |name: &str| folder.path().join(name);
    let spikes = ["generate", "spikes", "2", "10000", "0.1"];
    for (name, more) in [
        ("a.npy", &[][..]),
        ("b.vhdr", &[]),
        ("c.edf", &[]),
        ("d.i16", &["--front-end-converter", "intan_rhd"]),
    ] {
        stdout_of(&cortex(folder.path(), &[&spikes[..], &[name], more].concat()), 0);
        let (code, told) =
            run(folder.path(), &format!("path: {name}, channels: 2, sample_rate_hz: 10000"));
        assert_eq!(code, 0, "{name}: {told}");
        assert_eq!(told.contains("manifest rounded"), name == "c.edf", "{name}: {told}");
        let kept = here("r/x/dataset/generation_manifest.yaml");
        stdout_of(&cortex(folder.path(), &["reproduce", kept.to_str().unwrap()]), 0);
        // The samples that ran are shown, not those before they were rounded.
        let shown = stdout_of(&cortex(folder.path(), &["inspect", "r/x"]), 0);
        assert_eq!(shown.contains("c.edf: EDF,"), name == "c.edf", "{name}: {shown}");
    }
    // The manifest tells rate and unit, and that a sample was changed.
    let shown = stdout_of(&cortex(folder.path(), &["inspect", "a.npy"]), 0);
    assert!(shown.contains("2 channels × 1000 samples at 10000 Hz"), "{shown}");
    let mut changed = fs::read(here("a.npy")).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(here("a.npy"), changed).unwrap();
    let (code, told) = run(folder.path(), "path: a.npy, channels: 2, sample_rate_hz: 10000");
    assert!(code == 3 && told.contains("generate --from"), "{code} {told}");
    fs::remove_file(here("c.edf.manifest.yaml")).unwrap();
    assert_eq!(run(folder.path(), "path: c.edf, channels: 2, sample_rate_hz: 10000").0, 0);
    let told = stderr_of(&cortex(folder.path(), &["generate", "--from", "r/x", "z.npy"]), 3);
    assert!(told.contains("r/x: this run was made on a recording"), "{told}");
    let told = stderr_of(&cortex(folder.path(), &["generate", "--from", "r", "z.npy"]), 3);
    assert!(told.contains("r: there is no manifest in this folder"), "{told}");
    // A manifest of another dataset.
    stdout_of(&cortex(folder.path(), &["generate", "sine_wave", "2", "10000", "0.1", "h.edf"]), 0);
    fs::copy(here("h.edf.manifest.yaml"), here("e.npy.manifest.yaml")).unwrap();
    let mut array = cortex_host::recording::npy::header_bytes(&[500, 2]);
    array.extend(vec![0; 4000]);
    fs::write(here("e.npy"), array).unwrap();
    let told = stderr_of(&cortex(folder.path(), &["inspect", "e.npy"]), 2);
    assert!(told.contains("says 500 samples") && told.contains("says 1000"), "{told}");
    fs::copy(here("c.edf"), here("f.edf")).unwrap();
    stdout_of(&cortex(folder.path(), &["generate", "sine_wave", "2", "10000", "1", "g.edf"]), 0);
    fs::copy(here("g.edf.manifest.yaml"), here("f.edf.manifest.yaml")).unwrap();
    let (code, told) = run(folder.path(), "path: f.edf, channels: 2, sample_rate_hz: 10000");
    assert!(code == 3 && told.contains("2 channels × 1000 samples, but"), "{code} {told}");
}

#[test]
fn a_header_does_not_make_samples_of_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let header = "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\n\
                  DataFile=a.eeg\nNumberOfChannels=2\nSamplingInterval=4000\n\
                  [Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\nCh1=A\nCh2=B\n";
    fs::write(folder.path().join("a.vhdr"), header).unwrap();
    for (bytes, part) in [
        (&b"\x1f\x8b\x08\0\0\0\0\0\0\0\0\0"[..], "a gzip archive by its first bytes; unpack"),
        (b"/annex/objects/MD5E-s12--0.eeg\n\0", "a git-annex pointer, not the data"),
        (b"0       X X X X ", "it is EDF by its first bytes"),
    ] {
        fs::write(folder.path().join("a.eeg"), bytes).unwrap();
        for name in ["a.vhdr", "a.eeg"] {
            let told = stderr_of(&cortex(folder.path(), &["convert", name, "b.float32"]), 3);
            assert!(told.contains(part), "{name}: {told}");
        }
    }
    // Whole numbers that read as letters stay numbers.
    fs::write(folder.path().join("a.eeg"), b"abcdefghijkl").unwrap();
    stdout_of(&cortex(folder.path(), &["convert", "a.vhdr", "b.float32"]), 0);
    fs::remove_file(folder.path().join("a.eeg")).unwrap();
    let told = stderr_of(&cortex(folder.path(), &["inspect", "a.vhdr"]), 3);
    assert!(told.contains("a.vhdr: its DataFile") && told.contains("is not there"), "{told}");
    let offset = header.replace("INT_16", "INT_16\nDataOffset=12");
    fs::write(folder.path().join("a.vhdr"), offset).unwrap();
    fs::write(folder.path().join("a.eeg"), [0; 8]).unwrap();
    let told = stderr_of(&cortex(folder.path(), &["inspect", "a.vhdr"]), 3);
    assert!(told.contains("DataOffset \"12\" is not supported"), "{told}");
}

#[test]
fn a_run_tells_when_raw_samples_are_no_microvolts() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = "path: a.float32, channels: 2, sample_rate_hz: 100";
    let write = |bytes: Vec<u8>| fs::write(folder.path().join("a.float32"), bytes).unwrap();
    // Integers of 16 bits about 20,000: as float32 about 7e8.
    let counts = (0..400_u32).map(|n| 20_000 + (n * 37 % 200) as i16);
    write(counts.flat_map(i16::to_le_bytes).collect());
    let (code, told) = run(folder.path(), dataset);
    assert!(code == 0 && told.contains("taken as microvolts"), "{code} {told}");
    let eeg = (0..200_u32).map(|n| (n * 37 % 100) as f32 - 50.0);
    write(eeg.flat_map(f32::to_le_bytes).collect());
    let (code, told) = run(folder.path(), dataset);
    assert!(code == 0 && !told.contains("taken as microvolts"), "{code} {told}");
}

#[test]
fn names_that_are_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let made = ["generate", "sine_wave", "1", "100", "1", "a.float32"];
    stdout_of(&cortex(folder.path(), &made), 0);
    let again = ["generate", "--from=a.float32.manifest.yaml", "~/home/b.float32"];
    stdout_of(&cortex(folder.path(), &again), 0);
    assert!(folder.path().join("home/b.float32").is_file() && !folder.path().join("~").exists());
    for (arguments, part) in [
        (&["convert", "a.float32", "-"][..], "name a file in place of -"),
        (&["convert", "-", "b.npy"], "name a file in place of -"),
        (&["convert", "a.float32", "b.ahdr"], "no format that is written has the extension .ahdr"),
        (&["convert", "a.float32", "b\nc.float32"], "a name with a line break"),
        (&["run", "--name", "a/b"], "--name \"a/b\": give the name of a folder"),
        (&["inspect", "a.float32", "--fit-range", "40:1"], "the lower first"),
        (&["run", "--set", "dataset.channels="], "it has no value"),
        (&["sweep", "--vary", "dataset.channels=8..4"], "8 is above 4"),
        (
            &["sweep", "--vary", "dataset.channels=1,2", "--set", "dataset.channels=3"],
            "dataset.channels is set and varies",
        ),
        (
            &["capacity", "--vary", "channels", "--instructions-per-s", "1e6"],
            "--instructions-per-s is for an emulated board",
        ),
        (&["generate", "--from", "home/../b.yaml", "c.npy"], "this is no manifest"),
    ] {
        fs::write(folder.path().join("b.yaml"), "# nothing\n").unwrap();
        let told = stderr_of(&cortex(folder.path(), arguments), 2);
        assert!(told.contains(part), "{arguments:?}: {told}");
    }
    let man = ["man", "--dir", "man"];
    stdout_of(&cortex(folder.path(), &man), 0);
    let page = folder.path().join("man/cortex-host-run.1");
    fs::write(&page, "mine").unwrap();
    assert!(stderr_of(&cortex(folder.path(), &man), 2).contains("--force"));
    assert_eq!(fs::read_to_string(&page).unwrap(), "mine");
    // A name that is all extension says its format, too.
    stdout_of(&cortex(folder.path(), &["convert", "a.float32", ".edf"]), 0);
    assert!(fs::read(folder.path().join(".edf")).unwrap().starts_with(b"0       "));
}
