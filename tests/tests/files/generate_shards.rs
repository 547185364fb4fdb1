//! Datasets made in shards: byte-identical to the unsharded file, restartable, checked on merging.

use std::fs;
use std::path::Path;
use std::process::Output;

use cortex_tests::{cortex_host, stderr_of, stdout_of};

const DATA: &str = "pink_noise 77 160 2.5 data.float32";
const V2: &str = "--primitive primitives/datasets/v2/synthetic";
/// Signals with truth, through a front end that loses packets.
const V3: [&str; 2] = [
    "spikes 37 8000 0.3 data.float32 --units-per-electrode 2 --front-end-loss-rate=0.1",
    "eeg 45 250 2.5 data.float32 --paradigm p300 --blinks-per-min 40 --front-end-loss-rate=0.1",
];

fn cortex(arguments: &str, folder: &Path) -> Output {
    cortex_host().args(arguments.split_whitespace()).current_dir(folder).output().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn without_time(manifest: &Path) -> String {
    let text = fs::read_to_string(manifest).unwrap();
    text.lines().filter(|line| !line.starts_with("created:")).collect()
}

#[test]
fn merged_shards_are_the_unsharded_file_in_both_layouts() {
    let pink = [format!("{V2} --exponent 1.3"), format!("{V2} --normalize exact"), String::new()];
    let pink = pink.map(|more| format!("{DATA} {more}"));
    for data in pink.iter().map(String::as_str).chain(V3) {
        let whole = tempfile::tempdir().unwrap();
        stderr_of(&cortex(&format!("generate {data}"), whole.path()), 0);
        let expected = fs::read(whole.path().join("data.float32")).unwrap();
        for layout in ["", "--separate"] {
            let folder = tempfile::tempdir().unwrap();
            // Any order, any threads.
            for (shard, threads) in [(3, 2), (1, 1), (4, 7), (2, 3)] {
                let command =
                    format!("generate {data} --shard {shard}/4 {layout} --threads {threads}");
                stderr_of(&cortex(&command, folder.path()), 0);
                assert!(!folder.path().join("data.float32").exists(), "not before it is whole");
            }
            let merged = cortex("merge data.float32 --json", folder.path());
            assert!(stdout_of(&merged, 0).contains("blake3"));
            assert!(fs::read(folder.path().join("data.float32")).unwrap() == expected, "{layout}");
            let all = names(whole.path());
            assert_eq!(names(folder.path()), all, "header, manifest, truth, no shards");
            for truth in all.iter().filter(|name| name.ends_with(".tsv") || name.ends_with(".npy"))
            {
                let read = |at: &Path| fs::read(at.join(truth)).unwrap();
                assert!(read(folder.path()) == read(whole.path()), "{truth}");
            }
            let manifest = "data.float32.manifest.yaml";
            let manifests = [folder.path(), whole.path()].map(|f| without_time(&f.join(manifest)));
            assert_eq!(manifests[0], manifests[1]);
        }
    }
}

#[test]
fn an_interrupted_shard_is_made_again_and_a_finished_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let shard = |k: u32| cortex(&format!("generate {DATA} --shard {k}/2"), folder.path());
    stderr_of(&shard(1), 0);
    // What a killed shard 2 leaves: some of its columns, and no manifest.
    let shared = folder.path().join("data.float32.shards");
    let mut bytes = fs::read(&shared).unwrap();
    bytes[77 * 4 - 4..77 * 4].copy_from_slice(&1.0_f32.to_le_bytes());
    fs::write(&shared, bytes).unwrap();
    let missing = stderr_of(&cortex("merge data.float32", folder.path()), 3);
    assert!(missing.contains("lacks shard 2/2"), "{missing}");
    assert!(!stderr_of(&shard(2), 0).contains("complete already"));
    assert!(stderr_of(&shard(1), 0).contains("complete already"));
    stderr_of(&cortex("merge data.float32", folder.path()), 0);
    let again = cortex("reproduce data.float32.manifest.yaml", folder.path());
    assert!(stdout_of(&again, 0).ends_with("reproduced\n"));
    // The whole is there: a late requeued shard must not begin again beside it.
    assert!(stderr_of(&shard(2), 2).contains("exists already"));
}

#[test]
fn changed_foreign_and_unwritten_shards_are_not_merged() {
    for layout in ["", "--separate"] {
        let folder = tempfile::tempdir().unwrap();
        for k in 1..=2 {
            let command = format!("generate {DATA} --shard {k}/2 {layout}");
            stderr_of(&cortex(&command, folder.path()), 0);
        }
        // The last value belongs to shard 2 in either layout.
        let name =
            ["data.float32.shards", "data.float32.shard-2-of-2"][usize::from(!layout.is_empty())];
        let mut bytes = fs::read(folder.path().join(name)).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(folder.path().join(name), bytes).unwrap();
        let message = stderr_of(&cortex("merge data.float32", folder.path()), 1);
        assert!(message.contains("data of shard 2/2 differ"), "{message}");
        assert!(!folder.path().join("data.float32").exists());
        // As the message says.
        let again = format!("generate {DATA} --shard 2/2 {layout} --force");
        stderr_of(&cortex(&again, folder.path()), 0);
        // A shard of another seed beside it.
        let manifest = folder.path().join("data.float32.shard-1-of-2.manifest.yaml");
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, text.replace("seed: 42", "seed: 43")).unwrap();
        let message = stderr_of(&cortex("merge data.float32", folder.path()), 2);
        assert!(message.contains("of another dataset"), "{message}");
        fs::write(&manifest, text).unwrap();
        stderr_of(&cortex("merge data.float32", folder.path()), 0);
    }
    let empty = tempfile::tempdir().unwrap();
    let message = stderr_of(&cortex("merge data.float32", empty.path()), 3);
    assert!(message.contains("no shard of data.float32"), "{message}");
}

#[test]
fn shards_that_cannot_be_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, reason) in [
        ("sine_wave 2 160 1 x --shard 1/3", "cannot be split into 3 shards"),
        ("sine_wave 2 160 1 x --shard 0/2", "K/N"),
        ("sine_wave 2 160 1 x --separate", "--shard"),
        ("sine_wave 2 160 1 - --shard 1/2", "stdout"),
    ] {
        let message = stderr_of(&cortex(&format!("generate {arguments}"), folder.path()), 2);
        assert!(message.contains(reason), "{arguments}: {message}");
    }
    assert!(names(folder.path()).is_empty());
}
