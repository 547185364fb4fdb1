//! Bad configurations: one clear sentence with file, line and column, the right exit code, in
//! under a second and 100 MB, nothing left behind.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use cortex_host::base::ExitCode;
use cortex_host::config::{self, Source};
use cortex_host::plan::Plan;
use cortex_host::primitive::Library;
use cortex_tests::{cortex_host, stderr_of};
use tempfile::TempDir;

/// A right configuration; each case changes one thing.
const GOOD: &str = r#"dataset:
  path: "primitives/datasets/v1/synthetic"
  params:
    signal_type: "pink_noise"
    duration_s: 4
  channels: 8
  sample_rate_hz: 160
kernels:
  - name: car
execution:
  pace: max
"#;

/// The message and exit code that `text` is refused with.
fn refusal(text: &str, folder: &Path) -> (String, ExitCode) {
    let source = Source { name: "c.yaml".into(), text: text.into(), folder: None };
    let outcome = config::parse(&source).and_then(|config| {
        Plan::new(&config, &Library::at(folder, None))
            .map_err(|problem| problem.in_source(&source.name))
    });
    match outcome {
        Ok(plan) => panic!("accepted:\n{text}\n{plan:?}"),
        Err(error) => (error.to_string(), error.code()),
    }
}

/// GOOD with `from` replaced by `to` is refused at `place` (`LINE:COLUMN`) with a message that
/// holds every one of `parts`.
#[track_caller]
fn refused(from: &str, to: &str, place: &str, parts: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    refused_text(&GOOD.replacen(from, to, 1), place, parts);
}

#[track_caller]
fn refused_text(text: &str, place: &str, parts: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let (message, code) = refusal(text, folder.path());
    assert_eq!(code, ExitCode::Usage, "{message}");
    let place = if place.is_empty() { "c.yaml: ".into() } else { format!("c.yaml:{place}: ") };
    assert!(message.starts_with(&place), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.len() < 400, "{message}");
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

#[test]
fn the_good_configuration_is_good() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source { name: "c".into(), text: GOOD.into(), folder: None };
    let plan = Plan::new(&config::parse(&source).unwrap(), &Library::at(folder.path(), None));
    assert_eq!(plan.unwrap().kernels[0].hop, 80);
}

#[test]
fn unknown_keys_get_a_suggestion() {
    refused("execution:", "exeuction:", "10:1", &["\"exeuction\"", "did you mean \"execution\"?"]);
    refused("duration_s", "durations_s", "5:5", &["in dataset.params", "\"duration_s\""]);
    refused("  channels", "  chanels", "6:3", &["in dataset", "did you mean \"channels\"?"]);
    refused("- name: car", "- {name: car, hops: 8}", "9:17", &["kernels[0]", "\"hop\""]);
    refused("pace: max", "zzz: max", "11:3", &["keys known here", "warmup_windows", "pace"]);
    // Right keys in the wrong place, and other tools' spellings.
    refused("  pace: max", "  window_samples: 160", "11:3", &["use kernels[].window"]);
    refused("  pace: max", "  hop_samples: 80", "11:3", &["use kernels[].hop"]);
    refused("kernels:", "plugins:", "8:1", &["use kernels"]);
    refused("  params:", "  seed: 7\n  params:", "3:3", &["move it to dataset.params.seed"]);
    refused("kernels:", "channels: 8\nkernels:", "8:1", &["use dataset.channels"]);
}

#[test]
fn wrong_types_name_key_and_value() {
    refused("channels: 8", "channels: eight", "6:13", &["dataset.channels", "\"eight\""]);
    refused("channels: 8", "channels: 8.5", "6:13", &["a whole number", "8.5"]);
    refused("channels: 8", "channels: \"8\"", "6:13", &["a whole number", "the text \"8\""]);
    refused("channels: 8", "channels: [8]", "6:13", &["a whole number", "a list"]);
    refused("channels: 8", "channels:", "6:3", &["dataset.channels has no value"]);
    refused("name: car", "name: 5", "9:11", &["kernels[0].name must be text"]);
    refused("pace: max", "pace: fast", "11:9", &["one of realtime, max", "\"fast\""]);
    refused("pace: max", "pace: Max", "11:9", &["did you mean \"max\"?"]);
    refused("- name: car", "- car", "9:5", &["kernels[0]", "mapping", "\"car\""]);
    refused("  - name: car", "  name: car", "9:3", &["kernels must be a list"]);
    refused_text("dataset: 5\n", "1:10", &["dataset must be a mapping"]);
    refused_text("- 1\n", "1:1", &["the configuration must be a mapping"]);
    let raw = "output: {include_raw_data: yes}\nexecution:";
    refused("execution:", raw, "10:28", &["true or false", "\"yes\""]);
}

