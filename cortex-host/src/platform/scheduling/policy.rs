//! What a thread may be scheduled by.

/// A real-time policy of the system's scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RealtimePolicy {
    /// `SCHED_FIFO`: runs until it blocks.
    Fifo,
    /// `SCHED_RR`: takes turns with threads of the same priority.
    RoundRobin,
}

/// What a thread runs under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyInForce {
    /// Its name: `fifo` or `rr`; `time_critical` on Windows, which has one such priority.
    pub name: &'static str,
    /// Its priority, 1 to 99, where the system has more than one.
    pub priority: Option<u8>,
}
