//! Rust kernels behind the C interface: what [`export_kernels!`](crate::export_kernels) expands to,
//! as far as it needs no `unsafe`.
//!
//! The macro's expansion lies in the user's crate, the only place where raw pointers of the host
//! become references. It is the thin border that it looks like: each function there turns pointers
//! into slices as the header promises them and calls a function of this module.

use core::ffi::c_char;
use core::marker::PhantomData;

use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use super::{
    CConfig, CHOICE, CLayout, COUNT, CParameter, F32, MEMORY_ALIGNMENT, NO_PARAMETER, NUMBER,
};
use crate::kernel::{Design, Info, Kernel, KernelError, KernelFault, KernelShape};
use crate::parameter::{DefaultValue, Kind, Parameter};

/// A kernel that can be exported: designed from parameters that have names.
pub trait Exported: Design<Params: DeserializeOwned> + 'static {}
impl<K: Design<Params: DeserializeOwned> + 'static> Exported for K {}

/// Statuses of `plan` and `process`, and what they mean.
const STATUSES: [(i32, &str); 12] = [
    (1, "a parameter or the shape lies outside its range\0"),
    (2, "a band's lower edge is not below its upper edge\0"),
    (3, "the notch is wider than the Nyquist frequency\0"),
    (4, "the length of a transform is not a power of two\0"),
    (5, "there are no bands\0"),
    (6, "the kernel needs more state than it may have\0"),
    (7, "a parameter has a value that the kernel cannot read\0"),
    (8, "the kernel takes float32 samples only\0"),
    (9, "the input is not a whole number of rows\0"),
    (10, "the output buffer is too short\0"),
    (11, "the state buffer is too short\0"),
    (12, "the kernel refused the window\0"),
];

/// What a status means, ending with a zero byte; empty for one that is not known.
#[must_use]
pub fn describe(status: i32) -> &'static str {
    STATUSES.iter().find(|(known, _)| *known == status).map_or("\0", |(_, text)| text)
}

/// The status of a window that failed.
#[must_use]
pub fn fault_status(fault: KernelFault) -> i32 {
    match fault {
        KernelFault::InputLength => 9,
        KernelFault::OutputLength => 10,
        KernelFault::StateLength => 11,
        KernelFault::Reported => 12,
    }
}

/// Designs a kernel for a configuration with these parameter values.
///
/// # Errors
/// A status, and the position of the parameter at fault or [`NO_PARAMETER`].
pub fn design<K: Exported>(config: &CConfig, values: &[f64]) -> Result<K, (i32, u32)> {
    if config.dtype != F32 {
        return Err((8, NO_PARAMETER));
    }
    let shape = KernelShape {
        channels: config.channels as usize,
        window: config.window as usize,
        hop: config.hop as usize,
        sample_rate_hz: config.sample_rate_hz,
    };
    let refused = |error: KernelError| {
        let parameters = K::INFO.parameters.iter();
        let at = parameters.take(values.len()).position(|p| p.name == error.parameter());
        (status(&error), at.map_or(NO_PARAMETER, |at| at as u32))
    };
    shape.check().map_err(refused)?;
    let values = Values { parameters: K::INFO.parameters, values, next: 0 };
    let params = serde::Deserialize::deserialize(values).map_err(|_| (7, NO_PARAMETER))?;
    let kernel = K::design(&params, shape).map_err(refused)?;
    if kernel.state_values() > crate::kernel::MAX_STATE_LEN {
        return Err((6, NO_PARAMETER));
    }
    Ok(kernel)
}

fn status(error: &KernelError) -> i32 {
    match error {
        KernelError::Parameter(_) => 1,
        KernelError::EmptyBand { .. } => 2,
        KernelError::NotchTooWide { .. } => 3,
        KernelError::NotPowerOfTwo { .. } => 4,
        KernelError::NoBands => 5,
        KernelError::StateTooLarge { .. } => 6,
        // Not of a kernel in single precision, which is what is exported.
        KernelError::NoFixedPoint { .. } | KernelError::FixedPointRange { .. } => 8,
    }
}

