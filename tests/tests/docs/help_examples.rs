//! Every example of every `--help` is run, in a folder with what the examples name.

use clap::CommandFactory as _;
use cortex_host::cli::Cli;

use super::named_files::NamedFiles;

/// Examples that are not run: how they begin, and why not.
const NOT_RUN: [(&str, &str); 14] = [
    ("cortex-host download physionet", "needs the network; tests/files/download_faults.rs runs it"),
    ("cortex-host run --device 'serial://", "needs a board"),
    ("cortex-host devices 'serial://", "needs a board"),
    ("cortex-host run --device tcp://", "needs another machine; tests/link/tcp.rs has one"),
    ("cortex-host serve", "runs until it is stopped; tests/link/tcp.rs stops it"),
    ("cortex-host devices --hello", "builds and starts every board; tests/emulated does"),
    ("cortex-host verify --device qemu:", "builds and starts a board; tests/emulated does"),
    ("cortex-host capacity", "minutes of real time; its own tests are shorter"),
    ("cortex-host validate", "needs SciPy or a kernel; tests/run/kernels/newcomer.rs has both"),
    ("cortex-host list --library", "needs a compiled kernel; tests/run/kernels/loading.rs has one"),
    ("cortex-host run --open", "the quickstart, run for README.md; --open is that of report"),
    ("cortex-host run my.yaml --device", "needs a board"),
    ("cortex-host import-config cortex.yaml --libraries", "needs the original's libraries"),
    ("cortex-host generate pink_noise 4096", "three gigabytes; tests/files/generate_shards.rs"),
];

/// Examples whose answer may be no.
const MAY_SAY_NO: [&str; 5] = [
    "cortex-host check",
    "cortex-host compare",
    "cortex-host doctor",
    "cortex-host run --kernel car",
    // Its shards are not there.
    "cortex-host merge data.float32",
];

/// The lines after `Example:`, `Examples:` or `First steps:`, continued ones joined.
fn examples(help: &str) -> Vec<String> {
    let mut examples: Vec<String> = Vec::new();
    let mut within = false;
    for line in help.lines() {
        let title = ["Example:", "Examples:", "First steps:"].contains(&line);
        within = title || (within && line.starts_with("  "));
        if title || !within {
            continue;
        }
        // What an example shows stands behind a wide gap.
        let line = line.trim().split("   ").next().unwrap_or_default().trim();
        match examples.last_mut().filter(|last| last.ends_with('\\')) {
            Some(last) => {
                last.pop();
                last.push_str(line);
            }
            None => examples.push(line.to_owned()),
        }
    }
    examples
}

/// Help of `command` and of all below it, as `cortex-host link decode` and its text.
fn helps(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
    let path = format!("{path} {}", command.get_name()).trim().to_owned();
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    found.push((path.clone(), text));
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        helps(sub, &path, found);
    }
}

#[test]
fn every_example_of_the_help_works() {
    let files = NamedFiles::new();
    let mut pages = Vec::new();
    helps(&Cli::command(), "", &mut pages);
    let mut unused: Vec<&str> = NOT_RUN.map(|(beginning, _)| beginning).to_vec();
    let mut seen = std::collections::HashSet::new();
    let mut wrong = Vec::new();
    for (path, help) in &pages {
        let examples = examples(help);
        assert!(
            !examples.is_empty()
                || pages.iter().any(|(other, _)| other.starts_with(&format!("{path} "))),
            "{path} --help has no example"
        );
        for example in examples {
            if !seen.insert(example.clone()) {
                continue;
            }
            let excuse = NOT_RUN.iter().find(|(beginning, _)| example.starts_with(beginning));
            if let Some((beginning, _)) = excuse {
                unused.retain(|other| other != beginning);
                continue;
            }
            let output = files.sh(&example);
            let code = output.status.code();
            let may_say_no = MAY_SAY_NO.iter().any(|beginning| example.starts_with(beginning));
            if code != Some(0) && !(may_say_no && matches!(code, Some(1 | 3 | 5))) {
                let told = String::from_utf8_lossy(&output.stderr).into_owned();
                wrong.push(format!("{path}: {example}\n  {code:?} {told}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Those of commands that are yet to come, or of help that says it in other words, may stay.
    println!("{} examples; excuses without an example: {unused:?}", seen.len());
}

#[test]
fn examples_are_found_and_joined() {
    let help =
        "Examples:\n  cortex-host a          shows a\n  cortex-host b \\\n    --c\n\nText:\n  no\n";
    assert_eq!(examples(help), ["cortex-host a", "cortex-host b --c"]);
}
