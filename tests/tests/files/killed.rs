//! kill -9 at random moments: the next command finds the whole old or the whole new state.
//!
//! Twenty trials of each command by default; `CORTEX_KILL_TRIALS=1000` for the long run.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use cortex_host::base::digest::sha256_of;
use cortex_tests::http::{Act, download, edf, serve};
use cortex_tests::{cortex_host, stdout_of};
use serde_json::Value;

fn trials() -> u64 {
    std::env::var("CORTEX_KILL_TRIALS").map_or(20, |text| text.parse().expect("a number"))
}

/// A fixed sequence of shares 0 to 1, spread evenly (the golden ratio's multiples).
fn share(trial: u64) -> f64 {
    (trial as f64 * 0.618_033_988_749_895).fract()
}

fn command(arguments: &[&str], folder: &Path) -> Command {
    let mut command = cortex_host();
    command.args(arguments).current_dir(folder).env("TMPDIR", folder);
    command
}

/// Runs the command to its end, which must be a good one; returns how long it took.
#[track_caller]
fn whole(mut command: Command) -> Duration {
    let begun = Instant::now();
    stdout_of(&command.stdin(Stdio::null()).output().unwrap(), 0);
    begun.elapsed()
}

/// Decides when a command of some kind is killed.
struct Killer {
    usual: Duration,
    end: Duration,
}

impl Killer {
    /// For a command that takes the `usual` time.
    fn new(usual: Duration) -> Self {
        Self { usual, end: usual }
    }

    /// Starts the command and kills it: half of the trials at any moment of its work, the other
    /// half close to its end, where files get their names, as far as experience tells where that is.
    fn start_and_kill(&mut self, mut command: Command, trial: u64) {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let near_end = trial % 4 >= 2;
        sleep(match near_end {
            true => self.end.mul_f64(0.85 + 0.3 * share(trial)),
            false => self.usual.mul_f64(1.1 * share(trial)),
        });
        let ended = child.try_wait().unwrap().is_some();
        let _ = child.kill();
        child.wait().unwrap();
        if near_end {
            self.end = self.end.mul_f64(if ended { 0.96 } else { 1.04 });
        }
    }
}

/// The names in `folder`, hidden ones left out or nothing but them.
fn names(folder: &Path, hidden: bool) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.starts_with('.') == hidden).collect();
    names.sort();
    names
}

/// The value of a manifest's key.
fn value(manifest: &Path, key: &str) -> Option<String> {
    let text = fs::read_to_string(manifest).ok()?;
    let key = format!("{key}: ");
    text.lines().find_map(|line| line.trim().strip_prefix(&key).map(str::to_owned))
}

#[test]
fn a_killed_generate_leaves_the_old_dataset_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let generate = |seed: &'static str| {
        let shape =
            ["generate", "pink_noise", "64", "1000", "4", "data.float32", "--force", "--sha256"];
        command(&[&shape[..], &["--seed", seed]].concat(), folder.path())
    };
    let data = folder.path().join("data.float32");
    let manifest = folder.path().join("data.float32.manifest.yaml");
    let digests = ["1", "2"].map(|seed| {
        whole(generate(seed));
        (seed.to_owned(), sha256_of(fs::File::open(&data).unwrap()).unwrap())
    });
    let mut killer = Killer::new(whole(generate("2")));
    let seeds: BTreeMap<String, String> =
        digests.into_iter().map(|(seed, sha256)| (sha256, seed)).collect();
    let mut ended = BTreeMap::new();
    for trial in 0..trials() {
        let (old, new) = if trial % 2 == 0 { ("2", "1") } else { ("1", "2") };
        killer.start_and_kill(generate(new), trial);
        // The samples are one or the other, never half; a manifest never tells of others.
        let found = sha256_of(fs::File::open(&data).unwrap()).unwrap();
        let seed = &seeds[&found];
        let described = value(&manifest, "sha256");
        assert!(described.is_none() || described.as_ref() == Some(&found), "trial {trial}");
        assert!(described.is_none() || value(&manifest, "seed").as_ref() == Some(seed));
        let state = if seed == old { "old" } else { "new" };
        *ended.entry((state, described.is_some())).or_insert(0) += 1;
        let strangers = names(folder.path(), false);
        assert!(strangers.iter().all(|name| name.starts_with("data.")), "{strangers:?}");
        // The next command works and clears away what is left.
        whole(generate(new));
        assert_eq!(value(&manifest, "seed").as_deref(), Some(new));
        assert_eq!(names(folder.path(), true), [] as [String; 0], "trial {trial}");
    }
    println!("generate, by (samples, whether the manifest was there): {ended:?}");
}

