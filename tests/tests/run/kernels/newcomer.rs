//! From nothing to a measured and validated kernel, in C and in Rust; configurations of the original.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use cortex_tests::libraries::compiled;
use cortex_tests::skip::{Need, skip};
use cortex_tests::{checkout, cortex_host, real_recordings, stderr_of, stdout_of};
use serde_json::Value;

fn host(folder: &Path, arguments: &[&str]) -> Output {
    cortex_host().args(arguments).current_dir(folder).output().unwrap()
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs `kernels` on the same data and returns the bytes of each one's outputs.
fn outputs(folder: &Path, kernels: &[&str]) -> Vec<Vec<u8>> {
    let mut text = "dataset:\n  path: primitives/datasets/v1/synthetic\n  channels: 3\n  \
        sample_rate_hz: 250\n  params: { signal_type: pink_noise, duration_s: 4, seed: 9 }\n\
        execution: { pace: max }\noutput: { include_raw_data: true }\nkernels:\n"
        .to_owned();
    for kernel in kernels {
        text.push_str(&format!("  - {kernel}\n"));
    }
    fs::write(folder.join("all.yaml"), text).unwrap();
    let run = host(folder, &["run", "--quiet", "--json", "--config", "all.yaml"]);
    let run: Value = serde_json::from_str(&stdout_of(&run, 0)).unwrap();
    let data = folder.join(run["folder"].as_str().unwrap()).join("kernel-data");
    let names = run["kernels"].as_array().unwrap().iter();
    names
        .map(|kernel| {
            let file = data.join(kernel["name"].as_str().unwrap()).join("outputs.npy");
            // The numbers follow a header of 128 bytes.
            fs::read(file).unwrap().split_off(128)
        })
        .collect()
}

#[test]
fn a_new_kernel_in_c_is_built_measured_and_validated() {
    if Command::new("python3").arg("--version").output().is_err() {
        skip(Need::Python, &"the oracle of a new kernel");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stdout_of(&host(folder, &["new", "kernel", "lowpass", "--c"]), 0);
    succeeds(Command::new("make").args(["-C", "lowpass", "test", "lib"]).current_dir(folder));
    let run = host(folder, &["run", "--quiet", "--json", "--config", "lowpass/run.yaml"]);
    let run: Value = serde_json::from_str(&stdout_of(&run, 0)).unwrap();
    assert!(run["kernels"][0]["kernel_time_us"]["p50"].as_f64().unwrap() > 0.0);
    assert!(folder.join(run["folder"].as_str().unwrap()).join("report.html").is_file());

    let text = stdout_of(&host(folder, &["validate", "lowpass", "--quiet"]), 0);
    assert!(text.starts_with("lowpass: 12 of 12 cases within the tolerance"), "{text}");
    let refused = stderr_of(&host(folder, &["new", "kernel", "lowpass", "--c"]), 2);
    assert!(refused.contains("exists already"), "{refused}");
    stderr_of(&host(folder, &["new", "kernel", "Low-Pass", "--c"]), 2);

    // Another recursion than the oracle's is found.
    let path = folder.join("lowpass/lowpass.c");
    let source = fs::read_to_string(&path).unwrap();
    let wrong = source.replace("w / (1.0 + w)", "w");
    assert_ne!(source, wrong);
    fs::write(&path, wrong).unwrap();
    succeeds(Command::new("make").args(["-C", "lowpass", "lib"]).current_dir(folder));
    let json = stdout_of(&host(folder, &["validate", "lowpass", "--quiet", "--json"]), 1);
    let answer: Value = serde_json::from_str(&json).unwrap();
    let first = &answer["cases"][0];
    assert!(first["finding"].as_str().unwrap().contains("window 0"), "{first}");
}

#[test]
fn a_kernel_in_rust_has_the_bits_of_the_same_in_c_and_built_in_kernels_can_be_exported() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    stdout_of(&host(folder, &["new", "kernel", "smooth", "--rust"]), 0);
    stdout_of(&host(folder, &["new", "kernel", "in_c", "--c"]), 0);
    succeeds(Command::new("make").args(["-C", "in_c", "lib"]).current_dir(folder));
    let source = folder.join("smooth/src/lib.rs");
    let text = fs::read_to_string(&source).unwrap();
    let core = "cortex_core::kernel";
    let more = format!("(Smooth, {core}::NotchIir, {core}::WelchPsd, {core}::BandpassFir)");
    fs::write(&source, text.replace("!(Smooth)", &format!("!{more}"))).unwrap();
    // One folder for all runs of this test: what the crate needs is compiled once.
    let target = checkout().join("target/own-kernels");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--release", "--quiet"]).current_dir(folder.join("smooth"));
    cargo.env("CARGO_TARGET_DIR", &target);
    succeeds(&mut cargo);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--release", "--quiet"]).current_dir(folder.join("smooth"));
    cargo.env("CARGO_TARGET_DIR", &target);
    succeeds(&mut cargo);
    fs::copy(target.join("release/libsmooth.so"), folder.join("libsmooth.so")).unwrap();

    // To a measured report by the configuration that came with it.
    let run_yaml = fs::read_to_string(folder.join("smooth/run.yaml")).unwrap();
    let library = run_yaml.lines().find(|line| line.contains("library:")).unwrap();
    assert!(library.contains("target/release/libsmooth.so"), "{library}");
    let built = folder.join("smooth/target/release");
    fs::create_dir_all(&built).unwrap();
    fs::copy(folder.join("libsmooth.so"), built.join("libsmooth.so")).unwrap();
    let run = host(folder, &["run", "--quiet", "--json", "--config", "smooth/run.yaml"]);
    let run: Value = serde_json::from_str(&stdout_of(&run, 0)).unwrap();
    assert!(run["kernels"][0]["kernel_time_us"]["p50"].as_f64().unwrap() > 0.0);
    assert!(folder.join(run["folder"].as_str().unwrap()).join("report.html").is_file());

    let rust = "library: ./libsmooth.so, window: 100, hop: 30";
    let of = |name: &str, params: &str| {
        [
            format!("{{ {rust}, name: {name}, params: {{ {params} }} }}"),
            format!("{{ name: {name}, window: 100, hop: 30, params: {{ {params} }} }}"),
        ]
    };
    let notch = of("notch_iir", "f0_hz: 50, q: 12.5");
    let welch = of("welch_psd", "nperseg: 64");
    let band = of("bandpass_fir", "taps: 33");
    let low = [
        format!("{{ {rust}, name: smooth, params: {{ cutoff_hz: 7.5 }} }}"),
        "{ library: ./in_c/libin_c.so, window: 100, hop: 30, params: { cutoff_hz: 7.5 } }".into(),
    ];
    let kernels: Vec<&str> =
        [&low, &notch, &welch, &band].into_iter().flatten().map(String::as_str).collect();
    let outputs = outputs(folder, &kernels);
    for pair in outputs.chunks(2) {
        assert!(pair[0].len() > 1000);
        assert!(pair[0] == pair[1]);
    }

    // Parameters of the exported ones are checked as the built-in ones are.
    let list = stdout_of(&host(folder, &["list", "--library", "libsmooth.so"]), 0);
    assert!(list.contains("f0_hz") && list.contains("the kernel decides"), "{list}");
    let yaml = fs::read_to_string(folder.join("all.yaml")).unwrap();
    fs::write(folder.join("wrong.yaml"), yaml.replacen("f0_hz: 50", "f0_hz: 125", 1)).unwrap();
    let refused = stderr_of(&host(folder, &["run", "--config", "wrong.yaml"]), 2);
    assert!(refused.contains("wrong.yaml:11:") && refused.contains("params.f0_hz"), "{refused}");
}

#[test]
fn built_in_kernels_agree_with_their_oracle() {
    let Some(python) = std::env::var_os("CORTEX_ORACLE_PYTHON") else {
        skip(Need::Oracle, &"validate welch_psd");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut command = cortex_host();
    command.args(["validate", "welch_psd", "--quiet"]).env("CORTEX_ORACLE_PYTHON", python);
    let text = stdout_of(&command.current_dir(folder.path()).output().unwrap(), 0);
    assert!(text.starts_with("welch_psd: 12 of 12 cases within the tolerance"), "{text}");
    let unknown = stderr_of(&host(folder.path(), &["validate", "nothing"]), 2);
    assert!(unknown.contains("welch_psd"), "{unknown}");
}

/// Real EEG, as EDF and as bare float32: the built-in kernels agree with their oracle on it.
#[test]
fn kernels_agree_with_their_oracle_on_real_eeg() {
    let Some(data) = real_recordings() else { return };
    let Some(python) = std::env::var_os("CORTEX_ORACLE_PYTHON") else {
        skip(Need::Oracle, &"validate --recording");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let validate = |kernel: &str, file: &str, more: &[&str]| {
        let mut command = cortex_host();
        command.args(["validate", kernel, "--quiet", "--json", "--recording"]).arg(data.join(file));
        command.args(more).env("CORTEX_ORACLE_PYTHON", &python).current_dir(folder.path());
        command.output().unwrap()
    };
    for (kernel, file, more) in [
        ("car", "S001R03.edf", &[][..]),
        ("notch_iir", "S001R03.float32", &["--channels", "64", "--sample-rate-hz", "160"]),
    ] {
        let answer: Value =
            serde_json::from_str(&stdout_of(&validate(kernel, file, more), 0)).unwrap();
        let last = answer["cases"].as_array().unwrap().last().unwrap();
        assert!(last["case"].as_str().unwrap().ends_with(file), "{last}");
        assert!(last["values"].as_u64().unwrap() >= 64 * 160, "{last}");
        assert!(last["finding"].is_null(), "{last}");
    }
    let refused = stderr_of(&validate("car", "S001R03.float32", &["--channels", "0"]), 2);
    assert!(refused.contains("above 0"), "{refused}");
}

/// `train` writes what `state:` reads: by the original's interface and by ours, with labels.
#[test]
fn a_kernel_is_trained_on_a_dataset_and_run_with_what_it_has_learnt() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for library in ["plugin3", "own"] {
        let _ = compiled(library, folder);
    }
    let dataset = "dataset:\n  path: primitives/datasets/v1/synthetic\n  channels: 4\n  \
        sample_rate_hz: 250\n  params: { signal_type: pink_noise, duration_s: 2, seed: 7 }\n\
        execution: { pace: max }\nkernels:\n";
    let kernels = "  - { library: ./libplugin3.so, name: plugin3, window: 50, state: p3.cortex_state }\n  \
        - { library: ./libown.so, name: mean, window: 50, state: mean.state }\n";
    fs::write(folder.join("run.yaml"), format!("{dataset}{kernels}")).unwrap();
    let train =
        |arguments: &[&str]| host(folder, &[&["train", "--quiet", "run.yaml"], arguments].concat());
    let refused = stderr_of(&train(&["p3.cortex_state"]), 2);
    assert!(refused.contains("2 kernels") && refused.contains("--kernel"), "{refused}");
    let text = stdout_of(&train(&["p3.cortex_state", "--kernel", "plugin3"]), 0);
    assert!(text.contains("learnt from 10 windows, 32 bytes"), "{text}");
    // The magic number of the original's state files, and its ABI.
    let state = fs::read(folder.join("p3.cortex_state")).unwrap();
    assert_eq!(state[..8], [0x54, 0x52, 0x4F, 0x43, 3, 0, 0, 0]);
    let refused = stderr_of(&train(&["p3.cortex_state", "--kernel", "plugin3"]), 2);
    assert!(refused.contains("--force"), "{refused}");

    fs::write(folder.join("labels.txt"), "1 0 0\n1 0\n").unwrap();
    let labelled = ["mean.state", "--kernel", "mean", "--labels", "labels.txt"];
    let text = stdout_of(&train(&labelled), 0);
    assert!(text.contains("learnt from 5 windows, 16 bytes"), "{text}");
    fs::write(folder.join("labels.txt"), "1 0\nx\n").unwrap();
    let refused = stderr_of(&train(&[&labelled[..], &["--force"]].concat()), 2);
    assert!(refused.contains("labels.txt: line 2") && refused.contains("\"x\""), "{refused}");
    let refused = stderr_of(&train(&["more.state", "--kernel", "mean", "--windows", "11"]), 2);
    assert!(refused.contains("10 whole windows") && refused.contains("11"), "{refused}");
    assert!(!folder.join("more.state").exists());

    let run = host(folder, &["run", "--quiet", "--json", "--config", "run.yaml"]);
    let run: Value = serde_json::from_str(&stdout_of(&run, 0)).unwrap();
    for (kernel, state) in [(0, "p3.cortex_state"), (1, "mean.state")] {
        assert!(run["kernels"][kernel]["own"]["state"].as_str().unwrap().ends_with(state));
    }
}

#[test]
fn a_configuration_of_the_original_becomes_one_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("data.float32"), vec![0; 4 * 64 * 1600]).unwrap();
    let original = "cortex_version: 1\nsystem:\n  name: \"test\"\ndataset:\n  path: \"data.float32\"\n  \
        format: \"float32\"\n  channels: 64\n  sample_rate_hz: 160\nrealtime:\n  scheduler: other\n  \
        deadline_ms: 500\npower:\n  governor: \"performance\"\nbenchmark:\n  metrics: [latency]\n  \
        parameters:\n    duration_seconds: 5\n    repeats: 2\n    warmup_seconds: 1\nplugins:\n  \
        - name: \"notch_iir\"\n    status: ready\n    params:\n      f0_hz: 50.0\n      Q: 35.0\n  \
        - name: \"car\"\n";
    fs::write(folder.join("original.yaml"), original).unwrap();
    let output = host(folder, &["import-config", "original.yaml"]);
    let text = stdout_of(&output, 0);
    assert!(text.contains("# not taken over: power.governor: \"performance\""), "{text}");
    let warned = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(warned.contains("not taken over: benchmark.metrics: [\"latency\"]"), "{warned}");
    fs::write(folder.join("ours.yaml"), text.replace("\"realtime\"", "\"max\"")).unwrap();
    let run = host(folder, &["run", "--quiet", "--json", "--config", "ours.yaml"]);
    let run: Value = serde_json::from_str(&stdout_of(&run, 0)).unwrap();
    // 5 s at 160 Hz are 9 windows of 160 every 80, 2 of them warm-up; twice.
    assert_eq!(run["kernels"][0]["windows"]["measured"], 14);
    assert_eq!(run["kernels"][1]["deadline_us"], 500_000.0);
    fs::write(folder.join("other.yaml"), "kernels: []\n").unwrap();
    stderr_of(&host(folder, &["import-config", "other.yaml"]), 2);
}
