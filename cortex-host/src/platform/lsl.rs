//! Lab Streaming Layer: outlets of liblsl, which is loaded while the program runs.
//!
//! Source: liblsl's C interface (`lsl_c.h`, version 1.13 and later), which never changed what is
//! used here. Whoever has no use for it needs no liblsl.

use std::ffi::{CString, OsString, c_char, c_int, c_ulong, c_void};
use std::ptr::{NonNull, null_mut};
use std::sync::Arc;

/// `cft_float32` and `cft_string` of `lsl_channel_format_t`.
const FLOAT32: c_int = 1;
const STRING: c_int = 3;
/// Rate of a stream without one (`LSL_IRREGULAR_RATE`).
const IRREGULAR: f64 = 0.0;
/// Seconds of data that are kept for an inlet that is slow to take them: liblsl's own default.
const MOST_BUFFERED_S: c_int = 360;

/// Names the library, as pylsl has it.
pub const VARIABLE: &str = "PYLSL_LIB";

#[cfg(target_os = "windows")]
const NAMES: &[&str] = &["lsl.dll", "liblsl64.dll"];
#[cfg(target_os = "macos")]
const NAMES: &[&str] =
    &["liblsl.dylib", "/opt/homebrew/lib/liblsl.dylib", "/usr/local/lib/liblsl.dylib"];
#[cfg(not(any(target_os = "windows", target_os = "macos")))]
const NAMES: &[&str] = &["liblsl.so.2", "liblsl.so"];

type Pointer = *mut c_void;

/// The functions used, and the library that they stand in.
struct Functions {
    create_streaminfo: unsafe extern "C" fn(
        *const c_char,
        *const c_char,
        c_int,
        f64,
        c_int,
        *const c_char,
    ) -> Pointer,
    destroy_streaminfo: unsafe extern "C" fn(Pointer),
    get_desc: unsafe extern "C" fn(Pointer) -> Pointer,
    append_child: unsafe extern "C" fn(Pointer, *const c_char) -> Pointer,
    append_child_value: unsafe extern "C" fn(Pointer, *const c_char, *const c_char) -> Pointer,
    create_outlet: unsafe extern "C" fn(Pointer, c_int, c_int) -> Pointer,
    destroy_outlet: unsafe extern "C" fn(Pointer),
    push_chunk: unsafe extern "C" fn(Pointer, *const f32, c_ulong, f64, c_int) -> c_int,
    push_text: unsafe extern "C" fn(Pointer, *const *const c_char, f64, c_int) -> c_int,
    have_consumers: unsafe extern "C" fn(Pointer) -> c_int,
    local_clock: unsafe extern "C" fn() -> f64,
    library_version: unsafe extern "C" fn() -> c_int,
    _library: libloading::Library,
}

/// liblsl, loaded. Clones share it.
#[derive(Clone)]
pub struct Lsl(Arc<Functions>);

/// What a stream says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamInfo<'a> {
    /// The stream's name.
    pub name: &'a str,
    /// Its content: `EEG`, `Markers`, ...
    pub content_type: &'a str,
    /// What an inlet finds the stream again by after a restart.
    pub source_id: &'a str,
    /// One label per channel of samples in microvolts; empty for a stream of texts.
    pub labels: &'a [String],
    /// Samples per second in Hz; of no meaning for texts.
    pub sample_rate_hz: f64,
}

/// A stream that others can receive, until it is dropped.
pub struct Outlet {
    lsl: Lsl,
    outlet: NonNull<c_void>,
    channels: usize,
}

impl Lsl {
    /// Loads the library at `path`, or the one that [`VARIABLE`] names, or the system's.
    ///
    /// # Errors
    /// A sentence that says how to get it.
    pub fn load(path: Option<OsString>) -> Result<Self, String> {
        let named = path.or_else(|| std::env::var_os(VARIABLE).filter(|path| !path.is_empty()));
        let names = match named {
            Some(path) => vec![path],
            None => NAMES.iter().map(OsString::from).collect(),
        };
        let mut causes = Vec::new();
        for name in &names {
            // SAFETY: loading runs the library's initialisers, which is what the user asked for by
            // naming it, or by installing a library of this name.
            let loaded = unsafe { libloading::Library::new(name) };
            let functions = loaded.and_then(|library| {
                // SAFETY: the signatures above are those of lsl_c.h.
                unsafe { Functions::of(library) }
            });
            match functions {
                Ok(functions) => return Ok(Self(Arc::new(functions))),
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    causes.push(cause.unwrap_or_else(|| error.to_string()));
                }
            }
        }
        Err(format!(
            "liblsl cannot be loaded ({}); get it from https://github.com/sccn/liblsl/releases, with \
             `conda install -c conda-forge liblsl` or `pip install pylsl`, and name its file with \
             --liblsl or the environment variable {VARIABLE}",
            causes.join("; ")
        ))
    }

    /// The library's version, such as `1.16`.
    #[must_use]
    pub fn version(&self) -> String {
        // SAFETY: takes nothing.
        let version = unsafe { (self.0.library_version)() };
        format!("{}.{}", version / 100, version % 100)
    }

    /// The clock that every time stamp is of, in seconds.
    #[must_use]
    pub fn clock_s(&self) -> f64 {
        // SAFETY: takes nothing.
        unsafe { (self.0.local_clock)() }
    }
}

