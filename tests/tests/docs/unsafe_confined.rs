//! Supply chain and safety rules that a search of the sources can hold.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cortex_tests::checkout;
use cortex_tests::skip::{Need, skip};
use toml::Value;

/// The workspaces: each has its own lockfile.
const WORKSPACES: [&str; 3] = [".", "firmware", "tests/fuzz"];

/// Every Rust source below `folder`, build products left out.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() {
            if name != "target" && !name.starts_with('.') {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// The lines that use the word as code: comments and lint names do not count.
fn unsafe_lines(text: &str) -> Vec<usize> {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    let uses = |line: &str| {
        let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        words.into_iter().any(|word| word == "unsafe")
    };
    let lines = text.lines().enumerate();
    lines.filter(|(_, line)| uses(&code(line))).map(|(number, _)| number + 1).collect()
}

#[test]
fn unsafe_code_is_confined_to_one_module_and_each_use_is_argued() {
    let root = checkout();
    let mut files = Vec::new();
    for folder in ["cortex-core", "cortex-host"] {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 80, "{} files", files.len());
    let platform = root.join("cortex-host/src/platform");
    // Types of a C interface, and the border that a macro puts into a user's crate: core itself
    // forbids the word in code.
    let border = root.join("cortex-core/src/abi");
    let mut uses = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let lines = unsafe_lines(&text);
        if !file.starts_with(&platform) && !file.starts_with(&border) {
            assert_eq!(lines, [] as [usize; 0], "{}", file.display());
            continue;
        }
        uses += lines.len();
        let only_types = file.starts_with(&border) && !text.contains("unsafe {");
        if !lines.is_empty() && !only_types {
            assert!(text.contains("SAFETY:") || text.contains("# Safety"), "{}", file.display());
        }
    }
    // The search finds what is known to be there.
    assert!(uses >= 5, "{uses} uses in platform/");
    let core = fs::read_to_string(root.join("cortex-core/src/lib.rs")).unwrap();
    assert!(core.contains("#![forbid(unsafe_code)]"));
}

#[test]
fn all_workspaces_commit_their_lockfiles_and_every_package_has_its_checksum() {
    for workspace in WORKSPACES {
        let lockfile = checkout().join(workspace).join("Cargo.lock");
        let text = fs::read_to_string(lockfile).unwrap();
        let lock: toml::Table = text.parse().unwrap();
        let mut registry = 0;
        for package in lock["package"].as_array().unwrap() {
            let Some(source) = package.get("source").and_then(Value::as_str) else { continue };
            assert_eq!(
                source, "registry+https://github.com/rust-lang/crates.io-index",
                "{package:?}"
            );
            assert!(package.get("checksum").is_some(), "{package:?}");
            registry += 1;
        }
        assert!(registry > 10, "{workspace}");
    }
}

#[test]
fn all_lockfiles_are_current() {
    for workspace in WORKSPACES {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--locked", "--format-version", "1"])
            .current_dir(checkout().join(workspace))
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("--locked"), "{workspace}: {stderr}");
        if !output.status.success() {
            // Crates of other platforms may be missing, and the network with them.
            skip(Need::Registry, &format_args!("{workspace}: cargo metadata: {}", stderr.trim()));
        }
    }
}

#[test]
fn no_build_script_of_ours_uses_the_network() {
    let root = checkout();
    let mut files = Vec::new();
    for folder in ["cortex-core", "cortex-host", "tests", "firmware"] {
        sources(&root.join(folder), &mut files);
    }
    let scripts: Vec<_> = files.iter().filter(|file| file.ends_with("build.rs")).collect();
    let scripts: Vec<_> =
        scripts.into_iter().filter(|file| !file.ends_with("plan/build.rs")).collect();
    assert!(scripts.len() >= 2, "{scripts:?}");
    for script in scripts {
        let text = fs::read_to_string(script).unwrap();
        for word in ["net::", "ureq", "http", "TcpStream", "curl", "wget"] {
            assert!(!text.contains(word), "{} uses {word}", script.display());
        }
    }
}
