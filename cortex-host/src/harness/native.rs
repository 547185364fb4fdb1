//! Kernels on this computer, with the vector instructions that it has.

use cortex_core::kernel::{Kernel, KernelFault, KernelShape};

use super::{Clock, Device, DeviceTiming, WindowDone, WindowFault};
use crate::platform::aligned::AlignedSamples;
use crate::platform::simd::{SimdPath, Vectorised};

/// A kernel that runs with one path's vector instructions. Its outputs are the same bits on every path.
#[derive(Clone, Debug)]
pub struct VectorKernel<K> {
    kernel: K,
    path: SimdPath,
}

impl<K: Kernel> VectorKernel<K> {
    /// `kernel` with the instructions of `path`.
    #[must_use]
    pub fn new(kernel: K, path: SimdPath) -> Self {
        Self { kernel, path }
    }
}

impl<K: Kernel> Kernel for VectorKernel<K> {
    fn state_len(&self) -> usize {
        self.kernel.state_len()
    }

    fn reset(&self, state: &mut [f32]) {
        self.kernel.reset(state);
    }

    fn output_len(&self, rows: usize) -> usize {
        self.kernel.output_len(rows)
    }

    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        self.path.run(Process { kernel: &self.kernel, state, input, output })
    }

    fn missing_samples(&self, state: &[f32]) -> u32 {
        self.kernel.missing_samples(state)
    }

    fn saturated_samples(&self, state: &[f32]) -> u32 {
        self.kernel.saturated_samples(state)
    }
}

struct Process<'a, K> {
    kernel: &'a K,
    state: &'a mut [f32],
    input: &'a [f32],
    output: &'a mut [f32],
}

impl<K: Kernel> Vectorised for Process<'_, K> {
    type Output = Result<usize, KernelFault>;

    #[inline(always)]
    fn run<const LANES: usize>(self) -> Self::Output {
        self.kernel.process_abreast::<LANES>(self.state, self.input, self.output)
    }
}

/// This computer: kernels run in the harness's own thread.
pub struct NativeDevice {
    kernel: Box<dyn Kernel + Send>,
    state: AlignedSamples,
    max_output_len: usize,
    /// Saturated samples of the repeats before.
    saturated: u64,
}

impl NativeDevice {
    /// A device running `kernel`, which was built for `shape`. [`VectorKernel`] makes a kernel of
    /// cortex-core use this processor's vector instructions.
    #[must_use]
    pub fn new(kernel: Box<dyn Kernel + Send>, shape: &KernelShape) -> Self {
        let max_output_len = kernel.output_len(shape.window).max(kernel.output_len(shape.hop));
        let state = AlignedSamples::zeros(kernel.state_len());
        Self { kernel, state, max_output_len, saturated: 0 }
    }
}

impl Device for NativeDevice {
    fn adapter_name(&self) -> &str {
        "native"
    }

    fn max_output_len(&self) -> usize {
        self.max_output_len
    }

    fn reset(&mut self) -> Result<(), WindowFault> {
        self.saturated = self.saturated_samples();
        self.kernel.reset(&mut self.state);
        Ok(())
    }

    fn run_window(
        &mut self,
        _index: u64,
        input: &[f32],
        output: &mut [f32],
        clock: &dyn Clock,
    ) -> Result<WindowDone, WindowFault> {
        let start_ns = clock.now_ns();
        let result = self.kernel.process(&mut self.state, input, output);
        let end_ns = clock.now_ns();
        let output_len = result.map_err(WindowFault::Kernel)?;
        Ok(WindowDone { output_len, timing: DeviceTiming::of_kernel(start_ns, end_ns) })
    }

    fn missing_samples(&self) -> Option<u32> {
        Some(self.kernel.missing_samples(&self.state))
    }

    fn saturated_samples(&self) -> u64 {
        self.saturated + u64::from(self.kernel.saturated_samples(&self.state))
    }
}
