//! Gates and sweeps: exit codes that tell pass, fail and "too few windows to say" apart; settings; a
//! sweep that goes on where it was stopped.

use std::fs;
use std::path::Path;
use std::process::Output;

use cortex_tests::runs::{config, replace_telemetry, run};
use cortex_tests::{cortex_host, stderr_of, stdout_of};
use serde_json::Value;

fn command(work: &Path, arguments: &[&str]) -> Output {
    cortex_host().current_dir(work).args(arguments).output().unwrap()
}

fn write_config(work: &Path) {
    let kernels =
        ["{ name: car, window: 50, hop: 25 }", "{ name: bandpass_fir, window: 50, hop: 25 }"];
    fs::write(work.join("c.yaml"), config(1, 5, &kernels, "execution: { pace: max }\n")).unwrap();
}

#[test]
fn check_tells_pass_fail_and_too_few_windows_apart() {
    let work = tempfile::tempdir().unwrap();
    let kernels = ["{ name: car, window: 50, hop: 25 }"];
    let folder = run(work.path(), &config(1, 5, &kernels, "execution: { pace: max }\n"));
    let check = |arguments: &[&str], code| {
        let mut all = vec!["check", folder.to_str().unwrap()];
        all.extend(arguments);
        stdout_of(&command(work.path(), &all), code)
    };
    // 100 µs, of 4,000 windows 40 late by a millisecond.
    let windows = (0..4000_u64)
        .map(|index| if index % 100 == 99 { 1_500_000 } else { 100_000 + index % 1000 });
    replace_telemetry(&folder, "car", windows);
    assert!(check(&["--max-miss-rate", "5"], 0).starts_with("pass"));
    assert!(check(&["--max-miss-rate", "0"], 1).starts_with("FAIL"));
    assert!(check(&["--max-miss-rate", "1"], 5).starts_with("undecided"));
    check(&["--max-p99-us", "2000"], 0);
    check(&["--max-p99-us", "50"], 1);
    replace_telemetry(&folder, "car", [100_000; 60]);
    check(&["--max-miss-rate", "1"], 5);
    check(&["--max-p99-us", "1000"], 5);
    let error = stderr_of(&command(work.path(), &["check", folder.to_str().unwrap()]), 2);
    assert!(error.contains("nothing to check"), "{error}");
    // Of a run that did not come to its end nobody knows the rest.
    let summary = folder.join("summary.json");
    let complete = fs::read_to_string(&summary).unwrap();
    fs::write(&summary, complete.replace("\"complete\"", "\"interrupted\"")).unwrap();
    assert!(check(&["--max-miss-rate", "100"], 5).contains("did not come to its end"));
    fs::write(&summary, complete).unwrap();

    let json: Value =
        serde_json::from_str(&check(&["--max-miss-rate", "1", "--format", "json"], 5)).unwrap();
    assert_eq!((&json["schema_version"], &json["answer"]), (&1.into(), &"undecided".into()));
}