#[test]
fn numbers_out_of_range_are_refused() {
    refused("channels: 8", "channels: 0", "6:13", &["1 to 65536", "is 0"]);
    refused("channels: 8", "channels: -8", "6:13", &["0 or above", "-8"]);
    refused("channels: 8", "channels: 65537", "6:13", &["1 to 65536"]);
    let huge = format!("channels: {}", "9".repeat(40));
    refused("channels: 8", &huge, "6:13", &["dataset.channels", "whole number"]);
    for (bad, why) in [
        (".nan", "NaN"),
        (".inf", "infinite"),
        ("-.inf", "minus infinity"),
        ("1e999", "infinite or too large"),
        ("1e300", "1e-15 to 1e15"),
        ("1e-300", "1e-15 to 1e15"),
        ("0", "above 0"),
        ("-4", "above 0"),
        ("1e14", "more than 8 PiB"),
        ("0.001", "less than one sample"),
    ] {
        refused("duration_s: 4", &format!("duration_s: {bad}"), "5:17", &["duration_s", why]);
    }
    for (bad, why) in [(".nan", "NaN"), ("0", "above 0"), ("-160", "above 0"), ("1e8", "10000000")]
    {
        let to = format!("sample_rate_hz: {bad}");
        refused("sample_rate_hz: 160", &to, "7:19", &["dataset.sample_rate_hz", why]);
    }
    refused("pace: max", "repeat_count: 0", "11:17", &["1 to 10000"]);
    refused("pace: max", "duration_seconds: -1", "11:21", &["above 0"]);
    refused("pace: max", "warmup_windows: -1", "11:19", &["0 or above"]);
    let seed = "duration_s: 4\n    seed: 18446744073709551616";
    refused("duration_s: 4", seed, "6:11", &["seed", "below 2^64"]);
}

#[test]
fn generator_parameters_are_checked_by_name_and_value() {
    let with = |line: &str| format!("duration_s: 4\n    {line}");
    refused(
        "duration_s: 4",
        &with("channels: 8"),
        "6:5",
        &["Channels mismatch: params.channels != dataset.channels", "remove"],
    );
    refused("\"pink_noise\"", "pink_nose", "4:18", &["sine_wave, pink_noise", "did you mean"]);
    refused("\"pink_noise\"", "emg", "4:18", &["unknown signal_type \"emg\"", "pink_noise"]);
    refused("    signal_type: \"pink_noise\"\n", "", "4:5", &["signal_type is missing"]);
    refused("    duration_s: 4\n", "", "4:5", &["duration_s is missing"]);
    refused("duration_s: 4", &with("frequency_hz: 8"), "6:19", &["pink_noise takes no freq"]);
    refused(
        "duration_s: 4",
        &with("amplitude_uv_rms: 0"),
        "6:23",
        &["amplitude_uv_rms", "above 0"],
    );
    refused("duration_s: 4", &with("low_corner_hz: 80"), "6:20", &["low_corner_hz", "between"]);
    let sine = GOOD.replace("pink_noise", "sine_wave");
    for hz in ["80", "80.0", "1000"] {
        let text = sine.replace("duration_s: 4", &with(&format!("frequency_hz: {hz}")));
        refused_text(&text, "6:19", &["frequency_hz", "Nyquist frequency of 80 Hz"]);
    }
    let text = sine.replace("duration_s: 4", &with("amplitude_uv_rms: 10"));
    refused_text(&text, "6:23", &["sine_wave takes no amplitude_uv_rms", "amplitude_uv_peak"]);
    let params = "  params:\n    signal_type: \"pink_noise\"\n    duration_s: 4\n";
    refused(params, "", "2:3", &["dataset.params is missing", "signal_type"]);
}

