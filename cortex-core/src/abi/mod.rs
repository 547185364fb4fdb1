//! The interface to kernels of a user's own, `cortex_kernel.h`, as Rust sees it.
//!
//! One interface for C, C++ and Rust, for a shared library on a desktop and for a firmware image:
//! a library exports the symbol [`SYMBOL`], a [`CLibrary`] that lists one [`CKernel`] per kernel.
//! `docs/reference/kernel-abi.md` is the specification; a test compiles the header and compares
//! each offset with these structures. Nothing here calls or dereferences anything:
//! whoever does (the host's loader, a firmware image, [`export_kernels!`](crate::export_kernels)
//! in the user's crate) argues for it there.

pub mod export;

use core::ffi::{c_char, c_void};

/// The text of `cortex_kernel.h`.
pub const HEADER: &str = include_str!("../../c/cortex_kernel.h");

/// Version of the interface: `CORTEX_KERNEL_ABI`.
pub const VERSION: u32 = 1;

/// Name of the exported [`CLibrary`].
pub const SYMBOL: &str = "cortex_kernels";

/// Status of a call that succeeded.
pub const OK: i32 = 0;

/// Alignment of a kernel's memory in bytes.
pub const MEMORY_ALIGNMENT: usize = 16;

/// Sample type `float`, in microvolts.
pub const F32: u32 = 1;
/// Sample type `int16_t`, in steps of `scale_uv`.
pub const Q15: u32 = 2;
/// Sample type `int32_t`, in steps of `scale_uv`.
pub const Q31: u32 = 8;

/// [`CKernel::output`]: a row per input row.
pub const OUTPUT_ROWS: u32 = 0;
/// [`CKernel::output`]: one result per call.
pub const OUTPUT_RESULT: u32 = 1;

/// Bit of [`CKernel::feeds`]: the first window, then each hop's new rows.
pub const FEED_HOPS: u32 = 1;
/// Bit of [`CKernel::feeds`]: the whole window every time.
pub const FEED_WINDOWS: u32 = 2;

/// Bit of [`CKernel::flags`]: the same input gives the same output bits on every target.
pub const BIT_EXACT: u32 = 1;

/// [`CParameter::kind`]: a number.
pub const NUMBER: u32 = 0;
/// [`CParameter::kind`]: a whole number.
pub const COUNT: u32 = 1;
/// [`CParameter::kind`]: the position of a word in [`CParameter::choices`].
pub const CHOICE: u32 = 2;

/// [`CLayout::parameter_at_fault`] when no parameter is.
pub const NO_PARAMETER: u32 = u32::MAX;

/// `cortex_kernel_parameter`. Texts end with a zero byte.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CParameter {
    /// Key in configurations.
    pub name: *const c_char,
    /// Unit; empty for none.
    pub unit: *const c_char,
    /// One sentence.
    pub doc: *const c_char,
    /// Words with `|` between them for [`CHOICE`]; else null.
    pub choices: *const c_char,
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// Value when none is given; NaN: the kernel decides and is passed NaN.
    pub default_value: f64,
    /// [`NUMBER`], [`COUNT`] or [`CHOICE`].
    pub kind: u32,
    /// 0.
    pub reserved: u32,
}

/// `cortex_kernel_config`: what a kernel is run with.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CConfig {
    /// Bytes of the structure.
    pub struct_size: u32,
    /// Number of channels, at least 1.
    pub channels: u32,
    /// Samples per window, at least 1.
    pub window: u32,
    /// New samples per window, at most the window.
    pub hop: u32,
    /// Sample rate in Hz.
    pub sample_rate_hz: f64,
    /// Microvolts per step; 1 with [`F32`].
    pub scale_uv: f64,
    /// [`F32`], [`Q15`] or [`Q31`].
    pub dtype: u32,
    /// Length of `parameters`.
    pub parameter_count: u32,
    /// Values in the table's order.
    pub parameters: *const f64,
    /// What `train` wrote, or null.
    pub trained: *const c_void,
    /// Bytes of `trained`.
    pub trained_bytes: u32,
    /// 0.
    pub reserved: u32,
}

