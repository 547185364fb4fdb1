//! Child processes that must not outlive this program.

use std::process::Command;

/// Keeps the terminal's Ctrl-C from the process that `command` starts: this program hears it and
/// ends the process in its own time.
pub fn apart_from_the_terminal(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    {
        /// `CREATE_NEW_PROCESS_GROUP`
        const NEW_GROUP: u32 = 0x0000_0200;
        std::os::windows::process::CommandExt::creation_flags(command, NEW_GROUP);
    }
}

/// Makes the process that `command` starts end by SIGKILL when the thread that starts it ends,
/// however that happens: also when this program is killed and can clean up nothing. On other
/// systems than Linux nothing is done: there a killed program leaves the process behind.
#[cfg(target_os = "linux")]
pub fn end_with_thread(command: &mut Command) {
    use std::os::unix::process::CommandExt;

    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

    let parent = getpid();
    let before_exec = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the wish was heard.
        if getppid() == Some(parent) { Ok(()) } else { Err(rustix::io::Errno::SRCH.into()) }
    };
    // SAFETY: the closure runs in the child between fork and exec, where only what is safe in a
    // signal handler may be done. It makes two system calls (prctl, getppid) and builds errors
    // that are plain numbers: it allocates nothing, takes no lock and touches no shared memory.
    unsafe { command.pre_exec(before_exec) };
}

/// Not offered on this system: a killed program leaves the process behind.
#[cfg(not(target_os = "linux"))]
pub fn end_with_thread(_command: &mut Command) {}

/// Binds the process that `command` starts, with all its threads, to one of the cores that this
/// thread may use; which one changes from call to call. On other systems than Linux, or where that is
/// refused, nothing is done.
#[cfg(target_os = "linux")]
pub fn bind_to_one_core(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let Ok(offered) = sched_getaffinity(None) else { return };
    let cores: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&core| offered.is_set(core)).collect();
    // Programs that run at the same time begin at different cores.
    let turn = std::process::id() as usize + CALLS.fetch_add(1, Ordering::Relaxed);
    let Some(&core) = cores.get(turn % cores.len().max(1)) else { return };
    let mut set = CpuSet::new();
    set.set(core);
    let before_exec = move || {
        let _ = sched_setaffinity(None, &set);
        Ok(())
    };
    // SAFETY: the closure runs in the child between fork and exec; it makes one system call on a
    // value of its own and touches nothing else.
    unsafe { command.pre_exec(before_exec) };
}

/// Not offered on this system.
#[cfg(not(target_os = "linux"))]
pub fn bind_to_one_core(_command: &mut Command) {}
