//! Full disks, limits on file sizes, places that cannot be written, links that lead elsewhere: one
//! sentence that names the file, exit code 3, and nothing half-written under a name of data.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cortex_tests::faults::{SmallDisk, full_stdout, limited, reader_gone};
use cortex_tests::http::{Act, download, edf, serve};
use cortex_tests::skip::{Need, skip};
use cortex_tests::{cortex_host, runs, stderr_of, stdout_of};
use serde_json::Value;

/// At most 200 blocks in a file: 100 KiB, or 200 KiB with shells that count in KiB.
const FILE_LIMIT: &str = "ulimit -f 200";

fn cortex(arguments: &[&str], folder: &Path) -> Output {
    cortex_host().args(arguments).current_dir(folder).env("TMPDIR", folder).output().unwrap()
}

/// As [`cortex`], but no file may become larger than [`FILE_LIMIT`] says.
fn capped(arguments: &[&str], folder: &Path) -> Output {
    limited(FILE_LIMIT, arguments).current_dir(folder).env("TMPDIR", folder).output().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A run whose data are small and whose telemetry grows to a megabyte and a half.
const TALKATIVE: &str = "dataset: { path: primitives/datasets/v1/synthetic, channels: 1, \
    sample_rate_hz: 500, params: { signal_type: pink_noise, duration_s: 16 } }\n\
    kernels: [{ name: noop, window: 8, hop: 2 }]\nexecution: { pace: max }\n";

/// The run ended early: exit code 3, a sentence about telemetry, a summary that says so, and
/// windows that can still be read.
fn assert_run_ended(output: &Output, folder: &Path) {
    let talk = stderr_of(output, 3);
    let error = talk.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(error.contains("telemetry.ndjson") && error.contains("disk is not full"), "{talk}");
    let run = folder.join("results").join(&names(&folder.join("results"))[0]);
    let summary = fs::read_to_string(run.join("summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_ne!(summary["status"], "complete");
    let rows = fs::read_to_string(run.join("kernel-data/noop/telemetry.ndjson")).unwrap();
    assert!(rows.lines().count() > 50);
    let hidden: Vec<String> =
        names(folder).into_iter().filter(|name| name.starts_with('.')).collect();
    assert_eq!(hidden, [] as [String; 0]);
}

#[test]
fn a_limit_on_file_sizes_ends_a_run_like_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), TALKATIVE).unwrap();
    let output = capped(&["run", "--config", "c.yaml"], folder.path());
    assert_run_ended(&output, folder.path());
    // The data do not fit either: refused before the first window, and nothing is left.
    let wide = TALKATIVE.replace("channels: 1", "channels: 64");
    fs::write(folder.path().join("c.yaml"), wide).unwrap();
    fs::remove_dir_all(folder.path().join("results")).unwrap();
    let talk = stderr_of(&capped(&["run", "--config", "c.yaml"], folder.path()), 3);
    assert!(talk.contains("cortex_gen_") && talk.contains("file-size limit"), "{talk}");
    assert_eq!(names(folder.path()), ["c.yaml", "results"]);
    assert_eq!(names(&folder.path().join("results")), [] as [String; 0]);
}

#[test]
fn a_limit_on_file_sizes_leaves_nothing_of_a_dataset() {
    let folder = tempfile::tempdir().unwrap();
    for io in ["mmap", "direct"] {
        let shape = ["generate", "pink_noise", "64", "250", "10", "x.float32", "--io", io];
        let talk = stderr_of(&capped(&shape, folder.path()), 3);
        assert!(talk.contains("x.float32") && talk.contains("file-size limit"), "{talk}");
        assert_eq!(names(folder.path()), [] as [String; 0]);
    }
    let shape = ["generate", "pink_noise", "64", "250", "10", "x.float32", "--npy"];
    stdout_of(&cortex(&shape, folder.path()), 0);
    let before = names(folder.path());
    let talk =
        stderr_of(&capped(&["convert", "x.npy", "y.float32", "--rate", "250"], folder.path()), 3);
    assert!(talk.contains("cannot write y.float32"), "{talk}");
    assert_eq!(names(folder.path()), before);
    // A stream has no size.
    let output = capped(&["generate", "pink_noise", "64", "250", "10", "-"], folder.path());
    assert_eq!(output.stdout.len(), 64 * 250 * 10 * 4);
}

