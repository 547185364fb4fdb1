//! Every example of every `--help` works: each is run by a shell in a folder that holds the files it
//! names. What cannot be run here stands in [`NOT_RUN`] with the reason, what would take long is
//! shortened by [`SHORTER`]; an entry that no example needs any more fails, too.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use cortex_tests::{cortex_host, stdout_of};

/// Parts of examples that are not run, and why; with `$` the end of one.
const NOT_RUN: &[(&str, &str)] = &[
    ("run --open", "opens a browser; first_hour.rs runs the quickstart"),
    ("cortex-host run$", "takes eight seconds: first_hour.rs runs it"),
    ("report results/run-2026-01-12-153000 --open", "opens a browser"),
    ("serial:///dev/ttyACM0", "needs a board"),
    ("qemu:mps2-an386", "emulated boards: tests/emulated runs both commands"),
    ("lowpass-board/run.yaml", "builds an image: own_images.rs does"),
    ("firmware pico", "builds an image: pico.rs does"),
    ("firmware nucleo-f446re", "builds an image: firmware_budget.rs does"),
    ("download physionet", "needs the network: download_faults.rs has a server of its own"),
    ("inspect primitives/datasets/v1/physionet-motor-imagery", "needs the recordings"),
    ("list --library ./libmine.so", "needs a library: kernels/loading.rs builds one"),
    ("train run.yaml", "needs a library that learns: kernels/newcomer.rs builds one"),
    ("cortex-host validate", "half a minute of SciPy: oracle-validation.md, kernels/newcomer.rs"),
    ("cortex-host stream", "needs liblsl: files/stream.rs has one of its own"),
    ("cortex-host serve", "waits for a host: link/tcp.rs is one"),
    ("raspberrypi.local", "needs another machine: link/tcp.rs serves one here"),
];

/// What takes long, and the same in short.
const SHORTER: &[(&str, &str)] = &[
    ("1024 160 120.0", "1024 160 1.2"),
    ("64 250 10 sine", "64 250 1 sine"),
    ("64 30000 10", "64 30000 0.5"),
    ("32 250 600", "32 250 20"),
    ("8 250 60 -", "8 250 0.2 -"),
    ("4096 30000 60", "64 30000 1"),
    ("64..4096", "64..256"),
    ("--kernel bandpass_fir --seconds 5", ""),
    ("--miss-rate 1 --confidence 99", "--miss-rate 50 --confidence 99"),
    (
        "capacity --config my.yaml",
        "capacity --seconds 0.05 --kernel bandpass_fir --config wide.yaml",
    ),
    ("--vary channels", "--vary channels --set kernels.bandpass_fir.deadline_us=500"),
    ("--vary taps", "--vary taps --set kernels.bandpass_fir.deadline_us=500"),
    // Slow enough to miss its deadlines at a low rate.
    ("--vary rate", "--vary rate --set dataset.channels=256 --set kernels.bandpass_fir.taps=1025"),
    ("--device loopback", "--config narrow.yaml --device loopback"),
];

/// What may end with another code than 0.
const OTHER_CODES: &[(&str, &[i32])] = &[
    // On a busy machine a deadline may be missed, and no value hold.
    ("cortex-host capacity", &[0, 1]),
    ("--max-p99-us 500", &[0, 1, 5]),
    ("--max-slowdown 5", &[0, 1, 5]),
    ("--fail-if-slower 5", &[0, 1, 5]),
    ("--fail-if-missed 0", &[0, 1]),
    // The line may be too bad to recover.
    ("--fault", &[0, 4]),
    // What the machine lacks is told.
    ("cortex-host doctor", &[0, 1, 3]),
];

/// What must not be there yet when an example makes it: files by the beginning of their names.
const STILL_TO_BE_MADE: &[(&str, &[&str])] = &[
    ("cortex-host generate", &["data.", "p300", "spikes"]),
    ("night.edf eeg.float32", &["eeg"]),
    ("array.npy eeg.float32", &["eeg"]),
    ("init my.yaml", &["my.yaml"]),
    ("cortex-host init", &["cortex.yaml"]),
];

/// The examples of such a page need what those before them have made.
const TOGETHER: &[&str] = &["merge", "new", "new firmware", "link", "link decode"];

/// `pace: max` and deadlines that no machine misses: runs to be judged.
const CONFIG: &str = "\
dataset:
  path: primitives/datasets/v1/synthetic
  params: { signal_type: pink_noise, duration_s: 12, seed: 1 }
  channels: 64
  sample_rate_hz: 160
