//! `report.html` in a browser: opens without a word on the console, draws, prints.
//!
//! Needs Chromium: `CORTEX_CHROMIUM`, or `chromium` on the path (Debian: apt-get install chromium).
//! Without it prints one "skipped" line and passes.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output};

use cortex_tests::html::assert_report_pictures;
use cortex_tests::runs::{config, run};
use cortex_tests::skip::{Need, skip};

fn chromium(profile: &Path, arguments: &[&str], page: &Path) -> Option<Output> {
    let program = std::env::var_os("CORTEX_CHROMIUM").unwrap_or_else(|| OsString::from("chromium"));
    let mut command = Command::new(program);
    // Root may only run it without its sandbox; the page is our own.
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]);
    command.args(["--hide-scrollbars", "--window-size=1100,1400", "--no-first-run"]);
    command.arg(format!("--user-data-dir={}", profile.display())).args(arguments);
    let output = command.arg(format!("file://{}", page.display())).output();
    match output {
        Ok(output) => Some(output),
        Err(error) => {
            skip(Need::Chromium, &format_args!("{error} (set CORTEX_CHROMIUM)"));
            None
        }
    }
}

fn assert_silent(output: &Output) {
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}");
    assert!(!log.contains("CONSOLE"), "{log}");
}

#[test]
fn the_report_opens_draws_and_prints_without_a_word() {
    let work = tempfile::tempdir().unwrap();
    let kernels = ["{ name: goertzel, window: 50, hop: 25 }"];
    let run = run(work.path(), &config(1, 20, &kernels, "execution: { pace: max }\n"));
    let page = run.join("report.html");
    let profile = work.path().join("profile");

    let Some(dom) = chromium(&profile, &["--dump-dom"], &page) else { return };
    assert_silent(&dom);
    let dom = String::from_utf8_lossy(&dom.stdout);
    assert_report_pictures(&dom, 1);
    assert!(dom.contains("goertzel"));

    let mut sizes = Vec::new();
    for scheme in ["light", "dark"] {
        let picture = work.path().join(format!("{scheme}.png"));
        let screenshot = format!("--screenshot={}", picture.display());
        let mut arguments = vec![screenshot.as_str()];
        if scheme == "dark" {
            arguments.push("--blink-settings=preferredColorScheme=0");
        }
        assert_silent(&chromium(&profile, &arguments, &page).unwrap());
        let png = std::fs::read(&picture).unwrap();
        assert!(png.starts_with(b"\x89PNG"));
        // An empty page of this size is 6 kB.
        assert!(png.len() > 30_000, "{scheme}: {} bytes", png.len());
        sizes.push(png);
    }
    assert_ne!(sizes[0], sizes[1], "dark looks as light does");

    let paper = work.path().join("report.pdf");
    let print = format!("--print-to-pdf={}", paper.display());
    assert_silent(&chromium(&profile, &[&print], &page).unwrap());
    assert!(std::fs::read(&paper).unwrap().starts_with(b"%PDF"));
}
