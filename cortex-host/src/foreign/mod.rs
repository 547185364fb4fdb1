//! Kernels of a user's own: shared libraries, run in a process of their own or in this one.
//!
//! A library can do anything to the process that loads it, so everything of it, loading included,
//! happens in a child, `cortex-host kernel-process` ([`process`] is the child's side). Input and output
//! lie in memory that both share; the child stamps when the kernel starts and ends, so that
//! kernel time is what it would be in this process, and the hand-over counts as harness cost. A
//! kernel that crashes, exits, never returns or writes where it must not ends by name
//! ([`Death`]), and nothing else with it.
//!
//! [`open`] is the way in: it gives a [`crate::harness::Device`].

#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod death;
mod feeder;
mod in_process;
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
pub use child::{KernelProcess, describe_library, train};
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

    /// With this very program, or the one that the environment variable `CORTEX_HOST` names: for
    /// programs that use this library and are not `cortex-host`.
    ///
    /// # Errors
    /// The system does not tell where this program is.
    pub fn here() -> std::io::Result<Self> {
        let program = match std::env::var_os("CORTEX_HOST") {
            Some(program) => program.into(),
            None => std::env::current_exe()?,
        };
        Ok(Self { program, grace: Self::GRACE, start: Self::START })
    }
}
