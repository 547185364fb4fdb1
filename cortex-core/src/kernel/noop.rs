//! `noop`: passes its input through, bit for bit (NaN payloads too).
//!
//! What a run measures with it is the cost of everything around a kernel.

use super::{Design, Info, Kernel, KernelError, KernelFault, KernelShape, NoParams, Output, rows};

/// The identity. Output: rows x channels, in microvolts. Stateless.
#[derive(Clone, Copy, Debug)]
pub struct Noop {
    channels: usize,
}

impl Design for Noop {
    const INFO: Info<'static> = Info {
        name: "noop",
        summary: "identity: the cost of everything around a kernel",
        output: Output::Rows { unit: "uV" },
        parameters: NoParams::PARAMETERS,
    };

    type Params = NoParams;

    fn design(_params: &NoParams, shape: KernelShape) -> Result<Self, KernelError> {
        Ok(Self { channels: shape.channels })
    }
}

impl Kernel for Noop {
    fn state_len(&self) -> usize {
        0
    }

    fn output_len(&self, rows: usize) -> usize {
        rows * self.channels
    }

    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        let output = rows::check_stream(self.channels, input, state, 0, output)?;
        output.copy_from_slice(input);
        Ok(input.len())
    }
}
