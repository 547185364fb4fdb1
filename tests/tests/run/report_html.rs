//! `report.html`: self-contained, safe from what files hold, small, and honest about broken runs.

use std::fs;
use std::path::Path;
use std::process::Output;

use cortex_tests::html::assert_report_pictures;
use cortex_tests::runs::{config, run};
use cortex_tests::{cortex_host, stderr_of, stdout_of};
use serde_json::Value;

const KERNELS: [&str; 2] =
    ["{ name: goertzel, window: 50, hop: 25 }", "{ name: noop, window: 50, hop: 25 }"];

fn report(run: &Path) -> Output {
    cortex_host().arg("report").arg(run).output().unwrap()
}

fn page(run: &Path) -> String {
    fs::read_to_string(run.join("report.html")).unwrap()
}

fn edit(run: &Path, change: impl FnOnce(&mut Value)) {
    let path = run.join("summary.json");
    let mut summary: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut summary);
    fs::write(&path, summary.to_string()).unwrap();
}

/// Tags of a page, checked to be closed in order: what a parser would otherwise have to guess.
fn assert_well_formed(html: &str) {
    const VOID: [&str; 3] = ["meta", "link", "!DOCTYPE"];
    let body = html.replace("<!DOCTYPE html>", "");
    let mut open: Vec<&str> = Vec::new();
    for tag in body.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed out of order");
        } else if !tag.ends_with('/') {
            let name = tag.split_whitespace().next().unwrap();
            if !VOID.contains(&name) {
                open.push(name);
            }
        }
    }
    assert_eq!(open, Vec::<&str>::new());
}

#[test]
fn a_run_leaves_a_page_that_needs_nothing_else() {
    let work = tempfile::tempdir().unwrap();
    let run =
        run(work.path(), &config(1, 20, &KERNELS, "execution: { warmup_windows: 3, pace: max }\n"));
    let html = page(&run);
    assert_well_formed(&html);
    assert!(!html.contains("<script") && !html.contains("src=") && !html.contains("@import"));
    assert!(!html.contains("http:") && !html.contains("https:") && !html.contains("url(h"));
    for expected in ["goertzel", "noop", "Complete", "prefers-color-scheme:dark", "@media print"] {
        assert!(html.contains(expected), "{expected}");
    }
    assert_report_pictures(&html, 2);
    // The spectrum has the generator's own curve.
    assert!(html.contains("generator’s own response"));
    // The figures are the summary's.
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(run.join("summary.json")).unwrap()).unwrap();
    assert!(html.contains(summary["reproduce"].as_str().unwrap()));
    assert!(html.contains(summary["plan_sha256"].as_str().unwrap()));
    assert!(html.contains(summary["dataset"]["blake3"].as_str().unwrap()));

    // Made again it is the same, byte for byte; its path is the answer.
    let before = html;
    fs::remove_file(run.join("report.html")).unwrap();
    let stdout = stdout_of(&report(&run), 0);
    assert_eq!(Path::new(stdout.trim_end()), run.join("report.html"));
    assert_eq!(page(&run), before);
}

/// What a kernel in fixed point could not hold is in every account of the run.
#[test]
fn saturated_samples_are_in_every_account() {
    let work = tempfile::tempdir().unwrap();
    // Steps of 0.001 µV reach ±32.8 µV, a third of the noise's RMS.
    let kernels = ["{ name: car, dtype: q15, scale_uv: 0.001, window: 50, hop: 25 }"];
    let run = run(work.path(), &config(4, 5, &kernels, "execution: { pace: max }\n"));
    let summary: Value =
        serde_json::from_str(&fs::read_to_string(run.join("summary.json")).unwrap()).unwrap();
    let saturated = summary["kernels"][0]["fixed_point"]["saturated_samples"].as_u64().unwrap();
    // Noise within a third of its standard deviation is a quarter of all: most of 4 * 5 * 250 samples.
    assert!(saturated > 2_500, "{saturated}");
    let line = format!("q15 in steps of 0.001 µV, {saturated} samples saturated");
    assert!(page(&run).contains(&line), "report.html");
    assert!(fs::read_to_string(run.join("SUMMARY.md")).unwrap().contains(&line), "SUMMARY.md");
}

