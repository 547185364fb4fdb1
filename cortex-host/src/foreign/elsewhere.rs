//! Kernels of a user's own on other systems than Linux: libraries are loaded into this process, and
//! what cannot be offered is refused by name.

use std::path::Path;
use std::time::Duration;

#[cfg(not(unix))]
use super::CommandSetup;
use super::Launcher;
use crate::harness::{Clock, Device, WindowDone, WindowFault};
use crate::platform::library::{KernelSetup, Library, LibraryDescription, OutputShape, Refusal};

/// What the library at `path` (absolute) says about itself.
///
/// # Errors
/// [`Refusal`]: it is no library of kernels.
pub fn describe(path: &Path, _launcher: &Launcher) -> Result<LibraryDescription, Refusal> {
    Library::open(path)?.describe()
}

/// Loads and plans a kernel; gives its output's shape.
///
/// # Errors
/// [`Refusal`]: a sentence of the kernel's.
pub fn try_out(
    setup: &KernelSetup,
    _deadline: Duration,
    _launcher: &Launcher,
) -> Result<OutputShape, Refusal> {
    Library::open(&setup.library)?.plan(setup).map(|kernel| kernel.output())
}

/// Has a kernel learn from the whole windows of float32 samples in the file `data`, and writes its
/// trained state to `output`; returns the state's size in bytes.
///
/// # Errors
/// [`Refusal`]: the kernel's sentence, or a file that cannot be read or written.
pub fn train(
    setup: &KernelSetup,
    data: &Path,
    labels: Option<Vec<i32>>,
    output: &Path,
    _launcher: &Launcher,
) -> Result<u64, Refusal> {
    super::training::train(setup, data, labels.as_deref(), output)
}

/// A foreign kernel in a process of its own: not on this system.
#[derive(Debug)]
pub enum KernelProcess {}

impl KernelProcess {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn open(
        _setup: &KernelSetup,
        _deadline: Duration,
        _launcher: &Launcher,
    ) -> Result<Self, Refusal> {
        Err(Refusal::new("a process of its own is offered on Linux only; set isolation: none"))
    }

    /// Shape of the kernel's output.
    #[must_use]
    pub fn output(&self) -> OutputShape {
        match *self {}
    }
}

/// A program as a kernel: not on this system.
#[cfg(not(unix))]
#[derive(Debug)]
pub enum CommandKernel {}

#[cfg(not(unix))]
impl CommandKernel {
    /// Refuses.
    ///
    /// # Errors
    /// Always.
    pub fn open(
        _setup: &CommandSetup,
        _deadline: Duration,
        _grace: Duration,
    ) -> Result<Self, Refusal> {
        Err(Refusal::new("a command as a kernel is offered on Linux and macOS only"))
    }
}

/// A device that cannot exist.
macro_rules! never_a_device {
    ($name:ident) => {
        impl Device for $name {
            fn adapter_name(&self) -> &str {
                match *self {}
            }

            fn max_output_len(&self) -> usize {
                match *self {}
            }

            fn reset(&mut self) -> Result<(), WindowFault> {
                match *self {}
            }

            fn run_window(
                &mut self,
                _index: u64,
                _input: &[f32],
                _output: &mut [f32],
                _clock: &dyn Clock,
            ) -> Result<WindowDone, WindowFault> {
                match *self {}
            }
        }
    };
}

never_a_device!(KernelProcess);
#[cfg(not(unix))]
never_a_device!(CommandKernel);