/// A server with one recording of a megabyte.
fn server() -> String {
    let body = edf(16_000);
    let sha256 = cortex_host::base::digest::sha256_of(&body[..]).unwrap();
    let sums = format!("{sha256}  S001/S001R04.edf\n");
    let files = vec![("SHA256SUMS.txt", sums.into_bytes()), ("S001/S001R04.edf", body)];
    serve(files, vec![Act::Serve]).0
}

#[test]
fn a_download_that_finds_no_room_goes_on_when_there_is_some() {
    let server = server();
    let folder = tempfile::tempdir().unwrap();
    let fetch = |mut command: Command| command.args(["--recording", "S001R04"]).output().unwrap();
    let plain = download(&server, folder.path());
    let arguments: Vec<&str> = plain.get_args().map(|word| word.to_str().unwrap()).collect();
    let talk = stderr_of(&fetch(limited(FILE_LIMIT, &arguments)), 3);
    assert!(talk.contains("cannot write") && talk.contains("S001R04.edf: "), "{talk}");
    assert_eq!(names(&folder.path().join("original")), [] as [String; 0]);
    stderr_of(&fetch(download(&server, folder.path())), 0);
    assert_eq!(names(&folder.path().join("original")), ["S001R04.edf"]);
    assert_eq!(fs::read(folder.path().join("original/S001R04.edf")).unwrap(), edf(16_000));
}

#[test]
fn a_full_disk_ends_runs_conversions_and_downloads() {
    let Some(disk) = SmallDisk::mount() else { return };
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(disk.path().join("c.yaml"), TALKATIVE).unwrap();
    assert_run_ended(&cortex(&["run", "--config", "c.yaml"], disk.path()), disk.path());
    fs::remove_dir_all(disk.path().join("results")).unwrap();

    let shape = ["generate", "pink_noise", "64", "250", "30", "x.float32", "--npy"];
    stdout_of(&cortex(&shape, elsewhere.path()), 0);
    let input = elsewhere.path().join("x.npy");
    let convert = ["convert", input.to_str().unwrap(), "y.float32", "--rate", "250"];
    let talk = stderr_of(&cortex(&convert, disk.path()), 3);
    assert!(talk.contains("cannot write y.float32: No space left"), "{talk}");
    assert_eq!(names(disk.path()), ["c.yaml"]);

    let talk = download(&server(), disk.path()).args(["--recording", "S001R04"]).output();
    let talk = stderr_of(&talk.unwrap(), 3);
    assert!(talk.contains("S001R04.edf: No space left"), "{talk}");
    assert_eq!(names(&disk.path().join("original")), [] as [String; 0]);
}

#[test]
fn places_that_cannot_be_written_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::write(here.join("file"), "").unwrap();
    let shape = ["generate", "pink_noise", "4", "250", "4", "x.float32", "--npy"];
    stdout_of(&cortex(&shape, here), 0);
    let before = names(here);
    let server = server();
    // Below a regular file, and in a folder where the kernel lets nobody make files.
    for place in ["file", "/proc/self"] {
        let below = |name: &str| format!("{place}/{name}");
        let (data, plot, yaml, fetched) =
            (below("y.float32"), below("y.svg"), below("y.yaml"), below("fetched"));
        for arguments in [
            &["generate", "pink_noise", "4", "250", "1", &data][..],
            &["convert", "x.npy", &data, "--rate", "250"],
            &["inspect", "x.float32", "--plot", &plot],
            &["init", &yaml],
            &["man", "--dir", &fetched],
            &[
                "download",
                "physionet",
                "--recording",
                "S001R04",
                "--mirror",
                &server,
                "--dest",
                &fetched,
            ],
        ] {
            let talk = stderr_of(&cortex(arguments, here), 3);
            assert!(
                talk.contains(place) && talk.contains("error: cannot "),
                "{arguments:?}: {talk}"
            );
            assert!(!talk.contains(".part\"") && talk.matches(place).count() == 1, "{talk}");
        }
        assert_eq!(names(here), before);
    }
}