#[test]
fn datasets_that_are_not_there_say_what_is() {
    let v1 = "primitives/datasets/v1/synthetic";
    for (path, part) in [
        ("primitives/datasets/synthetic", "names no version"),
        ("primitives/datasets/synthetic/", "names no version"),
        ("primitives/datasets/v9/synthetic", "no version \"v9\""),
        ("primitives/datasets/v1/syntetic", "did you mean"),
    ] {
        refused(v1, path, "2:9", &[part, v1]);
    }
    refused(v1, "", "2:9", &["the path is empty"]);
    let params = "  params:\n    signal_type: \"pink_noise\"\n    duration_s: 4\n";
    let file = GOOD.replace(params, "").replace(v1, "x.float32");
    let folder = tempfile::tempdir().unwrap();
    let (message, code) = refusal(&file, folder.path());
    assert_eq!(code, ExitCode::InputOutput, "{message}");
    assert!(message.starts_with("c.yaml:2:9: there is no dataset \"x.float32\""), "{message}");

    // 8 channels x 4 bytes = 32 bytes a row; 160 rows are one window.
    for (bytes, code, part) in [
        (0, ExitCode::InputOutput, "is empty"),
        (33, ExitCode::Usage, "no whole number of rows of 8 channels"),
        (32 * 159, ExitCode::Usage, "zero windows"),
    ] {
        fs::write(folder.path().join("x.float32"), vec![0; bytes]).unwrap();
        let (message, got) = refusal(&file, folder.path());
        assert_eq!(got, code, "{message}");
        assert!(message.contains(part), "{message}");
    }
    fs::write(folder.path().join("x.float32"), vec![0; 32 * 160]).unwrap();
    let with_params = GOOD.replace(v1, "x.float32");
    let (message, _) = refusal(&with_params, folder.path());
    assert!(message.contains("dataset.params is for generators"), "{message}");
    let (message, _) = refusal(&file.replace("channels: 8", "channels: 7"), folder.path());
    assert!(message.starts_with("c.yaml:3:13"), "{message}");
    let longer = file.replace("pace: max", "duration_seconds: 1.5");
    let (message, _) = refusal(&longer, folder.path());
    assert!(message.contains("asks for 1.5 s") && message.contains("holds 1 s"), "{message}");
    fs::create_dir(folder.path().join("folder")).unwrap();
    let (message, _) = refusal(&file.replace("x.float32", "folder"), folder.path());
    assert!(message.contains("a folder without a spec.yaml"), "{message}");
    #[cfg(unix)]
    {
        // A specification without end.
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("folder/spec.yaml")).unwrap();
        let (message, code) = refusal(&file.replace("x.float32", "folder"), folder.path());
        assert_eq!(code, ExitCode::InputOutput, "{message}");
        assert!(message.contains("no regular file"), "{message}");
    }
}

/// The snippets of the guide to datasets that the project grew from, "wrong" ones included.
#[test]
fn the_seed_guides_snippets_are_answered_as_it_says() {
    let mismatch = "Channels mismatch: params.channels != dataset.channels";
    let wrong = "# Wrong:\ndataset:\n  path: \"primitives/datasets/v1/synthetic\"\n  params:\n    channels: 1024  # \u{2190} Remove this\n  channels: 1024\n";
    refused_text(wrong, "5:5", &[mismatch, "remove channels from dataset.params"]);
    let bad = "# Bad: Implicit (what if v2 exists?)\ndataset:\n  path: \"primitives/datasets/synthetic\"  # Which version?\n  channels: 64\n  sample_rate_hz: 160\n";
    refused_text(bad, "3:9", &["names no version", "primitives/datasets/v1/synthetic"]);
    // The right ones come as far as a dataset alone can.
    let generated = |rest: &str| {
        format!(
            "dataset:\n  path: \"primitives/datasets/v1/synthetic\"\n  params:\n{rest}  sample_rate_hz: 160\n"
        )
    };
    for right in [
        generated(
            "    signal_type: \"pink_noise\"\n    duration_s: 120\n    amplitude_uv_rms: 100.0\n    seed: 42\n  channels: 1024\n",
        ),
        generated(
            "    signal_type: \"sine_wave\"\n    frequency_hz: 10.0\n    duration_s: 1\n  channels: 64\n",
        ),
    ] {
        let (message, _) = refusal(&right, Path::new("."));
        assert!(message.contains("kernels"), "{message}");
    }
    let missing = "dataset:\n  path: \"primitives/datasets/v1/physionet-motor-imagery/converted/S001R03.float32\"\n  format: \"float32\"\n  channels: 64\n  sample_rate_hz: 160\n";
    let (message, code) = refusal(missing, tempfile::tempdir().unwrap().path());
    assert_eq!(code, ExitCode::InputOutput);
    assert!(message.contains("cortex-host download physionet --recording S001R03"), "{message}");
}

