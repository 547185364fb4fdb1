//! Downloads from a local server that cuts, stalls, lies, corrupts, redirects and refuses.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use cortex_host::base::digest::sha256_of;
use cortex_host::download::{Downloader, Outcome, RetryPolicy};
use cortex_host::recording::DatasetError;
use cortex_tests::http::{Act, Log, download, edf, serve};
use cortex_tests::{cortex_host, real_recordings, stderr_of};

fn patience() -> RetryPolicy {
    RetryPolicy {
        retries: 5,
        timeout: Duration::from_millis(250),
        first_pause: Duration::from_millis(1),
    }
}

fn sha(bytes: &[u8]) -> String {
    sha256_of(bytes).unwrap()
}

/// Fetches `x.edf` into a fresh folder.
fn fetch(script: Vec<Act>) -> (Result<Outcome, DatasetError>, PathBuf, tempfile::TempDir, Log) {
    let body = edf(8);
    let (base, log) = serve(vec![("x.edf", body.clone()), ("other.edf", body.clone())], script);
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("x.edf");
    let url = format!("{base}/x.edf");
    let outcome = Downloader::new(patience()).fetch(&url, &target, &sha(&body), "x.edf", &());
    (outcome, target, folder, log)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn every_fault_that_can_be_overcome_is() {
    let half = edf(8).len() / 2;
    let cases: Vec<(&str, Vec<Act>)> = vec![
        ("honest", vec![Act::Serve]),
        ("cut", vec![Act::Cut(100), Act::Serve]),
        (
            "cut again and again",
            vec![Act::Cut(100), Act::Cut(100), Act::Cut(0), Act::Cut(1), Act::Serve],
        ),
        ("stalled", vec![Act::Stall(half), Act::Serve]),
        ("length too long", vec![Act::Lie(1000)]),
        ("length too short, once", vec![Act::Lie(-10), Act::Serve]),
        ("corrupt once", vec![Act::Corrupt, Act::Serve]),
        ("corrupt after a cut", vec![Act::Cut(half), Act::Corrupt, Act::Serve]),
        ("redirected", vec![Act::Redirect("/base/other.edf"), Act::Serve]),
        (
            "busy",
            vec![
                Act::Status("503 Service Unavailable"),
                Act::Status("429 Too Many Requests"),
                Act::Serve,
            ],
        ),
        ("failing", vec![Act::Status("500 Internal Server Error"), Act::Serve]),
    ];
    for (name, script) in cases {
        let (outcome, target, folder, log) = fetch(script);
        assert!(matches!(outcome, Ok(Outcome::Fetched)), "{name}: {outcome:?} {log:?}");
        assert!(fs::read(&target).unwrap() == edf(8), "{name}");
        assert_eq!(names(folder.path()), ["x.edf"], "{name}: nothing else is left");
    }
}

#[test]
fn wrong_bytes_never_land() {
    let (outcome, target, folder, log) = fetch(vec![Act::Corrupt]);
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("not the expected ones"), "{error}");
    assert!(!target.exists());
    assert_eq!(names(folder.path()), [""; 0]);
    assert_eq!(log.lock().unwrap().len(), 2, "a server that is wrong twice is not asked again");

    // Not over a right file's name either: an old file stays what it was.
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("x.edf");
    fs::write(&target, "old").unwrap();
    let (base, _) = serve(vec![("x.edf", edf(8))], vec![Act::Lie(-10)]);
    let url = format!("{base}/x.edf");
    let outcome = Downloader::new(patience()).fetch(&url, &target, &sha(&edf(8)), "x.edf", &());
    assert!(outcome.is_err());
    assert_eq!(fs::read_to_string(&target).unwrap(), "old");
    assert_eq!(names(folder.path()), ["x.edf"]);
}