/// What other tools read. JUnit: Jenkins' junit-10.xsd has a `testsuite` with name, tests, failures and
/// errors, and in it a `testcase` with classname and name, empty or with failure, error (each with
/// type and message) or system-out. github-action-benchmark's `customSmallerIsBetter`: an array of
/// objects with name, unit, a number as value, and as text range and extra. Bencher's Metric Format:
/// benchmark, measure, and in it value, lower_value and upper_value as numbers in this order.
#[test]
fn other_tools_formats_are_as_they_are_specified() {
    let work = tempfile::tempdir().unwrap();
    let kernels =
        ["{ name: car, label: a.b+c, window: 50, hop: 25 }", "{ name: noop, window: 50, hop: 25 }"];
    let folder = run(work.path(), &config(1, 15, &kernels, "execution: { pace: max }\n"));
    let id = folder.file_name().unwrap().to_str().unwrap();
    let check = |arguments: &[&str], code| {
        let mut all = vec!["check", folder.to_str().unwrap()];
        all.extend(arguments);
        stdout_of(&command(work.path(), &all), code)
    };
    // A microsecond is too short for every window of both, and 149 windows say nothing of 0.1 %.
    let head = |tests, failures, errors| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"{id}\" \
             tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" \
             time=\"0\">\n<testcase classname=\"a.b+c\" "
        )
    };
    let passed = check(&["--max-p99-us", "1e9", "--format", "junit"], 5);
    assert!(passed.starts_with(&head(2, 0, 2)), "{passed}");
    let failed = check(&["--max-p99-us", "0.001", "--format", "junit"], 1);
    assert!(failed.starts_with(&head(2, 2, 0)), "{failed}");
    let failure = "name=\"p99\" time=\"0\"><failure type=\"broken\" message=\"";
    assert_eq!(failed.matches(failure).count(), 2, "{failed}");
    let unsure = check(&["--max-miss-rate", "0.1", "--format", "junit"], 5);
    assert!(unsure.starts_with(&head(2, 0, 2)), "{unsure}");
    let error = "name=\"miss_rate\" time=\"0\"><error type=\"undecided\" message=\"too few";
    assert_eq!(unsure.matches(error).count(), 2, "{unsure}");
    let kept = check(&["--max-miss-rate", "50", "--format", "junit"], 0);
    assert!(kept.starts_with(&head(2, 0, 0)), "{kept}");
    assert_eq!(kept.matches("<system-out>").count(), 2, "{kept}");
    for xml in [passed, failed, unsure, kept] {
        assert!(xml.trim_end().ends_with("</testsuite>\n</testsuites>"), "{xml}");
        assert_eq!(xml.matches("<testcase ").count(), xml.matches("</testcase>").count());
    }

    let text = check(&["--format", "github-action-benchmark"], 0);
    let entries: Vec<serde_json::Map<String, Value>> = serde_json::from_str(&text).unwrap();
    let names: Vec<&str> = entries.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names[..2], ["a.b+c kernel p50", "a.b+c kernel p99"]);
    assert!(names.contains(&"noop end-to-end p99"), "{names:?}");
    for entry in &entries {
        let keys: Vec<&str> = entry.keys().map(String::as_str).collect();
        assert_eq!(keys, ["name", "unit", "value", "range", "extra"], "{text}");
        assert!(entry["value"].as_f64().unwrap() > 0.0 && entry["unit"] == "µs", "{text}");
        assert!(entry["range"].is_string() && entry["extra"].is_string(), "{text}");
    }

    let text = check(&["--format", "bencher"], 0);
    let benchmarks: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(benchmarks.len(), entries.len());
    for (name, measures) in &benchmarks {
        let measures = measures.as_object().unwrap();
        assert_eq!(measures.keys().collect::<Vec<_>>(), ["latency"], "{name}");
        let metric = measures["latency"].as_object().unwrap();
        let number = |key: &str| metric.get(key).map(|value| value.as_f64().unwrap());
        let value = number("value").unwrap();
        assert!(number("lower_value").is_none_or(|low| low <= value), "{text}");
        assert!(number("upper_value").is_none_or(|high| value <= high), "{text}");
    }
}

#[test]
fn a_baseline_of_several_runs_is_a_gate() {
    let work = tempfile::tempdir().unwrap();
    let kernels = ["{ name: car, window: 50, hop: 25 }"];
    let made = run(work.path(), &config(1, 5, &kernels, "execution: { pace: max }\n"));
    let copy = |name: &str, ns: u64| {
        let to = work.path().join(name);
        let copied =
            std::process::Command::new("cp").arg("-r").args([&made, &to]).status().unwrap();
        assert!(copied.success());
        replace_telemetry(&to, "car", (0..200_u64).map(|index| ns + index % 7));
    };
    for (name, ns) in
        [("a", 100_000), ("b", 101_000), ("c", 99_500), ("same", 100_300), ("slow", 150_000)]
    {
        copy(name, ns);
    }
    let check = |run, arguments: &[&str]| {
        command(work.path(), &[&["check", run, "--baseline", "a", "b", "c"], arguments].concat())
    };
    stdout_of(&check("same", &[]), 0);
    assert!(stdout_of(&check("slow", &[]), 1).contains("FAIL"));
    stdout_of(&check("slow", &["--max-slowdown", "100"]), 0);
}