/// Where the state begins in a kernel's memory: the kernel itself lies before it.
#[must_use]
pub const fn state_offset<K>() -> usize {
    size_of::<K>().next_multiple_of(MEMORY_ALIGNMENT)
}

/// Fills a layout in for a designed kernel.
pub fn lay_out<K: Exported>(kernel: &K, config: &CConfig, layout: &mut CLayout) {
    let channels = config.channels as usize;
    let bytes = state_offset::<K>() + 4 * kernel.state_len();
    layout.memory_bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    if K::INFO.output.is_windowed() {
        let values = kernel.output_len(config.window as usize);
        let columns = if values.is_multiple_of(channels) { channels } else { values };
        layout.output_rows = (values / columns.max(1)) as u32;
        layout.output_columns = columns as u32;
    } else {
        layout.output_columns = (kernel.output_len(1)) as u32;
    }
}

/// Output values of a call with `rows` rows.
#[must_use]
pub fn output_len<K: Kernel>(kernel: &K, rows: u32) -> usize {
    kernel.output_len(rows as usize)
}

/// Bytes of all texts of `info`, each with a zero byte.
#[must_use]
pub const fn text_bytes(info: &Info<'_>) -> usize {
    let mut bytes = info.name.len() + info.summary.len() + info.output.unit().len() + 4;
    let mut index = 0;
    while index < info.parameters.len() {
        let Parameter { name, unit, doc, kind, .. } = &info.parameters[index];
        bytes += name.len() + unit.len() + doc.len() + choices_len(kind) + 4;
        index += 1;
    }
    bytes
}

const fn choices_len(kind: &Kind<'_>) -> usize {
    match kind {
        Kind::Choice(words) => {
            let (mut len, mut index) = (0, 0);
            while index < words.len() {
                len += words[index].len() + if index > 0 { 1 } else { 0 };
                index += 1;
            }
            len
        }
        _ => 0,
    }
}

/// The texts of `info` one after another: name, summary, unit, names of columns, then name, unit,
/// description and choices of each parameter.
#[must_use]
pub const fn texts<const N: usize>(info: &Info<'_>) -> [u8; N] {
    let mut bytes = [0; N];
    let mut at = put(&mut bytes, 0, info.name) + 1;
    at = put(&mut bytes, at, info.summary) + 1;
    at = put(&mut bytes, at, info.output.unit()) + 2;
    let mut index = 0;
    while index < info.parameters.len() {
        let Parameter { name, unit, doc, kind, .. } = &info.parameters[index];
        at = put(&mut bytes, at, name) + 1;
        at = put(&mut bytes, at, unit) + 1;
        at = put(&mut bytes, at, doc) + 1;
        if let Kind::Choice(words) = kind {
            let mut word = 0;
            while word < words.len() {
                if word > 0 {
                    at = put(&mut bytes, at, "|");
                }
                at = put(&mut bytes, at, words[word]);
                word += 1;
            }
        }
        at += 1;
        index += 1;
    }
    bytes
}

const fn put(bytes: &mut [u8], at: usize, text: &str) -> usize {
    let text = text.as_bytes();
    let mut index = 0;
    while index < text.len() {
        bytes[at + index] = text[index];
        index += 1;
    }
    at + index
}

/// The text number `index` of [`texts`].
#[must_use]
pub const fn text(texts: &'static [u8], index: usize) -> *const c_char {
    let (mut at, mut passed) = (0, 0);
    while passed < index {
        if texts[at] == 0 {
            passed += 1;
        }
        at += 1;
    }
    texts.split_at(at).1.as_ptr().cast()
}

