//! What a program is told that is run as a kernel.

use crate::platform::library::Feed;

/// A program as a kernel, with everything it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandSetup {
    /// The program and its arguments; at least one.
    pub command: Vec<String>,
    /// The kernel's name.
    pub name: String,
    /// Number of channels, at least 1.
    pub channels: usize,
    /// Samples per window, at least 1.
    pub window: usize,
    /// New samples per window, 1 to the window.
    pub hop: usize,
    /// Sample rate in Hz.
    pub sample_rate_hz: f64,
    /// Which rows a call is given.
    pub feed: Feed,
    /// What the user set, as JSON.
    pub params: serde_json::Value,
}
