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

fn holds(name: &str) {
    let corpus: Vec<Vec<u8>> = corpus(name)
        .into_iter()
        .map(|(path, input)| {
            println!("{}", path.display());
            check(name, &input);
            input
        })
        .collect();
    let config =
        ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() };
    let seed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let cases = (any::<Index>(), vec(mutation(), 1..5));
    TestRunner::new_with_rng(config, seed)
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
    let mut total = 0;
    for name in &listed {
        let source = fs::read_to_string(root.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(source.contains(&format!("check(\"{name}\", input)")), "{name}");
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let inputs = corpus(name);
        assert!((8..=60).contains(&inputs.len()), "{name}: {} inputs", inputs.len());
        total += inputs.iter().map(|(_, input)| input.len()).sum::<usize>();
    }
    assert!(total < 1 << 20, "{total} bytes");
}