/// The run folders below `results`.
fn runs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder.join("results")) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_killed_run_never_looks_complete_and_its_files_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let config = "dataset: { path: primitives/datasets/v1/synthetic, channels: 16, \
        sample_rate_hz: 1000, params: { signal_type: pink_noise, duration_s: 2 } }\n\
        kernels: [{ name: car, window: 20, hop: 10 }]\nexecution: { pace: max }\n";
    fs::write(folder.path().join("c.yaml"), config).unwrap();
    let run = || command(&["run", "--quiet", "--config", "c.yaml"], folder.path());
    let mut killer = Killer::new(whole(run()));
    let mut ended = [0; 2];
    for trial in 0..trials() {
        fs::remove_dir_all(folder.path().join("results")).unwrap_or_default();
        killer.start_and_kill(run(), trial);
        for run in runs(folder.path()) {
            if fs::exists(run.join("report.html")).unwrap() {
                let page = fs::read_to_string(run.join("report.html")).unwrap();
                assert!(page.trim_end().ends_with("</html>"), "a report is whole");
            }
            let Ok(text) = fs::read_to_string(run.join("summary.json")) else { continue };
            let summary: Value = serde_json::from_str(&text).expect("a summary is whole");
            let complete = summary["status"] == "complete";
            assert!(complete || summary["status"] == "running", "{text}");
            ended[usize::from(complete)] += 1;
            let telemetry = run.join("kernel-data/car/telemetry.ndjson");
            let rows = fs::read_to_string(telemetry).unwrap_or_default();
            // Only the last line of a killed run may be cut short.
            let mut lines: Vec<&str> = rows.split('\n').collect();
            let last = lines.pop().unwrap_or_default();
            assert!(!complete || last.is_empty(), "{last}");
            for line in &lines {
                let row: Value = serde_json::from_str(line).expect("a row is whole");
                assert_eq!(row["plugin"], "car");
            }
            if complete {
                // 2000 samples hold 199 windows of 20 by 10.
                assert_eq!(lines.len(), 199);
            }
            whole(command(&["report", run.to_str().unwrap()], folder.path()));
        }
        // The next run works and clears away the dataset that the killed one had generated.
        whole(run());
        assert_eq!(names(folder.path(), true), [] as [String; 0], "trial {trial}");
        assert_eq!(names(folder.path(), false), ["c.yaml", "results"], "trial {trial}");
    }
    println!("run: {} killed under way, {} complete", ended[0], ended[1]);
}

#[test]
fn a_killed_conversion_leaves_the_old_file_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    for (name, seed) in [("one", "1"), ("two", "2")] {
        let file = format!("{name}.float32");
        let arguments =
            ["generate", "pink_noise", "32", "1000", "8", &file, "--seed", seed, "--npy"];
        whole(command(&arguments, folder.path()));
    }
    let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
    let (one, two) = (read("one.float32"), read("two.float32"));
    let convert = |from| {
        command(&["convert", from, "out.float32", "--rate", "1000", "--force"], folder.path())
    };
    let mut killer = Killer::new(whole(convert("one.npy")));
    let mut changed = 0;
    for trial in 0..trials() {
        let (from, new) = if trial % 2 == 0 { ("two.npy", &two) } else { ("one.npy", &one) };
        let old = read("out.float32");
        killer.start_and_kill(convert(from), trial);
        let now = read("out.float32");
        assert!(now == old || now == *new, "trial {trial}");
        changed += usize::from(now == *new && now != old);
    }
    whole(convert("one.npy"));
    assert_eq!(names(folder.path(), true), [] as [String; 0]);
    println!("convert: {changed} times the new file");
}

