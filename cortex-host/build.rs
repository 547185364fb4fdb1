//! What the program holds of its checkout: the YAML files of `primitives/`, and what it was built
//! from: `CORTEX_COMMIT` (empty outside a checkout, unless the environment gives it) and
//! `CORTEX_COMPILER`.
//!
//! `primitives` here is a link to the checkout's folder; a package holds the files themselves.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> io::Result<()> {
    name_the_build();
    list_the_primitives()
}

fn name_the_build() {
    println!("cargo:rerun-if-env-changed=CORTEX_COMMIT");
    let git = |arguments: &[&str]| output("git", arguments);
    let commit = std::env::var("CORTEX_COMMIT")
        .ok()
        .or_else(|| git(&["rev-parse", "--short=12", "HEAD"]))
        .unwrap_or_default();
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={log}");
    }
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let compiler = output(&rustc, &["--version"]).unwrap_or_default();
    println!("cargo:rustc-env=CORTEX_COMMIT={commit}");
    println!("cargo:rustc-env=CORTEX_COMPILER={compiler}");
}

/// What a command prints, when it succeeds with one line.
fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}

/// Writes the slice of names and texts that `primitive/embedded.rs` includes.
fn list_the_primitives() -> io::Result<()> {
    println!("cargo:rerun-if-changed=primitives");
    println!("cargo:rerun-if-changed=build.rs");
    let package = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(std::env::var("OUT_DIR").unwrap_or_default());
    let mut files = Vec::new();
    collect(&package, Path::new("primitives"), &mut files)?;
    files.sort();
    let mut list = fs::File::create(out.join("primitives.rs"))?;
    writeln!(list, "&[")?;
    for file in files {
        let name = file.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        // By the package's own place, not this script's: a copy of the checkout built into the same
        // target folder does not run it again.
        let path = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?})", format!("/{name}"));
        writeln!(list, "    ({name:?}, include_str!({path})),")?;
    }
    writeln!(list, "]")
}

/// Adds the YAML files below `folder`, relative to `package`.
fn collect(package: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(package.join(folder))? {
        let path = folder.join(entry?.file_name());
        if package.join(&path).is_dir() {
            collect(package, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    Ok(())
}
