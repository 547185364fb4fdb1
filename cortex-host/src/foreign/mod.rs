//! Kernels of a user's own: shared libraries, run in a process of their own or in this one.
//!
//! A library can do anything to the process that loads it, so everything of it, loading included,
//! happens in a child, `cortex-host kernel-process` ([`process`] is the child's side). Input and output
//! lie in memory that both share; the child stamps when the kernel starts and ends, so that
//! kernel time is what it would be in this process, and the hand-over counts as harness cost. A
//! kernel that crashes, exits, never returns or writes where it must not ends by name
//! ([`Death`]), and nothing else with it.
//!
//! Processes of their own are offered on Linux. Elsewhere a library is loaded into this process
//! (`isolation: none`).
//!
//! [`describe`], [`try_out`] and [`train`] ask a library something; [`KernelProcess`],
//! [`InProcess`] and [`CommandKernel`] are [`Device`](crate::harness::Device)s.

#[cfg(target_os = "linux")]
mod child;
#[cfg(unix)]
mod command;
mod command_setup;
#[cfg(target_os = "linux")]
mod death;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod feeder;
mod in_process;
mod launcher;
#[cfg(unix)]
mod printed;
#[cfg(target_os = "linux")]
pub mod process;
#[cfg(target_os = "linux")]
mod protocol;
mod samples;
mod training;

pub use crate::platform::library::{
    Dtype, Feed, Interface, KernelDescription, KernelSetup, LibraryDescription, OutputShape,
    ParameterDescription, ParameterKind, Parameters, Refusal, in_core_terms,
};
#[cfg(target_os = "linux")]
pub use child::{KernelProcess, describe, train, try_out};
#[cfg(unix)]
pub use command::CommandKernel;
pub use command_setup::CommandSetup;
#[cfg(target_os = "linux")]
pub use death::Death;
#[cfg(not(unix))]
pub use elsewhere::CommandKernel;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{KernelProcess, describe, train, try_out};
pub use in_process::InProcess;
pub use launcher::Launcher;
pub use samples::SampleFormat;

/// Whether a library can have a process of its own on this system.
pub const HAS_ISOLATION: bool = cfg!(target_os = "linux");