#[test]
fn a_killed_download_is_finished_by_the_next() {
    // Two editions of a recording, each from a server that takes its time.
    let editions = [edf(800), edf(1600)];
    let samples = |edition: usize| -> Vec<u8> {
        let count = [32_000, 64_000][edition];
        (0..count).flat_map(|i| ((i % 100) as f32).to_le_bytes()).collect()
    };
    let converted = [samples(0), samples(1)];
    let servers = editions.clone().map(|body| {
        let sums = format!("{}  S001/S001R04.edf\n", sha256_of(&body[..]).unwrap());
        let files = vec![("SHA256SUMS.txt", sums.into_bytes()), ("S001/S001R04.edf", body)];
        serve(files, vec![Act::Drip(4096)]).0
    });
    let folder = tempfile::tempdir().unwrap();
    let fetch = |edition: usize| {
        let mut command = download(&servers[edition], folder.path());
        command.args(["--recording", "S001R04", "--force"]);
        command
    };
    whole(fetch(0));
    let mut killer = Killer::new(whole(fetch(1)));
    let original = folder.path().join("original/S001R04.edf");
    let data = folder.path().join("converted/S001R04.float32");
    let header = folder.path().join("converted/S001R04.vhdr");
    let mut ended = BTreeMap::new();
    for trial in 0..trials() {
        let new = usize::from(trial % 2 == 1);
        killer.start_and_kill(fetch(new), trial);
        let edition = |bytes: &[u8], all: &[Vec<u8>; 2]| all.iter().position(|one| one == bytes);
        let fetched = edition(&fs::read(&original).unwrap(), &editions);
        let fetched = fetched.unwrap_or_else(|| panic!("trial {trial}: half a recording"));
        let made = edition(&fs::read(&data).unwrap(), &converted);
        let made = made.unwrap_or_else(|| panic!("trial {trial}: half a dataset"));
        assert!(made != new || fetched == new, "trial {trial}: converted before it was there");
        let described = header.exists();
        *ended.entry((fetched == new, made == new, described)).or_insert(0) += 1;
        for place in ["original", "converted"] {
            let strangers = names(&folder.path().join(place), false);
            assert!(strangers.iter().all(|name| name.starts_with("S001R04.")), "{strangers:?}");
        }
        whole(fetch(new));
        assert!(fs::read(&original).unwrap() == editions[new], "trial {trial}");
        assert!(fs::read(&data).unwrap() == converted[new] && header.exists(), "trial {trial}");
        for place in ["original", "converted"] {
            let left = names(&folder.path().join(place), true);
            assert_eq!(left, [] as [String; 0], "trial {trial}");
        }
    }
    println!("download, by (recording is new, dataset is new, header is there): {ended:?}");
}

#[test]
fn a_killed_merge_is_finished_by_the_next() {
    let shape = ["generate", "pink_noise", "64", "1000", "4", "data.float32"];
    let reference = tempfile::tempdir().unwrap();
    whole(command(&shape, reference.path()));
    let expected = fs::read(reference.path().join("data.float32")).unwrap();
    let blake3 = value(&reference.path().join("data.float32.manifest.yaml"), "blake3");
    assert!(blake3.is_some());
    let shards = [&["--shard"][..], &["--separate", "--shard"]].map(|layout| {
        let folder = tempfile::tempdir().unwrap();
        for shard in ["1/4", "2/4", "3/4", "4/4"] {
            whole(command(&[&shape[..], layout, &[shard]].concat(), folder.path()));
        }
        folder
    });
    let copy = |from: &Path| {
        let folder = tempfile::tempdir().unwrap();
        for name in names(from, false) {
            fs::copy(from.join(&name), folder.path().join(&name)).unwrap();
        }
        folder
    };
    let merge = |folder: &Path| command(&["merge", "data.float32"], folder);
    let mut killers =
        shards.each_ref().map(|shards| Killer::new(whole(merge(copy(shards.path()).path()))));
    let mut ended = BTreeMap::new();
    for trial in 0..trials() {
        let layout = usize::from(trial % 2 == 1);
        let folder = copy(shards[layout].path());
        killers[layout].start_and_kill(merge(folder.path()), trial);
        let data = folder.path().join("data.float32");
        let manifest = folder.path().join("data.float32.manifest.yaml");
        let there = data.exists();
        assert!(!there || fs::read(&data).unwrap() == expected, "trial {trial}");
        assert!(!manifest.exists() || (there && value(&manifest, "blake3") == blake3));
        let shards_left =
            names(folder.path(), false).iter().filter(|name| name.contains(".shard-")).count();
        let all_shards = [4, 8][layout];
        let cleared = if shards_left == 0 {
            "none"
        } else if shards_left < all_shards {
            "some"
        } else {
            "all"
        };
        *ended.entry((there, manifest.exists(), cleared)).or_insert(0) += 1;
        whole(merge(folder.path()));
        assert!(fs::read(&data).unwrap() == expected, "trial {trial}");
        assert_eq!(value(&manifest, "blake3"), blake3, "trial {trial}");
        assert_eq!(names(folder.path(), true), [] as [String; 0], "trial {trial}");
        assert_eq!(names(folder.path(), false), names(reference.path(), false), "trial {trial}");
    }
    println!("merge, by (file is there, manifest is there, shards left): {ended:?}");
}

