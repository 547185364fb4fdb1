//! Scheduling on Linux.

use std::io;

use rustix::process::{getpriority_process, setpriority_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::policy::{PolicyInForce, RealtimePolicy};

/// The nice value of a thread that has stepped back: a tenth of an ordinary one's weight.
const STEPPED_BACK: i32 = 10;

pub(super) const PRIVILEGE_ADVICE: &str = "give the privilege with `sudo setcap cap_sys_nice+ep \
     PATH_OF_CORTEX_HOST`, or an rtprio line in /etc/security/limits.conf";

pub(super) fn set_realtime_policy(
    policy: RealtimePolicy,
    priority: u8,
) -> io::Result<PolicyInForce> {
    let (number, name) = match policy {
        RealtimePolicy::Fifo => (libc::SCHED_FIFO, "fifo"),
        RealtimePolicy::RoundRobin => (libc::SCHED_RR, "rr"),
    };
    // The system's `struct sched_param` has this one member; those of C libraries may have more.
    let parameters = libc::c_int::from(priority);
    // SAFETY: the pointer is to a live value that the call only reads; thread 0 is the caller. The
    // call changes no memory of this process. It is made directly because musl's function of this
    // name only ever fails.
    let status =
        unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, number, &raw const parameters) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(PolicyInForce { name, priority: Some(priority) })
}

pub(super) fn step_back() -> io::Result<()> {
    // Of the calling thread, unlike what POSIX says. Only upwards: down needs a privilege.
    let nice = getpriority_process(None)?.max(STEPPED_BACK);
    Ok(setpriority_process(None, nice)?)
}

pub(super) fn bind_to_cores(cores: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for &core in cores {
        if core >= CpuSet::MAX_CPU {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        set.set(core);
    }
    Ok(sched_setaffinity(None, &set)?)
}

pub(super) fn offered_cores() -> Option<Vec<usize>> {
    let set = sched_getaffinity(None).ok()?;
    Some((0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_steps_back_alone_and_once() {
        let nice = || getpriority_process(None).unwrap();
        let before = nice();
        let stepped = std::thread::spawn(move || {
            step_back().unwrap();
            step_back().unwrap();
            nice()
        });
        assert_eq!(stepped.join().unwrap(), before.max(STEPPED_BACK));
        assert_eq!(nice(), before);
    }
}