impl Outlet {
    /// A stream that can be found from now on.
    ///
    /// # Errors
    /// A sentence: a text holds a zero byte, or liblsl refuses.
    pub fn new(lsl: &Lsl, info: &StreamInfo<'_>) -> Result<Self, String> {
        let functions = &lsl.0;
        let name = text(info.name)?;
        let content_type = text(info.content_type)?;
        let source_id = text(info.source_id)?;
        let (channels, rate_hz, format) = match info.labels.len() {
            0 => (1, IRREGULAR, STRING),
            channels => (channels, info.sample_rate_hz, FLOAT32),
        };
        let count = c_int::try_from(channels).map_err(|_| format!("{channels} channels"))?;
        // SAFETY: the texts end with a zero byte and live until the call returns; it copies them.
        let stream = unsafe {
            (functions.create_streaminfo)(
                name.as_ptr(),
                content_type.as_ptr(),
                count,
                rate_hz,
                format,
                source_id.as_ptr(),
            )
        };
        let stream = NonNull::new(stream).ok_or("liblsl cannot describe the stream")?;
        let described = describe(functions, stream, info.labels);
        // SAFETY: `stream` was just made; the outlet keeps a copy of it.
        let outlet = unsafe { (functions.create_outlet)(stream.as_ptr(), 0, MOST_BUFFERED_S) };
        // SAFETY: made above, and not used from here on.
        unsafe { (functions.destroy_streaminfo)(stream.as_ptr()) };
        let outlet = NonNull::new(outlet).ok_or("liblsl cannot open an outlet")?;
        let outlet = Self { lsl: lsl.clone(), outlet, channels };
        described.map(|()| outlet)
    }

    /// Sends whole rows of samples, the last of them taken at `time_s` of [`Lsl::clock_s`].
    ///
    /// # Errors
    /// A sentence with liblsl's number for what went wrong.
    ///
    /// # Panics
    /// `rows` is no whole number of rows.
    pub fn push_rows(&mut self, rows: &[f32], time_s: f64) -> Result<(), String> {
        assert!(rows.len().is_multiple_of(self.channels), "{} values", rows.len());
        let values = c_ulong::try_from(rows.len()).map_err(|_| "a chunk too large".to_owned())?;
        // SAFETY: the outlet lives; `rows` holds so many values, a multiple of the channels, and is
        // copied.
        let code = unsafe {
            (self.lsl.0.push_chunk)(self.outlet.as_ptr(), rows.as_ptr(), values, time_s, 1)
        };
        refused(code)
    }

    /// Sends a text.
    ///
    /// # Errors
    /// As [`Outlet::push_rows`].
    pub fn push_text(&mut self, marker: &str, time_s: f64) -> Result<(), String> {
        let marker = text(marker)?;
        let sample = [marker.as_ptr()];
        // SAFETY: the outlet lives and has one channel of texts, unless it was made of labels, which
        // liblsl refuses with a code; the text is copied.
        refused(unsafe { (self.lsl.0.push_text)(self.outlet.as_ptr(), sample.as_ptr(), time_s, 1) })
    }

    /// Whether anybody receives the stream.
    #[must_use]
    pub fn has_consumers(&self) -> bool {
        // SAFETY: the outlet lives.
        unsafe { (self.lsl.0.have_consumers)(self.outlet.as_ptr()) != 0 }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        // SAFETY: the outlet lives until here.
        unsafe { (self.lsl.0.destroy_outlet)(self.outlet.as_ptr()) };
    }
}

impl Functions {
    /// # Safety
    /// The library's functions of these names must have these signatures.
    unsafe fn of(library: libloading::Library) -> Result<Self, libloading::Error> {
        // SAFETY: the caller's promise; the pointers live as long as the library beside them.
        unsafe {
            Ok(Self {
                create_streaminfo: *library.get("lsl_create_streaminfo")?,
                destroy_streaminfo: *library.get("lsl_destroy_streaminfo")?,
                get_desc: *library.get("lsl_get_desc")?,
                append_child: *library.get("lsl_append_child")?,
                append_child_value: *library.get("lsl_append_child_value")?,
                create_outlet: *library.get("lsl_create_outlet")?,
                destroy_outlet: *library.get("lsl_destroy_outlet")?,
                push_chunk: *library.get("lsl_push_chunk_ftp")?,
                push_text: *library.get("lsl_push_sample_strtp")?,
                have_consumers: *library.get("lsl_have_consumers")?,
                local_clock: *library.get("lsl_local_clock")?,
                library_version: *library.get("lsl_library_version")?,
                _library: library,
            })
        }
    }
}

/// Says who made the stream, and which channels it has, in the form that receivers know
/// (`channels/channel/label`, `unit`, `type`).
fn describe(
    functions: &Functions,
    stream: NonNull<c_void>,
    labels: &[String],
) -> Result<(), String> {
    let mut all = Vec::new();
    for label in labels {
        all.push(text(label)?);
    }
    // SAFETY: `stream` lives, and with it the tree that `get_desc` points into; the texts end with a
    // zero byte and are copied.
    unsafe {
        let top = (functions.get_desc)(stream.as_ptr());
        let put = |place: Pointer, key: &std::ffi::CStr, value: &std::ffi::CStr| {
            (functions.append_child_value)(place, key.as_ptr(), value.as_ptr());
        };
        put(top, c"manufacturer", c"CORTEX-rs");
        let channels = match all.is_empty() {
            true => null_mut(),
            false => (functions.append_child)(top, c"channels".as_ptr()),
        };
        for label in &all {
            let channel = (functions.append_child)(channels, c"channel".as_ptr());
            put(channel, c"label", label);
            put(channel, c"unit", c"microvolts");
            put(channel, c"type", c"EEG");
        }
    }
    Ok(())
}

fn text(text: &str) -> Result<CString, String> {
    CString::new(text).map_err(|_| format!("{text:?} holds a zero byte, which no stream can send"))
}

fn refused(code: c_int) -> Result<(), String> {
    match code {
        0 => Ok(()),
        code => Err(format!("liblsl refuses to send (error {code})")),
    }
}
