//! The kernel of link tests.

use cortex_core::kernel::{Kernel, KernelFault, KernelShape};
use cortex_core::link::{ErrorCode, ErrorInfo};

/// A kernel for link tests: `state = x + state / 2` per channel. `Echo` puts out every new
/// state, `Last` only the last of each block.
pub struct LeakyKernel {
    channels: usize,
    last_only: bool,
}

impl LeakyKernel {
    /// Specification bytes of the variant that puts out everything.
    pub const ECHO: &[u8] = b"echo";
    /// Specification bytes of the variant that puts out one row per block.
    pub const LAST: &[u8] = b"last";
    /// What the device says as kernel digest.
    pub const DIGEST: u32 = 0x1EAC_0001;

    /// Builds the kernel from its specification bytes.
    ///
    /// # Errors
    /// Unknown bytes.
    pub fn build(shape: &KernelShape, spec: &[u8]) -> Result<Self, ErrorInfo> {
        let last_only = match spec {
            Self::ECHO => false,
            Self::LAST => true,
            _ => return Err(ErrorInfo::new(ErrorCode::UnknownKernel, 0, 0)),
        };
        Ok(Self { channels: shape.channels, last_only })
    }
}

impl Kernel for LeakyKernel {
    fn state_len(&self) -> usize {
        self.channels
    }

    fn reset(&self, state: &mut [f32]) {
        state.fill(0.0);
    }

    fn output_len(&self, rows: usize) -> usize {
        if self.last_only { self.channels } else { rows * self.channels }
    }

    fn missing_samples(&self, _state: &[f32]) -> u32 {
        0
    }

    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        if input.is_empty() || !input.len().is_multiple_of(self.channels) {
            return Err(KernelFault::InputLength);
        }
        // One magic value lets tests see a refusal.
        if input[0] == -1.0e30 {
            return Err(KernelFault::InputLength);
        }
        for (n, x) in input.iter().enumerate() {
            let state = &mut state[n % self.channels];
            *state = x + *state * 0.5;
            if !self.last_only {
                output[n] = *state;
            }
        }
        if self.last_only {
            output[..self.channels].copy_from_slice(&state[..self.channels]);
        }
        Ok(self.output_len(input.len() / self.channels))
    }
}
