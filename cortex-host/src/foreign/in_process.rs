//! A foreign kernel in this very process, for those who ask for it: `isolation: none`.

use super::SampleFormat;
use super::feeder::Feeder;
use crate::harness::{Clock, Device, DeviceTiming, WindowDone, WindowFault};
use crate::platform::library::{AlignedBytes, KernelSetup, Library, LoadedKernel, Refusal};

/// A foreign kernel that can take this process with it.
pub struct InProcess {
    kernel: LoadedKernel,
    feeder: Feeder,
    format: SampleFormat,
    input: AlignedBytes,
    output: AlignedBytes,
    loss: Option<String>,
}

impl InProcess {
    /// Loads and plans the kernel.
    ///
    /// # Errors
    /// [`Refusal`]: a sentence.
    pub fn open(setup: &KernelSetup) -> Result<Self, Refusal> {
        let kernel = Library::open(&setup.library)?.plan(setup)?;
        let (feeder, format) = (Feeder::new(setup), SampleFormat::of(setup));
        let input = AlignedBytes::zeroed(feeder.input_bytes());
        let output = AlignedBytes::zeroed(kernel.output().values(setup.window) * format.bytes());
        Ok(Self { kernel, feeder, format, input, output, loss: None })
    }
}

impl Device for InProcess {
    fn adapter_name(&self) -> &str {
        "library"
    }

    fn max_output_len(&self) -> usize {
        self.output.bytes().len() / self.format.bytes()
    }

    fn reset(&mut self) -> Result<(), WindowFault> {
        self.input.bytes_mut().fill(0);
        self.kernel.reset().map_err(|refusal| {
            self.loss = Some(format!("it could not be reset: {refusal}"));
            WindowFault::KernelLost
        })
    }

    fn run_window(
        &mut self,
        _index: u64,
        input: &[f32],
        output: &mut [f32],
        clock: &dyn Clock,
    ) -> Result<WindowDone, WindowFault> {
        let rows = self.feeder.fill(input, self.input.bytes_mut());
        let start_ns = clock.now_ns();
        let status = self.kernel.process(self.input.bytes(), rows, self.output.bytes_mut());
        let end_ns = clock.now_ns();
        if status != 0 {
            self.loss.get_or_insert_with(|| self.kernel.describe(status));
            return Err(WindowFault::Status(status));
        }
        let output_len = self.kernel.output().values(rows);
        self.format.decode(self.output.bytes(), &mut output[..output_len]);
        Ok(WindowDone { output_len, timing: DeviceTiming::of_kernel(start_ns, end_ns) })
    }

    fn missing_samples(&self) -> Option<u32> {
        self.kernel.missing_samples()
    }

    fn saturated_samples(&self) -> u64 {
        self.feeder.saturated()
    }

    fn loss(&self) -> Option<String> {
        self.loss.clone()
    }
}
