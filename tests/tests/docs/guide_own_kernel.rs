//! The kernel of docs/guides/built-in-kernel.md: its code and its patch, applied to a copy of the
//! checkout, compile and do what the page says.
//!
//! Building the host with it takes a minute, so by default it is only checked; with
//! `CORTEX_GUIDE_RUN` set (`sh tests/slow.sh guide`) it is built, and runs natively and as a device.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use cortex_tests::{checkout, stdout_of};

/// The text of the page's only block with this info string.
fn block(page: &str, info: &str) -> String {
    let (_, rest) = page.split_once(&format!("```{info}\n")).expect("the page has the block");
    let (text, rest) = rest.split_once("```\n").expect("the block ends");
    assert!(!rest.contains(&format!("```{info}\n")), "the page has two blocks of {info}");
    text.to_owned()
}

/// Cargo on the copy, with this build's folder, so that dependencies are built already.
fn cargo(copy: &Path, arguments: &[&str], program: &[&str]) -> String {
    let test = std::env::current_exe().expect("a test knows its own file");
    let target = test.ancestors().nth(3).expect("tests lie in target/<profile>/deps");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).arg("--target-dir").arg(target).current_dir(copy);
    if !program.is_empty() {
        cargo.arg("--").args(program);
    }
    cargo.stderr(Stdio::inherit());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        }) {
            cargo.env_remove(&name);
        }
    }
    stdout_of(&cargo.output().expect("cargo runs"), 0)
}

#[test]
fn the_kernel_of_the_guide_compiles_and_runs() {
    let work = tempfile::tempdir().unwrap();
    let copy = work.path();
    for name in
        ["Cargo.toml", "Cargo.lock", "cortex-core", "cortex-host", "primitives", "tests", "docs"]
    {
        let status = Command::new("cp").arg("-rL").arg(checkout().join(name)).arg(copy).status();
        assert!(status.unwrap().success(), "{name}");
    }
    let page = fs::read_to_string(checkout().join("docs/guides/built-in-kernel.md")).unwrap();
    fs::write(copy.join("cortex-core/src/kernel/rectify.rs"), block(&page, "rust")).unwrap();
    fs::write(copy.join("rectify.diff"), block(&page, "diff")).unwrap();
    let applied = Command::new("git").args(["apply", "rectify.diff"]).current_dir(copy).output();
    stdout_of(&applied.unwrap(), 0);

    let tested = cargo(copy, &["test", "--quiet", "-p", "cortex-bci-core", "--lib"], &["rectify"]);
    assert!(tested.contains("1 passed"), "{tested}");
    if std::env::var_os("CORTEX_GUIDE_RUN").is_none() {
        cargo(copy, &["check", "--quiet", "-p", "cortex-host"], &[]);
        return;
    }
    // Under a name of its own, because this build's folder has a cortex-host of the checkout.
    let manifest = copy.join("cortex-host/Cargo.toml");
    let named = fs::read_to_string(&manifest).unwrap()
        + "\n[[bin]]\nname = \"with-rectify\"\npath = \"src/main.rs\"\n";
    fs::write(&manifest, named).unwrap();
    let config = block(&page, "yaml").replace("\"car\"", "\"rectify\"");
    fs::write(copy.join("native.yaml"), config).unwrap();
    for device in ["native", "loopback"] {
        let build = ["run", "--quiet", "-p", "cortex-host", "--bin", "with-rectify"];
        let table = cargo(copy, &build, &["run", "--config", "native.yaml", "--device", device]);
        assert!(table.contains("rectify"), "{table}");
    }
}
