//! `inspect` against NumPy and SciPy, against files made by hand, and its memory.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use cortex_host::recording::brainvision::{Header, write_header};
use cortex_tests::html::pictures;
use cortex_tests::{cortex_host, oracle, real_recordings, stderr_of, stdout_of};
use serde_json::Value;

fn inspect(file: &Path, more: &[&str]) -> Command {
    let mut command = cortex_host();
    command.arg("inspect").arg(file).args(more);
    command
}

fn json(file: &Path, more: &[&str]) -> Value {
    let output = inspect(file, more).arg("--json").output().unwrap();
    serde_json::from_str(&stdout_of(&output, 0)).unwrap()
}

fn write_samples(file: &Path, samples: impl IntoIterator<Item = f32>) {
    let bytes: Vec<u8> = samples.into_iter().flat_map(f32::to_le_bytes).collect();
    fs::write(file, bytes).unwrap();
}

/// Names and rate beside `file`.
fn describe(file: &Path, names: &[&str], sample_rate_hz: f64, samples: u64) {
    let channel_names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let header = Header {
        channel_names: &channel_names,
        sample_rate_hz,
        samples,
        markers: &[],
        start: None,
    };
    write_header(file, &header).unwrap();
}

#[test]
fn statistics_slopes_and_lines_are_those_of_numpy_and_scipy() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("odd.float32");
    // 4 s at 250 Hz: the power of two at or below 1000.
    let arguments = [file.as_os_str(), OsStr::new("512")];
    let Some(run) = oracle("inspect_expected.py", &arguments) else { return };
    let expected: Value = serde_json::from_str(&stdout_of(&run, 0)).unwrap();
    let found = json(&file, &["--channels", "5", "--rate", "250"]);
    assert_eq!(found["spectrum"]["segment_samples"], 512);
    assert_eq!(found["samples"], 60_000);
    assert_eq!(found["duration_s"], 240.0);
    for (index, expected) in expected.as_array().unwrap().iter().enumerate() {
        let found = &found["channel_reports"][index];
        for (key, expected) in expected.as_object().unwrap() {
            // Sums of 60,000 doubles in another order: 1e-11 relative; a slope and a
            // level are logarithms of such sums. A mean near 0 is held to 1e-9 µV.
            let close = match (found[key].as_f64(), expected.as_f64()) {
                // Extremes are samples: equal as float32, which is how they are printed.
                (Some(a), Some(b)) if key == "min_uv" || key == "max_uv" => a as f32 == b as f32,
                (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * b.abs().max(1.0),
                (a, b) => a == b,
            };
            // A constant channel has no spectrum but rounding dust: any answer is as good.
            let dust = index == 3 && (key == "slope" || key.starts_with("line"));
            assert!(close || dust, "channel {index} {key}: {} instead of {expected}", found[key]);
        }
    }
    let reports = found["channel_reports"].as_array().unwrap();
    assert!((reports[0]["slope"].as_f64().unwrap() + 1.0).abs() < 0.1, "pink");
    assert!(reports[1]["slope"].as_f64().unwrap().abs() < 0.1, "white");
    assert!(reports[2]["line_50_db"].as_f64().unwrap() > 20.0, "mains");
}

#[test]
fn the_shape_comes_from_the_header_and_two_answers_must_agree() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a b.float32");
    write_samples(&file, (0..600).map(|index| (index % 3) as f32));
    let error = stderr_of(&inspect(&file, &[]).output().unwrap(), 2);
    assert!(error.contains("how many channels") && error.contains("--channels"), "{error}");
    describe(&file, &["Cz", "Pz", "Oz"], 100.0, 200);
    let found = json(&file, &[]);
    assert_eq!((&found["channels"], &found["samples"]), (&3.into(), &200.into()));
    assert_eq!(found["channel_reports"][2]["name"], "Oz");
    assert_eq!(found["channel_reports"][2]["mean_uv"], 2.0);
    assert_eq!(json(&file, &["--channels", "3", "--rate", "100"])["samples"], 200);
    let error = stderr_of(&inspect(&file, &["--channels", "2"]).output().unwrap(), 2);
    assert!(error.contains("the command line says 2 channels, but a b.vhdr says 3"), "{error}");
    let error = stderr_of(&inspect(&file, &["--rate", "250"]).output().unwrap(), 2);
    assert!(error.contains("the command line says 250 Hz, but a b.vhdr says 100"), "{error}");

    // A configuration that contradicts the header is refused the same way.
    let config = folder.path().join("run.yaml");
    let text = format!(
        "dataset:\n  path: {:?}\n  channels: 2\n  sample_rate_hz: 100\nkernels:\n  - {{ name: noop, window: 10, hop: 5 }}\n",
        file.display().to_string()
    );
    fs::write(&config, text).unwrap();
    let mut run = cortex_host();
    run.arg("run").arg("--config").arg(&config).current_dir(folder.path());
    let error = stderr_of(&run.output().unwrap(), 2);
    assert!(error.contains("the configuration says 2 channels, but a b.vhdr says 3"), "{error}");
    assert!(error.contains("run.yaml:3:13:"), "{error}");

    // A file cut short under its header is no file to run on.
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 12]).unwrap();
    let error = stderr_of(&inspect(&file, &[]).output().unwrap(), 3);
    assert!(error.contains("199 samples per channel, but a b.vhdr says 200"), "{error}");
}

