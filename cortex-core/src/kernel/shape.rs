//! What a kernel is built for, and the limits.

use serde::{Deserialize, Serialize};

use super::KernelError;
use crate::parameter::{count_within, positive_within};

/// Greatest number of channels, of kernels, datasets and files.
pub const MAX_CHANNELS: usize = 65_536;

/// Longest window in samples.
pub const MAX_WINDOW: usize = 1 << 20;

/// Lowest sample rate in Hz, of kernels and generators.
pub const MIN_SAMPLE_RATE_HZ: f64 = 1e-3;

/// Highest sample rate in Hz, of kernels and generators.
pub const MAX_SAMPLE_RATE_HZ: f64 = 1e7;

/// Most state a kernel may have, in `f32` values (1 GiB).
pub const MAX_STATE_LEN: u64 = 1 << 28;

/// What a kernel is built for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KernelShape {
    /// Number of channels, 1..=[`MAX_CHANNELS`].
    pub channels: usize,
    /// Window length W in samples, 1..=[`MAX_WINDOW`].
    pub window: usize,
    /// Hop H in samples, 1..=W: new samples per window after the first.
    pub hop: usize,
    /// Sample rate in Hz, [`MIN_SAMPLE_RATE_HZ`]..=[`MAX_SAMPLE_RATE_HZ`].
    pub sample_rate_hz: f64,
}

impl KernelShape {
    /// Refuses a shape that no kernel takes.
    ///
    /// # Errors
    /// [`KernelError`] names what is out of range.
    pub fn check(&self) -> Result<(), KernelError> {
        count_within("channels", self.channels, 1, MAX_CHANNELS)?;
        count_within("window", self.window, 1, MAX_WINDOW)?;
        count_within("hop", self.hop, 1, self.window)?;
        let rate_hz = self.sample_rate_hz;
        positive_within("sample_rate_hz", rate_hz, MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ)?;
        Ok(())
    }
}

/// Refuses a state longer than [`MAX_STATE_LEN`], so that lengths never overflow `usize`.
pub(super) fn fits(values: u64) -> Result<(), KernelError> {
    if values <= MAX_STATE_LEN {
        Ok(())
    } else {
        Err(KernelError::StateTooLarge { values, max: MAX_STATE_LEN })
    }
}