#[test]
fn a_disk_that_became_read_only_is_an_error() {
    let Some(disk) = SmallDisk::mount() else { return };
    let run =
        runs::run(disk.path(), &runs::config(1, 2, &["{ name: noop, window: 50, hop: 25 }"], ""));
    disk.make_read_only();
    let here = tempfile::tempdir().unwrap();
    let run = run.to_str().unwrap();
    let talk = stderr_of(&cortex(&["report", run], here.path()), 3);
    assert!(talk.contains("report.html") && talk.contains("Read-only"), "{talk}");
    // What only reads still works.
    stdout_of(&cortex(&["compare", run, run], here.path()), 0);
    let config = format!("{run}/config.yaml");
    let output =
        cortex_host().args(["run", "--config", &config]).current_dir(disk.path()).output().unwrap();
    let talk = stderr_of(&output, 3);
    assert!(talk.contains("results") && talk.contains("writable"), "{talk}");
}

/// A run's folder, a file elsewhere that nobody may touch, and the folder of both.
fn run_and_secret() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("ein Ordner ünd 脳波");
    fs::create_dir(&root).unwrap();
    let config = runs::config(1, 2, &["{ name: noop, window: 50, hop: 25 }"], "");
    let run = runs::run(&root, &config);
    let secret = root.join("secret");
    fs::write(&secret, "precious").unwrap();
    (folder, run, secret)
}

#[test]
fn links_out_of_a_run_are_not_followed() {
    let (_folder, run, secret) = run_and_secret();
    let here = secret.parent().unwrap();
    let name = run.to_str().unwrap();
    stdout_of(&cortex(&["report", name], here), 0);
    let whole = fs::read(run.join("report.html")).unwrap();

    // A link where the report goes is replaced, and what it leads to stays.
    fs::remove_file(run.join("report.html")).unwrap();
    symlink(&secret, run.join("report.html")).unwrap();
    stdout_of(&cortex(&["report", name], here), 0);
    assert!(!run.join("report.html").is_symlink());
    assert!(fs::read(run.join("report.html")).unwrap() == whole);
    assert_eq!(fs::read_to_string(&secret).unwrap(), "precious");

    for file in [
        "summary.json",
        "config.yaml",
        "dataset/spectrum.json",
        "kernel-data/noop/telemetry.ndjson",
    ] {
        let (path, kept) = (run.join(file), here.join("kept"));
        fs::rename(&path, &kept).unwrap();
        symlink(&kept, &path).unwrap();
        for arguments in [&["report", name][..], &["compare", name, name]] {
            let talk = stderr_of(&cortex(arguments, here), 3);
            assert!(talk.contains(file) && talk.contains("a link out of"), "{talk}");
        }
        fs::remove_file(&path).unwrap();
        fs::rename(&kept, &path).unwrap();
    }
    // A folder that is a link, and one that is a link to nowhere.
    fs::rename(run.join("kernel-data"), here.join("kept")).unwrap();
    symlink(here.join("kept"), run.join("kernel-data")).unwrap();
    let talk = stderr_of(&cortex(&["report", name], here), 3);
    assert!(talk.contains("kernel-data") && talk.contains("a link out of"), "{talk}");
    fs::remove_file(run.join("kernel-data")).unwrap();
    fs::rename(here.join("kept"), run.join("kernel-data")).unwrap();
    // The run itself may be reached through a link.
    symlink(&run, here.join("latest")).unwrap();
    stdout_of(&cortex(&["report", "latest"], here), 0);
}

