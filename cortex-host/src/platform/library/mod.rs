//! Shared libraries with kernels of a user's own, called through a C interface.
//!
//! Foreign code can do anything to the process it runs in, and nothing here can prevent it. That is
//! why it runs in a child process unless the user asks for the opposite ([`crate::foreign`]). What
//! this module promises is that *our* side of the interface is kept: structures of the right
//! layout, buffers of the length and alignment promised, calls in the order promised, on one thread.
//!
//! `own` speaks `cortex_kernel.h`, `plugin` the original CORTEX's `cortex_plugin.h`, ABI 2 and 3.

mod description;
#[cfg(target_os = "linux")]
mod elf;
mod handle;
mod memory;
mod own;
mod plugin;
mod setup;

pub use description::{
    Dtype, Feed, Interface, KernelDescription, LibraryDescription, ParameterDescription,
    ParameterKind, in_core_terms,
};
pub use handle::Library;
pub use memory::AlignedBytes;
pub use setup::{KernelSetup, OutputShape, Parameters, Refusal};

use own::OwnKernel;
use plugin::PluginKernel;

impl Library {
    /// What the library says about itself.
    ///
    /// # Errors
    /// A sentence: its tables break the interface's rules.
    pub fn describe(&self) -> Result<LibraryDescription, Refusal> {
        let kernels = match self.interface {
            Interface::CortexKernel => own::describe(self)?,
            Interface::Plugin2 | Interface::Plugin3 => vec![plugin::describe(self)],
        };
        Ok(LibraryDescription { interface: self.interface, kernels })
    }

    /// Makes a kernel of the library ready to run. Its state is put to the start by
    /// [`LoadedKernel::reset`].
    ///
    /// # Errors
    /// A sentence of the kernel's, or about a file or table that is not as it should be.
    pub fn plan(&self, setup: &KernelSetup) -> Result<LoadedKernel, Refusal> {
        Ok(match self.interface {
            Interface::CortexKernel => LoadedKernel::Own(OwnKernel::plan(self, setup)?),
            Interface::Plugin2 | Interface::Plugin3 => {
                LoadedKernel::Plugin(PluginKernel::plan(self, setup)?)
            }
        })
    }

    /// Has a kernel learn from `windows` windows of float32 data and returns its trained state, as
    /// [`KernelSetup::state`] reads it.
    ///
    /// # Errors
    /// A sentence of the kernel's, or that it cannot be trained.
    pub fn train(
        &self,
        setup: &KernelSetup,
        data: &[f32],
        labels: Option<&[i32]>,
    ) -> Result<Vec<u8>, Refusal> {
        let window = setup.max_input_values();
        let whole = window > 0 && !data.is_empty() && data.len().is_multiple_of(window);
        if !whole || labels.is_some_and(|labels| labels.len() != data.len() / window) {
            return Err(Refusal::new("training data must be whole windows with a label each"));
        }
        match self.interface {
            Interface::CortexKernel => own::train(self, setup, data, labels),
            Interface::Plugin2 | Interface::Plugin3 => plugin::train(self, setup, data),
        }
    }
}

/// A kernel of a library, ready to run.
pub enum LoadedKernel {
    /// Of `cortex_kernel.h`.
    Own(OwnKernel),
    /// Of `cortex_plugin.h`.
    Plugin(PluginKernel),
}

impl LoadedKernel {
    /// Shape of its output.
    #[must_use]
    pub fn output(&self) -> OutputShape {
        match self {
            LoadedKernel::Own(kernel) => kernel.output(),
            LoadedKernel::Plugin(kernel) => kernel.output(),
        }
    }

    /// Puts the kernel into the state before the first sample.
    ///
    /// # Errors
    /// The kernel's sentence.
    pub fn reset(&mut self) -> Result<(), Refusal> {
        match self {
            LoadedKernel::Own(kernel) => kernel.reset(),
            LoadedKernel::Plugin(kernel) => kernel.reset(),
        }
    }

    /// Runs one window: `rows` rows of `input`, samples of the setup's type, and as many output
    /// values of that type as [`LoadedKernel::output`] says. Returns the kernel's status.
    ///
    /// # Panics
    /// When a slice is shorter than that or not aligned to its samples, or before the first reset.
    pub fn process(&mut self, input: &[u8], rows: u32, output: &mut [u8]) -> i32 {
        match self {
            LoadedKernel::Own(kernel) => kernel.process(input, rows, output),
            LoadedKernel::Plugin(kernel) => kernel.process(input, rows, output),
        }
    }

    /// What a status other than 0 means.
    #[must_use]
    pub fn describe(&self, status: i32) -> String {
        match self {
            LoadedKernel::Own(kernel) => kernel.describe(status),
            LoadedKernel::Plugin(_) => format!("status {status}"),
        }
    }

    /// Samples met as missing since the last reset, when the kernel counts them.
    #[must_use]
    pub fn missing_samples(&self) -> Option<u32> {
        match self {
            LoadedKernel::Own(kernel) => kernel.missing_samples(),
            LoadedKernel::Plugin(_) => None,
        }
    }
}
