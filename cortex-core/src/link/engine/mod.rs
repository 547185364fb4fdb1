//! What a device computes: the seam between the protocol and the arithmetic.
//!
//! [`Engine`] is implemented by [`KernelEngine`] for the kernels of this crate, and by whoever
//! wants to benchmark kernels of their own on a board. All memory is the caller's.

mod identity;
mod kernel_engine;

use super::message::{Configure, Configured, ErrorInfo};
use crate::signal::{GeneratorVersion, SourceSpec};

pub use identity::{generator_digest, kernel_digest};
pub use kernel_engine::{BuildKernel, KernelEngine, single_kernel, standard_kernel};

/// When one call of a kernel began and ended, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Read right before the call.
    pub start_ticks: u64,
    /// Read right after it.
    pub end_ticks: u64,
}

/// What the device session asks of the device's arithmetic.
pub trait Engine {
    /// Digest of what this version's generators produce: equal to the host's or seeded runs
    /// are refused. 0 when the device does not have the version. PendingRequest once, when the session is
    /// built: it may use the memory of seeded mode.
    fn generator_digest(&mut self, version: GeneratorVersion) -> u32;

    /// Digest that tells the kernels of two builds apart.
    fn kernel_digest(&self) -> u32;

    /// Values (`f32`) there are for kernel state, input and output together.
    fn capacity_values(&self) -> usize;

    /// Builds a kernel, puts its state to the start and makes room for its largest block.
    ///
    /// # Errors
    /// What to tell the host, when the kernel is unknown or does not fit.
    fn configure(&mut self, configure: &Configure<'_>) -> Result<Configured, ErrorInfo>;

    /// Room for the values of one block: the session writes them here.
    fn input(&mut self) -> &mut [f32];

    /// Runs the kernel over the first `values` of the input, reading `clock` right before and
    /// right after.
    ///
    /// # Errors
    /// What to tell the host, when the kernel refuses.
    fn run(&mut self, values: usize, clock: &mut dyn FnMut() -> u64) -> Result<Run, ErrorInfo>;

    /// What the last run put out.
    fn output(&self) -> &[f32];

    /// Starts a generator of `channels` channels at sample 0 and the kernel's state again.
    ///
    /// # Errors
    /// What to tell the host, when the device cannot.
    fn begin_seeded(&mut self, source: &SourceSpec, channels: u32) -> Result<(), ErrorInfo>;

    /// Fills the first `values` of the input with the generator's next rows.
    ///
    /// # Errors
    /// What to tell the host, when no generator was started.
    fn generate(&mut self, values: usize) -> Result<(), ErrorInfo>;
}

/// A borrowed engine is one too: the session stays small, and the engine, with a generator of
/// more than a kilobyte, never moves over a microcontroller's stack.
impl<E: Engine> Engine for &mut E {
    fn generator_digest(&mut self, version: GeneratorVersion) -> u32 {
        (**self).generator_digest(version)
    }

    fn kernel_digest(&self) -> u32 {
        (**self).kernel_digest()
    }

    fn capacity_values(&self) -> usize {
        (**self).capacity_values()
    }

    fn configure(&mut self, configure: &Configure<'_>) -> Result<Configured, ErrorInfo> {
        (**self).configure(configure)
    }

    fn input(&mut self) -> &mut [f32] {
        (**self).input()
    }

    fn run(&mut self, values: usize, clock: &mut dyn FnMut() -> u64) -> Result<Run, ErrorInfo> {
        (**self).run(values, clock)
    }

    fn output(&self) -> &[f32] {
        (**self).output()
    }

    fn begin_seeded(&mut self, source: &SourceSpec, channels: u32) -> Result<(), ErrorInfo> {
        (**self).begin_seeded(source, channels)
    }

    fn generate(&mut self, values: usize) -> Result<(), ErrorInfo> {
        (**self).generate(values)
    }
}