/// A missed deadline is never a green tick: on the page, in SUMMARY.md, on stdout and stderr.
#[test]
fn missed_deadlines_are_the_headline() {
    let work = tempfile::tempdir().unwrap();
    // No kernel is done within a nanosecond.
    let kernels = ["{ name: goertzel, window: 50, hop: 25, deadline_us: 0.001 }"];
    let path = work.path().join("config.yaml");
    fs::write(&path, config(1, 20, &kernels, "execution: { pace: max }\n")).unwrap();
    let mut command = cortex_host();
    command.current_dir(work.path()).args(["run", "--config", "config.yaml"]);
    let output = command.output().unwrap();
    let verdict = "199 of 199 deadlines missed";
    assert!(stdout_of(&output, 0).contains(verdict), "{}", stdout_of(&output, 0));
    assert!(stderr_of(&output, 0).contains(&format!("warning: {verdict}")));
    let run = fs::read_dir(work.path().join("results")).unwrap().next().unwrap().unwrap().path();
    let html = page(&run);
    assert!(html.contains("class=\"lead missed\"") && html.contains(verdict));
    assert!(!html.contains('✓') && !html.contains("class=\"lead complete\""));
    assert!(fs::read_to_string(run.join("SUMMARY.md")).unwrap().contains(verdict));
}

#[test]
fn csv_telemetry_gives_the_same_charts() {
    let work = tempfile::tempdir().unwrap();
    let run = run(work.path(), &config(1, 20, &KERNELS, "execution: { pace: max }\n"));
    let before = page(&run);
    for kernel in ["goertzel", "noop"] {
        let folder = run.join("kernel-data").join(kernel);
        let text = fs::read_to_string(folder.join("telemetry.ndjson")).unwrap();
        let mut writer = csv::Writer::from_path(folder.join("telemetry.csv")).unwrap();
        for (index, line) in text.lines().enumerate() {
            let Value::Object(row) = serde_json::from_str(line).unwrap() else { panic!("{line}") };
            if index == 0 {
                writer.write_record(row.keys()).unwrap();
            }
            writer.write_record(row.values().map(|v| v.to_string().replace('"', ""))).unwrap();
        }
        writer.flush().unwrap();
        fs::remove_file(folder.join("telemetry.ndjson")).unwrap();
    }
    stdout_of(&report(&run), 0);
    assert_eq!(page(&run), before);
}

#[test]
fn nothing_in_a_file_becomes_markup() {
    let work = tempfile::tempdir().unwrap();
    let run = run(work.path(), &config(1, 5, &KERNELS, "execution: { pace: max }\n"));
    let evil = "</title></pre><script>alert('x')</script><img src=x onerror=\"alert(1)\">\u{1}";
    edit(&run, |summary| {
        for key in ["run_id", "error", "started_at", "device", "pace", "plan_sha256", "reproduce"] {
            summary[key] = evil.into();
        }
        for key in ["kind", "path", "signal_type", "blake3", "manifest"] {
            summary["dataset"][key] = evil.into();
        }
        for key in ["os", "cpu", "governor"] {
            summary["host"][key] = evil.into();
        }
        for key in ["name", "version", "target"] {
            summary["tool"][key] = evil.into();
        }
        summary["realtime"]["scheduler"] = evil.into();
        summary["faults"] = evil.into();
        summary["realtime"]["warnings"] = serde_json::json!([evil]);
    });
    fs::write(run.join("config.yaml"), evil).unwrap();
    // A kernel the summary does not know, with a name that a file system allows.
    let hostile = run.join("kernel-data").join("<b onclick='x'>");
    fs::create_dir(&hostile).unwrap();
    fs::copy(run.join("kernel-data/noop/telemetry.ndjson"), hostile.join("telemetry.ndjson"))
        .unwrap();
    stdout_of(&report(&run), 0);
    let html = page(&run);
    assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<b "));
    assert!(!html.contains("onerror=\"") && !html.contains('\u{1}'));
    assert_well_formed(&html);
}