kernels:
  - { name: car, window: 32, hop: 16, deadline_us: 1e9 }
  - { name: bandpass_fir, window: 32, hop: 16, deadline_us: 1e9, params: { taps: 17 } }
execution: { pace: max }
";

/// The commands of a help text.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let listed = listed.take_while(|line| !line.trim().is_empty());
    let name = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    // A description that goes on stands further to the right.
    let own = listed.filter(|line| line.starts_with("  ") && !line.starts_with("    "));
    own.map(name).filter(|name| name != "help").collect()
}

fn help(page: &str) -> String {
    let output = cortex_host().args(page.split_whitespace()).arg("--help").output().unwrap();
    stdout_of(&output, 0)
}

/// The examples of a page; a line that ends in a backslash goes on in the next.
fn examples(help: &str) -> Vec<String> {
    let mut examples: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in help.lines() {
        let indented = line.strip_prefix("  ").filter(|line| !line.starts_with("  ") || goes_on);
        let named = |line: &str| {
            line.starts_with("cortex-host ")
                || line.contains("| cortex-host ") && !line.contains("  ")
        };
        match indented {
            Some(line) if goes_on => {
                let last = examples.last_mut().unwrap();
                *last = format!("{} {}", last.trim_end_matches('\\'), line.trim());
                goes_on = line.ends_with('\\');
            }
            Some(line) if named(line) => {
                // The first steps have a description beside them.
                let command = line.split("   ").next().unwrap_or_default();
                goes_on = command.ends_with('\\');
                examples.push(command.to_owned());
            }
            _ => {}
        }
    }
    examples
}

/// What the examples name.
fn fill(folder: &Path) {
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    let host = |arguments: &str| {
        let output =
            cortex_host().current_dir(folder).args(arguments.split_whitespace()).output().unwrap();
        stdout_of(&output, 0);
    };
    write("my.yaml", CONFIG);
    let short =
        CONFIG.replace("duration_s: 12", "duration_s: 0.2").replace(", deadline_us: 1e9", "");
    write("narrow.yaml", &short.replace("channels: 64", "channels: 2"));
    // Slow enough to miss its deadlines at a rate that makes few windows.
    write("wide.yaml", &short.replace("channels: 64", "channels: 1024"));
    for name in
        ["results/run-2026-01-12-153000", "results/run-2026-01-13-090000", "before", "after"]
            .into_iter()
            .chain(["new", "base-1", "base-2", "base-3", "before-1", "before-2", "before-3"])
            .chain(["after-1", "after-2", "after-3"])
    {
        let (parent, name) = name.rsplit_once('/').unwrap_or((".", name));
        host(&format!("run --quiet my.yaml --set output.directory={parent} --name {name}"));
    }
    // Original configurations have this form.
    let kernel = "plugins:\n  - name: car\n    status: ready\n    spec_uri: \
                  primitives/kernels/v1/car@f32\n    runtime:\n      window_length_samples: 160\n      \
                  hop_samples: 80\n      channels: 64\n      dtype: float32\n";
    write(
        "cortex.yaml",
        &format!(
            "cortex_version: 1\ndataset:\n  path: data.float32\n  format: float32\n  channels: 64\n  \
             sample_rate_hz: 160\n{kernel}"
        ),
    );
    fs::create_dir_all(folder.join("../CORTEX/primitives/kernels")).unwrap();
    fs::create_dir(folder.join("experiments")).unwrap();
    host("generate pink_noise 64 160 2 data.float32 --quiet");
    host("generate eeg 32 160 2 eeg.float32 --quiet");
    host("convert eeg.float32 S001R03.edf --quiet");
    host("convert eeg.float32 night.edf --quiet");
    // Two channels of 500 samples, in volts.
    let head = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 500), }";
    let head = format!("{head:<117}\n");
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    npy.extend((head.len() as u16).to_le_bytes());
    npy.extend(head.as_bytes());
    npy.extend((0..1000_u32).flat_map(|n| ((n % 90) as f32 * 1e-6).to_le_bytes()));
    fs::write(folder.join("array.npy"), npy).unwrap();
    host("generate spikes 4 30000 1 spikes.float32 --quiet");
    host("generate eeg 8 250 20 p300.float32 --paradigm=p300 --quiet");
    write("detected.tsv", "onset\n0.1\n0.2\n");
    write("answers.tsv", "onset\ttrial_type\n1.0\ttarget\n2.0\tnontarget\n");
    host("new kernel lowpass --c");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn is_in(part: &str, example: &str) -> bool {
    part.strip_suffix('$').map_or_else(|| example.contains(part), |end| example.ends_with(end))
}