/// The parameters of `info` for the table, their texts being in `texts`.
///
/// # Panics
/// At compile time, for a parameter that is a list or a table: the interface has numbers only.
#[must_use]
pub const fn parameters<const P: usize>(info: &Info<'_>, texts: &'static [u8]) -> [CParameter; P] {
    let empty = CParameter {
        name: core::ptr::null(),
        unit: core::ptr::null(),
        doc: core::ptr::null(),
        choices: core::ptr::null(),
        min: 0.0,
        max: 0.0,
        default_value: f64::NAN,
        kind: NUMBER,
        reserved: 0,
    };
    let mut parameters = [empty; P];
    let mut index = 0;
    while index < P {
        let Parameter { kind, default, .. } = &info.parameters[index];
        let first = 4 + 4 * index;
        let parameter = &mut parameters[index];
        parameter.name = text(texts, first);
        parameter.unit = text(texts, first + 1);
        parameter.doc = text(texts, first + 2);
        parameter.choices = text(texts, first + 3);
        match kind {
            Kind::Number { min, max } => {
                (parameter.min, parameter.max) = (*min, *max);
            }
            Kind::Count { min, max } => {
                // Whole numbers beyond 2^53 are none in a double; the interface ends at 1e15.
                let max = if *max > 1_000_000_000_000_000 { 1e15 } else { *max as f64 };
                (parameter.kind, parameter.min, parameter.max) = (COUNT, *min as f64, max);
            }
            Kind::Choice(_) => parameter.kind = CHOICE,
            Kind::List { .. } | Kind::Table(_) => {
                panic!("a kernel with a list or a table among its parameters cannot be exported")
            }
        }
        match default {
            DefaultValue::Number(value) => parameter.default_value = *value,
            DefaultValue::Count(value) => parameter.default_value = *value as f64,
            DefaultValue::Choice(word) => {
                if let Kind::Choice(words) = kind {
                    parameter.default_value = position(words, word);
                }
            }
            DefaultValue::Required => {
                panic!("a parameter of an exported kernel needs a default")
            }
            DefaultValue::Derived(_) => {}
        }
        index += 1;
    }
    parameters
}

