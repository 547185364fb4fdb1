//! `capacity`: the largest value that holds, and the next that does not.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use cortex_tests::runs::config;
use cortex_tests::{cortex_host, stderr_of, stdout_of};
use serde_json::Value;

fn capacity(work: &Path, arguments: &[&str]) -> Output {
    let base = ["capacity", "--config", "c.yaml", "--out", "cap"];
    cortex_host().current_dir(work).args(base).args(arguments).output().unwrap()
}

fn json(output: &Output, code: i32) -> Value {
    serde_json::from_str(&stdout_of(output, code)).unwrap()
}

/// On 4 channels at 250 Hz a window comes every 100 ms, of which `car` needs microseconds: the most
/// taps, rate and so on are set by what a configuration may have, which is found without a deadline
/// being missed.
#[test]
fn what_a_configuration_may_have_ends_the_search() {
    let work = tempfile::tempdir().unwrap();
    let kernels = [
        "{ name: car, window: 50, hop: 25, deadline_us: 1e9 }",
        "{ name: bandpass_fir, window: 50, hop: 25, params: { taps: 33 }, deadline_us: 1e9 }",
    ];
    let text = config(1, 2, &kernels, "execution: { pace: max }\n");
    fs::write(work.path().join("c.yaml"), text).unwrap();
    let output = capacity(work.path(), &["--vary", "hop", "--json", "--seconds", "1"]);
    let found = json(&output, 0);
    assert_eq!((&found["schema_version"], &found["quantity"]), (&1.into(), &"hop".into()));
    for kernel in found["kernels"].as_array().unwrap() {
        assert_eq!((&kernel["holds"], &kernel["fails"]), (&1.into(), &Value::Null), "{kernel}");
        let trials = kernel["trials"].as_array().unwrap();
        let last = trials.last().unwrap();
        // The run of the answer is there, and of the full length, as are two more.
        let full = |trial: &&Value| trial["full"] == true && trial["holds"] == true;
        assert_eq!((last["full"].clone(), trials.iter().filter(full).count()), (true.into(), 3));
        let run = work.path().join("cap").join(last["run"].as_str().unwrap());
        let text = fs::read_to_string(run.join("summary.json")).unwrap();
        let summary: Value = serde_json::from_str(&text).unwrap();
        assert!(summary["kernels"][0]["windows"]["measured"].as_u64().unwrap() >= 100);
    }
    let page = fs::read_to_string(work.path().join("cap/capacity.html")).unwrap();
    assert!(page.contains("Capacity in hop"));
    for kernel in ["car", "bandpass_fir"] {
        assert!(page.contains(&format!("<tr><td>{kernel}</td><td><strong>1</strong></td><td>–")));
    }
    let table = fs::read_to_string(work.path().join("cap/capacity.csv")).unwrap();
    assert!(table.starts_with("hop,kernel,unit,p50"), "{table}");

    // Again: every run is read, none made.
    let again = capacity(work.path(), &["--vary", "hop", "--json", "--seconds", "1"]);
    assert_eq!(json(&again, 0), found);
    let said = stderr_of(&again, 0);
    let runs: usize = found["kernels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|k| k["trials"].as_array().unwrap().len())
        .sum();
    assert_eq!(said.matches("run before").count(), runs, "{said}");

    // Only one of the kernels has taps; its own limit ends the search, in its words.
    let found = json(&capacity(work.path(), &["--vary", "taps", "--json", "--seconds", "1"]), 0);
    let kernels = found["kernels"].as_array().unwrap();
    assert_eq!((kernels.len(), &kernels[0]["kernel"]), (1, &"bandpass_fir".into()));
    let (holds, fails) = (&kernels[0]["holds"], &kernels[0]["fails"]);
    assert!(fails.as_u64().unwrap() as f64 <= holds.as_u64().unwrap() as f64 * 1.02 + 1.0);
    assert!(kernels[0]["limit"].as_str().unwrap().contains("taps"), "{found}");
}

/// A kernel that takes longer the more channels there are: what holds is within 2 % of what fails.
#[test]
fn the_answer_is_bracketed_and_deadlines_decide() {
    let work = tempfile::tempdir().unwrap();
    let kernels = ["{ name: bandpass_fir, window: 50, hop: 25, deadline_us: 1000 }"];
    let text = config(1, 1, &kernels, "execution: { pace: max, warmup_windows: 2 }\n");
    fs::write(work.path().join("c.yaml"), text).unwrap();
    // Half of the deadlines may be missed: the median decides, which other programs leave alone.
    let arguments = ["--vary", "channels", "--miss-rate", "50", "--seconds", "1", "--json"];
    let found = json(&capacity(work.path(), &arguments), 0);
    let kernel = &found["kernels"][0];
    let (holds, fails) = (kernel["holds"].as_u64().unwrap(), kernel["fails"].as_u64().unwrap());
    assert!(holds >= 4 && fails > holds, "{kernel}");
    assert!(fails - holds <= (holds / 50).max(1), "{holds} {fails}");
    assert!(kernel["limit"].as_str().unwrap().contains("deadlines missed"), "{kernel}");
    // A value that did not hold has missed more than half, or too many for that to be sure, in all its
    // runs until then.
    let mut of_values = HashMap::new();
    for trial in kernel["trials"].as_array().unwrap() {
        let run = work.path().join("cap").join(trial["run"].as_str().unwrap());
        let text = fs::read_to_string(run.join("summary.json")).unwrap();
        let summary: Value = serde_json::from_str(&text).unwrap();
        let windows = &summary["kernels"][0]["windows"];
        let [missed, measured] =
            ["deadline_missed", "measured"].map(|count| windows[count].as_u64().unwrap());
        let value = (trial["value"].as_u64().unwrap(), trial["full"] == true);
        let all: &mut (u64, u64) = of_values.entry(value).or_default();
        *all = (all.0 + missed, all.1 + measured);
        let share = all.0 as f64 / all.1 as f64;
        assert!(trial["holds"] == false || share <= 0.5, "{trial}");
        assert!(trial["holds"] == true || share > 0.3, "{trial}");
    }
}

#[test]
fn what_cannot_be_answered_is_one_sentence() {
    let work = tempfile::tempdir().unwrap();
    let kernels = ["{ name: car, window: 50, hop: 25, deadline_us: 0.001 }"];
    let text = config(1, 1, &kernels, "execution: { pace: max }\n");
    fs::write(work.path().join("c.yaml"), &text).unwrap();
    // Nothing is as quick as a nanosecond: not even one channel holds.
    let none = capacity(work.path(), &["--vary", "channels", "--seconds", "1"]);
    let table = stdout_of(&none, 1);
    assert!(table.contains("deadlines missed") && table.contains('–'), "{table}");
    assert!(stderr_of(&none, 1).contains("no value of channels holds for car"));
    let refused = |arguments: &[&str], wanted: &str| {
        let error = stderr_of(&capacity(work.path(), arguments), 2);
        assert!(error.contains(wanted) && error.lines().count() == 1, "{error}");
    };
    refused(&["--vary", "taps", "--quiet"], "no kernel of this configuration has taps");
    refused(&["--vary", "depth"], "channels, hop, rate");
    refused(&["--vary", "hop", "--confidence", "100"], "less than 100");
    refused(&["--vary", "hop", "--seconds", "0"], "above 0");
    refused(&["--vary", "hop", "--kernel", "fft", "--quiet"], "no kernel \"fft\"");
    // A recording has the channels it has.
    let made = cortex_host()
        .current_dir(work.path())
        .args(["generate", "pink_noise", "4", "250", "2", "data.float32", "--quiet"])
        .output()
        .unwrap();
    stdout_of(&made, 0);
    let recorded = "dataset: { path: data.float32, channels: 4, sample_rate_hz: 250 }\nkernels:\n  \
                    - { name: car, window: 50, hop: 25 }\n";
    fs::write(work.path().join("c.yaml"), recorded).unwrap();
    refused(&["--vary", "channels", "--quiet"], "the dataset is a recording");
    refused(&["--vary", "rate", "--quiet"], "the dataset is a recording");
}
