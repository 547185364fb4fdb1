//! Shared libraries with kernels of a user's own, called through a C interface.
//!
//! Foreign code can do anything to the process it runs in, and nothing here can prevent it. That is
//! why it runs in a child process unless the user asks for the opposite ([`crate::foreign`]). What
//! this module promises is that *our* side of the interface is kept: structures of the right
//! layout, buffers of the length and alignment promised, calls in the order promised, on one thread.
//!
//! `own` speaks `cortex_kernel.h`, `plugin` the original CORTEX's `cortex_plugin.h`, ABI 2 and 3.

mod description;
mod memory;
mod own;
mod plugin;
mod setup;

use std::ffi::{CStr, c_char};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use description::{
    Dtype, Feed, Interface, KernelDescription, LibraryDescription, ParameterDescription,
    ParameterKind,
};
pub use memory::AlignedBytes;
pub use setup::{KernelSetup, OutputShape, Parameters, Refusal};

use own::OwnKernel;
use plugin::PluginKernel;

/// The most characters read of a text in a library.
const MAX_TEXT: usize = 1000;

/// A loaded library. It stays loaded while this or one of its kernels lives.
#[derive(Clone)]
pub struct Library {
    inner: Arc<libloading::Library>,
    interface: Interface,
    path: PathBuf,
}

impl Library {
    /// Loads the library at `path`, which must be absolute, and finds out which interface it speaks.
    ///
    /// # Errors
    /// A sentence: the file cannot be loaded, or exports none of the symbols known.
    pub fn open(path: &Path) -> Result<Self, Refusal> {
        let inner = load(path).map_err(|error| {
            // The system's sentence is the cause of the crate's, and names the file mostly.
            let cause = std::error::Error::source(&error)
                .map_or(String::new(), |cause| format!(": {cause}"));
            Refusal::new(format!("cannot load {} ({error}{cause})", path.display()))
        })?;
        let has = |symbol: &str| {
            // SAFETY: the symbol is only looked up; nothing is done with the pointer.
            unsafe { inner.get::<*const ()>(symbol) }.is_ok()
        };
        let interface = if has(cortex_core::abi::SYMBOL) {
            Interface::CortexKernel
        } else if ["cortex_init", "cortex_process", "cortex_teardown"].into_iter().all(has) {
            if has("cortex_calibrate") { Interface::Plugin3 } else { Interface::Plugin2 }
        } else {
            return Err(Refusal::new(format!(
                "{} exports neither cortex_kernels (cortex_kernel.h) nor cortex_init, \
                 cortex_process and cortex_teardown (cortex_plugin.h), so it is no kernel",
                path.display()
            )));
        };
        Ok(Self { inner: Arc::new(inner), interface, path: path.to_owned() })
    }

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

/// Checks the slices of a call of `process` once for both interfaces: foreign code is about to
/// trust them.
fn check_slices(setup: &KernelSetup, shape: OutputShape, input: &[u8], rows: u32, output: &[u8]) {
    let bytes = setup.dtype.bytes();
    assert!(rows >= 1 && rows <= setup.window, "{rows} rows");
    assert!(input.len() >= rows as usize * setup.channels as usize * bytes, "input too short");
    assert!(output.len() >= shape.values(rows) * bytes, "output too short");
    assert!(input.as_ptr().addr().is_multiple_of(bytes), "input not aligned");
    assert!(output.as_ptr().addr().is_multiple_of(bytes), "output not aligned");
}

/// Loads with all symbols resolved at once and kept to the library: several of the original's
/// export helpers of one name.
#[cfg(unix)]
fn load(path: &Path) -> Result<libloading::Library, libloading::Error> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

    // SAFETY: loading runs the library's initialisers, which is what the user asked for by naming it;
    // see the module.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map(Into::into)
}

/// Loads the library.
#[cfg(not(unix))]
fn load(path: &Path) -> Result<libloading::Library, libloading::Error> {
    // SAFETY: loading runs the library's initialisers, which is what the user asked for by naming it;
    // see the module.
    unsafe { libloading::Library::new(path) }
}

/// The text at `pointer`, without control characters; empty for null.
///
/// # Safety
/// `pointer` must be null or point to bytes that end with a zero byte.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(pointer) }.to_string_lossy();
    text.chars().take(MAX_TEXT).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
