//! How the system schedules the calling thread: real-time policy, and the cores it may use.

#[cfg(not(any(target_os = "linux", windows)))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;
mod policy;
#[cfg(windows)]
mod windows;

#[cfg(not(any(target_os = "linux", windows)))]
use elsewhere as system;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(windows)]
use windows as system;

use std::io;

pub use policy::{PolicyInForce, RealtimePolicy};

/// How a user gets the privilege for [`set_realtime_policy`] on this system.
pub const PRIVILEGE_ADVICE: &str = system::PRIVILEGE_ADVICE;

/// Puts the calling thread under `policy` with `priority` (1 to 99). On Windows both policies are
/// the highest priority that a thread has without a privilege, `THREAD_PRIORITY_TIME_CRITICAL`.
///
/// # Errors
/// The system's reason: mostly a missing privilege (`CAP_SYS_NICE`, or an `rtprio` limit), or a
/// priority out of range.
pub fn set_realtime_policy(policy: RealtimePolicy, priority: u8) -> io::Result<PolicyInForce> {
    if !(1..=99).contains(&priority) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    system::set_realtime_policy(policy, priority)
}

/// Lets all threads of ordinary priority go before the calling one. A thread that it starts later
/// does the same on Linux only.
///
/// # Errors
/// The system does not offer it for a thread.
pub fn step_back() -> io::Result<()> {
    system::step_back()
}

/// Binds the calling thread to `cores`.
///
/// # Errors
/// There is no such core, or this process may not use it.
pub fn bind_to_cores(cores: &[usize]) -> io::Result<()> {
    system::bind_to_cores(cores)
}

/// The cores that the calling thread may use, where the system tells.
#[must_use]
pub fn offered_cores() -> Option<Vec<usize>> {
    system::offered_cores()
}
