//! Scheduling on Windows.

use std::io;

use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetCurrentThread, GetProcessAffinityMask, SetThreadAffinityMask,
    SetThreadPriority, THREAD_PRIORITY_BELOW_NORMAL, THREAD_PRIORITY_TIME_CRITICAL,
};

use super::policy::{PolicyInForce, RealtimePolicy};

pub(super) const PRIVILEGE_ADVICE: &str =
    "let the program run outside of jobs that limit its priority";

pub(super) fn set_realtime_policy(
    _policy: RealtimePolicy,
    _priority: u8,
) -> io::Result<PolicyInForce> {
    // SAFETY: the handle stands for the calling thread and needs no closing; the call touches no
    // memory of this process.
    let done = unsafe { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_TIME_CRITICAL) };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(PolicyInForce { name: "time_critical", priority: None })
}

pub(super) fn step_back() -> io::Result<()> {
    // SAFETY: as above.
    if unsafe { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_BELOW_NORMAL) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

pub(super) fn bind_to_cores(cores: &[usize]) -> io::Result<()> {
    let offered = offered_cores().unwrap_or_default();
    let mut mask = 0_usize;
    for &core in cores {
        // Windows would leave out, in silence, what is not there.
        if !offered.contains(&core) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        mask |= 1 << core;
    }
    // SAFETY: as above.
    if unsafe { SetThreadAffinityMask(GetCurrentThread(), mask) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Those of the processor group that the process is in: 64 at most.
pub(super) fn offered_cores() -> Option<Vec<usize>> {
    let (mut process, mut machine) = (0_usize, 0_usize);
    // SAFETY: the handle stands for this process and needs no closing; both pointers are to live
    // values that the call writes.
    let done =
        unsafe { GetProcessAffinityMask(GetCurrentProcess(), &raw mut process, &raw mut machine) };
    (done != 0).then(|| (0..usize::BITS as usize).filter(|core| process >> core & 1 == 1).collect())
}
