//! Child processes that must not outlive this program.

use std::process::{Child, Command};

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
/// however that happens: also when this program is killed and can clean up nothing. Linux only; on
/// Windows [`end_with_program`] does it, elsewhere a killed program leaves the process behind.
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

/// Not offered on this system.
#[cfg(not(target_os = "linux"))]
pub fn end_with_thread(_command: &mut Command) {}

/// Makes `child` end when this program ends, however that happens. Windows only, where it is put into
/// a job that the system ends with the last handle to it; elsewhere nothing is done. Where the system
/// refuses, a killed program leaves the process behind.
#[cfg(windows)]
pub fn end_with_program(child: &Child) {
    use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
    use std::sync::OnceLock;

    use windows_sys::Win32::System::JobObjects::{
        AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
        JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectExtendedLimitInformation,
        SetInformationJobObject,
    };

    /// Never closed by this program: the system does that when it ends.
    static JOB: OnceLock<Option<OwnedHandle>> = OnceLock::new();
    let make = || {
        // SAFETY: both arguments may be null: default security, no name.
        let job = unsafe { CreateJobObjectW(std::ptr::null(), std::ptr::null()) };
        if job.is_null() {
            return None;
        }
        // SAFETY: the call above made the handle, and nothing else owns it.
        let job = unsafe { OwnedHandle::from_raw_handle(job) };
        // SAFETY: a plain C structure of integers, for which all zero is a value.
        let mut limits: JOBOBJECT_EXTENDED_LIMIT_INFORMATION = unsafe { std::mem::zeroed() };
        limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
        // SAFETY: the handle is open, the pointer is to a live structure of the class and the length
        // named, which the call only reads.
        let set = unsafe {
            SetInformationJobObject(
                job.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size_of_val(&limits) as u32,
            )
        };
        (set != 0).then_some(job)
    };
    if let Some(job) = JOB.get_or_init(make) {
        // SAFETY: both handles are open; the call touches no memory of this process.
        let _ = unsafe { AssignProcessToJobObject(job.as_raw_handle(), child.as_raw_handle()) };
    }
}

/// Not needed, or not offered, on this system.
#[cfg(not(windows))]
pub fn end_with_program(_child: &Child) {}

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

#[cfg(all(test, windows))]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
    use std::process::Stdio;
    use std::time::Duration;

    use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
    use windows_sys::Win32::System::Threading::{
        OpenProcess, PROCESS_SYNCHRONIZE, WaitForSingleObject,
    };

    use super::*;

    /// This test's program plays all three parts.
    const PART: &str = "CORTEX_TEST_PART";

    fn play(part: &str) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "platform::child::tests::a_child_ends_with_a_killed_program"]);
        command.arg("--nocapture").env(PART, part).stdout(Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn a_child_ends_with_a_killed_program() {
        match std::env::var(PART).as_deref() {
            Ok("program") => {
                let child = play("child");
                end_with_program(&child);
                println!("\nchild {}", child.id());
                std::thread::sleep(Duration::from_secs(60));
            }
            Ok(_) => std::thread::sleep(Duration::from_secs(60)),
            Err(_) => {
                let mut program = play("program");
                let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
                let id = lines.find_map(|line| line.unwrap().strip_prefix("child ")?.parse().ok());
                // SAFETY: the call only looks a process up; the handle is nobody else's.
                let child = unsafe {
                    let child = OpenProcess(PROCESS_SYNCHRONIZE, 0, id.unwrap());
                    assert!(!child.is_null());
                    OwnedHandle::from_raw_handle(child)
                };
                // SAFETY: the handle is open.
                let ended =
                    |ms| unsafe { WaitForSingleObject(child.as_raw_handle(), ms) } == WAIT_OBJECT_0;
                assert!(!ended(100), "it runs as long as the program");
                program.kill().unwrap();
                program.wait().unwrap();
                assert!(ended(10_000), "the program was killed, its child goes on");
            }
        }
    }
}
