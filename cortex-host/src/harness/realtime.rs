//! Scheduling wishes of a run, applied as far as the system lets us.
//!
//! A refused wish is a warning that says what to do, never the end of a run: most people's
//! machines do not give them real-time priority, and their results say so.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::platform::scheduling::{
    PRIVILEGE_ADVICE, RealtimePolicy, bind_to_cores, offered_cores, set_realtime_policy,
};

/// Priority under `fifo` and `rr` when the plan names none: above every time-shared thread.
const LEAST_PRIORITY: u8 = 1;

/// Scheduling wishes; without the privilege a run goes on and says so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RealtimeSettings {
    /// The scheduling policy.
    pub scheduler: Scheduler,
    /// Priority 1..=99 for `fifo` and `rr`.
    pub priority: Option<u8>,
    /// Cores the run may use; empty means all.
    pub cpu_affinity: Vec<usize>,
}

/// Scheduling policy of the measuring thread. Windows has one for both `fifo` and `rr`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scheduler {
    /// The system's default, time-shared.
    #[default]
    Other,
    /// SCHED_FIFO.
    Fifo,
    /// SCHED_RR.
    Rr,
}

impl Scheduler {
    /// The spelling in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Scheduler::Other => "other",
            Scheduler::Fifo => "fifo",
            Scheduler::Rr => "rr",
        }
    }
}

/// What the measuring thread really runs under.
#[derive(Clone, Debug, Default, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct AppliedRealtime {
    /// The policy asked for: `other`, `fifo` or `rr`.
    pub scheduler_requested: String,
    /// The policy in force: the one asked for, `other`, or `time_critical` on Windows.
    pub scheduler: String,
    /// Priority in force; none under `other`.
    pub priority: Option<u8>,
    /// Cores the measuring thread is bound to; empty when it may use all.
    pub cpu_affinity: Vec<usize>,
    /// What could not be had, and what to do about it.
    pub warnings: Vec<String>,
}

impl fmt::Display for AppliedRealtime {
    /// Policy, priority and cores in one line, such as `fifo, priority 1, bound to cores [1]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheduler)?;
        if let Some(priority) = self.priority {
            write!(f, ", priority {priority}")?;
        }
        if self.scheduler != self.scheduler_requested {
            let how =
                if self.scheduler == Scheduler::Other.name() { "was refused" } else { "asked" };
            write!(f, " ({} {how})", self.scheduler_requested)?;
        }
        if !self.cpu_affinity.is_empty() {
            write!(f, ", bound to cores {:?}", self.cpu_affinity)?;
        }
        Ok(())
    }
}

/// Applies `plan` to the calling thread, which must be the one that will run the windows; threads
/// it started before are not touched.
#[must_use]
pub fn apply_realtime(plan: &RealtimeSettings) -> AppliedRealtime {
    let mut applied = AppliedRealtime {
        scheduler_requested: plan.scheduler.name().to_owned(),
        scheduler: Scheduler::Other.name().to_owned(),
        ..AppliedRealtime::default()
    };
    sharpen_sleep();
    if !plan.cpu_affinity.is_empty() {
        match bind_to_cores(&plan.cpu_affinity) {
            Ok(()) => applied.cpu_affinity.clone_from(&plan.cpu_affinity),
            Err(error) => applied.warnings.push(format!(
                "realtime.cpu_affinity {:?} was refused ({error}), so the run uses any core; this \
                 machine offers {} to this process",
                plan.cpu_affinity,
                cores_offered()
            )),
        }
    }
    let policy = match plan.scheduler {
        Scheduler::Other => return applied,
        Scheduler::Fifo => RealtimePolicy::Fifo,
        Scheduler::Rr => RealtimePolicy::RoundRobin,
    };
    let priority = plan.priority.unwrap_or(LEAST_PRIORITY);
    match set_realtime_policy(policy, priority) {
        Ok(in_force) => {
            in_force.name.clone_into(&mut applied.scheduler);
            applied.priority = in_force.priority;
        }
        Err(error) => applied.warnings.push(format!(
            "realtime.scheduler {} with priority {priority} was refused ({error}), so the run uses \
             the default scheduler and its latencies include other programs' time; \
             {PRIVILEGE_ADVICE}",
            plan.scheduler.name()
        )),
    }
    applied
}

/// Asks to be woken within a microsecond of a sleep's end instead of the usual 50.
#[cfg(target_os = "linux")]
fn sharpen_sleep() {
    // Only precision is lost when it is refused, and the clock polls the last stretch anyway.
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1_000));
}

/// Elsewhere the standard library's sleep is as sharp as the system has it: on Windows it uses
/// high-resolution timers.
#[cfg(not(target_os = "linux"))]
fn sharpen_sleep() {}

/// The cores this thread may use, for a message.
fn cores_offered() -> String {
    offered_cores()
        .map_or_else(|| "no choice of cores".to_owned(), |cores| format!("cores {cores:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wish_no_warning() {
        let applied = apply_realtime(&RealtimeSettings::default());
        assert_eq!(applied.scheduler, "other");
        assert!(applied.warnings.is_empty());
    }

    #[test]
    fn an_absent_core_is_a_warning_that_lists_those_there() {
        let plan =
            RealtimeSettings { cpu_affinity: vec![1_000_000], ..RealtimeSettings::default() };
        let applied = apply_realtime(&plan);
        assert!(applied.cpu_affinity.is_empty());
        assert!(applied.warnings[0].contains("cores [0"), "{:?}", applied.warnings);
    }

    #[test]
    fn an_impossible_priority_is_a_warning_and_the_default_scheduler() {
        let plan = RealtimeSettings {
            scheduler: Scheduler::Fifo,
            priority: Some(100),
            ..RealtimeSettings::default()
        };
        let applied = apply_realtime(&plan);
        assert_eq!(applied.scheduler, "other");
        assert!(applied.warnings[0].contains("setcap"), "{:?}", applied.warnings);
    }
}
