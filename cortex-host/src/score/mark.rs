//! One event, known or found.

/// Something at a time, as truth or output has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Seconds from the first sample.
    pub onset_s: f64,
    /// What it is, if the file says so.
    pub label: Option<String>,
    /// On which electrode, from 0, if the file says so.
    pub electrode: Option<u32>,
}
