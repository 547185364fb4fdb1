//! A folder with everything that the examples of the help and the answers in JSON name: recordings,
//! a configuration, runs, and stand-ins for programs that show something to a person.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use cortex_tests::{cortex_host, stdout_of};
use tempfile::TempDir;

/// Small and not paced: what an example shows is its words, not its figures.
const CONFIG: &str = "\
dataset:
  path: primitives/datasets/v1/synthetic
  params: { signal_type: pink_noise, duration_s: 4 }
  channels: 16
  sample_rate_hz: 160
kernels:
  - { name: car, window: 40, hop: 20 }
  - { name: bandpass_fir, window: 160, hop: 20, params: { taps: 33 } }
execution: { pace: max, repeat_count: 4 }
";

/// A configuration of the original CORTEX.
const ORIGINAL: &str = "\
cortex_version: 1
dataset: { path: S001R03.float32, format: float32, channels: 2, sample_rate_hz: 2 }
plugins:
  - { name: car, spec_uri: primitives/kernels/v1/car@f32, status: ready }
";

/// Two channels of two records of two samples.
fn edf() -> Vec<u8> {
    let columns: [(usize, [&str; 2]); 10] = [
        (16, ["C3", "C4"]),
        (80, [""; 2]),
        (8, ["uV"; 2]),
        (8, ["-32768"; 2]),
        (8, ["32767"; 2]),
        (8, ["-32768"; 2]),
        (8, ["32767"; 2]),
        (80, [""; 2]),
        (8, ["2"; 2]),
        (32, [""; 2]),
    ];
    let mut text = format!(
        "{:8}{:80}{:80}{:8}{:8}{:8}{:44}{:8}{:8}{:4}",
        "0", "X X X X", "Startdate X X X X", "01.02.20", "10.11.12", 768, "", 200, 1, 2
    );
    for (width, values) in columns {
        values.iter().for_each(|value| text.push_str(&format!("{value:width$}")));
    }
    let mut file = text.into_bytes();
    for sample in 0..800_i16 {
        file.extend((sample * 37 % 101 - 50).to_le_bytes());
    }
    file
}

/// The folder, and `PATH` with the program and the stand-ins before everything else.
pub struct NamedFiles {
    folder: TempDir,
    path: String,
}

impl NamedFiles {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let here = |name: &str| folder.path().join(name);
        fs::write(here("my.yaml"), CONFIG).unwrap();
        fs::write(here("cortex.yaml"), ORIGINAL).unwrap();
        for name in ["S001R03.edf", "night.edf"] {
            fs::write(here(name), edf()).unwrap();
        }
        let mut npy = cortex_host::recording::npy::header_bytes(&[2, 500]);
        npy.extend((0..1000).flat_map(|n| (1e-5 * (n % 13) as f32).to_le_bytes()));
        fs::write(here("array.npy"), npy).unwrap();
        fs::create_dir(here("bin")).unwrap();
        for name in ["less", "man", "my-decoder", "jq", "xdg-open", "open"] {
            let script = here("bin").join(name);
            fs::write(&script, "#!/bin/sh\n[ -t 0 ] || cat > /dev/null\n").unwrap();
            executable(&script);
        }
        let program = cortex_host().get_program().to_owned();
        let programs = Path::new(&program).parent().unwrap().display().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{programs}:{path}", here("bin").display());
        let files = Self { folder, path };
        files.prepare();
        files
    }

    /// Runs and files that a command makes.
    fn prepare(&self) {
        let run = "cortex-host run my.yaml --quiet --kernel car --set output.directory";
        let runs = ["before", "after", "new", "before-1", "before-2", "before-3"];
        let more = ["after-1", "after-2", "after-3", "base-1", "base-2", "base-3"];
        for name in runs.iter().chain(&more) {
            self.works(&format!("{run}=. --name {name}"));
        }
        for name in ["run-2026-01-12-153000", "run-2026-01-13-090000"] {
            self.works(&format!("{run}=results --name {name}"));
        }
        self.works("cortex-host convert S001R03.edf S001R03.float32 --quiet");
        self.works("cortex-host generate pink_noise 8 160 2 parts.float32 --quiet --shard 1/2");
        self.works("cortex-host generate pink_noise 8 160 2 parts.float32 --quiet --shard 2/2");
        self.works(
            "cortex-host run my.yaml --quiet --kernel car --name traced --device loopback \
             --trace link.pcap",
        );
    }

    /// What the shell command `line` gives.
    pub fn sh(&self, line: &str) -> Output {
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", line]).current_dir(&self.folder);
        shell.env("PATH", &self.path).env("NO_COLOR", "1").env("HOME", self.folder.path());
        shell.output().unwrap()
    }

    /// Its stdout; it must work.
    pub fn works(&self, line: &str) -> String {
        stdout_of(&self.sh(line), 0)
    }
}

#[cfg(unix)]
fn executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(not(unix))]
fn executable(_: &Path) {}
