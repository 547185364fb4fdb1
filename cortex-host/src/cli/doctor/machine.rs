//! What runs on this machine need: primitives, folders, scheduling, serial ports.

use std::path::Path;

use super::check::Check;
use crate::base::atomic_file::TEMPORARY_FOLDER_VARIABLE;
use crate::platform::disk::free_bytes;
use crate::platform::scheduling::{PRIVILEGE_ADVICE, RealtimePolicy, set_realtime_policy};
use crate::primitive::{FILES, Library};
use crate::results::HostInfo;

/// The free space in the folder of temporary files below which a large dataset may not fit:
/// 1024 channels of two minutes at 1 kHz are 0.5 GB.
const LITTLE_SPACE_BYTES: u64 = 1 << 30;

/// How a serial port is named in a configuration.
const SERIAL_EXAMPLE: &str =
    if cfg!(windows) { "serial://COM3?baud=115200" } else { "serial:///dev/ttyACM0?baud=115200" };

/// Whether this build is fit to measure with.
pub fn build() -> Check {
    let version = concat!("cortex-host ", env!("CARGO_PKG_VERSION"));
    if cfg!(debug_assertions) {
        return Check::advice(
            "build",
            format!("{version}, without optimisation"),
            "measure with a release build: cargo build --release",
        );
    }
    Check::ok("build", version)
}

/// The primitives in the binary and on disk.
pub fn primitives() -> Check {
    let library = Library::new(None);
    let datasets = library.datasets();
    let local = datasets.iter().filter(|listing| listing.local).count();
    let found = format!(
        "{} datasets ({local} from a local primitives/ folder), {} configurations, {} files built in",
        datasets.len(),
        library.configs().len(),
        FILES.len()
    );
    Check::ok("primitives", found)
}

/// The folder where generated datasets live during a run.
pub fn temporary_files() -> Check {
    let folder = std::env::temp_dir();
    let place = folder.display();
    if let Err(error) = tempfile::tempfile_in(&folder) {
        return Check::problem(
            "temporary files",
            format!("{place} cannot be written: {error}"),
            format!(
                "set {TEMPORARY_FOLDER_VARIABLE} to a folder you may write to; generated datasets \
                 lie there during a run"
            ),
        );
    }
    match free_bytes(&folder) {
        Some(bytes) if bytes < LITTLE_SPACE_BYTES => Check::advice(
            "temporary files",
            format!("{place}, {} MB free", bytes / 1_000_000),
            format!(
                "large generated datasets will not fit; set {TEMPORARY_FOLDER_VARIABLE} to a folder \
                 with more space"
            ),
        ),
        Some(bytes) => {
            Check::ok("temporary files", format!("{place}, {} GB free", bytes / 1_000_000_000))
        }
        None => Check::ok("temporary files", format!("{place} is writable")),
    }
}

/// The folder below which `results/` would be made.
pub fn current_folder() -> Check {
    match tempfile::tempfile_in(".") {
        Ok(_) => Check::ok("results folder", "the current folder is writable"),
        Err(error) => Check::problem(
            "results folder",
            format!("the current folder cannot be written: {error}"),
            "change to a folder you may write to, or set output.directory in the configuration",
        ),
    }
}

/// Model and cores of the processor.
pub fn processor() -> Check {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let model = HostInfo::here().cpu.unwrap_or_else(|| "unnamed processor".to_owned());
    let noun = if cores == 1 { "core" } else { "cores" };
    Check::ok("processor", format!("{model}, {cores} {noun} for this process"))
}

/// The frequency governor, which decides how much latencies scatter.
pub fn governor() -> Check {
    let name = "governor";
    let path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim() == "performance" => Check::ok(name, "performance"),
        Ok(text) => Check::advice(
            name,
            text.trim().to_owned(),
            "for steady latencies: sudo cpupower frequency-set -g performance",
        ),
        Err(_) => Check::ok(name, "not offered by this system (as in most virtual machines)"),
    }
}

/// Whether a measuring thread would get real-time priority; tried on a thread that then ends.
pub fn realtime() -> Check {
    let name = "real-time";
    let tried = std::thread::spawn(|| set_realtime_policy(RealtimePolicy::Fifo, 1)).join();
    match tried {
        Ok(Ok(_)) => Check::ok(name, "realtime.scheduler fifo and rr are allowed"),
        Ok(Err(error)) => Check::advice(
            name,
            format!("realtime.scheduler fifo is refused: {error}"),
            PRIVILEGE_ADVICE,
        ),
        Err(_) => Check::advice(name, "could not be tried", "try again"),
    }
}

/// Serial ports, and whether the user may open them.
pub fn serial_ports() -> Check {
    let name = "serial ports";
    let ports = match serialport::available_ports() {
        Ok(ports) => ports,
        Err(error) => {
            return Check::advice(
                name,
                format!("cannot be listed: {error}"),
                format!("name the port in the configuration: device: \"{SERIAL_EXAMPLE}\""),
            );
        }
    };
    let names: Vec<&str> = ports.iter().map(|port| port.port_name.as_str()).collect();
    let closed: Vec<&str> =
        names.iter().copied().filter(|port| !may_open(Path::new(port))).collect();
    if !closed.is_empty() {
        return Check::advice(
            name,
            format!("no permission for {}", closed.join(", ")),
            "sudo usermod -aG dialout $USER, then log in again",
        );
    }
    if names.is_empty() {
        return Check::advice(
            name,
            "none",
            "connect a board with a data cable; without a board, use device: \"loopback\" or an emulated one",
        );
    }
    Check::ok(name, names.join(", "))
}

fn may_open(port: &Path) -> bool {
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        access(port, Access::READ_OK | Access::WRITE_OK).is_ok()
    }
    #[cfg(not(unix))]
    {
        // Everybody may.
        let _ = port;
        true
    }
}