#[test]
fn broken_runs_are_told_from_whole_ones() {
    let work = tempfile::tempdir().unwrap();
    let run = run(work.path(), &config(1, 20, &KERNELS, "execution: { pace: max }\n"));
    edit(&run, |summary| summary["status"] = "interrupted".into());
    stdout_of(&report(&run), 0);
    assert!(page(&run).contains("This run was interrupted"));

    // Killed within the second kernel: no summary of it, its last row cut off.
    edit(&run, |summary| {
        summary["status"] = "running".into();
        summary["kernels"].as_array_mut().unwrap().pop();
    });
    let telemetry = run.join("kernel-data/noop/telemetry.ndjson");
    let text = fs::read_to_string(&telemetry).unwrap();
    fs::write(&telemetry, &text[..text.len() - 40]).unwrap();
    fs::remove_file(run.join("dataset/spectrum.json")).unwrap();
    stdout_of(&report(&run), 0);
    let html = page(&run);
    for expected in
        ["never said how it ended", "is cut off", "had a summary", "There is no spectrum"]
    {
        assert!(html.contains(expected), "{expected}");
    }

    // The same row in a run that says it is whole is damage, with file and line.
    edit(&run, |summary| summary["status"] = "complete".into());
    let error = stderr_of(&report(&run), 3);
    let line = text.lines().count();
    assert!(
        error.contains(&format!("telemetry.ndjson:{line}: this is no telemetry row")),
        "{error}"
    );
    // What stood there before still does.
    assert_eq!(page(&run), html);
    // Rows that are missing altogether are missed, too.
    let whole_rows: String = text.lines().take(line - 3).flat_map(|row| [row, "\n"]).collect();
    fs::write(&telemetry, whole_rows).unwrap();
    let noop = fs::read_to_string(run.join("summary.json")).unwrap();
    edit(&run, |summary| {
        let mut lost = summary["kernels"][0].clone();
        lost["name"] = "noop".into();
        summary["kernels"].as_array_mut().unwrap().push(lost);
    });
    let error = stderr_of(&report(&run), 3);
    assert!(error.contains("but summary.json says"), "{error}");
    fs::write(run.join("summary.json"), noop).unwrap();
}

#[test]
fn what_is_no_run_is_refused_with_a_reason() {
    let work = tempfile::tempdir().unwrap();
    let error = stderr_of(&report(work.path()), 3);
    assert!(error.contains("it has no summary.json"), "{error}");
    assert!(fs::read_dir(work.path()).unwrap().next().is_none());

    let run = run(work.path(), &config(1, 5, &KERNELS, "execution: { pace: max }\n"));
    edit(&run, |summary| summary["kernels"][0]["name"] = "../../../etc".into());
    let error = stderr_of(&report(&run), 3);
    assert!(error.contains("is no name of a folder"), "{error}");
    edit(&run, |summary| summary["schema_version"] = 9.into());
    let error = stderr_of(&report(&run), 3);
    assert!(error.contains("schema_version 9"), "{error}");
    fs::write(run.join("summary.json"), "[1, 2").unwrap();
    let error = stderr_of(&report(&run), 3);
    assert!(error.contains("summary.json: this is no summary"), "{error}");
}

#[test]
fn a_hundred_thousand_windows_are_a_small_page() {
    let work = tempfile::tempdir().unwrap();
    let rest = "execution: { pace: max }\noutput: { format: csv }\n";
    let run = run(work.path(), &config(1, 400, &["{ name: noop, window: 2, hop: 1 }"], rest));
    let html = page(&run);
    assert!(html.contains("99999 windows drawn in"));
    assert!(html.len() < 200_000, "{} bytes", html.len());
    // Smaller than a row of telemetry per window by far, yet every window was read.
    assert!(fs::metadata(run.join("kernel-data/noop/telemetry.csv")).unwrap().len() > 10_000_000);
}
