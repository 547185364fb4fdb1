//! Tells the program what it was built from: `CORTEX_COMMIT` (empty outside a checkout, unless the
//! environment gives it) and `CORTEX_COMPILER`.

use std::process::Command;

fn main() {
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
