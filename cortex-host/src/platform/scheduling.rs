//! Scheduling policy of the calling thread.

use std::io;

/// A real-time policy of the system's scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RealtimePolicy {
    /// `SCHED_FIFO`: runs until it blocks.
    Fifo,
    /// `SCHED_RR`: takes turns with threads of the same priority.
    RoundRobin,
}

/// Puts the calling thread under `policy` with `priority` (1 to 99).
///
/// # Errors
/// The system's reason: mostly a missing privilege (`CAP_SYS_NICE`, or an `rtprio` limit), or a
/// priority out of range.
#[cfg(target_os = "linux")]
pub fn set_realtime_policy(policy: RealtimePolicy, priority: u8) -> io::Result<()> {
    let number = match policy {
        RealtimePolicy::Fifo => libc::SCHED_FIFO,
        RealtimePolicy::RoundRobin => libc::SCHED_RR,
    };
    // SAFETY: `sched_param` is a plain C structure of integers, for which all zero is a value.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = i32::from(priority);
    // SAFETY: the pointer is to a live `sched_param` that the call only reads; thread 0 is the
    // caller. The call changes no memory of this process.
    let status = unsafe { libc::sched_setscheduler(0, number, &raw const parameters) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Puts the calling thread under `policy` with `priority`: not offered on this system.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn set_realtime_policy(_policy: RealtimePolicy, _priority: u8) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