#[test]
fn a_run_is_set_named_and_gated_on_the_command_line() {
    let work = tempfile::tempdir().unwrap();
    write_config(work.path());
    let base = ["run", "--quiet", "--config", "c.yaml"];
    let with = |arguments: &[&str]| command(work.path(), &[&base[..], arguments].concat());
    let settings = ["--set", "kernels.bandpass_fir.taps=33", "--set", "dataset.channels=7"];
    let named = [&settings[..], &["--kernel", "bandpass_fir", "--name", "one"]].concat();
    stdout_of(&with(&named), 0);
    let summary = fs::read_to_string(work.path().join("results/one/summary.json")).unwrap();
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert_eq!(summary["kernels"].as_array().unwrap().len(), 1);
    assert_eq!(summary["kernels"][0]["parameters"]["taps"], 33);
    assert_eq!(summary["dataset"]["channels"], 7);
    // A name is never used twice, and never leads out of the folder.
    assert!(stderr_of(&with(&["--name", "one"]), 3).contains("results/one"));
    assert!(stderr_of(&with(&["--name", "../two"]), 2).contains("the name of a folder"));
    assert!(stderr_of(&with(&["--kernel", "fft"]), 2).contains("no kernel \"fft\""));
    assert!(stderr_of(&with(&["--set", "dataset.chanels=7"]), 2).contains("channels"));
    stdout_of(&with(&["--fail-if-missed", "0", "--set", "kernels.deadline_us=1e9"]), 0);
    let late = with(&["--fail-if-missed", "50", "--set", "kernels.deadline_us=0.001"]);
    assert!(stderr_of(&late, 1).contains("100.000 % of the deadlines missed"));
}

#[test]
fn a_sweep_goes_on_where_it_was_stopped() {
    let work = tempfile::tempdir().unwrap();
    write_config(work.path());
    let sweep = |arguments: &[&str]| {
        let base = ["sweep", "--config", "c.yaml", "--out", "s", "--vary", "dataset.channels=2..8"];
        command(work.path(), &[&base[..], arguments].concat())
    };
    let taps = ["--vary", "kernels.bandpass_fir.taps=33,129"];
    let table = stdout_of(&sweep(&taps), 0);
    assert!(table.contains("channels") && table.contains("bandpass_fir"), "{table}");
    let folder = work.path().join("s");
    let point = folder.join("dataset.channels=4,kernels.bandpass_fir.taps=33");
    let before = fs::read_to_string(point.join("summary.json")).unwrap();
    let json: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("sweep.json")).unwrap()).unwrap();
    assert_eq!(json["schema_version"], 1);
    // Three channel counts, two lengths, two kernels.
    assert_eq!(json["rows"].as_array().unwrap().len(), 12);
    let page = fs::read_to_string(folder.join("sweep.html")).unwrap();
    assert!(page.contains("deadline") && page.contains("report.html"));
    assert_eq!(fs::read_to_string(folder.join("sweep.csv")).unwrap().lines().count(), 13);

    // As a kill leaves it: one run that never said how it ended, one not there.
    let other = folder.join("dataset.channels=8,kernels.bandpass_fir.taps=129");
    let broken = folder.join("dataset.channels=2,kernels.bandpass_fir.taps=33");
    fs::remove_dir_all(&other).unwrap();
    let running = fs::read_to_string(broken.join("summary.json")).unwrap();
    fs::write(broken.join("summary.json"), running.replace("\"complete\"", "\"running\"")).unwrap();
    let again = sweep(&taps);
    stdout_of(&again, 0);
    assert_eq!(stderr_of(&again, 0).matches("complete already").count(), 4);
    assert!(other.join("summary.json").is_file());
    assert_eq!(fs::read_to_string(point.join("summary.json")).unwrap(), before);
    // Another configuration in the same folder is refused, and touches nothing.
    let error = stderr_of(
        &sweep(&["--vary", "kernels.bandpass_fir.taps=33,129", "--set", "dataset.params.seed=9"]),
        2,
    );
    assert!(error.contains("another configuration"), "{error}");
    assert!(stderr_of(&sweep(&["--vary", "dataset.channels=x"]), 2).contains("dataset.channels"));
}
