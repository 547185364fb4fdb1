//! Kernels of a user's own: shared libraries, run in a process of their own or in this one.
//!
//! A library can do anything to the process that loads it, so everything of it, loading included,
//! happens in a child, `cortex-host kernel-process` ([`process`] is the child's side). Input and output
//! lie in memory that both share; the child stamps when the kernel starts and ends, so that
//! kernel time is what it would be in this process, and the hand-over counts as harness cost. A
//! kernel that crashes, exits, never returns or writes where it must not ends by name
//! ([`Death`]), and nothing else with it.
//!
//! [`describe`], [`try_out`] and [`train`] ask a library something; [`KernelProcess`],
//! [`InProcess`] and [`CommandKernel`] are [`Device`](crate::harness::Device)s.

#[cfg(target_os = "linux")]
mod child;
#[cfg(unix)]
mod command;
#[cfg(target_os = "linux")]
mod death;
mod feeder;
mod in_process;
#[cfg(unix)]
mod printed;
#[cfg(target_os = "linux")]
pub mod process;
mod protocol;
mod samples;

use std::path::PathBuf;
use std::time::Duration;

pub use crate::platform::library::{
    Dtype, Feed, Interface, KernelDescription, KernelSetup, LibraryDescription, OutputShape,
    ParameterDescription, ParameterKind, Parameters, Refusal,
};
#[cfg(target_os = "linux")]
pub use child::{KernelProcess, describe, train, try_out};
#[cfg(unix)]
pub use command::{CommandKernel, CommandSetup};
#[cfg(target_os = "linux")]
pub use death::Death;
pub use in_process::InProcess;
pub use samples::SampleFormat;

/// How a kernel process is started.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// The `cortex-host` program.
    pub program: PathBuf,
    /// How long after its deadline a window is waited for before the process is ended.
    pub grace: Duration,
    /// How long loading, planning and each reset may take.
    pub start: Duration,
}

impl Launcher {
    /// Windows are waited for this long after their deadline: a kernel that does not return is named
    /// within a second of it.
    pub const GRACE: Duration = Duration::from_millis(800);
    /// Loading, planning and a reset may take this long.
    pub const START: Duration = Duration::from_secs(10);

    /// With the program that the environment variable `CORTEX_HOST` names, else with this very one,
    /// else, when this is another program that uses the library, with `cortex-host` of the search path.
    #[must_use]
    pub fn here() -> Self {
        let this = std::env::current_exe()
            .ok()
            .filter(|program| program.file_stem().is_some_and(|name| name == "cortex-host"));
        let program = std::env::var_os("CORTEX_HOST").map(PathBuf::from).or(this);
        let program = program.unwrap_or_else(|| PathBuf::from("cortex-host"));
        Self { program, grace: Self::GRACE, start: Self::START }
    }
}
