//! How a kernel's process is started, and how long it is waited for.

use std::path::PathBuf;
use std::time::Duration;

use crate::harness::RealtimeSettings;

/// How a kernel process is started.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// The `cortex-host` program.
    pub program: PathBuf,
    /// How long after its deadline a window is waited for before the process is ended.
    pub grace: Duration,
    /// How long loading, planning and each reset may take.
    pub start: Duration,
    /// How the kernel's thread is scheduled: as the thread that waits for it, but never so that a
    /// kernel that does not return keeps that one from running.
    pub realtime: RealtimeSettings,
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
        Self {
            program,
            grace: Self::GRACE,
            start: Self::START,
            realtime: RealtimeSettings::default(),
        }
    }
}
