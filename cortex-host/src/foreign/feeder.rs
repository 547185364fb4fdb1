//! What a call is given: new rows as they come, or the whole window with them at its end.

use super::SampleFormat;
use crate::platform::library::{Feed, KernelSetup};

/// Fills the input of each call.
pub(super) struct Feeder {
    feed: Feed,
    format: SampleFormat,
    row_bytes: usize,
    window_bytes: usize,
    window: u32,
    saturated: u64,
}

impl Feeder {
    pub(super) fn new(setup: &KernelSetup) -> Self {
        let format = SampleFormat::of(setup);
        let row_bytes = setup.channels as usize * format.bytes();
        Self {
            feed: setup.feed,
            format,
            row_bytes,
            window_bytes: setup.window as usize * row_bytes,
            window: setup.window,
            saturated: 0,
        }
    }

    /// Bytes of the largest input.
    pub(super) fn input_bytes(&self) -> usize {
        self.window_bytes
    }

    /// Puts the new rows of `samples` into `input`, which has what it had at the call before, and
    /// returns the number of rows of the call.
    pub(super) fn fill(&mut self, samples: &[f32], input: &mut [u8]) -> u32 {
        let bytes = samples.len() * self.format.bytes();
        match self.feed {
            Feed::Hops => {
                self.saturated += self.format.encode(samples, input);
                (bytes / self.row_bytes) as u32
            }
            Feed::Windows => {
                let kept = self.window_bytes - bytes;
                input.copy_within(self.window_bytes - kept..self.window_bytes, 0);
                self.saturated += self.format.encode(samples, &mut input[kept..]);
                self.window
            }
        }
    }

    /// Samples so far that lay beyond the range of the kernel's type.
    pub(super) fn saturated(&self) -> u64 {
        self.saturated
    }
}
