//! `verify` of a static dataset: right, wrong and missing files.

use std::fs;
use std::path::Path;
use std::process::Output;

use cortex_tests::{cortex_host, stderr_of, stdout_of};

/// SHA-256 of "abc" (FIPS 180-2, appendix B).
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn verify(folder: &Path, primitive: &str, more: &[&str]) -> Output {
    let mut command = cortex_host();
    command.args(["verify", primitive]).args(more).current_dir(folder);
    command.output().unwrap()
}

#[test]
fn files_are_right_wrong_or_missing() {
    let folder = tempfile::tempdir().unwrap();
    let primitive = "primitives/datasets/v1/tiny";
    let home = folder.path().join(primitive);
    fs::create_dir_all(home.join("original")).unwrap();
    fs::create_dir_all(home.join("converted")).unwrap();
    let spec = format!(
        "name: tiny\nversion: v1\nkind: static\nsummary: small\nsource: {{ title: t, url: \"https://example.org/\", checksums: s, license: l, license_url: u, cite: [c] }}\nchannels: 1\nsample_rate_hz: 160\nlabels: [Cz]\nsubjects: 1\nruns: 1\nrecordings:\n  - {{ id: S001R01, path: S001/S001R01.edf, sha256: \"{ABC}\", converted_sha256: \"{ABC}\" }}\n"
    );
    fs::write(home.join("spec.yaml"), &spec).unwrap();
    let (original, converted) =
        (home.join("original/S001R01.edf"), home.join("converted/S001R01.float32"));

    let error = stderr_of(&verify(folder.path(), primitive, &[]), 3);
    assert!(error.contains("2 of 2 files are missing; their source is https://example.org/"));
    fs::write(&original, "abc").unwrap();
    let error = stderr_of(&verify(folder.path(), primitive, &[]), 3);
    assert!(error.contains("1 of 2 files are missing"), "{error}");
    fs::write(&converted, "abc").unwrap();
    let answer = stdout_of(&verify(folder.path(), primitive, &["--json"]), 0);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["verified"], true);
    assert_eq!(answer["files"][1]["result"], "same");
    fs::write(&converted, "abd").unwrap();
    let answer = stdout_of(&verify(folder.path(), primitive, &[]), 1);
    assert!(answer.contains("original/S001R01.edf: ok"), "{answer}");
    assert!(answer.contains("converted/S001R01.float32: DIFFERS"), "{answer}");

    // A key that nobody knows is an error that says where.
    fs::write(home.join("spec.yaml"), spec.replace("summary", "sumary")).unwrap();
    let error = stderr_of(&verify(folder.path(), primitive, &[]), 2);
    assert!(error.contains("sumary") && error.contains("spec.yaml"), "{error}");
}

#[test]
fn missing_recordings_are_named_with_the_command_that_fetches_them() {
    let folder = tempfile::tempdir().unwrap();
    let primitive = "primitives/datasets/v1/physionet-motor-imagery";
    let error = stderr_of(&verify(folder.path(), primitive, &[]), 3);
    let command = "cortex-host download physionet --recording S001R03 --recording S001R07 --recording S001R11";
    assert!(error.trim_end().ends_with(command), "{error}");
}
