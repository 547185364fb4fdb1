//! Lists the primitives, so that the program holds every YAML file of `primitives/`.
//!
//! `primitives` here is a link to the checkout's folder; a package holds the files themselves.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let package = PathBuf::from(env("CARGO_MANIFEST_DIR"));
    println!("cargo::rerun-if-changed=primitives");
    let mut files = Vec::new();
    collect(&package, Path::new("primitives"), &mut files)?;
    files.sort();
    let mut list = fs::File::create(Path::new(&env("OUT_DIR")).join("primitives.rs"))?;
    writeln!(list, "&[")?;
    for file in files {
        let name = file.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
        writeln!(list, "    ({name:?}, include_str!({:?})),", package.join(&file))?;
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

fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