#[test]
fn short_constant_and_broken_recordings_are_answered_without_fuss() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.float32");
    let shape = ["--channels", "2", "--rate", "10"];
    // One sample; nothing but NaN; infinities.
    write_samples(&file, [1.0, f32::NAN]);
    let found = json(&file, &shape);
    assert_eq!(found["spectrum"], Value::Null);
    assert_eq!(found["channel_reports"][0]["rms_uv"], 1.0);
    assert_eq!(found["channel_reports"][1]["mean_uv"], Value::Null);
    assert_eq!(found["channel_reports"][1]["nan_count"], 1);
    write_samples(&file, (0..1000).map(|index| if index % 2 == 0 { 5.0 } else { f32::INFINITY }));
    let plot = folder.path().join("x.svg");
    let plotted = inspect(&file, &shape).arg("--plot").arg(&plot).output().unwrap();
    stdout_of(&plotted, 0);
    let drawn = fs::read_to_string(&plot).unwrap();
    assert_eq!(pictures(&drawn), [format!("Traces and spectrum of {}", file.display())]);
    assert!(drawn.ends_with("</svg>\n") && !drawn.contains("NaN") && !drawn.contains("inf"));
    fs::write(&file, b"12345").unwrap();
    let error = stderr_of(&inspect(&file, &shape).output().unwrap(), 2);
    assert!(error.contains("5 bytes is no whole number of rows"), "{error}");
    for arguments in [["--plot", "x.png"], ["--fit-range", "5"], ["--rate", "nan"]] {
        stderr_of(&inspect(&file, &arguments).output().unwrap(), 2);
    }
    let error = stderr_of(&inspect(Path::new("no/such"), &[]).output().unwrap(), 3);
    assert!(error.contains("no/such"), "{error}");
}

#[test]
fn a_manifest_and_a_primitive_stand_for_their_data() {
    let folder = tempfile::tempdir().unwrap();
    let mut generate = cortex_host();
    generate.args(["generate", "pink_noise", "4", "160", "60", "made.float32", "--seed", "7"]);
    stdout_of(&generate.current_dir(folder.path()).output().unwrap(), 0);
    let data = folder.path().join("made.float32");
    let found = json(&folder.path().join("made.float32.manifest.yaml"), &[]);
    assert_eq!(found["channel_reports"][3]["name"], "E0004");
    assert_eq!(found["samples"], 9600);
    assert_eq!(found, json(&data, &[]));
    // 9,600 samples: the slope of a quarter-octave fit scatters by about 0.03.
    let slope = found["channel_reports"][0]["slope"].as_f64().unwrap();
    assert!((slope + 1.0).abs() < 0.15, "{slope}");
    let error = stderr_of(
        &inspect(Path::new("primitives/datasets/v1/synthetic"), &[]).output().unwrap(),
        2,
    );
    assert!(error.contains("is a generator"), "{error}");
}

#[test]
fn the_real_recording_is_the_same_through_every_door() {
    let Some(data) = real_recordings() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("S001R03.float32");
    let mut convert = cortex_host();
    convert.arg("convert").arg(data.join("S001R03.edf")).arg(&file).arg("--npy");
    stdout_of(&convert.output().unwrap(), 0);
    let whole = json(&file, &[]);
    assert_eq!(whole["duration_s"], 125.0);
    assert_eq!(whole["sha256"], "3649d9e7850cdca77330e78cf429815f859a52ecf1ad5f69ab2f142cf5d19cab");
    let reports = &whole["channel_reports"];
    assert_eq!(reports[10]["name"], "Cz");
    assert_eq!(json(&data.join("S001R03.edf"), &[])["channel_reports"], *reports);
    assert_eq!(json(&file.with_extension("vhdr"), &[])["channel_reports"], *reports);
    let npy = json(&file.with_extension("npy"), &["--rate", "160"]);
    assert_eq!(npy["channel_reports"][10]["rms_uv"], reports[10]["rms_uv"]);
    let page = folder.path().join("p.html");
    stdout_of(&inspect(&file, &["--plot", page.to_str().unwrap()]).output().unwrap(), 0);
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("<td>FC5</td>") && page.contains("1/f"));
    assert_eq!(pictures(&page), [format!("Traces and spectrum of {}", file.display())]);
    assert!(!page.contains("<script"));
}

/// Peak anonymous memory of a command in KiB, sampled while it runs.
#[cfg(target_os = "linux")]
fn peak_anonymous_kib(mut command: Command) -> u64 {
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        if let Ok(text) = fs::read_to_string(&status) {
            let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
            peak = peak.max(kib.unwrap_or(0));
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success());
    peak
}

/// A sparse file of 200 MB in every run, of 10 GB with CORTEX_BIG set.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large.float32");
    let bytes: u64 = match std::env::var_os("CORTEX_BIG") {
        Some(_) => 10_000_000_000 / 4096 * 4096,
        None => 200_000_000 / 4096 * 4096,
    };
    fs::File::create(&file).unwrap().set_len(bytes).unwrap();
    for channels in ["64", "1024"] {
        let command = inspect(&file, &["--channels", channels, "--rate", "1000", "--quiet"]);
        let peak = peak_anonymous_kib(command);
        assert!(peak > 1000, "it was measured: {peak} KiB");
        assert!(peak < 64 * 1024, "{channels} channels: {peak} KiB");
        if bytes > 1_000_000_000 {
            eprintln!("{bytes} bytes, {channels} channels: {peak} KiB anonymous");
            break;
        }
    }
}
