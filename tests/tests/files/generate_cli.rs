//! `generate`, `reproduce` and `verify` as a user meets them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cortex_tests::faults::SmallDisk;
use cortex_tests::{checkout, cortex_host, stderr_of, stdout_of};
use serde_json::Value;

fn generate(arguments: &str, folder: &Path) -> std::process::Output {
    let mut command = cortex_host();
    command.arg("generate").args(arguments.split_whitespace()).current_dir(folder);
    command.output().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The CRC-32 of 8 channels x 64 blocks of pink noise, pinned in the primitive's spec.yaml.
fn golden_pink_crc32() -> String {
    let path = checkout().join("primitives/datasets/v1/synthetic/spec.yaml");
    let spec = fs::read_to_string(path).unwrap();
    let (_, after) = spec.split_once("- params: { signal_type: pink_noise").unwrap();
    let (_, after) = after.split_once("crc32: \"").unwrap();
    after[..8].to_owned()
}

#[test]
fn the_seed_guides_command_writes_the_file_and_what_belongs_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = generate(
        "pink_noise 96 160 1.5 test_data.float32 --amplitude_uv_rms=100 --seed=42",
        folder.path(),
    );
    assert_eq!(
        stderr_of(&output, 0),
        "[cortex] Generating pink_noise signal...\n\
         [cortex] 96ch × 240 samples... 100% complete\n\
         [cortex] Generated file: test_data.float32\n"
    );
    assert_eq!(
        names(folder.path()),
        [
            "test_data.float32",
            "test_data.float32.manifest.yaml",
            "test_data.vhdr",
            "test_data.vmrk"
        ]
    );
    assert_eq!(fs::read(folder.path().join("test_data.float32")).unwrap().len(), 96 * 240 * 4);
    let manifest =
        fs::read_to_string(folder.path().join("test_data.float32.manifest.yaml")).unwrap();
    for line in [
        "path: primitives/datasets/v1/synthetic",
        "version: v1",
        "signal_type: pink_noise",
        "duration_s: 1.5",
        "seed: 42",
        "amplitude_uv_rms: 100.0",
        "low_corner_hz: 0.05",
        "file: test_data.float32",
        "channels: 96",
        "sample_rate_hz: 160.0",
        "samples: 240",
        "bytes: 92160",
        // The golden digest of channels 0..8, which boards print too.
        &format!("first_blocks_crc32: {}", golden_pink_crc32()),
    ] {
        assert!(manifest.contains(line), "{line} is not in\n{manifest}");
    }
    let folder_name = folder.path().to_str().unwrap();
    assert!(!manifest.contains(folder_name), "a manifest has no absolute paths");
}

#[test]
fn options_do_not_change_the_bytes_and_stdout_carries_them() {
    let folder = tempfile::tempdir().unwrap();
    let digest = |out: &str, options: &str| {
        let output =
            generate(&format!("pink_noise 37 250 2 {out} --json {options}"), folder.path());
        let facts: Value = serde_json::from_str(&stdout_of(&output, 0)).unwrap();
        facts["blake3"].as_str().unwrap().to_owned()
    };
    let first = digest("a", "");
    assert_eq!(first, digest("b", "--threads 1 --io mmap"));
    assert_eq!(first, digest("c", "--threads 7 --simd scalar --fsync"));
    let other = digest("d", "--seed 43");
    assert_ne!(first, other);
    let streamed = generate("pink_noise 37 250 2 -", folder.path());
    assert_eq!(streamed.stdout, fs::read(folder.path().join("a")).unwrap());
    assert!(String::from_utf8_lossy(&streamed.stderr).contains(&first));
}

#[test]
fn samples_are_the_nearest_whole_number_whatever_floats_do() {
    let folder = tempfile::tempdir().unwrap();
    // In floating point 0.29 * 100 is 28.999999999999996 and 0.1 * 160 is 16.000000000000004 or so.
    for (arguments, samples) in [("1 100 0.29", 29), ("1 160 0.1", 16), ("1 10 0.05", 1)] {
        let output = generate(&format!("sine_wave {arguments} - --frequency-hz 1"), folder.path());
        assert_eq!(output.stdout.len(), samples * 4, "{arguments}");
    }
}

