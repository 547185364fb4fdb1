//! Kernels of a user's own in a configuration: found, checked with line and column, run, reported.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cortex_tests::libraries::compiled;
use cortex_tests::skip::{Need, skip};
use cortex_tests::{checkout, cortex_host, stderr_of, stdout_of};
use serde_json::Value;

/// A configuration of these kernels, each a flow mapping, on 4 channels of 2 s at 250 Hz.
fn config(kernels: &[&str], rest: &str) -> String {
    let mut text = "dataset:\n  path: primitives/datasets/v1/synthetic\n  channels: 4\n  \
        sample_rate_hz: 250\n  params: { signal_type: pink_noise, duration_s: 2, seed: 7 }\nkernels:\n"
        .to_owned();
    for kernel in kernels {
        text.push_str(&format!("  - {kernel}\n"));
    }
    text + "execution: { pace: max }\n" + rest
}

fn run(folder: &Path, text: &str, arguments: &[&str]) -> Output {
    fs::write(folder.join("run.yaml"), text).unwrap();
    let mut command = cortex_host();
    command.args(["run", "--quiet", "--json", "--config", "run.yaml"]).args(arguments);
    command.current_dir(folder).output().unwrap()
}

fn summary(output: &Output, code: i32) -> Value {
    serde_json::from_str(&stdout_of(output, code)).unwrap()
}

fn outputs(folder: &Path, run: &Value, kernel: &str) -> Vec<f32> {
    let path = folder.join(run["folder"].as_str().unwrap()).join("kernel-data").join(kernel);
    // The numbers follow a header of 128 bytes.
    let bytes = fs::read(path.join("outputs.npy")).unwrap().split_off(128);
    bytes.as_chunks::<4>().0.iter().map(|bits| f32::from_le_bytes(*bits)).collect()
}

fn libraries(names: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let paths = names.iter().map(|name| compiled(name, folder.path())).collect();
    (folder, paths)
}

#[test]
fn a_library_is_run_reported_with_its_digest_and_run_again_from_the_resolved_configuration() {
    let (folder, paths) = libraries(&["own"]);
    let gain = "library: ./libown.so, name: gain, window: 50, hop: 20, params: { gain: -2 }";
    let text = config(
        &[
            &format!("{{ {gain} }}"),
            &format!("{{ {gain}, isolation: none }}"),
            &format!("{{ {gain}, feed: windows }}"),
            "{ name: noop, window: 50, hop: 20 }",
        ],
        "output: { include_raw_data: true }\n",
    );
    let run_one = summary(&run(folder.path(), &text, &[]), 0);
    let noop = outputs(folder.path(), &run_one, "noop");
    let expected: Vec<f32> = noop.iter().map(|x| -2.0 * x).collect();
    assert!(expected.len() > 1000);
    assert_eq!(outputs(folder.path(), &run_one, "gain"), expected);
    assert_eq!(outputs(folder.path(), &run_one, "gain-2"), expected);
    // 23 whole windows of 50 rows.
    assert_eq!(outputs(folder.path(), &run_one, "gain-3").len(), 23 * 50 * 4);

    let own = &run_one["kernels"][0]["own"];
    let digest = Command::new("sha256sum").arg(&paths[0]).output().unwrap();
    let digest = String::from_utf8(digest.stdout).unwrap();
    assert_eq!(own["sha256"].as_str(), digest.split_whitespace().next());
    assert_eq!(own["library"].as_str(), fs::canonicalize(&paths[0]).unwrap().to_str());
    assert_eq!((&own["isolation"], &own["dtype"]), (&"process".into(), &"f32".into()));
    assert_eq!(run_one["kernels"][1]["own"]["isolation"], "none");
    assert!(run_one["kernels"][3]["own"].is_null());

    let resolved = Path::new(run_one["folder"].as_str().unwrap()).join("config.yaml");
    let resolved = fs::read_to_string(folder.path().join(resolved)).unwrap();
    let again = summary(&run(folder.path(), &resolved, &[]), 0);
    assert_eq!(outputs(folder.path(), &again, "gain"), expected);
    assert_eq!(again["plan_sha256"], run_one["plan_sha256"]);
    let page = folder.path().join(run_one["folder"].as_str().unwrap()).join("SUMMARY.md");
    assert!(fs::read_to_string(page).unwrap().contains("Kernels of your own"));
}

