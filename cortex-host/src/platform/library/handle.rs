//! A loaded library, and what both interfaces need to call it.

use std::ffi::{CStr, c_char};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Interface, KernelSetup, OutputShape, Refusal};
use crate::base::steers;

/// The most characters read of a text in a library.
const MAX_TEXT: usize = 1000;

/// A loaded library. It stays loaded while this or one of its kernels lives.
#[derive(Clone)]
pub struct Library {
    pub(super) inner: Arc<libloading::Library>,
    pub(super) interface: Interface,
    pub(super) path: PathBuf,
}

impl Library {
    /// Loads the library at `path`, which must be absolute, and finds out which interface it speaks.
    ///
    /// # Errors
    /// A sentence: the file cannot be loaded, or exports none of the symbols known.
    pub fn open(path: &Path) -> Result<Self, Refusal> {
        #[cfg(target_os = "linux")]
        super::elf::check(path)
            .map_err(|what| Refusal::new(format!("cannot load {}: {what}", path.display())))?;
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
                 cortex_process and cortex_teardown (cortex_plugin.h), so it is no kernel; export \
                 kernels with CORTEX_EXPORT_KERNELS in C and C++ or export_kernels! in Rust",
                path.display()
            )));
        };
        Ok(Self { inner: Arc::new(inner), interface, path: path.to_owned() })
    }
}

/// Checks the slices of a call of `process` once for both interfaces: foreign code is about to
/// trust them.
pub(super) fn check_slices(
    setup: &KernelSetup,
    shape: OutputShape,
    input: &[u8],
    rows: u32,
    output: &[u8],
) {
    let bytes = setup.dtype.bytes();
    assert!(rows >= 1 && rows <= setup.window, "{rows} rows");
    assert!(input.len() >= rows as usize * setup.channels as usize * bytes, "input too short");
    assert!(output.len() >= shape.values(rows) * bytes, "output too short");
    assert!(input.as_ptr().addr().is_multiple_of(bytes), "input not aligned");
    assert!(output.as_ptr().addr().is_multiple_of(bytes), "output not aligned");
}

/// Loads with all symbols resolved at once and kept to the library: several of the original's
/// export helpers of one name.
fn load(path: &Path) -> Result<libloading::Library, libloading::Error> {
    #[cfg(unix)]
    {
        use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

        // SAFETY: loading runs the library's initialisers, which is what the user asked for by
        // naming it; see the module.
        unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map(Into::into)
    }
    #[cfg(not(unix))]
    // SAFETY: as above. Symbols are always kept to their library here.
    unsafe {
        libloading::Library::new(path)
    }
}

/// The text at `pointer`, without control characters; empty for null.
///
/// # Safety
/// `pointer` must be null or point to bytes that end with a zero byte.
pub(super) unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(pointer) }.to_string_lossy();
    text.chars().take(MAX_TEXT).map(|c| if steers(c) { ' ' } else { c }).collect()
}