/// Runs an example in `folder`; what went wrong.
fn run(example: &str, folder: &Path, path: &str) -> Option<String> {
    let mut text = example.to_owned();
    for (long, short) in SHORTER {
        text = text.replace(long, short);
    }
    for (_, names) in STILL_TO_BE_MADE.iter().filter(|(part, _)| example.contains(part)) {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if names.iter().any(|start| name.starts_with(start)) && !name.contains("shard") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }
    let mut shell = Command::new("sh");
    shell.args(["-c", &text]).current_dir(folder).env("PATH", path).env("NO_COLOR", "1");
    let output = shell.env("HOME", folder.join("home")).output().unwrap();
    let code = output.status.code();
    let codes = OTHER_CODES.iter().find(|(part, _)| text.contains(part)).map_or(&[0][..], |c| c.1);
    let told = String::from_utf8_lossy(&output.stderr);
    let good = code.is_some_and(|code| codes.contains(&code)) && !told.contains("panicked");
    (!good).then(|| format!("{text}\nended with {code:?}:\n{told}"))
}

#[test]
fn every_example_of_every_help_works() {
    let root = tempfile::tempdir().unwrap();
    let template = root.path().join("template");
    fs::create_dir_all(template.join("home/.local/share/bash-completion/completions")).unwrap();
    for folder in [".zfunc", ".config/fish/completions", ".local/share/man/man1"] {
        fs::create_dir_all(template.join("home").join(folder)).unwrap();
    }
    fill(&template);
    let stubs = root.path().join("stubs");
    fs::create_dir(&stubs).unwrap();
    for name in ["my-decoder", "less", "man", "jq"] {
        let stub = stubs.join(name);
        fs::write(&stub, "#!/bin/sh\ncat >/dev/null\n").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&stub, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let binary = cortex_host().get_program().to_owned();
    let programs = Path::new(&binary).parent().unwrap();
    let inherited = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{}:{inherited}", stubs.display(), programs.display());

    let mut pages = vec![String::new()];
    for command in commands(&help("")) {
        let inner = commands(&help(&command));
        pages.extend(inner.iter().map(|name| format!("{command} {name}")));
        pages.push(command);
    }
    let (wrong, used) = (Mutex::new(Vec::new()), Mutex::new(BTreeSet::new()));
    let (count, next) = (Mutex::new(0), Mutex::new(pages.into_iter().enumerate()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((index, page)) = next.lock().unwrap().next() else { break };
                    let together = TOGETHER.contains(&page.as_str());
                    let found = examples(&help(&page));
                    // Of `new header` the page above has the example.
                    if found.is_empty() && page != "new header" {
                        wrong.lock().unwrap().push(format!("cortex-host {page} has no example"));
                    }
                    for (number, example) in found.iter().enumerate() {
                        *count.lock().unwrap() += 1;
                        if let Some((part, _)) = NOT_RUN.iter().find(|(p, _)| is_in(p, example)) {
                            used.lock().unwrap().insert(*part);
                            continue;
                        }
                        for (long, _) in SHORTER.iter().filter(|(long, _)| example.contains(long)) {
                            used.lock().unwrap().insert(*long);
                        }
                        let number = if together { 0 } else { number };
                        let folder = root.path().join(format!("{index}-{number}/work"));
                        if !folder.exists() {
                            copy(&template, &folder);
                            copy(&root.path().join("CORTEX"), &folder.join("../CORTEX"));
                        }
                        let begun = Instant::now();
                        let failure = run(example, &folder, &path);
                        wrong.lock().unwrap().extend(failure);
                        println!("{:6.2} s  {example}", begun.elapsed().as_secs_f64());
                    }
                }
            });
        }
    });
    let (wrong, used) = (wrong.into_inner().unwrap(), used.into_inner().unwrap());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let count = count.into_inner().unwrap();
    assert!(count >= 70, "{count} examples");
    for (part, _) in NOT_RUN.iter().chain(SHORTER) {
        assert!(used.contains(part), "no example has {part:?} any more");
    }
}