#[test]
fn writing_replaces_a_link_and_not_what_it_leads_to() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    fs::create_dir(here.join("out")).unwrap();
    fs::write(here.join("secret"), "precious").unwrap();
    let manifest = here.join("out/x.float32.manifest.yaml");
    for name in ["x.float32", "x.float32.manifest.yaml", "x.vhdr", "x.vmrk", "x.npy"] {
        symlink("../secret", here.join("out").join(name)).unwrap();
    }
    let shape = ["generate", "pink_noise", "4", "250", "4", "out/x.float32", "--npy"];
    assert!(stderr_of(&cortex(&shape, here), 2).contains("exists already"));
    stdout_of(&cortex(&[&shape[..], &["--force"]].concat(), here), 0);
    assert_eq!(fs::read_to_string(here.join("secret")).unwrap(), "precious");
    assert!(names(&here.join("out")).iter().all(|name| !here.join("out").join(name).is_symlink()));
    symlink("../secret", here.join("out/y.float32")).unwrap();
    let convert = ["convert", "out/x.npy", "out/y.float32", "--rate", "250", "--force"];
    stdout_of(&cortex(&convert, here), 0);
    assert_eq!(fs::read_to_string(here.join("secret")).unwrap(), "precious");

    // A manifest's data file is compared only when it lies beside the manifest itself.
    let reproduce = ["reproduce", manifest.to_str().unwrap()];
    stdout_of(&cortex(&reproduce, here), 0);
    fs::remove_file(here.join("out/x.float32")).unwrap();
    for (target, said) in [("../secret", "a link out of"), ("/dev/zero", "a link out of")] {
        symlink(target, here.join("out/x.float32")).unwrap();
        let talk = stderr_of(&cortex(&reproduce, here), 3);
        assert!(talk.contains("x.float32") && talk.contains(said), "{talk}");
        fs::remove_file(here.join("out/x.float32")).unwrap();
    }
    // A pipe would keep its reader waiting forever.
    let made = Command::new("mkfifo").arg(here.join("out/x.float32")).status().unwrap();
    assert!(made.success());
    assert!(stderr_of(&cortex(&reproduce, here), 3).contains("no regular file"));
}

/// Every command that prints much, on files that `folder` gets first.
fn printing(folder: &Path) -> Vec<Vec<String>> {
    let config = runs::config(1, 2, &["{ name: noop, window: 50, hop: 25 }"], "device: loopback\n");
    fs::write(folder.join("c.yaml"), &config).unwrap();
    let run = ["run", "--quiet", "--json", "--config", "c.yaml", "--trace", "trace.bin"];
    let answer: Value =
        serde_json::from_str(&stdout_of(&cortex(&run, folder), 0)).expect("run --json is JSON");
    let run = answer["folder"].as_str().unwrap();
    let shape = ["generate", "pink_noise", "8", "250", "4", "x.float32"];
    stdout_of(&cortex(&shape, folder), 0);
    let lines = format!(
        "list\nlist --json\nschema\ncompletions bash\ncompletions zsh\nman\ndevices\ndevices --json\n\
         doctor\ndoctor --json\ninspect x.float32\ninspect x.float32 --json\n\
         reproduce x.float32.manifest.yaml\nreproduce x.float32.manifest.yaml --json\n\
         verify primitives/datasets/v1/synthetic --json\ncompare {run} {run}\n\
         compare {run} {run} --json\nreport {run}\nlink decode trace.bin\n\
         link decode trace.bin --json\ninit -\ngenerate sine_wave 8 250 4 y.float32 --force --json\n\
         generate pink_noise 8 250 40 -\nconvert x.float32 z.float32 --force --json\nrun --config c.yaml\n\
         run --config c.yaml --json"
    );
    lines.lines().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

#[test]
fn a_reader_that_left_is_no_failure_and_a_full_disk_behind_stdout_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let helps =
        ["--help", "--version", "run --help"].map(|line| line.split(' ').map(str::to_owned));
    let helps = helps.map(Iterator::collect::<Vec<String>>);
    let commands = printing(folder.path());
    for arguments in commands.iter().chain(&helps) {
        let mut command = cortex_host();
        command.args(arguments).current_dir(folder.path()).stdout(reader_gone());
        let talk = stderr_of(&command.output().unwrap(), 0);
        assert!(!talk.contains("error") && !talk.contains("panicked"), "{arguments:?}: {talk}");
    }
    if !Path::new("/dev/full").exists() {
        skip(Need::DevFull, &"no full device");
        return;
    }
    for arguments in &commands {
        let mut command = cortex_host();
        command.args(arguments).current_dir(folder.path()).stdout(full_stdout());
        let talk = stderr_of(&command.output().unwrap(), 3);
        assert!(
            talk.contains("error: cannot write to stdout: No space left"),
            "{arguments:?}: {talk}"
        );
    }
}