#[test]
fn wrong_arguments_are_one_sentence_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, said) in [
        ("sine_wave 4 160 1 x --frequency-hz 80", "Nyquist"),
        ("sine_wave 4 160 1 x --frequency-hz nan", "NaN"),
        ("sine_wave 4 160 1 x --amplitude-uv-peak=-1", "amplitude_uv_peak"),
        ("sine_wave 4 160 inf x", "duration_s"),
        ("sine_wave 4 160 0 x", "duration_s"),
        ("sine_wave 4 160 0.001 x", "less than one sample"),
        ("sine_wave 4 0 1 x", "sample_rate_hz"),
        ("sine_wave 4 -160 1 x", "sample_rate_hz"),
        ("sine_wave 0 160 1 x", "channels"),
        ("sine_wave 99999999999 160 1 x", "channels"),
        ("sine_wave 4 160 1e300 x", "duration_s"),
        ("sine_wave 4 160 1e14 x", "8 PiB"),
        ("pink_nose 4 160 1 x", "did you mean \"pink_noise\""),
        ("pink_noise 4 160 1 x --frequency-hz 10", "takes no frequency_hz"),
        ("pink_noise 4 160 1 x --seed -1", "seed"),
        ("pink_noise 4 160 1 x --simd mmx", "avx512"),
        ("pink_noise 4 160 1 x --threads 0", "threads"),
        ("pink_noise 4 160 1 x --primitive primitives/datasets/synthetic", "names no version"),
        ("pink_noise 4 160 1 x --primitive primitives/datasets/v9/synthetic", "no version \"v9\""),
        ("pink_noise 4 160 1 x.csv", "known are .edf, .bdf, .vhdr, .npy, .float32, .i16 and .i24"),
        ("pink_noise 4 160 1 x.edf --format bdf", "end the name in .bdf"),
        ("pink_noise 4 160 1 x.edf --npy", "x.edf is EDF"),
        ("pink_noise 4 160 1 - --format edf", "stdout gets raw float32"),
        ("pink_noise 4 160 1 x.edf --shard 1/2", "end the name in .float32"),
        ("pink_noise 4 160 1 --bids x --subject 1_2 --task rest", "letters and digits"),
        ("pink_noise 4 160 1 --bids x --subject 1", "--task"),
        ("pink_noise 4 160 1 x.edf --bids x --subject 1 --task rest", "does not go together"),
    ] {
        let output = generate(arguments, folder.path());
        let message = stderr_of(&output, 2);
        assert!(message.contains(said), "{arguments}: {message}");
        assert!(names(folder.path()).is_empty(), "{arguments} left something");
    }
}

#[test]
fn an_existing_file_is_replaced_only_when_forced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.float32");
    fs::write(&path, "precious").unwrap();
    let message = stderr_of(&generate("sine_wave 1 160 1 x.float32", folder.path()), 2);
    assert!(message.contains("exists already") && message.contains("--force"), "{message}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert_eq!(names(folder.path()).len(), 1);
    stdout_of(&generate("sine_wave 1 160 1 x.float32 --force", folder.path()), 0);
    assert_eq!(fs::metadata(&path).unwrap().len(), 640);
    for place in [".", "/dev/null"] {
        let output = generate(&format!("sine_wave 1 160 1 {place} --force"), folder.path());
        assert!(stderr_of(&output, 2).contains("not a regular file"));
    }
}

#[test]
fn an_unwritable_place_is_an_error_of_input_and_output() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let message = stderr_of(&generate("sine_wave 1 160 1 file/x.float32", folder.path()), 3);
    assert!(message.contains("file"), "{message}");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    for io in ["mmap", "direct"] {
        let output = generate(&format!("pink_noise 64 160 100 x.float32 --io {io}"), disk.path());
        let message = stderr_of(&output, 3);
        assert!(message.contains("no room for x.float32: it needs 4096000 bytes"), "{message}");
        assert!(names(disk.path()).is_empty(), "--io {io}");
    }
    // What fits is written.
    stdout_of(&generate("pink_noise 64 160 10 x.float32", disk.path()), 0);
}

