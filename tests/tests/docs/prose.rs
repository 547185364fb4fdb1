//! The documentation's lines fit an editor.

use std::fs;
use std::path::{Path, PathBuf};

use cortex_tests::checkout;

/// Longest line of prose in characters. Tables, code and addresses are as long as they are.
const COLUMNS: usize = 100;

fn pages(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    entries
        .flat_map(|path| if path.is_dir() { pages(&path) } else { vec![path] })
        .filter(page)
        .collect()
}

#[test]
fn prose_has_short_lines() {
    let mut all = pages(&checkout().join("docs"));
    all.extend(["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(|name| checkout().join(name)));
    assert!(all.len() > 10, "the pages are where they were");
    let mut long = Vec::new();
    for path in all {
        let mut code = false;
        for (index, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            code ^= line.trim_start().starts_with("```");
            let free = code
                || line.starts_with(['|', '`', '!'])
                || line.starts_with("    ")
                || line.contains("://");
            if !free && line.chars().count() > COLUMNS {
                long.push(format!("{}:{}", path.display(), index + 1));
            }
        }
    }
    assert!(long.is_empty(), "lines of more than {COLUMNS} columns: {long:#?}");
}
