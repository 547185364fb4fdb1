//! Commands disturbed while they work: inputs that vanish, signals, a very long run.
#![cfg(unix)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::thread;

use cortex_host::base::Progress;
use cortex_host::recording::{OpenOptions, Recording, Writing, convert};
use cortex_tests::faults::{limited, signal, wait_for};
use cortex_tests::http::{Act, download, edf, serve};
use cortex_tests::{cortex_host, stderr_of, stdout_of};
use serde_json::Value;

fn spawn(arguments: &[&str], folder: &Path) -> Child {
    let mut command = cortex_host();
    command.args(arguments).current_dir(folder).env("TMPDIR", folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn run(arguments: &[&str], folder: &Path) -> Output {
    spawn(arguments, folder).wait_with_output().unwrap()
}

fn hidden(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with('.')).collect()
}

/// The only run below `folder`.
fn only_run(folder: &Path) -> Option<PathBuf> {
    let mut entries = fs::read_dir(folder.join("results")).ok()?;
    let run = entries.next()?.unwrap().path();
    assert!(entries.next().is_none());
    Some(run)
}

fn windows(folder: &Path) -> usize {
    let telemetry = only_run(folder).map(|run| run.join("kernel-data/noop/telemetry.ndjson"));
    let text = telemetry.and_then(|path| fs::read_to_string(path).ok());
    text.map_or(0, |text| text.lines().count())
}

fn summary(folder: &Path) -> Value {
    let text = fs::read_to_string(only_run(folder).unwrap().join("summary.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn commands_that_write_the_same_file_at_once_leave_one_whole_dataset() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        let shape = ["generate", "pink_noise", "16", "1000", "0.1", "x.float32", "--force"];
        let children: Vec<Child> = ["1", "2", "3", "4", "5", "6"]
            .map(|seed| spawn(&[&shape[..], &["--seed", seed]].concat(), folder.path()))
            .into();
        for child in children {
            stdout_of(&child.wait_with_output().unwrap(), 0);
        }
        // Samples and manifest are of the same seed.
        stdout_of(&run(&["reproduce", "x.float32.manifest.yaml"], folder.path()), 0);
        assert_eq!(hidden(folder.path()), [] as [PathBuf; 0]);
    }
}

/// Three seconds of a recording in real time, 60 windows; `disturb` is called after the third.
fn disturbed(disturb: impl FnOnce(&Path)) -> (tempfile::TempDir, Output, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("aufnahme ünd 脳波.float32");
    let shape = ["generate", "pink_noise", "4", "1000", "3", file.to_str().unwrap()];
    let facts = stdout_of(&run(&[&shape[..], &["--json"]].concat(), folder.path()), 0);
    let facts: Value = serde_json::from_str(&facts).unwrap();
    let config = format!(
        "dataset: {{ path: '{}', format: float32, channels: 4, sample_rate_hz: 1000 }}\n\
         kernels: [{{ name: noop, window: 50, hop: 50 }}]\n",
        file.display()
    );
    fs::write(folder.path().join("c.yaml"), config).unwrap();
    let child = spawn(&["run", "--config", "c.yaml"], folder.path());
    wait_for("three windows", || (windows(folder.path()) >= 3).then_some(()));
    disturb(&file);
    let output = child.wait_with_output().unwrap();
    (folder, output, facts["blake3"].as_str().unwrap().to_owned())
}

#[test]
fn a_recording_that_is_deleted_or_replaced_during_a_run_is_read_to_its_end() {
    // Whoever has a file open keeps it; the digest is of what was read.
    let deleted = || disturbed(|file| fs::remove_file(file).unwrap());
    let replaced = || {
        disturbed(|file| {
            let other = file.with_extension("new");
            fs::write(&other, vec![1; 48_000]).unwrap();
            fs::rename(&other, file).unwrap();
        })
    };
    thread::scope(|scope| {
        for case in [scope.spawn(deleted), scope.spawn(replaced)] {
            let (folder, output, blake3) = case.join().unwrap();
            stdout_of(&output, 0);
            let summary = summary(folder.path());
            assert_eq!(summary["status"], "complete");
            assert_eq!(summary["dataset"]["blake3"], blake3.as_str());
            assert_eq!(windows(folder.path()), 60);
        }
    });
}

#[test]
fn a_recording_that_is_cut_or_overwritten_during_a_run_fails_it() {
    let cut = || {
        disturbed(|file| {
            fs::OpenOptions::new().write(true).open(file).unwrap().set_len(1600).unwrap();
        })
    };
    let overwritten = || {
        disturbed(|file| {
            let mut file = fs::OpenOptions::new().write(true).open(file).unwrap();
            file.write_all(&[1; 1000]).unwrap();
        })
    };
    thread::scope(|scope| {
        for (case, said) in [
            (scope.spawn(cut), "has become shorter while it was read"),
            (scope.spawn(overwritten), "was written to while it was read"),
        ] {
            let (folder, output, _) = case.join().unwrap();
            let talk = stderr_of(&output, 3);
            assert!(talk.contains(said) && talk.contains("run again"), "{talk}");
            assert!(talk.contains("aufnahme ünd 脳波.float32"), "{talk}");
            assert!(!talk.contains("panicked"), "{talk}");
            let summary = summary(folder.path());
            assert_eq!(summary["status"], "failed");
            assert!(summary["error"].as_str().unwrap().contains(said));
            assert!(windows(folder.path()) >= 3);
        }
    });
}

#[test]
fn a_recording_that_is_cut_while_it_is_converted_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.npy");
    huge_npy(&path);
    let options = OpenOptions { sample_rate_hz: Some(1000.0), ..OpenOptions::default() };
    let mut recording = Recording::open(&path, &options).unwrap();
    let target = folder.path().join("y.float32");
    let cut = path.clone();
    let progress = Progress::new().reporting(move |_| {
        // After the first part; much more was promised.
        fs::OpenOptions::new().write(true).open(&cut).unwrap().set_len(1000).unwrap();
    });
    let error = convert(&mut recording, &target, Writing::default(), &progress);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("x.npy: it has become shorter while it was read"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing of it was kept");
}

/// A `.npy` of two gigabytes that takes no room: one long hole.
fn huge_npy(path: &Path) {
    let dictionary = "{'descr': '<f4', 'fortran_order': False, 'shape': (8388608, 64), }";
    let header = format!("{dictionary:117}\n");
    let mut file = fs::File::create(path).unwrap();
    file.write_all(b"\x93NUMPY\x01\x00\x76\x00").unwrap();
    file.write_all(header.as_bytes()).unwrap();
    file.set_len(128 + 8_388_608 * 64 * 4).unwrap();
}

#[test]
fn signals_end_a_conversion_and_an_inspection_with_130() {
    for name in ["-INT", "-TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path();
        huge_npy(&here.join("x.npy"));
        fs::write(here.join("y.float32"), "old").unwrap();
        let child = spawn(&["convert", "x.npy", "y.float32", "--rate", "1000", "--force"], here);
        wait_for("the conversion", || (hidden(here).len() == 1).then_some(()));
        signal(&child, name);
        let talk = stderr_of(&child.wait_with_output().unwrap(), 130);
        assert!(talk.contains("error: interrupted"), "{talk}");
        assert_eq!(hidden(here), [] as [PathBuf; 0]);
        assert_eq!(fs::read_to_string(here.join("y.float32")).unwrap(), "old");

        let child = spawn(&["inspect", "x.npy", "--rate", "1000"], here);
        // It has no file to be seen by; its open input is one.
        let inputs = format!("/proc/{}/fd", child.id());
        if Path::new(&inputs).exists() {
            wait_for("the inspection", || {
                let open = fs::read_dir(&inputs).ok()?.flatten();
                let mut names = open.filter_map(|entry| fs::read_link(entry.path()).ok());
                names.any(|name| name.ends_with("x.npy")).then_some(())
            });
            signal(&child, name);
            stderr_of(&child.wait_with_output().unwrap(), 130);
        } else {
            let mut child = child;
            child.kill().unwrap();
        }
    }
}

#[test]
fn signals_end_a_merge_with_130_and_the_shards_stay() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for shard in ["1/2", "2/2"] {
        let shape = ["generate", "sine_wave", "64", "1000", "300", "x.float32", "--separate"];
        stdout_of(&run(&[&shape[..], &["--shard", shard]].concat(), here), 0);
    }
    for name in ["-INT", "-TERM"] {
        let child = spawn(&["merge", "x.float32"], here);
        wait_for("the merge", || (hidden(here).len() == 1).then_some(()));
        signal(&child, name);
        let talk = stderr_of(&child.wait_with_output().unwrap(), 130);
        assert!(talk.contains("error: interrupted"), "{talk}");
        assert_eq!(hidden(here), [] as [PathBuf; 0]);
        assert_eq!(fs::read_dir(here).unwrap().count(), 4, "two shards and their manifests");
    }
}

#[test]
fn signals_end_a_download_at_once_and_the_next_goes_on() {
    let body = edf(100);
    let sums =
        format!("{}  S001/S001R04.edf\n", cortex_host::base::digest::sha256_of(&body[..]).unwrap());
    for name in ["-INT", "-TERM"] {
        let files =
            vec![("SHA256SUMS.txt", sums.clone().into_bytes()), ("S001/S001R04.edf", body.clone())];
        // It falls silent after a thousand bytes; without the signal that would be 5 s.
        let (server, log) = serve(files, vec![Act::Stall(1000), Act::Serve]);
        let folder = tempfile::tempdir().unwrap();
        let fetch = || {
            let mut command = download(&server, folder.path());
            command.args(["--recording", "S001R04"]).stderr(Stdio::piped());
            command
        };
        let child = fetch().spawn().unwrap();
        wait_for("the transfer", || (!log.lock().unwrap().is_empty()).then_some(()));
        signal(&child, name);
        let talk = stderr_of(&child.wait_with_output().unwrap(), 130);
        assert!(talk.contains("run the command again for the rest"), "{talk}");
        stderr_of(&fetch().output().unwrap(), 0);
        assert!(fs::read(folder.path().join("original/S001R04.edf")).unwrap() == body);
        assert_eq!(log.lock().unwrap().len(), 2);
    }
}

#[test]
fn sigterm_during_a_run_keeps_the_windows() {
    let folder = tempfile::tempdir().unwrap();
    let config = "dataset: { path: primitives/datasets/v1/synthetic, channels: 4, \
        sample_rate_hz: 1000, params: { signal_type: pink_noise, duration_s: 120 } }\n\
        kernels: [{ name: noop, window: 100, hop: 50 }]\n";
    fs::write(folder.path().join("c.yaml"), config).unwrap();
    let child = spawn(&["run", "--config", "c.yaml"], folder.path());
    wait_for("three windows", || (windows(folder.path()) >= 3).then_some(()));
    signal(&child, "-TERM");
    stderr_of(&child.wait_with_output().unwrap(), 130);
    let summary = summary(folder.path());
    assert_eq!(summary["status"], "interrupted");
    assert_eq!(summary["kernels"][0]["windows"]["run"], windows(folder.path()));
    assert!(only_run(folder.path()).unwrap().join("report.html").is_file());
}

/// 100,000 windows within an address space of 160 MB: nothing grows with the windows but the files.
#[test]
fn a_hundred_thousand_windows_need_no_more_memory() {
    let folder = tempfile::tempdir().unwrap();
    let config = "dataset: { path: primitives/datasets/v1/synthetic, channels: 1, \
        sample_rate_hz: 1000, params: { signal_type: sine_wave, duration_s: 200.002 } }\n\
        kernels: [{ name: noop, window: 4, hop: 2 }]\nexecution: { pace: max }\n";
    fs::write(folder.path().join("c.yaml"), config).unwrap();
    let output = limited(
        // glibc reserves 64 MiB of addresses for every thread's heap otherwise.
        "export MALLOC_ARENA_MAX=1; ulimit -v 160000",
        &["run", "--quiet", "--config", "c.yaml"],
    )
    .current_dir(folder.path())
    .output()
    .unwrap();
    stdout_of(&output, 0);
    assert_eq!(windows(folder.path()), 100_000);
    assert_eq!(summary(folder.path())["kernels"][0]["windows"]["measured"], 100_000);
    let report = fs::metadata(only_run(folder.path()).unwrap().join("report.html")).unwrap();
    assert!(report.len() < 2_000_000, "{} bytes", report.len());
}