#[test]
fn kernels_are_known_and_have_windows_to_measure() {
    refused("name: car", "name: cra", "9:11", &["unknown kernel \"cra\"", "noop, car", "\"car\""]);
    refused("kernels:\n  - name: car\n", "", "1:1", &["no kernels", "zero windows"]);
    refused("\n  - name: car", " []", "8:10", &["no kernels"]);
    let kernel = |more: &str| format!("- {{name: car, {more}}}");
    let car = "- name: car";
    refused(car, "- {window: 160}", "9:5", &["kernels[0].name is missing", "welch_psd"]);
    refused(car, &kernel("window: 0"), "9:25", &["kernels[0].window", "1 to 1048576"]);
    refused(car, &kernel("window: 10, hop: 11"), "9:34", &["longer than the window of 10"]);
    refused(car, &kernel("window: 641"), "9:25", &["zero windows to run", "641", "640"]);
    refused(car, &kernel("deadline_us: 0"), "9:30", &["deadline_us", "above 0"]);
    refused(car, &kernel("params: {a: 1}"), "9:25", &["car has no parameters"]);
    refused("pace: max", "warmup_windows: 7", "9:5", &["all 7 windows", "warm-up"]);
    refused("duration_s: 4", "duration_s: 0.5", "9:5", &["zero windows to run"]);
    let notch = |params: &str| format!("- {{name: notch_iir, params: {{{params}}}}}");
    refused(car, &notch("f0_hz: 80"), "9:39", &["notch_iir", "Nyquist"]);
    refused(car, &notch("f0hz: 8"), "9:32", &["did you mean \"f0_hz\"?"]);
    let fir = "- {name: bandpass_fir, params: {low_hz: 30, high_hz: 8}}";
    refused(car, fir, "9:43", &["low_hz must be below high_hz"]);
    let bands = "- {name: goertzel, params: {bands: [{low_hz: 8}]}}";
    refused(car, bands, "9:39", &["bands[0].high_hz is missing"]);
    let fft = "- {name: fft, params: {nfft: 300}}";
    refused(car, fft, "9:32", &["power of two", "300"]);
}

#[test]
fn devices_and_scheduling_are_refused_clearly() {
    let with = |line: &str| format!("{line}\nexecution:");
    let more = |line: &str, place: &str, parts: &[&str]| {
        refused("execution:", &with(line), place, parts);
    };
    more("device: natve", "10:9", &["unknown device \"natve\"", "qemu:BOARD"]);
    more("device: \"serial://\"", "10:9", &["names no port"]);
    more("device: \"serial:///dev/ttyACM0?baud=12\"", "10:9", &["line speed", "300 to 12000000"]);
    more("device: qemu:uno", "10:9", &["no emulated board \"uno\"", "mps2-an386", "microbit"]);
    more("transfer: seeded", "10:11", &["device is native"]);
    more("transfer: seded", "10:11", &["did you mean \"seeded\"?"]);
    more("encoding: i16", "10:11", &["device is native"]);
    more("encoding: i61", "10:11", &["did you mean \"i16\"?"]);
    more("scale_uv: 0.1", "10:11", &["step of encoding: i16"]);
    more("results: digests", "10:10", &["device is native"]);
    let linked = |lines: &str, place: &str, parts: &[&str]| {
        more(&format!("device: loopback\n{lines}"), place, parts);
    };
    linked("encoding: i16\nscale_uv: 0", "12:11", &["scale_uv", "1e-12 to 1e12"]);
    linked("encoding: i16\ntransfer: seeded", "11:11", &["none do", "transfer: streamed"]);
    let raw = "results: digests\noutput: {include_raw_data: true}";
    linked(raw, "11:10", &["include_raw_data", "results: samples"]);
    more("realtime: {priority: 5}", "10:22", &["fifo or rr"]);
    more("realtime: {scheduler: fifo, priority: 100}", "10:39", &["1 to 99"]);
    more("realtime: {cpu_affinity: []}", "10:26", &["empty list"]);
    more("realtime: {cpu_affinity: [0, 4096]}", "10:30", &["cpu_affinity[1]", "0 to 1023"]);
    more("output: {format: xml}", "10:18", &["ndjson, csv"]);
    more("output: {directory: \"\"}", "10:21", &["must name a folder"]);
}