/// Starts a generation that takes long and waits until it is at work.
fn long_generation(folder: &Path) -> std::process::Child {
    let mut command = cortex_host();
    command
        .args(["generate", "pink_noise", "256", "160", "3600", "x.float32", "--threads", "1"])
        .current_dir(folder)
        .stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let start = Instant::now();
    while names(folder).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(60), "it never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

#[test]
fn interrupting_exits_130_and_leaves_nothing() {
    for signal in ["-INT", "-TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = long_generation(folder.path());
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
    }
}

#[test]
fn a_killed_generation_leaves_no_data_and_is_cleared_away_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = long_generation(folder.path());
    child.kill().unwrap();
    child.wait().unwrap();
    let left = names(folder.path());
    assert!(left.iter().all(|name| name.starts_with('.') && name.ends_with(".part")), "{left:?}");
    assert_eq!(left.len(), 1);
    stdout_of(&generate("sine_wave 1 160 1 x.float32", folder.path()), 0);
    assert!(names(folder.path()).contains(&"x.float32".to_owned()));
    assert!(!names(folder.path()).contains(&left[0]), "the killed one's part file is gone");
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let mut command = cortex_host();
    command.args(["generate", "sine_wave", "64", "160", "600", "-"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let message = stderr_of(&output, 0);
    assert!(!message.contains("error"), "{message}");
}

fn reproduce(manifest: &Path, options: &[&str]) -> std::process::Output {
    cortex_host().arg("reproduce").arg(manifest).args(options).output().unwrap()
}

#[test]
fn reproduce_says_yes_to_what_is_and_no_to_what_was_changed() {
    let folder = tempfile::tempdir().unwrap();
    stdout_of(&generate("pink_noise 8 160 4 x.float32", folder.path()), 0);
    let manifest = folder.path().join("x.float32.manifest.yaml");
    let data = folder.path().join("x.float32");
    let text = fs::read_to_string(&manifest).unwrap();

    let answer = stdout_of(&reproduce(&manifest, &["--threads", "1"]), 0);
    assert!(answer.contains("blake3 of x.float32: equal") && answer.ends_with("reproduced\n"));
    let json: Value =
        serde_json::from_str(&stdout_of(&reproduce(&manifest, &["--json"]), 0)).unwrap();
    assert_eq!((&json["reproduced"], &json["data_file"]), (&true.into(), &"x.float32".into()));

    // One flipped bit in the data file: the parameters still reproduce, the file differs.
    let mut bytes = fs::read(&data).unwrap();
    bytes[1000] ^= 1;
    fs::write(&data, &bytes).unwrap();
    let answer = stdout_of(&reproduce(&manifest, &[]), 1);
    assert!(answer.contains("blake3 of x.float32: DIFFERENT"), "{answer}");
    assert!(answer.starts_with("blake3: equal"), "{answer}");
    bytes[1000] ^= 1;
    bytes.truncate(1000);
    fs::write(&data, &bytes).unwrap();
    stdout_of(&reproduce(&manifest, &[]), 1);

    // Without the file only the digests are compared.
    fs::remove_file(&data).unwrap();
    let answer = stdout_of(&reproduce(&manifest, &[]), 0);
    assert!(answer.contains("none beside the manifest"), "{answer}");

    // Another seed: other bytes.
    fs::write(&manifest, text.replace("seed: 42", "seed: 43")).unwrap();
    let json: Value =
        serde_json::from_str(&stdout_of(&reproduce(&manifest, &["--json"]), 1)).unwrap();
    assert_eq!(json["reproduced"], false);
    assert!(json["comparisons"].as_array().unwrap().iter().all(|c| c["equal"] == false));

    // Manifests that contradict themselves or are none: file, line and column.
    for (from, to, place, said) in [
        ("samples: 640", "samples: 641", ":19:12:", "the parameters give 640"),
        ("seed: 42", "sead: 42", ":11:3:", "did you mean \"seed\""),
        ("schema_version: 1", "schema_version: 2", ":4:", "schema_version"),
        ("version: v1", "version: v2", ":7:", "stands for v1"),
        ("file: x.float32", "file: /etc/passwd", ":", "without folders"),
        ("\n  crc32: ", "\n  crc32: z", ":23:10:", "hexadecimal"),
        ("signal_type: pink_noise", "signal_type: [", ":", ""),
    ] {
        assert!(text.contains(from), "{from}");
        fs::write(&manifest, text.replacen(from, to, 1)).unwrap();
        let message = stderr_of(&reproduce(&manifest, &[]), 2);
        assert!(message.contains("manifest.yaml:") && message.contains(place), "{message}");
        assert!(message.contains(said), "{message}");
    }
    fs::write(&manifest, "").unwrap();
    stderr_of(&reproduce(&manifest, &[]), 2);
    fs::remove_file(&manifest).unwrap();
    assert!(stderr_of(&reproduce(&manifest, &[]), 3).contains("manifest.yaml"));
    assert!(
        stderr_of(&reproduce(folder.path(), &[]), 3)
            .contains("there is no manifest in this folder")
    );
}

#[test]
fn a_manifest_with_sha256_is_checked_by_it_wherever_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    stdout_of(&generate("pink_noise 8 160 4 x.float32 --sha256", folder.path()), 0);
    let manifest = folder.path().join("x.float32.manifest.yaml");
    let text = fs::read_to_string(&manifest).unwrap();
    let sums = Command::new("sha256sum").arg(folder.path().join("x.float32")).output().unwrap();
    let sums = String::from_utf8(sums.stdout).unwrap();
    let sha256 = sums.split_whitespace().next().unwrap();
    assert!(text.contains(&format!("  sha256: {sha256}\n")) && !text.contains("blake3"));
    let answer = stdout_of(&reproduce(&manifest, &[]), 0);
    assert!(answer.contains("sha256: equal") && answer.contains("sha256 of x.float32: equal"));
    let again = generate("--from x.float32.manifest.yaml again.float32 --json", folder.path());
    let facts: Value = serde_json::from_str(&stdout_of(&again, 0)).unwrap();
    assert_eq!(facts["sha256"], sha256);
    // A run on the file holds it to its manifest's digest.
    let run = || {
        let config = "dataset: { path: x.float32, format: float32, channels: 8, \
                      sample_rate_hz: 160 }\nkernels: [{ name: noop, window: 160, hop: 80 }]\n\
                      execution: { pace: max }\n";
        fs::write(folder.path().join("c.yaml"), config).unwrap();
        let mut run = cortex_host();
        run.args(["run", "--config", "c.yaml", "--json"]).current_dir(folder.path());
        run.output().unwrap()
    };
    assert!(stdout_of(&run(), 0).contains(&format!("\"sha256\": \"{sha256}\"")));
    let wrong = "a".repeat(64);
    fs::write(&manifest, text.replace(sha256, &wrong)).unwrap();
    assert!(stderr_of(&run(), 3).contains(&wrong));
    // One digest, and whole.
    for (from, to, said) in [
        ("  sha256: ".to_owned(), format!("  blake3: {wrong}\n  sha256: "), "has one of them"),
        (format!("  sha256: {sha256}\n"), String::new(), "digests.blake3 is missing"),
    ] {
        fs::write(&manifest, text.replace(&from, &to)).unwrap();
        let message = stderr_of(&reproduce(&manifest, &[]), 2);
        assert!(message.contains(said), "{message}");
    }
}

#[test]
fn verify_checks_the_golden_digests_of_a_generator() {
    let primitive = "primitives/datasets/v1/synthetic";
    let verify = |folder: &Path, path: &str| {
        cortex_host().args(["verify", path]).current_dir(folder).output().unwrap()
    };
    let answer = stdout_of(&verify(&checkout(), primitive), 0);
    assert!(answer.contains("sha256 of pink_noise: equal") && answer.ends_with("verified\n"));

    // A local primitives folder wins; its digests differ.
    let folder = tempfile::tempdir().unwrap();
    let local = folder.path().join(primitive);
    fs::create_dir_all(&local).unwrap();
    let spec = fs::read_to_string(checkout().join(primitive).join("spec.yaml")).unwrap();
    fs::write(local.join("spec.yaml"), spec.replace(&golden_pink_crc32(), "01234567")).unwrap();
    let answer = stdout_of(&verify(folder.path(), primitive), 1);
    assert!(answer.contains("crc32 of pink_noise: DIFFERENT"), "{answer}");
    assert!(answer.contains("crc32 of sine_wave: equal"), "{answer}");
    stderr_of(&verify(folder.path(), "primitives/datasets/v1/nothing"), 2);
}
