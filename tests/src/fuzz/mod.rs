//! What must hold for any input at all: one function per fuzz target, which panics when it does
//! not. `tests/fuzz` calls them with libFuzzer's inputs, `tests/tests/link/fuzz_twins.rs` with the kept
//! corpus and with mutations of it.

mod files;
mod host;
mod link;
mod script;
mod text;

use std::fs;
use std::path::PathBuf;

pub use link::{
    Device, FuzzEngine, MAX_FRAME, View, configure, conversation_works, device, encode_frame,
    engine, settle,
};

use cortex_host::base::steers;

use crate::checkout;

/// A property of all byte strings.
pub type Property = fn(&[u8]);

/// The targets by name: each has a file in `tests/fuzz/fuzz_targets` and a folder in
/// `tests/fuzz/corpus`.
pub const TARGETS: [(&str, Property); 11] = [
    ("config", text::config),
    ("manifest", text::manifest),
    ("edf", files::edf),
    ("bdf", files::bdf),
    ("brainvision", files::brainvision),
    ("markers", files::markers),
    ("raw", files::raw),
    ("npy", files::npy),
    ("frames", link::frames),
    ("device_session", link::device_session),
    ("host_session", host::host_session),
];

/// Checks the property of the target `name`.
///
/// # Panics
/// It does not hold for `input`, or there is no such target.
pub fn check(name: &str, input: &[u8]) {
    let found = TARGETS.iter().find(|(target, _)| *target == name);
    let (_, property) = found.unwrap_or_else(|| panic!("no fuzz target {name}"));
    property(input);
}

/// The kept inputs of a target, sorted by name.
///
/// # Panics
/// The folder cannot be read.
#[must_use]
pub fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = checkout().join("tests/fuzz/corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("readable"))).collect()
}

/// A message for people is one line, not empty, short, and cannot steer a terminal.
fn assert_fit_to_print(message: &str) {
    assert!(!message.trim().is_empty(), "an empty message");
    assert!(!message.contains(steers), "control characters in {message:?}");
    assert!(message.chars().count() <= 1000, "{} characters: {message}", message.len());
}