const fn position(words: &[&str], word: &str) -> f64 {
    let mut index = 0;
    while index < words.len() {
        if same(words[index].as_bytes(), word.as_bytes()) {
            return index as f64;
        }
        index += 1;
    }
    f64::NAN
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut index = 0;
    while index < a.len() {
        if a[index] != b[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Parameter values as a map from name to value; those that are NaN are left out.
struct Values<'a> {
    parameters: &'static [Parameter<'static>],
    values: &'a [f64],
    next: usize,
}

impl<'de> Deserializer<'de> for Values<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_map(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> MapAccess<'de> for Values<'_> {
    type Error = ValueError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ValueError> {
        while self.values.get(self.next).is_some_and(|value| value.is_nan()) {
            self.next += 1;
        }
        match (self.parameters.get(self.next), self.values.get(self.next)) {
            (Some(parameter), Some(_)) => {
                seed.deserialize(StrDeserializer::new(parameter.name)).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, ValueError> {
        let at = self.next;
        self.next += 1;
        match (self.parameters.get(at), self.values.get(at)) {
            (Some(parameter), Some(&value)) => {
                seed.deserialize(One { kind: parameter.kind, value, lifetime: PhantomData })
            }
            _ => Err(ValueError::custom("there is no such parameter")),
        }
    }
}

/// One value.
struct One<'de> {
    kind: Kind<'static>,
    value: f64,
    lifetime: PhantomData<&'de ()>,
}

impl<'de> Deserializer<'de> for One<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.kind {
            Kind::Number { .. } => visitor.visit_f64(self.value),
            Kind::Count { .. } => visitor.visit_u64(self.value as u64),
            Kind::Choice(words) => match words.get(self.value as usize) {
                Some(word) => StrDeserializer::new(word).deserialize_enum("", &[], visitor),
                None => Err(ValueError::custom("there is no such choice")),
            },
            Kind::List { .. } | Kind::Table(_) => Err(ValueError::custom("not a number")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Exports kernels behind `cortex_kernel.h`: once per crate, at its root.
///
/// Each is a type with [`Design`], whose parameters are
/// numbers, whole numbers and choices. The crate is built as a `cdylib` for a desktop, where it is
/// a library like one written in C, and as an `rlib` for a firmware image. Kernels without
/// destructors only: their memory belongs to the host.
///
/// ```text
/// cortex_core::export_kernels!(Rectify, Envelope);
/// ```
#[macro_export]
macro_rules! export_kernels {
    // Under another name, for a library that is linked beside the user's own.
    (@symbol $symbol:ident: $($kernel:ty),+ $(,)?) => {
        #[allow(unsafe_code, non_upper_case_globals)]
        const _: () = {
            use $crate::abi::export;
            use $crate::abi::{CConfig, CKernel, CLayout, CLibrary, CParameter};
            use ::core::ffi::{c_char, c_void};

            /// Tables are constant, so that any thread may read what their pointers point to.
            #[repr(transparent)]
            pub struct Table<T>(T);
            // SAFETY: nothing writes to a table or to the texts and tables that it points to.
            unsafe impl<T> Sync for Table<T> {}

            /// The parameter values of a configuration.
            ///
            /// # Safety
            /// `config` must be as the host promises.
            unsafe fn values(config: &CConfig) -> &[f64] {
                if config.parameter_count == 0 {
                    return &[];
                }
                // SAFETY: the host gives `parameter_count` values, which live as long as `config`.
                unsafe {
                    ::core::slice::from_raw_parts(
                        config.parameters,
                        config.parameter_count as usize,
                    )
                }
            }

            unsafe extern "C" fn plan<K: export::Exported>(
                config: *const CConfig,
                layout: *mut CLayout,
            ) -> i32 {
                // SAFETY: the host gives two structures of its own that live through the call.
                let (config, layout) = unsafe { (&*config, &mut *layout) };
                // SAFETY: the configuration is the host's.
                match export::design::<K>(config, unsafe { values(config) }) {
                    Ok(kernel) => {
                        export::lay_out(&kernel, config, layout);
                        $crate::abi::OK
                    }
                    Err((status, parameter)) => {
                        layout.parameter_at_fault = parameter;
                        status
                    }
                }
            }

            unsafe extern "C" fn reset<K: export::Exported>(
                config: *const CConfig,
                memory: *mut c_void,
            ) -> i32 {
                const { assert!(!::core::mem::needs_drop::<K>()) };
                const { assert!(::core::mem::align_of::<K>() <= $crate::abi::MEMORY_ALIGNMENT) };
                // SAFETY: the host gives the structure that `plan` was given.
                let config = unsafe { &*config };
                // SAFETY: the configuration is the host's.
                match export::design::<K>(config, unsafe { values(config) }) {
                    Ok(kernel) => {
                        // SAFETY: the memory is as large and aligned as `plan` asked for: the kernel, then
                        // its state, zeroed here before it is a slice.
                        let state = unsafe {
                            let state = memory.byte_add(export::state_offset::<K>()).cast::<f32>();
                            let len = $crate::kernel::Kernel::state_len(&kernel);
                            state.write_bytes(0, len);
                            ::core::slice::from_raw_parts_mut(state, len)
                        };
                        $crate::kernel::Kernel::reset(&kernel, state);
                        // SAFETY: as above; the kernel has no destructor.
                        unsafe { memory.cast::<K>().write(kernel) };
                        $crate::abi::OK
                    }
                    Err((status, _)) => status,
                }
            }

            unsafe extern "C" fn process<K: export::Exported>(
                config: *const CConfig,
                memory: *mut c_void,
                input: *const c_void,
                rows: u32,
                output: *mut c_void,
            ) -> i32 {
                // SAFETY: `reset` has written the kernel and its state; input and output have the
                // lengths that shape and layout say and overlap with nothing.
                let (kernel, state, input, output) = unsafe {
                    let kernel = &*memory.cast::<K>();
                    let state = memory.byte_add(export::state_offset::<K>()).cast::<f32>();
                    let values = rows as usize * (*config).channels as usize;
                    let written = export::output_len(kernel, rows);
                    (
                        kernel,
                        ::core::slice::from_raw_parts_mut(
                            state,
                            $crate::kernel::Kernel::state_len(kernel),
                        ),
                        ::core::slice::from_raw_parts(input.cast::<f32>(), values),
                        ::core::slice::from_raw_parts_mut(output.cast::<f32>(), written),
                    )
                };
                match $crate::kernel::Kernel::process(kernel, state, input, output) {
                    Ok(_) => $crate::abi::OK,
                    Err(fault) => export::fault_status(fault),
                }
            }

            unsafe extern "C" fn missing_samples<K: export::Exported>(
                _config: *const CConfig,
                memory: *const c_void,
            ) -> u32 {
                // SAFETY: as in `process`.
                unsafe {
                    let kernel = &*memory.cast::<K>();
                    let state = memory.byte_add(export::state_offset::<K>()).cast::<f32>();
                    let len = $crate::kernel::Kernel::state_len(kernel);
                    let state = ::core::slice::from_raw_parts(state, len);
                    $crate::kernel::Kernel::missing_samples(kernel, state)
                }
            }

            unsafe extern "C" fn describe(status: i32) -> *const c_char {
                export::describe(status).as_ptr().cast()
            }

            static kernels: Table<[*const CKernel; [$(stringify!($kernel)),+].len()]> = Table([$({
                const INFO: $crate::kernel::Info<'static> =
                    <$kernel as $crate::kernel::Design>::INFO;
                const BYTES: usize = export::text_bytes(&INFO);
                static TEXTS: [u8; BYTES] = export::texts(&INFO);
                static PARAMETERS: Table<[CParameter; INFO.parameters.len()]> =
                    Table(export::parameters(&INFO, &TEXTS));
                static KERNEL: Table<CKernel> = Table(CKernel {
                    struct_size: ::core::mem::size_of::<CKernel>() as u32,
                    output: if INFO.output.is_windowed() {
                        $crate::abi::OUTPUT_RESULT
                    } else {
                        $crate::abi::OUTPUT_ROWS
                    },
                    feeds: $crate::abi::FEED_HOPS,
                    dtypes: $crate::abi::F32,
                    flags: $crate::abi::BIT_EXACT,
                    parameter_count: INFO.parameters.len() as u32,
                    parameter_size: ::core::mem::size_of::<CParameter>() as u32,
                    reserved: 0,
                    name: export::text(&TEXTS, 0),
                    summary: export::text(&TEXTS, 1),
                    output_unit: export::text(&TEXTS, 2),
                    output_names: export::text(&TEXTS, 3),
                    parameters: PARAMETERS.0.as_ptr(),
                    plan: Some(plan::<$kernel>),
                    reset: Some(reset::<$kernel>),
                    process: Some(process::<$kernel>),
                    missing_samples: Some(missing_samples::<$kernel>),
                    train: None,
                    describe: Some(describe),
                });
                &raw const KERNEL.0
            }),+]);

            // SAFETY: the name is the one that the interface gives to a library's only table, or one
            // that a library of this project has for itself.
            #[unsafe(no_mangle)]
            pub static $symbol: Table<CLibrary> = Table(CLibrary {
                abi: $crate::abi::VERSION,
                struct_size: ::core::mem::size_of::<CLibrary>() as u32,
                kernel_count: [$(stringify!($kernel)),+].len() as u32,
                reserved: 0,
                kernels: kernels.0.as_ptr(),
            });
        };
    };
    ($($kernel:ty),+ $(,)?) => {
        $crate::export_kernels!(@symbol cortex_kernels: $($kernel),+);
    };
}
