//! The fuzz targets on the stable toolchain without instrumentation: the kept corpus, and
//! mutations of it from a fixed seed. `tests/fuzz.sh` looks further.

use std::collections::BTreeSet;
use std::fs;

use cortex_tests::checkout;
use cortex_tests::fuzz::{TARGETS, check, corpus};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

/// Mutated inputs per target.
const CASES: u32 = 300;

/// One change to an input.
#[derive(Clone, Debug)]
enum Mutation {
    /// Some bytes replaced by others.
    Patch(Index, usize, Vec<u8>),
    /// One bit turned.
    Bit(Index, u8),
    /// Everything from here on gone.
    Cut(Index),
    /// A stretch once more.
    Again(Index, usize),
    /// From here on another input of the corpus.
    Splice(Index, Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), 0usize..12, vec(any::<u8>(), 0..8))
            .prop_map(|(at, length, patch)| Mutation::Patch(at, length, patch)),
        4 => (index(), 0usize..12, "[ -~\\n]{0,12}")
            .prop_map(|(at, length, text)| Mutation::Patch(at, length, text.into_bytes())),
        2 => (index(), 0u8..8).prop_map(|(at, bit)| Mutation::Bit(at, bit)),
        1 => index().prop_map(Mutation::Cut),
        1 => (index(), 1usize..40).prop_map(|(at, length)| Mutation::Again(at, length)),
        1 => (index(), index(), index()).prop_map(|(a, b, c)| Mutation::Splice(a, b, c)),
    ]
}

impl Mutation {
    fn apply(&self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let place = |at: &Index, length: usize| if length == 0 { 0 } else { at.index(length) };
        match self {
            Mutation::Patch(at, length, patch) => {
                let at = place(at, input.len() + 1);
                let end = (at + length).min(input.len());
                input.splice(at..end, patch.iter().copied());
            }
            Mutation::Bit(at, bit) => {
                let at = place(at, input.len());
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Mutation::Cut(at) => input.truncate(place(at, input.len())),
            Mutation::Again(at, length) => {
                let at = place(at, input.len());
                let stretch = input[at..(at + length).min(input.len())].to_vec();
                input.splice(at..at, stretch);
            }
            Mutation::Splice(which, from, at) => {
                let other = &corpus[place(which, corpus.len())];
                input.truncate(place(at, input.len()));
                input.extend_from_slice(&other[place(from, other.len())..]);
            }
        }
    }
}

/// The runner of every property here: the same cases in every run.
fn runner(cases: u32) -> TestRunner {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn holds(name: &str) {
    let corpus: Vec<Vec<u8>> = corpus(name)
        .into_iter()
        .map(|(path, input)| {
            println!("{}", path.display());
            check(name, &input);
            input
        })
        .collect();
    let cases = (any::<Index>(), vec(mutation(), 1..5));
    runner(CASES)
        .run(&cases, |(which, mutations)| {
            let mut input = which.get(&corpus).clone();
            for mutation in mutations {
                mutation.apply(&mut input, &corpus);
            }
            check(name, &input);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn configurations() {
    holds("config");
}

/// Any text, and short ones of the characters that formats treat in their own way.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ -~\\t\\n\\u{85}\\u{feff}\\u{2028}]{0,12}"]
}

/// The text as a JSON string, which is YAML too.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text")
}

/// Texts and numbers that a mutation seldom makes: whatever is taken is written back so that it
/// is read as the same.
#[test]
fn any_text_and_number_of_a_configuration_comes_back() {
    // Of every magnitude that a configuration takes, and some that it does not.
    let number = || {
        prop_oneof![
            1 => any::<f64>(),
            9 => (1.0..10.0f64, -9..16i32).prop_map(|(digits, power)| {
                format!("{digits}e{power}").parse::<f64>().expect("a number")
            }),
        ]
    };
    let cases = (text(), text(), number(), number(), number());
    runner(2_000)
        .run(&cases, |(directory, port, seconds, rate_hz, deadline_us)| {
            let config = format!(
                "dataset:\n  path: primitives/datasets/v1/synthetic\n  channels: 2\n  \
                   sample_rate_hz: {rate_hz:?}\n  \
                   params: {{signal_type: sine_wave, frequency_hz: 1e-3, duration_s: {seconds:?}}}\n\
                 kernels: [{{name: noop, window: 1, deadline_us: {deadline_us:?}}}]\n\
                 output: {{directory: {}}}\ndevice: {}\n",
                quoted(&directory),
                quoted(&format!("serial://{port}")),
            );
            check("config", config.as_bytes());
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

/// The same of a manifest.
#[test]
fn any_text_of_a_manifest_comes_back() {
    let sine = corpus("manifest").into_iter().find(|(path, _)| path.ends_with("sine"));
    let whole = String::from_utf8(sine.expect("a seed").1).expect("text");
    assert!(whole.contains("\ncreated:") && whole.contains("\ntool:"), "{whole}");
    assert!(whole.contains("file: a.float32"), "{whole}");
    runner(2_000)
        .run(&(text(), text(), text()), |(created, version, file)| {
            let mut manifest: String = whole
                .lines()
                .filter(|line| !line.starts_with("created:") && !line.starts_with("tool:"))
                .flat_map(|line| [line, "\n"])
                .collect();
            manifest = manifest.replace("file: a.float32", &format!("file: {}", quoted(&file)));
            manifest += &format!(
                "created: {}\ntool: {{name: x, version: {}, target: y}}\n",
                quoted(&created),
                quoted(&version)
            );
            check("manifest", manifest.as_bytes());
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn manifests() {
    holds("manifest");
}

#[test]
fn edf_and_bdf_files() {
    holds("edf");
}

#[test]
fn brainvision_files() {
    holds("brainvision");
}

#[test]
fn npy_files() {
    holds("npy");
}

#[test]
fn frames() {
    holds("frames");
}

#[test]
fn device_sessions() {
    holds("device_session");
}

#[test]
fn host_sessions() {
    holds("host_session");
}

/// Every target has its file and a small corpus, and nothing else lies there.
#[test]
fn targets_files_and_corpora_are_the_same_set() {
    let root = checkout().join("tests/fuzz");
    let listed: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        entries
            .map(|entry| {
                let path = entry.unwrap().path();
                path.file_stem().unwrap().to_string_lossy().into_owned()
            })
            .collect()
    };
    assert_eq!(names("fuzz_targets"), listed);
    assert_eq!(names("corpus"), listed);
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let targets = manifest["bin"].as_array().unwrap();
    assert_eq!(targets.len(), listed.len());
    let mut total = 0;
    for name in &listed {
        let source = fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(source.contains(&format!("check(\"{name}\", input)")), "{name}");
        let target = targets.iter().find(|target| target["name"].as_str() == Some(name));
        let source = target.and_then(|target| target["path"].as_str());
        assert_eq!(source, Some(&*format!("fuzz_targets/{name}.rs")));
        let inputs = corpus(name);
        assert!((8..=60).contains(&inputs.len()), "{name}: {} inputs", inputs.len());
        total += inputs.iter().map(|(_, input)| input.len()).sum::<usize>();
    }
    assert!(total < 1 << 20, "{total} bytes");
}