/// `cortex_kernel_layout`: what `plan` answers.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CLayout {
    /// Bytes of the structure.
    pub struct_size: u32,
    /// Bytes of memory the kernel needs, aligned to [`MEMORY_ALIGNMENT`].
    pub memory_bytes: u32,
    /// Rows of a result; unused with [`OUTPUT_ROWS`].
    pub output_rows: u32,
    /// Values per output row, at least 1.
    pub output_columns: u32,
    /// On an error: the parameter's position, or [`NO_PARAMETER`].
    pub parameter_at_fault: u32,
    /// 0.
    pub reserved: u32,
}

impl CLayout {
    /// As the host hands it to `plan`.
    pub const EMPTY: Self = Self {
        struct_size: size_of::<Self>() as u32,
        memory_bytes: 0,
        output_rows: 0,
        output_columns: 0,
        parameter_at_fault: NO_PARAMETER,
        reserved: 0,
    };
}

/// `plan` of [`CKernel`].
pub type CPlan = unsafe extern "C" fn(*const CConfig, *mut CLayout) -> i32;
/// `reset` of [`CKernel`].
pub type CReset = unsafe extern "C" fn(*const CConfig, *mut c_void) -> i32;
/// `process` of [`CKernel`].
pub type CProcess =
    unsafe extern "C" fn(*const CConfig, *mut c_void, *const c_void, u32, *mut c_void) -> i32;
/// `missing_samples` of [`CKernel`].
pub type CMissingSamples = unsafe extern "C" fn(*const CConfig, *const c_void) -> u32;
/// `train` of [`CKernel`].
pub type CTrain = unsafe extern "C" fn(
    *const CConfig,
    *const c_void,
    u32,
    *const i32,
    *mut c_void,
    *mut u32,
) -> i32;
/// `describe` of [`CKernel`].
pub type CDescribe = unsafe extern "C" fn(i32) -> *const c_char;

/// `cortex_kernel`: one kernel's table. The header says what each function does.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CKernel {
    /// Bytes of the structure: fields beyond it are absent.
    pub struct_size: u32,
    /// [`OUTPUT_ROWS`] or [`OUTPUT_RESULT`].
    pub output: u32,
    /// [`FEED_HOPS`] and [`FEED_WINDOWS`].
    pub feeds: u32,
    /// [`F32`], [`Q15`] and [`Q31`].
    pub dtypes: u32,
    /// [`BIT_EXACT`].
    pub flags: u32,
    /// Length of `parameters`.
    pub parameter_count: u32,
    /// Bytes of one [`CParameter`].
    pub parameter_size: u32,
    /// 0.
    pub reserved: u32,
    /// Name in configurations.
    pub name: *const c_char,
    /// One line.
    pub summary: *const c_char,
    /// Unit of the output.
    pub output_unit: *const c_char,
    /// Names of the output's columns with commas between them; empty for none.
    pub output_names: *const c_char,
    /// The parameters.
    pub parameters: *const CParameter,
    /// Checks a configuration and sizes memory and output.
    pub plan: Option<CPlan>,
    /// Puts memory into the state before the first sample.
    pub reset: Option<CReset>,
    /// Runs a window.
    pub process: Option<CProcess>,
    /// Optional: missing samples since the last reset.
    pub missing_samples: Option<CMissingSamples>,
    /// Optional: learns from data.
    pub train: Option<CTrain>,
    /// Optional: the text of an error.
    pub describe: Option<CDescribe>,
}

/// `cortex_kernel_library`: the type of [`SYMBOL`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CLibrary {
    /// [`VERSION`].
    pub abi: u32,
    /// Bytes of the structure.
    pub struct_size: u32,
    /// Length of `kernels`.
    pub kernel_count: u32,
    /// 0.
    pub reserved: u32,
    /// The tables.
    pub kernels: *const *const CKernel,
}