#[test]
fn a_mistake_in_a_kernel_of_ones_own_is_told_with_line_and_column_before_anything_runs() {
    let (folder, _) = libraries(&["own", "plugin2"]);
    let cases: [(&str, i32, &str); 14] = [
        ("library: ./libown.so", 2, "run.yaml:7:5: kernels[0].name is missing; the library holds"),
        ("library: ./libown.so, name: gian", 2, "did you mean \"gain\"?"),
        ("library: ./nothing.so, name: gain", 3, "there is no file \"./nothing.so\""),
        ("library: ./run.yaml", 2, "run.yaml:7:16: kernels[0].library: cannot load"),
        (
            "library: ./libown.so, name: gain, params: { gian: 1 }",
            2,
            "run.yaml:7:51: unknown key \"gian\" in kernels[0].params",
        ),
        (
            "library: ./libown.so, name: gain, params: { gain: 1001 }",
            2,
            "run.yaml:7:57: kernels[0].params.gain must be a number -1000 to 1000",
        ),
        ("library: ./libown.so, name: gain, params: { repeats: 1.5 }", 2, "a whole number"),
        ("library: ./libown.so, name: gain, params: { sign: mins }", 2, "minus"),
        (
            "library: ./libown.so, name: gain, params: { sign: minus, gain: 13 }",
            2,
            "run.yaml:7:70: kernels[0] (gain): params.gain: a gain of 13 brings bad luck",
        ),
        ("library: ./libown.so, name: mean, params: { a: 1 }", 2, "mean has no parameters"),
        ("library: ./libown.so, name: gain, dtype: q15", 2, "kernels[0].scale_uv is missing"),
        ("library: ./libown.so, name: mean, feed: windows", 2, "hops"),
        ("name: car, feed: windows", 2, "kernels[0].feed is for kernels of your own"),
        ("library: ./libplugin2.so, params: { factor: [1] }", 2, "must be a number or a word"),
    ];
    for (kernel, code, said) in cases {
        let kernel = format!("{{ {kernel}, window: 50, hop: 20 }}");
        let output = run(folder.path(), &config(&[&kernel], ""), &[]);
        let stderr = stderr_of(&output, code);
        assert!(stderr.contains(said), "{kernel}: {stderr}");
    }
    let device = config(&["{ library: ./libown.so, name: gain }"], "device: loopback\n");
    let stderr = stderr_of(&run(folder.path(), &device, &[]), 2);
    assert!(stderr.contains("loopback runs the kernels of this program; use"), "{stderr}");
    // As long as what this kernel learns: a float for each channel.
    fs::write(folder.path().join("a.state"), [0; 16]).unwrap();
    let on_board: [(&str, &str); 4] = [
        (
            "library: ./libown.so, name: gain, dtype: q15, scale_uv: 0.1",
            "run.yaml:7:48: kernels[0].dtype (gain): a board gives its kernels f32 samples",
        ),
        (
            "library: ./libown.so, name: mean, state: a.state",
            "run.yaml:7:48: kernels[0].state (mean): a board has no memory for trained state",
        ),
        (
            "library: ./libplugin2.so",
            "run.yaml:7:16: kernels[0].library (plugin2): a library of the",
        ),
        (
            r#"name: py, command: [sh, -c, "echo '{\"output_values\": 1}'; exec sleep 9"]"#,
            "a program runs on this computer, not on qemu:mps2-an386",
        ),
    ];
    for (kernel, said) in on_board {
        let kernel = format!("{{ {kernel}, window: 50, hop: 20 }}");
        let output = run(folder.path(), &config(&[&kernel], "device: qemu:mps2-an386\n"), &[]);
        let stderr = stderr_of(&output, 2);
        assert!(stderr.contains(said), "{kernel}: {stderr}");
    }
    assert!(!folder.path().join("results").exists(), "nothing was started");
}

#[test]
fn a_kernel_that_breaks_ends_by_name_and_the_others_run() {
    let (folder, _) = libraries(&["own", "deadly"]);
    let dies = |how: &str, window: u32| {
        format!(
            "{{ library: ./libdeadly.so, window: 50, hop: 20, params: {{ how: {how}, window: {window} }} }}"
        )
    };
    let text = config(
        &[
            &dies("segfault", 4),
            "{ library: ./libown.so, name: picky, window: 50, hop: 20 }",
            &dies("exit", 0),
            "{ name: car, window: 50, hop: 20 }",
        ],
        "",
    );
    let run = summary(&run(folder.path(), &text, &[]), 1);
    assert_eq!(run["status"], "failed");
    let error = run["kernels"][0]["error"].as_str().unwrap();
    assert!(error.contains("in window 4 of repeat 0 it used a null pointer"), "{error}");
    assert_eq!(run["kernels"][0]["windows"]["run"], 5);
    // Pink noise is negative at about half of the windows' first samples.
    let failed = run["kernels"][1]["windows"]["failed"].as_u64().unwrap();
    assert!((1..23).contains(&failed), "{failed}");
    assert_eq!(run["kernels"][1]["error"], "the first sample is negative");
    assert_eq!(run["kernels"][1]["windows"]["run"], 23);
    let error = run["kernels"][2]["error"].as_str().unwrap();
    assert!(error.contains("in window 0 of repeat 0 it ended its process"), "{error}");
    assert_eq!(run["kernels"][3]["windows"]["measured"], 23);
    let telemetry = Path::new(run["folder"].as_str().unwrap());
    let telemetry = telemetry.join("kernel-data/deadly/telemetry.ndjson");
    let telemetry = fs::read_to_string(folder.path().join(telemetry)).unwrap();
    let last: Value = serde_json::from_str(telemetry.lines().last().unwrap()).unwrap();
    assert_eq!((&last["window_index"], &last["error_code"]), (&4.into(), &12.into()));
}

