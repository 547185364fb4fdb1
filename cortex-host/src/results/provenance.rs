//! Facts about the machine that a latency cannot be judged without.

use std::fs;

use serde::{Deserialize, Serialize};

/// The machine a run was made on. What the system does not tell is none.
#[derive(Clone, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct HostInfo {
    /// Operating system and its version.
    pub os: String,
    /// Processor model.
    pub cpu: Option<String>,
    /// Cores this process may use.
    pub cores: usize,
    /// Memory in MiB.
    pub memory_mib: Option<u64>,
    /// Frequency governor of the first core: anything but `performance` makes short kernels
    /// look slow at times.
    pub governor: Option<String>,
}

impl HostInfo {
    /// Of this machine.
    #[must_use]
    pub fn here() -> Self {
        let release = first_line("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            os: format!("{} {release}", std::env::consts::OS).trim_end().to_owned(),
            cpu: cpu_model(&fs::read_to_string("/proc/cpuinfo").unwrap_or_default())
                // Of Windows.
                .or_else(|| std::env::var("PROCESSOR_IDENTIFIER").ok()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: memory_mib(&fs::read_to_string("/proc/meminfo").unwrap_or_default()),
            governor: first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        }
    }
}

fn first_line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

/// The processor's name: `model name` on x86, `Model` or `Hardware` on Arm and RISC-V boards.
fn cpu_model(cpuinfo: &str) -> Option<String> {
    ["model name", "Model", "Hardware", "uarch"].into_iter().find_map(|wanted| {
        cpuinfo.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key.trim() == wanted && !value.trim().is_empty()).then(|| value.trim().to_owned())
        })
    })
}

fn memory_mib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_named_on_several_architectures() {
        let x86 = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Xeon(R) CPU @ 2.70GHz\n";
        assert_eq!(cpu_model(x86).as_deref(), Some("Xeon(R) CPU @ 2.70GHz"));
        let pi = "processor\t: 0\nBogoMIPS\t: 108.00\n\nModel\t\t: Raspberry Pi 4 Model B\n";
        assert_eq!(cpu_model(pi).as_deref(), Some("Raspberry Pi 4 Model B"));
        assert_eq!(cpu_model(""), None);
    }

    #[test]
    fn memory_is_read_in_mebibytes() {
        assert_eq!(memory_mib("MemTotal:       2048000 kB\nMemFree: 1 kB\n"), Some(2000));
        assert_eq!(memory_mib("MemTotal: lots\n"), None);
    }
}
