//! A device whose kernel computes in fixed point, as the harness sees it: microvolts in, the kernel's
//! unit out. Converting is no part of the kernel's time.

use std::ops::DerefMut;

use cortex_core::kernel::{FixedOutput, FixedPoint};

use super::{Clock, Device, WindowDone, WindowFault};

/// A [`Device`] in front of one that takes steps.
pub struct InSteps<D> {
    device: D,
    format: FixedPoint,
    output: FixedOutput,
    steps: Vec<f32>,
    saturated: u64,
}

impl<D> InSteps<D> {
    /// `device` takes samples of `format` and returns `output`.
    #[must_use]
    pub fn new(device: D, format: FixedPoint, output: FixedOutput) -> Self {
        Self { device, format, output, steps: Vec::new(), saturated: 0 }
    }
}

impl<D> Device for InSteps<D>
where
    D: DerefMut + Send,
    D::Target: Device,
{
    fn adapter_name(&self) -> &str {
        self.device.adapter_name()
    }

    fn max_output_len(&self) -> usize {
        self.device.max_output_len()
    }

    fn reset(&mut self) -> Result<(), WindowFault> {
        self.device.reset()
    }

    fn run_window(
        &mut self,
        index: u64,
        input: &[f32],
        output: &mut [f32],
        clock: &dyn Clock,
    ) -> Result<WindowDone, WindowFault> {
        self.steps.clear();
        self.steps.extend_from_slice(input);
        self.saturated += u64::from(self.format.encode(&mut self.steps));
        let done = self.device.run_window(index, &self.steps, output, clock)?;
        self.output.decode(&mut output[..done.output_len]);
        Ok(done)
    }

    fn missing_samples(&self) -> Option<u32> {
        self.device.missing_samples()
    }

    fn saturated_samples(&self) -> u64 {
        self.saturated + self.device.saturated_samples()
    }

    fn check(&mut self) -> Result<(), WindowFault> {
        self.device.check()
    }

    fn loss(&self) -> Option<String> {
        self.device.loss()
    }
}