#[test]
fn text_that_is_no_configuration_is_refused() {
    refused_text("", "", &["there is nothing in it"]);
    refused_text("# only a comment\n", "", &["there is nothing in it"]);
    // As the guide warns of it: nothing else stands there.
    let implicit = "dataset:\n  path: \"primitives/datasets/synthetic\"  # Which version?\n";
    refused_text(implicit, "2:9", &["names no version", "primitives/datasets/v2/synthetic"]);
    refused_text(&format!("{GOOD}dataset: 5\n"), "12:1", &["\"dataset\" appears twice"]);
    refused("channels: 8", "channels: 8\n  channels: 9", "7:3", &["appears twice"]);
    refused_text(&format!("{GOOD}---\na: 1\n"), "13:1", &["second YAML document"]);
    refused_text("a: &a {x: 1}\nb:\n  <<: *a\n", "3:3", &["merge keys"]);
    refused_text("dataset: *nowhere\n", "1:10", &["names no anchor"]);
    refused_text("dataset:\n\tpath: x\n", "2:2", &["not valid YAML", "tabs"]);
    refused_text("dataset: [1, 2\n", "1:10", &["not valid YAML"]);
    refused_text("dataset: !!python/object 3\n", "1:26", &["not valid YAML", "tag"]);
    let long = "k".repeat(100_000);
    refused_text(&format!("? {long}\n: 1\n"), "1:3", &["unknown key \"kkkk", "…"]);
    refused_text("\"\\e[31m\": 1\n", "1:1", &["unknown key \"\\u{1b}[31m\""]);
}

/// Texts made to hurt: the real binary, its address space capped at 100 MB and its processor
/// time at one second.
#[cfg(unix)]
#[test]
fn hostile_texts_cost_little_time_and_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..12 {
        let row = vec![format!("*a{}", level - 1); 9].join(",");
        bomb.push_str(&format!("a{level}: &a{level} [{row}]\n"));
    }
    let deep_blocks: String = (0..1000).map(|level| format!("{}a:\n", " ".repeat(level))).collect();
    let many_keys: String = (0..60_000).map(|key| format!("k{key}: 1\n")).collect();
    for (text, part) in [
        ("[".repeat(200_000), "nests deeper than 16"),
        ("{a: ".repeat(50_000), "nests deeper than 16"),
        ("- ".repeat(100_000), "nests deeper than 16"),
        (deep_blocks, "nests deeper than 16"),
        (bomb, "aliases"),
        (format!("dataset: [{}1]", "1,".repeat(450_000)), "more than 20000 values"),
        (many_keys, "more than 20000 values"),
        (format!("dataset:\n  channels: {}", "9".repeat(900_000)), "whole number"),
        (format!("dataset:\n  sample_rate_hz: 1{}", "0".repeat(900_000)), "number"),
        (format!("{}: 1", "x".repeat(1_000_000)), "not valid YAML"),
        (costly_kernels("bandpass_fir, params: {taps: 8193}"), "at most 256 kernels"),
        (costly_kernels("fft, window: 8192, hop: 1"), "at most 256 kernels"),
        (GOOD.replace("pace: max", &format!("pace: \"{}\"", "\\e[31m".repeat(50_000))), "realtime"),
        (format!("{GOOD}device: \"{}\"", "x\\n".repeat(100_000)), "unknown device"),
        (format!("{GOOD}device: qemu:{}", "x".repeat(100_000)), "no emulated board"),
        ("# ".repeat(500_000), "there is nothing in it"),
        ("x".repeat(2_000_000), "larger than 1 MiB"),
        ("\0".repeat(1000), "not valid YAML"),
    ] {
        fs::write(folder.path().join("c.yaml"), &text).unwrap();
        let message = stderr_of(&capped(&folder, &["run", "--config", "c.yaml"]), 2);
        assert!(message.starts_with("error: c.yaml:"), "{message}");
        assert!(message.contains(part), "no {part:?} in: {message}");
        assert!(message.len() < 500, "{} bytes", message.len());
        assert_eq!(message.lines().count(), 1, "{message}");
        // The same as a manifest.
        let message = stderr_of(&capped(&folder, &["reproduce", "c.yaml"]), {
            // Larger than a manifest can be, it is not read at all.
            if text.len() > 1 << 20 { 3 } else { 2 }
        });
        assert!(message.starts_with("error: c.yaml:") && message.len() < 500, "{message}");
    }
    // And a run's folder from somebody else.
    fs::create_dir(folder.path().join("run")).unwrap();
    for text in ["[".repeat(200_000), format!("{{\"schema_version\": 1{}}}", "0".repeat(900_000))] {
        fs::write(folder.path().join("run/summary.json"), text).unwrap();
        let message = stderr_of(&capped(&folder, &["report", "run"]), 3);
        assert!(
            message.starts_with("error: run/summary.json: ") && message.len() < 500,
            "{message}"
        );
    }
    fs::remove_dir_all(folder.path().join("run")).unwrap();
    // A file that is not there is exit code 3, however it is called.
    let path = "x\\n/".repeat(100_000);
    fs::write(folder.path().join("c.yaml"), GOOD.replace("primitives", &path)).unwrap();
    let message = stderr_of(&capped(&folder, &["run", "--config", "c.yaml"]), 3);
    assert!(message.contains("there is no dataset \"x\\n/x"), "{message}");
    assert!(message.len() < 500 && message.lines().count() == 1, "{message}");
    let message = stderr_of(&capped(&folder, &["run", "--config", "/dev/zero"]), 2);
    assert!(message.contains("larger than 1 MiB"), "{message}");
    // Nothing but the input is left behind.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// As many kernels as the reader's limit on values lets through.
