//! `noop`: passes its input through, bit for bit (NaN payloads too).
//!
//! What a run measures with it is the cost of everything around a kernel.

use super::{Kernel, KernelFault, rows};

/// The identity. Output: rows x channels, in microvolts. Stateless.
#[derive(Clone, Copy, Debug)]
pub struct Noop {
    channels: usize,
}

impl Noop {
    pub(super) fn new(channels: usize) -> Self {
        Self { channels }
    }
}

impl Kernel for Noop {
    fn state_len(&self) -> usize {
        0
    }

    fn reset(&self, _state: &mut [f32]) {}

    fn output_len(&self, rows: usize) -> usize {
        rows * self.channels
    }

    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        rows::check_stream(self.channels, input, state, 0, output)?;
        output[..input.len()].copy_from_slice(input);
        Ok(input.len())
    }

    fn missing_samples(&self, _state: &[f32]) -> u32 {
        0
    }
}
