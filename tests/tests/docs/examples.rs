//! The examples of both crates run and say what is true.

use std::fs;
use std::path::Path;

use cortex_tests::{checkout, cortex_host, example, stdout_of};

/// What `name` prints, run in `folder`.
fn printed(name: &str, folder: &Path) -> String {
    let output = example(name).env("TMPDIR", folder).current_dir(folder).output().unwrap();
    stdout_of(&output, 0)
}

/// The bytes of the dataset that `cortex-host generate` makes of `arguments`.
fn generated(arguments: &str) -> Vec<u8> {
    let mut program = cortex_host();
    program.args(["--quiet", "generate"]).args(arguments.split(' '));
    let output = program.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The numbers of a list that is printed as `[1.0, 2.0]` or `[[1.0], [2.0]]`, on one line.
fn list(text: &str) -> Vec<f32> {
    let line = text.lines().find(|line| line.ends_with(']')).unwrap();
    let (_, numbers) = line.split_once('[').unwrap();
    numbers.split(", ").map(|number| number.trim_matches(['[', ']']).parse().unwrap()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

#[test]
fn generate_writes_the_file_of_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = printed("generate", folder.path());
    let expected = generated("pink_noise 64 160 10 - --seed=42");
    assert!(text.starts_with("1600 samples x 64 channels\n"), "{text}");
    assert_eq!(list(&text), &floats(&expected)[..64]);
    assert_eq!(fs::read(folder.path().join("cortex-example.float32")).unwrap(), expected);
}

#[test]
fn filter_takes_little_but_the_mains_away() {
    let folder = tempfile::tempdir().unwrap();
    let text = printed("filter", folder.path());
    let rms = text.strip_prefix("3840000 values, RMS ").unwrap().split(' ').next().unwrap();
    // 100 µV are asked for; a channel's slow part alone varies by a tenth, and the mean of 64 is
    // steadier. A notch of 50/30 Hz out of 500 Hz of pink noise takes less than a hundredth.
    assert!((rms.parse::<f64>().unwrap() - 100.0).abs() < 10.0, "{text}");
}

#[test]
fn one_channel_is_the_first_of_the_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let found = list(&printed("one_channel", folder.path()));
    let expected = generated("pink_noise 1 160 1 - --seed=42");
    assert_eq!(found, &floats(&expected)[..4]);
}

#[test]
fn kernel_filters_both_channels_alike() {
    let folder = tempfile::tempdir().unwrap();
    let values = list(&printed("kernel", folder.path()));
    // Its second channel is the first with the other sign.
    let [a, b, c, d] = values[..] else { panic!("{values:?}") };
    assert!((a, c) == (-b, -d) && a > 0.9 && a < 1.0, "{values:?}");
}

#[test]
fn every_example_is_run() {
    let mut found = Vec::new();
    for folder in ["cortex-core/examples", "cortex-host/examples"] {
        for entry in fs::read_dir(checkout().join(folder)).unwrap() {
            found.push(entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort();
    // `digests` is what tests/portability.sh compares.
    assert_eq!(found, ["digests", "filter", "generate", "kernel", "one_channel"]);
}