/// Processes that work in `folder`, as every process of a run there does.
fn processes_in(folder: &Path) -> Vec<String> {
    let folder = folder.canonicalize().unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    entries
        .filter(|process| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder))
        .map(|process| fs::read_to_string(process.join("comm")).unwrap_or_default())
        .collect()
}

/// `CORTEX_DEATHS` of them, 36 if not set. The memory that a run shares with a kernel's process has no
/// name in any folder: it is gone with the two processes.
#[test]
fn many_deaths_leave_whole_folders_no_process_and_no_shared_memory() {
    let deaths: usize = std::env::var("CORTEX_DEATHS").map_or(36, |count| count.parse().unwrap());
    let (folder, _) = libraries(&["deadly"]);
    let ways = [
        ("segfault", "it used a null pointer"),
        ("abort", "it aborted (SIGABRT)"),
        ("exit", "it ended its process with exit code 3"),
        ("loop", "it did not return within"),
        ("stack", "it overflowed its stack"),
        ("overrun", "past the end of its output"),
        ("overrun_by_one", "past the end of its output"),
        ("close", "it closed file descriptors"),
        ("divide", "it was ended by SIGFPE"),
    ];
    let shared = || fs::read_dir("/dev/shm").map_or(0, Iterator::count);
    let (before, mut told_ms) = (shared(), Vec::new());
    for (number, first) in (0..deaths).step_by(200).enumerate() {
        let mut kernels: Vec<String> = (first..deaths.min(first + 200))
            .map(|death| {
                format!(
                    "{{ library: ./libdeadly.so, window: 50, hop: 20, params: {{ how: {}, window: {} }} }}",
                    ways[death % ways.len()].0,
                    death % 20
                )
            })
            .collect();
        kernels.push("{ name: car, window: 50, hop: 20 }".to_owned());
        let kernels: Vec<&str> = kernels.iter().map(String::as_str).collect();
        let run = summary(&run(folder.path(), &config(&kernels, ""), &[]), 1);
        let path = folder.path().join(run["folder"].as_str().unwrap());
        let listed = run["kernels"].as_array().unwrap();
        assert_eq!(listed.len(), kernels.len(), "run {number}");
        let (car, dead) = listed.split_last().unwrap();
        assert_eq!(car["windows"]["measured"], 23);
        for (index, kernel) in dead.iter().enumerate() {
            let (window, (_, said)) = ((first + index) % 20, ways[(first + index) % ways.len()]);
            let error = kernel["error"].as_str().unwrap_or_default();
            assert!(error.contains(&format!("in window {window} of repeat 0 it ")), "{kernel}");
            assert!(error.contains(said), "{kernel}");
            let telemetry = path.join("kernel-data").join(kernel["name"].as_str().unwrap());
            let rows = fs::read_to_string(telemetry.join("telemetry.ndjson")).unwrap();
            let last: Value = serde_json::from_str(rows.lines().last().unwrap()).unwrap();
            assert_eq!((&last["window_index"], &last["error_code"]), (&window.into(), &12.into()));
            let [start, end] = ["start_ts_ns", "end_ts_ns"].map(|key| last[key].as_u64().unwrap());
            told_ms.push((end - start) as f64 / 1e6);
        }
        let saved = fs::read_to_string(path.join("summary.json")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&saved).unwrap()["status"], "failed");
        assert!(path.join("report.html").is_file());
        let hidden = fs::read_dir(&path).unwrap().flatten();
        let hidden = hidden.filter(|file| file.file_name().to_string_lossy().starts_with('.'));
        assert_eq!(hidden.count(), 0, "half files");
        assert_eq!(processes_in(folder.path()), Vec::<String>::new());
    }
    assert_eq!(shared(), before);
    // A hop's time, 80 ms, is the deadline. A busy machine may hold some of them up.
    let late = told_ms.iter().filter(|&&ms| ms > 80.0 + 1000.0).count();
    let latest = told_ms.iter().fold(0.0_f64, |latest, &ms| latest.max(ms));
    println!("{deaths} deaths, each in its window, the last of them told after {latest:.0} ms");
    assert!(
        late * 100 <= deaths,
        "{late} of {deaths} told more than a second after their deadline"
    );
}

