//! Kernels of the original CORTEX: `cortex_plugin.h`, ABI 2 and 3, as its libraries really are.
//!
//! A library is one kernel, `lib<name>.so`. `cortex_init` makes a handle, `cortex_process` takes
//! the whole window of window x channels values every hop and cannot fail, `cortex_teardown` frees the
//! handle; there is no reset, so a repeat begins with a new handle. Libraries without
//! `cortex_calibrate` accept only version 2 in the configuration, those with it only 3.

use std::ffi::{CString, c_void};
use std::path::Path;
use std::ptr;

use super::handle::check_slices;
use super::{
    AlignedBytes, Dtype, Feed, Interface, KernelDescription, KernelSetup, Library, OutputShape,
    Parameters, Refusal,
};

/// First word of a state file: "CORT" read as a big-endian number.
const STATE_MAGIC: u32 = 0x434F_5254;
/// Second word: the ABI version.
const STATE_ABI: u32 = 3;
/// Bytes before the payload of a state file.
const STATE_HEADER_BYTES: usize = 16;

/// `cortex_plugin_config_t`: 64 bytes on LP64.
#[repr(C)]
struct PluginConfig {
    abi_version: u32,
    struct_size: u32,
    sample_rate_hz: u32,
    window_length_samples: u32,
    hop_samples: u32,
    channels: u32,
    dtype: u32,
    allow_in_place: u8,
    reserved0: [u8; 3],
    kernel_params: *const c_void,
    kernel_params_size: u32,
    calibration_state: *const c_void,
    calibration_state_size: u32,
}

/// `cortex_init_result_t`: 24 bytes on LP64.
#[repr(C)]
struct InitResult {
    handle: *mut c_void,
    output_window_length_samples: u32,
    output_channels: u32,
    capabilities: u32,
}

/// `cortex_calibration_result_t`: 16 bytes on LP64.
#[repr(C)]
struct CalibrationResult {
    calibration_state: *mut c_void,
    state_size_bytes: u32,
    state_version: u32,
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<PluginConfig>() == 64);
    assert!(std::mem::offset_of!(PluginConfig, kernel_params) == 32);
    assert!(std::mem::offset_of!(PluginConfig, calibration_state) == 48);
    assert!(size_of::<InitResult>() == 24);
    assert!(size_of::<CalibrationResult>() == 16);
};

type Init = unsafe extern "C" fn(*const PluginConfig) -> InitResult;
type Process = unsafe extern "C" fn(*mut c_void, *const c_void, *mut c_void);
type Teardown = unsafe extern "C" fn(*mut c_void);
type Calibrate = unsafe extern "C" fn(*const PluginConfig, *const c_void, u32) -> CalibrationResult;

/// What can be known of a library without running it: next to nothing.
pub(super) fn describe(library: &Library) -> KernelDescription {
    let file = library.path.file_stem().unwrap_or_default().to_string_lossy();
    KernelDescription {
        name: file.strip_prefix("lib").unwrap_or(&file).to_owned(),
        summary: "a kernel of the original CORTEX".to_owned(),
        result_per_window: None,
        output_unit: String::new(),
        output_names: Vec::new(),
        feeds: vec![Feed::Windows],
        dtypes: vec![Dtype::F32, Dtype::Q15],
        bit_exact: false,
        trainable: library.interface == Interface::Plugin3,
        parameters: None,
    }
}

/// The configuration, and what it points to.
struct Configured {
    config: Box<PluginConfig>,
    _params: CString,
    _state: AlignedBytes,
}

fn configure(library: &Library, setup: &KernelSetup) -> Result<Configured, Refusal> {
    let Parameters::Text(text) = &setup.parameters else {
        return Err(Refusal::new("a kernel of the original CORTEX takes its parameters as text"));
    };
    let params = CString::new(text.as_str())
        .map_err(|_| Refusal::new("the parameters contain a zero byte"))?;
    let rate = setup.sample_rate_hz;
    if rate.fract() != 0.0 || rate > f64::from(u32::MAX) {
        return Err(Refusal::new(format!(
            "the original's interface takes whole sample rates in Hz, and this one is {rate}"
        )));
    }
    let state = match &setup.state {
        None => AlignedBytes::zeroed(0),
        Some(path) => read_state(path)?,
    };
    let config = Box::new(PluginConfig {
        abi_version: if library.interface == Interface::Plugin3 { 3 } else { 2 },
        struct_size: size_of::<PluginConfig>() as u32,
        sample_rate_hz: rate as u32,
        window_length_samples: setup.window,
        hop_samples: setup.hop,
        channels: setup.channels,
        dtype: setup.dtype.number(),
        allow_in_place: 0,
        reserved0: [0; 3],
        kernel_params: params.as_ptr().cast(),
        kernel_params_size: params.as_bytes().len() as u32,
        calibration_state: match state.bytes() {
            [] => ptr::null(),
            bytes => bytes.as_ptr().cast(),
        },
        calibration_state_size: state.bytes().len() as u32,
    });
    Ok(Configured { config, _params: params, _state: state })
}