#[test]
fn what_cannot_be_overcome_is_said_in_one_sentence() {
    for (script, words, requests) in [
        (vec![Act::Status("404 Not Found")], "does not have it", 1),
        (vec![Act::Status("403 Forbidden")], "answered 403", 1),
        (vec![Act::Status("500 Internal Server Error")], "given up after 6 attempts", 6),
        (vec![Act::Redirect("/base/x.edf")], "redirects", 6),
    ] {
        let (outcome, _, folder, log) = fetch(script);
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert_eq!(log.lock().unwrap().len(), requests, "{error}");
        assert_eq!(names(folder.path()), [""; 0]);
    }
    // Nobody listens: the port was free a moment ago.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let error = Downloader::new(patience())
        .fetch(&format!("http://{closed}/x"), &folder.path().join("x"), &sha(b""), "x.edf", &())
        .unwrap_err();
    assert!(error.to_string().contains("given up after 6 attempts"), "{error}");
}

fn stderr(output: &Output, code: i32) -> String {
    stderr_of(output, code)
}

#[test]
fn the_command_fetches_checks_and_converts() {
    let body = edf(8);
    let sums = format!("{}  S001/S001R04.edf\n{}  S002/S002R03.edf\n", sha(&body), sha(&body));
    let (base, log) = serve(
        vec![
            ("SHA256SUMS.txt", sums.into_bytes()),
            ("S001/S001R04.edf", body.clone()),
            ("S002/S002R03.edf", body.clone()),
        ],
        vec![Act::Serve],
    );
    let folder = tempfile::tempdir().unwrap();
    let run = |more: &[&str]| download(&base, folder.path()).args(more).output().unwrap();
    let selection = ["--recording", "S001R04", "--subjects", "2", "--runs", "3"];
    let talk = stderr(&run(&selection), 0);
    assert!(talk.contains("S001R04 fetched"), "{talk}");
    assert!(talk.contains("channels are not those of the specification"), "{talk}");
    let converted = folder.path().join("converted");
    assert_eq!(
        names(&converted),
        [
            "S001R04.float32",
            "S001R04.vhdr",
            "S001R04.vmrk",
            "S002R03.float32",
            "S002R03.vhdr",
            "S002R03.vmrk",
        ]
    );
    let expected: Vec<u8> = (0..320).flat_map(|i| ((i % 100) as f32).to_le_bytes()).collect();
    assert!(fs::read(converted.join("S001R04.float32")).unwrap() == expected);

    // Again: nothing is fetched.
    let requests = log.lock().unwrap().len();
    let talk = stderr(&run(&selection), 0);
    assert!(talk.contains("S001R04 is already there"), "{talk}");
    assert_eq!(log.lock().unwrap().len(), requests);

    // Not in the list of sums, not in the archive, not an address.
    let talk = stderr(&run(&["--recording", "S003R01"]), 3);
    assert!(talk.contains("no line for S003/S003R01.edf"), "{talk}");
    let talk = stderr(&run(&["--recording", "S110R01"]), 2);
    assert!(talk.contains("109 subjects"), "{talk}");
    let talk = stderr(&run(&["--mirror", "ftp://x"]), 2);
    assert!(talk.contains("--mirror") || talk.contains("no address"), "{talk}");
    let talk = stderr(&cortex_host().args(["download", "moabb"]).output().unwrap(), 2);
    assert!(talk.contains("known is physionet"), "{talk}");
}

#[test]
fn the_real_recording_from_server_to_dataset() {
    let Some(data) = real_recordings() else { return };
    let body = fs::read(data.join("S001R03.edf")).unwrap();
    let half = body.len() / 2;
    let (base, _) = serve(vec![("S001/S001R03.edf", body)], vec![Act::Cut(half), Act::Serve]);
    let folder = tempfile::tempdir().unwrap();
    let run = download(&base, folder.path()).args(["--recording", "S001R03"]).output().unwrap();
    let talk = stderr(&run, 0);
    assert!(!talk.contains("warning"), "{talk}");
    let converted = fs::read(folder.path().join("converted/S001R03.float32")).unwrap();
    assert_eq!(converted.len(), 5_120_000);
    assert!(converted == fs::read(data.join("S001R03.float32")).unwrap());
    let events = fs::read_to_string(folder.path().join("converted/S001R03_events.tsv")).unwrap();
    // From the archive's own listing of this run: rest, right fist, rest, left fist.
    assert!(
        events.starts_with("onset\tduration\ttrial_type\n0\t4.2\tT0\n4.2\t4.1\tT2\n"),
        "{events}"
    );
}