fn costly_kernels(kernel: &str) -> String {
    let list = format!("  - {{name: {kernel}}}\n").repeat(2_800);
    GOOD.replace("duration_s: 4", "duration_s: 400").replace("  - name: car\n", &list)
}

/// The binary under `ulimit`: 100 MB of address space, one second of processor time.
#[cfg(unix)]
fn capped(folder: &TempDir, arguments: &[&str]) -> Output {
    let binary = cortex_host();
    std::process::Command::new("sh")
        .args(["-c", "ulimit -v 100000; ulimit -t 1; exec \"$0\" \"$@\""])
        .arg(binary.get_program())
        .args(arguments)
        .env("NO_COLOR", "1")
        .current_dir(folder)
        .output()
        .unwrap()
}

#[test]
fn every_way_to_give_a_configuration_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = |config: &str| {
        let output = cortex_host().args(["run", "--config", config]).current_dir(&folder).output();
        output.unwrap()
    };
    let message = stderr_of(&run("absent.yaml"), 3);
    assert!(message.starts_with("error: absent.yaml: cannot read"), "{message}");
    let message = stderr_of(&run("."), 3);
    assert!(message.contains("this is a folder"), "{message}");
    fs::write(folder.path().join("ünï cödé.yaml"), "a: 1\n").unwrap();
    let message = stderr_of(&run("ünï cödé.yaml"), 2);
    assert!(message.starts_with("error: ünï cödé.yaml:1:1: unknown key \"a\""), "{message}");
    fs::write(folder.path().join("latin1.yaml"), b"a: \xe9\n").unwrap();
    let message = stderr_of(&run("latin1.yaml"), 2);
    assert!(message.contains("latin1.yaml:1:4:") && message.contains("UTF-8"), "{message}");

    let mut child = cortex_host()
        .args(["run", "--config", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .current_dir(&folder)
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"a: 1\n").unwrap();
    let message = stderr_of(&child.wait_with_output().unwrap(), 2);
    assert!(message.starts_with("error: <stdin>:1:1: unknown key"), "{message}");
}

/// `--config <(cat ...)`: the shell hands over a pipe's path.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_is_a_configuration_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("c.yaml"), GOOD.replace("car", "carr")).unwrap();
    let output = std::process::Command::new("bash")
        .args(["-c", "\"$0\" run --config <(cat c.yaml)"])
        .arg(cortex_host().get_program())
        .env("NO_COLOR", "1")
        .current_dir(&folder)
        .output()
        .unwrap();
    let message = stderr_of(&output, 2);
    assert!(message.contains(":9:11: unknown kernel \"carr\""), "{message}");
}