#[test]
fn any_program_is_a_kernel() {
    if Command::new("python3").arg("--version").output().is_err() {
        skip(Need::Python, &"a kernel in Python");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("mine");
    fs::create_dir(&inner).unwrap();
    fs::copy(checkout().join("tests/kernels/echo.py"), inner.join("echo.py")).unwrap();
    let python = |rest: &str, params: &str| {
        format!(
            "{{ command: [python3, echo.py], name: echo, window: 50, hop: 20, params: {{ {params} }}{rest} }}"
        )
    };
    let text = config(
        &[
            "{ name: noop, window: 50, hop: 20 }",
            &python("", "gain: 0.5"),
            &python(", feed: windows", "gain: 2"),
            &python("", "how: exit, window: 3"),
            &python(", deadline_us: 1000", "how: sleep, window: 2"),
            &python("", "how: too many, window: 1"),
            &python("", "how: print, window: 5"),
            &python("", "how: raise at reset"),
        ],
        "output: { include_raw_data: true }\n",
    );
    // The program lies beside the configuration, not in the current folder.
    fs::write(inner.join("run.yaml"), &text).unwrap();
    let mut command = cortex_host();
    command.args(["run", "--quiet", "--json", "--config", "mine/run.yaml"]);
    let run_one = summary(&command.current_dir(folder.path()).output().unwrap(), 1);
    let noop = outputs(folder.path(), &run_one, "noop");
    let half: Vec<f32> = noop.iter().map(|x| x * 0.5).collect();
    assert_eq!(outputs(folder.path(), &run_one, "echo"), half);
    assert_eq!(outputs(folder.path(), &run_one, "echo-2").len(), 23 * 200);
    assert_eq!(run_one["kernels"][1]["own"]["timed"], "from outside, pipes included");
    let errors: Vec<&str> =
        (3..8).map(|index| run_one["kernels"][index]["error"].as_str().unwrap()).collect();
    let exited = "in window 3 of repeat 0 it ended (exit status: 7); it printed: cannot go on";
    assert_eq!(errors[0], exited);
    assert!(errors[1].contains("in window 2 of repeat 0 it did not answer within"), "{errors:?}");
    assert!(errors[2].contains("it answered 201 values and had announced 200"), "{errors:?}");
    assert!(errors[3].contains("begins with the text \"hello\" in place of a count"), "{errors:?}");
    assert!(errors[4].contains("at the reset before it, it ended"), "{errors:?}");

    let refused = |kernel: &str, said: &str| {
        let output = run(&inner, &config(&[kernel], ""), &[]);
        let stderr = stderr_of(&output, 2);
        assert!(stderr.contains(said), "{stderr}");
    };
    refused("{ command: [nothing-of-this-name], name: a, window: 50 }", "cannot start");
    refused("{ command: [\"true\"], name: a, window: 50 }", "before its first line, it ended");
    refused(&python("", "how: no json"), "standard output must be JSON");
    let silent =
        "before its first line, it ended (exit status: 1); it printed: ModuleNotFoundError";
    refused("{ command: [python3, -c, import nowhere], name: a, window: 50 }", silent);
    refused("{ command: [cat], window: 50 }", "kernels[0].name is missing");
}

#[test]
fn list_shows_what_a_library_holds() {
    let (folder, _) = libraries(&["own"]);
    let list = |arguments: &[&str]| {
        let mut command = cortex_host();
        command.arg("list").args(arguments).current_dir(folder.path()).output().unwrap()
    };
    let text = stdout_of(&list(&["--library", "libown.so"]), 0);
    for said in ["gain", "factor times the input", "-1000 to 1000 [2.0]", "plus or minus"] {
        assert!(text.contains(said), "{text}");
    }
    let json: Value =
        serde_json::from_str(&stdout_of(&list(&["--library", "libown.so", "--json"]), 0)).unwrap();
    assert_eq!(json["kernels"][2]["name"], "picky");
    stderr_of(&list(&["--library", "nothing.so"]), 3);
}