/// The payload of a state file.
fn read_state(path: &Path) -> Result<AlignedBytes, Refusal> {
    let wrong = |what: String| Refusal::new(format!("the state {}: {what}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| wrong(format!("cannot be read ({error})")))?;
    let word = |index: usize| {
        bytes.as_chunks::<4>().0.get(index).map_or(0, |chunk| u32::from_le_bytes(*chunk))
    };
    if word(0) != STATE_MAGIC || word(1) != STATE_ABI {
        return Err(wrong("does not begin as a state file of the original CORTEX".to_owned()));
    }
    let payload = &bytes[STATE_HEADER_BYTES.min(bytes.len())..];
    if payload.len() != word(3) as usize {
        return Err(wrong(format!(
            "its header announces {} bytes and {} follow",
            word(3),
            payload.len()
        )));
    }
    let mut state = AlignedBytes::zeroed(payload.len());
    state.bytes_mut().copy_from_slice(payload);
    Ok(state)
}

/// A kernel ready to run.
pub struct PluginKernel {
    handle: *mut c_void,
    init: Init,
    process: Process,
    teardown: Teardown,
    configured: Configured,
    output: OutputShape,
    fresh: bool,
    setup: KernelSetup,
    /// Last, so that the code outlives everything that was made for it.
    _library: Library,
}

// SAFETY: the raw pointers are to what the kernel itself owns; the interface asks for one thread at a
// time, which `&mut self` gives.
unsafe impl Send for PluginKernel {}

impl PluginKernel {
    pub(super) fn plan(library: &Library, setup: &KernelSetup) -> Result<Self, Refusal> {
        let configured = configure(library, setup)?;
        // SAFETY: the symbols were found when the library was opened, and the original's header gives
        // them these types.
        let (init, process, teardown) = unsafe {
            (
                *library.inner.get::<Init>("cortex_init").map_err(unloadable)?,
                *library.inner.get::<Process>("cortex_process").map_err(unloadable)?,
                *library.inner.get::<Teardown>("cortex_teardown").map_err(unloadable)?,
            )
        };
        let (handle, output) = begin(init, &configured)?;
        Ok(Self {
            handle,
            init,
            process,
            teardown,
            configured,
            output,
            fresh: true,
            setup: setup.clone(),
            _library: library.clone(),
        })
    }

    pub(super) fn output(&self) -> OutputShape {
        self.output
    }

    pub(super) fn reset(&mut self) -> Result<(), Refusal> {
        if self.fresh {
            return Ok(());
        }
        self.end();
        let (handle, output) = begin(self.init, &self.configured)?;
        (self.handle, self.fresh) = (handle, true);
        if output != self.output {
            return Err(Refusal::new("its output has another shape after a second cortex_init"));
        }
        Ok(())
    }

    pub(super) fn process(&mut self, input: &[u8], rows: u32, output: &mut [u8]) -> i32 {
        check_slices(&self.setup, self.output, input, rows, output);
        assert!(rows == self.setup.window && !self.handle.is_null(), "a whole window, after reset");
        self.fresh = false;
        // SAFETY: the handle is live; the slices have the lengths that both sides agreed on, and a
        // borrow and a mutable borrow never overlap.
        unsafe { (self.process)(self.handle, input.as_ptr().cast(), output.as_mut_ptr().cast()) };
        0
    }

    fn end(&mut self) {
        let handle = std::mem::replace(&mut self.handle, ptr::null_mut());
        if !handle.is_null() {
            // SAFETY: the handle came from `cortex_init` and is given back once.
            unsafe { (self.teardown)(handle) };
        }
    }
}

impl Drop for PluginKernel {
    fn drop(&mut self) {
        self.end();
    }
}

fn unloadable(error: libloading::Error) -> Refusal {
    Refusal::new(error.to_string())
}

fn begin(init: Init, configured: &Configured) -> Result<(*mut c_void, OutputShape), Refusal> {
    // SAFETY: the configuration is laid out as the original's header says and outlives the handle.
    let result = unsafe { init(&raw const *configured.config) };
    if result.handle.is_null() {
        return Err(Refusal::new("cortex_init refused the configuration (it returned no handle)"));
    }
    let (rows, columns) = (result.output_window_length_samples, result.output_channels);
    let values = u64::from(rows) * u64::from(columns);
    if values == 0 || values > 1 << 28 {
        return Err(Refusal::new(format!("cortex_init announces an output of {rows} x {columns}")));
    }
    Ok((result.handle, OutputShape { rows: Some(rows), columns }))
}

/// Calibrates a kernel and returns a whole state file.
pub(super) fn train(
    library: &Library,
    setup: &KernelSetup,
    data: &[f32],
) -> Result<Vec<u8>, Refusal> {
    if library.interface != Interface::Plugin3 {
        return Err(Refusal::new(format!("kernel {} cannot be trained", setup.kernel)));
    }
    let configured = configure(library, setup)?;
    let windows = u32::try_from(data.len() / setup.max_input_values())
        .map_err(|_| Refusal::new("there are more than 2^32 windows"))?;
    // SAFETY: the symbol has this type in the original's header; the configuration and the data, whole
    // windows, live through the call.
    let result = unsafe {
        let calibrate = *library.inner.get::<Calibrate>("cortex_calibrate").map_err(unloadable)?;
        calibrate(&raw const *configured.config, data.as_ptr().cast(), windows)
    };
    if result.calibration_state.is_null() {
        return Err(Refusal::new("cortex_calibrate failed (it returned no state)"));
    }
    let size = result.state_size_bytes;
    let header = [STATE_MAGIC, STATE_ABI, result.state_version, size];
    let mut file: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
    // SAFETY: the kernel has allocated `size` bytes with malloc and left them to us.
    unsafe {
        let state = result.calibration_state.cast::<u8>();
        file.extend_from_slice(std::slice::from_raw_parts(state, size as usize));
        libc::free(result.calibration_state);
    }
    Ok(file)
}
