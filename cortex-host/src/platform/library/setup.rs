//! How a kernel of a library is to be run: plain data that the child process gets too.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::description::{Dtype, Feed};

/// A kernel of a library with everything it is built from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelSetup {
    /// The library, as an absolute path.
    pub library: PathBuf,
    /// The kernel's name in it.
    pub kernel: String,
    /// Number of channels, at least 1.
    pub channels: u32,
    /// Samples per window, at least 1.
    pub window: u32,
    /// New samples per window, 1 to the window.
    pub hop: u32,
    /// Sample rate in Hz.
    pub sample_rate_hz: f64,
    /// Which rows a call is given.
    pub feed: Feed,
    /// Type of the samples.
    pub dtype: Dtype,
    /// Microvolts per step; 1 for `f32`.
    pub scale_uv: f64,
    /// What the user set.
    pub parameters: Parameters,
    /// File with the trained state.
    pub state: Option<PathBuf>,
}

impl KernelSetup {
    /// Input values of the largest call.
    #[must_use]
    pub fn max_input_values(&self) -> usize {
        self.window as usize * self.channels as usize
    }

    /// Rows of the call for window `index`.
    #[must_use]
    pub fn rows(&self, index: u64) -> u32 {
        if index == 0 || self.feed == Feed::Windows { self.window } else { self.hop }
    }
}

/// Parameter values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameters {
    /// In the table's order; `None`: the kernel decides.
    Values(Vec<Option<f64>>),
    /// Text that the kernel reads, one `key: value` a line.
    Text(String),
}

/// What a planned kernel puts out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputShape {
    /// Rows of each result; `None`: a row per input row.
    pub rows: Option<u32>,
    /// Values per row, at least 1.
    pub columns: u32,
}

impl OutputShape {
    /// Output values of a call with `rows` input rows.
    #[must_use]
    pub fn values(self, rows: u32) -> usize {
        self.rows.unwrap_or(rows) as usize * self.columns as usize
    }
}

/// Why a kernel cannot be run as asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// A sentence.
    pub message: String,
    /// The parameter at fault, as its position in the table.
    pub parameter: Option<usize>,
}

impl Refusal {
    /// A refusal that blames no parameter.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), parameter: None }
    }
}
