//! Every command and configuration in README.md, docs and the primitives' pages works; the examples
//! of `--help` have their own test (`help_examples.rs`).
//!
//! The blocks of a page are run in order in a folder of the page's own. A fence's info string
//! says what a block is:
//! - `sh`: run with `sh -e`;
//! - `sh network`, `sh hardware`, `sh checkout`: not run here, because it needs the network, a
//!   board, or builds; its `cortex-host` lines must still name subcommands and options that exist;
//! - `sh oracle`: run where SciPy and the PhysioNet recording are, with S001R03.edf in the folder;
//! - `yaml`: a configuration that must load; with a first line `# NAME.yaml` it is written under
//!   that name for the commands that follow;
//! - `yaml part`: a part of a configuration; `text`, `rust`, `diff`, `mermaid`, none: for reading;
//! - `python`: run by tests/python.sh.
//!
//! docs/guides/synthetic-datasets.md, which needs an archive to download from, has its own test
//! (`guide_datasets.rs`); the reference's YAML too (`configuration_reference.rs`), and the kernel of
//! docs/guides/built-in-kernel.md is built by `guide_own_kernel.rs`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use cortex_host::config::{self, Source};
use cortex_tests::skip::{Need, skip};
use cortex_tests::{checkout, cortex_host, real_recordings};

/// The fenced blocks: info string and text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((info.trim().to_owned(), text.join("\n")));
        }
    }
    blocks
}

/// The pages of the primitives below `folder`.
fn readmes(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            readmes(&path, pages);
        } else if path.ends_with("README.md") {
            pages.push(path);
        }
    }
}

fn pages() -> Vec<PathBuf> {
    let root = checkout();
    let mut pages = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    readmes(&root.join("primitives"), &mut pages);
    for folder in ["docs", "docs/guides", "docs/reference"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    let own = ["synthetic-datasets.md", "configuration.md"];
    pages.retain(|page| !own.iter().any(|name| page.ends_with(name)));
    pages.sort();
    pages
}

fn run(text: &str, folder: &Path, page: &Path) {
    let binary = cortex_host().get_program().to_owned();
    let programs = Path::new(&binary).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", text]).current_dir(folder).env("PATH", path).env("NO_COLOR", "1");
    let output = shell.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}:\n{text}\n{stderr}", page.display());
}

/// Each `cortex-host SUBCOMMAND --option` in `text` exists.
fn check_spelling(text: &str, page: &Path) {
    for line in text.lines().filter_map(|line| line.strip_prefix("cortex-host ")) {
        let subcommand = line.split_whitespace().next().unwrap_or_default();
        let output = cortex_host().args([subcommand, "--help"]).output().unwrap();
        assert!(output.status.success(), "{}: {line}", page.display());
        let help = String::from_utf8_lossy(&output.stdout);
        for option in line.split_whitespace().filter(|word| word.starts_with("--")) {
            let option = option.split('=').next().unwrap_or_default();
            assert!(help.contains(option), "{}: {option} in {line}", page.display());
        }
    }
}

/// Carries out the blocks of a page in order: how many of commands and of configurations.
fn carry_out(page: &Path) -> (usize, usize) {
    let (mut commands, mut configurations) = (0, 0);
    let text = fs::read_to_string(page).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (info, block) in blocks(&text) {
        match info.as_str() {
            "sh" => {
                run(&block, folder.path(), page);
                commands += 1;
            }
            "sh oracle" => {
                if std::env::var_os("CORTEX_ORACLE_PYTHON").is_none() {
                    skip(Need::Oracle, &page.display());
                } else if let Some(recordings) = real_recordings() {
                    let file = "S001R03.edf";
                    fs::copy(recordings.join(file), folder.path().join(file)).unwrap();
                    run(&block, folder.path(), page);
                }
            }
            "sh network" | "sh hardware" | "sh checkout" => check_spelling(&block, page),
            "yaml" => {
                let source = Source { name: "page".into(), text: block.clone(), folder: None };
                let parsed = config::parse(&source);
                assert!(parsed.is_ok(), "{}: {parsed:?}\n{block}", page.display());
                let first = block.lines().next().and_then(|line| line.strip_prefix("# "));
                if let Some(name) = first.filter(|name| name.ends_with(".yaml")) {
                    fs::write(folder.path().join(name), &block).unwrap();
                }
                configurations += 1;
            }
            "" | "text" | "rust" | "python" | "diff" | "mermaid" | "yaml part" | "toml" => {}
            other => panic!("{}: a block of an unknown kind: {other}", page.display()),
        }
    }
    (commands, configurations)
}

#[test]
fn every_command_and_configuration_of_the_documentation_works() {
    let pages = pages();
    let (next, counts) = (AtomicUsize::new(0), Mutex::new((0, 0)));
    // Two pages at a time: much of it waits for the sample clock.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(page) = pages.get(next.fetch_add(1, Relaxed)) {
                    let (commands, configurations) = carry_out(page);
                    let mut counts = counts.lock().unwrap();
                    *counts = (counts.0 + commands, counts.1 + configurations);
                }
            });
        }
    });
    let (commands, configurations) = counts.into_inner().unwrap();
    assert!(commands >= 12, "{commands} blocks of commands were run");
    println!("{commands} blocks of commands, {configurations} configurations");
}

/// Links to files inside the repository lead somewhere.
#[test]
fn every_relative_link_leads_to_a_file() {
    let mut all = pages();
    all.push(checkout().join("docs/guides/synthetic-datasets.md"));
    all.push(checkout().join("docs/reference/configuration.md"));
    for page in all {
        let text = fs::read_to_string(&page).unwrap();
        // Every other piece is a fenced block: code has brackets of its own.
        let prose: String = text.split("```").step_by(2).collect();
        for link in prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with('#') {
                continue;
            }
            let file = page.parent().unwrap().join(link.split('#').next().unwrap_or(link));
            assert!(file.exists(), "{}: {link}", page.display());
        }
    }
}

/// The book (scripts/book.sh) has every page once.
#[test]
fn the_book_has_every_page() {
    let docs = checkout().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let listed = summary.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let mut listed: Vec<PathBuf> = listed.map(|link| docs.join(link)).collect();
    listed.sort();
    let mut all = Vec::new();
    for folder in ["", "guides", "reference"] {
        for entry in fs::read_dir(docs.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md")
                && !path.ends_with("SUMMARY.md")
            {
                all.push(docs.join(folder).join(path.file_name().unwrap()));
            }
        }
    }
    all.sort();
    assert_eq!(listed, all);
}
