//! Ways to disturb a command: small disks, limits on file sizes, readers that left, signals.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::cortex_host;
use crate::skip::{Need, skip};

/// A file system of one megabyte, gone when dropped.
pub struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts it; without the privilege the test is skipped (`None`).
    ///
    /// # Panics
    /// No temporary folder can be made.
    #[must_use]
    #[track_caller]
    pub fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "none"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !mounted {
            skip(Need::Mount, &"a small tmpfs cannot be mounted here (needs root)");
        }
        mounted.then_some(Self(folder))
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// From now on nothing can be written, not even by root.
    ///
    /// # Panics
    /// It cannot be remounted.
    pub fn make_read_only(&self) {
        let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(self.path()).status();
        assert!(remounted.is_ok_and(|status| status.success()), "remount,ro is refused");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

/// `cortex-host` in a shell that has set `limit` first, such as `ulimit -f 100`.
#[must_use]
pub fn limited(limit: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")]);
    command.arg(cortex_host().get_program()).args(arguments).env("NO_COLOR", "1");
    command
}

/// A stdout whose reader has left already.
///
/// # Panics
/// The system makes no pipe.
#[must_use]
pub fn reader_gone() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

/// A stdout on a full disk.
///
/// # Panics
/// There is no `/dev/full`: this is not Linux.
#[must_use]
pub fn full_stdout() -> Stdio {
    File::options().write(true).open("/dev/full").expect("/dev/full").into()
}

/// Sends a signal, such as `-INT`.
///
/// # Panics
/// There is no such process or signal.
pub fn signal(child: &Child, name: &str) {
    signal_to(&child.id().to_string(), name);
}

/// The same to a process known by its number.
///
/// # Panics
/// There is no such process or signal.
pub fn signal_to(process: &str, name: &str) {
    let status = Command::new("kill").args([name, process]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill {name} {process}");
}

/// Waits until `seen` answers; a minute without is a failure of the program, not of the clock.
///
/// # Panics
/// Nothing was seen for a minute.
#[track_caller]
pub fn wait_for<T>(what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
    for _ in 0..12_000 {
        if let Some(found) = seen() {
            return found;
        }
        sleep(Duration::from_millis(5));
    }
    panic!("waited a minute for {what}");
}