/// A sweep that is killed again and again comes to its end, and a run that it had finished is never
/// made twice.
#[test]
fn a_killed_sweep_goes_on_and_repeats_no_finished_run() {
    let folder = tempfile::tempdir().unwrap();
    let config = "dataset: { path: primitives/datasets/v1/synthetic, channels: 2, \
        sample_rate_hz: 1000, params: { signal_type: pink_noise, duration_s: 1 } }\n\
        kernels: [{ name: car, window: 20, hop: 10 }]\nexecution: { pace: max }\n";
    fs::write(folder.path().join("c.yaml"), config).unwrap();
    let sweep = |values: &'static str| {
        let base = ["sweep", "--quiet", "--config", "c.yaml", "--out", "s", "--vary", values];
        command(&base, folder.path())
    };
    let values = "dataset.channels=2,3,4,5";
    let mut killer = Killer::new(whole(sweep(values)));
    let all = fs::read_to_string(folder.path().join("s/sweep.csv")).unwrap();
    let finished = || -> BTreeMap<String, (String, SystemTime)> {
        let complete = names(&folder.path().join("s"), false).into_iter().filter_map(|name| {
            let path = folder.path().join("s").join(&name).join("summary.json");
            let text = fs::read_to_string(&path).ok()?;
            let summary: Value = serde_json::from_str(&text).expect("a summary is whole");
            let made = fs::metadata(&path).unwrap().modified().unwrap();
            (summary["status"] == "complete").then_some((name, (text, made)))
        });
        complete.collect()
    };
    let (mut kills, mut kept) = (0, 0);
    for trial in 0..trials() {
        if finished().len() == 4 {
            fs::remove_dir_all(folder.path().join("s")).unwrap();
        }
        let before = finished();
        killer.start_and_kill(sweep(values), trial);
        kills += 1;
        let after = finished();
        for (name, run) in &before {
            assert_eq!(after.get(name), Some(run), "trial {trial}: {name} was made again");
            kept += 1;
        }
        for file in ["sweep.json", "sweep.csv", "sweep.html"] {
            let Ok(text) = fs::read_to_string(folder.path().join("s").join(file)) else { continue };
            match file {
                "sweep.json" => drop(serde_json::from_str::<Value>(&text).expect("JSON is whole")),
                "sweep.csv" => assert!(text.ends_with('\n'), "trial {trial}"),
                _ => assert!(text.trim_end().ends_with("</html>"), "trial {trial}"),
            }
        }
    }
    let before = finished();
    whole(sweep(values));
    let after = finished();
    assert!(before.iter().all(|(name, run)| after.get(name) == Some(run)));
    // The same runs as of a sweep that nobody killed, and nothing besides.
    let runs = |table: &str| -> Vec<String> {
        table.lines().filter_map(|line| line.rsplit(',').next().map(str::to_owned)).collect()
    };
    let table = fs::read_to_string(folder.path().join("s/sweep.csv")).unwrap();
    assert_eq!(runs(&table), runs(&all));
    assert_eq!(names(&folder.path().join("s"), true), [] as [String; 0]);
    assert_eq!(names(folder.path(), true), [] as [String; 0]);
    println!("sweep: {kills} kills, {kept} finished runs met again");
}
