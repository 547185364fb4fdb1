//! Scheduling on systems where none of it is offered.

use std::io;

use super::policy::{PolicyInForce, RealtimePolicy};

pub(super) const PRIVILEGE_ADVICE: &str = "measure on Linux or Windows for it";

pub(super) fn set_realtime_policy(
    _policy: RealtimePolicy,
    _priority: u8,
) -> io::Result<PolicyInForce> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn step_back() -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn bind_to_cores(_cores: &[usize]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

pub(super) fn offered_cores() -> Option<Vec<usize>> {
    None
}
