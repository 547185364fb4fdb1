//! Kernels of `cortex_kernel.h`.

use std::mem::offset_of;
use std::ptr;

use cortex_core::abi::{
    self, CConfig, CKernel, CLayout, CLibrary, CParameter, CProcess, CReset, OK,
};

use super::handle::{check_slices, text};
use super::{
    AlignedBytes, Dtype, Feed, KernelDescription, KernelSetup, Library, OutputShape,
    ParameterDescription, ParameterKind, Parameters, Refusal,
};

/// The most kernels of a library, parameters of a kernel, words of a choice.
const MAX_ITEMS: u32 = 256;

/// The most values of a window's output: 1 GiB.
const MAX_OUTPUT_VALUES: u64 = 1 << 28;

/// A table cannot end before its last mandatory function.
const LEAST_TABLE_BYTES: usize = offset_of!(CKernel, missing_samples);

/// What the library at `library` lists.
pub(super) fn describe(library: &Library) -> Result<Vec<KernelDescription>, Refusal> {
    let mut kernels: Vec<KernelDescription> = Vec::new();
    for table in tables(library)? {
        let kernel = describe_one(library, &table)?;
        if kernels.iter().any(|other| other.name == kernel.name) {
            return Err(broken(library, &format!("two kernels are named {}", kernel.name)));
        }
        kernels.push(kernel);
    }
    Ok(kernels)
}

fn broken(library: &Library, what: &str) -> Refusal {
    Refusal::new(format!("{} breaks cortex_kernel.h: {what}", library.path.display()))
}

/// The tables, each as long as this program knows it.
fn tables(library: &Library) -> Result<Vec<CKernel>, Refusal> {
    // SAFETY: the symbol was found when the library was opened, and the header gives it this type.
    let symbol = unsafe { library.inner.get::<*const CLibrary>(abi::SYMBOL) };
    let list = *symbol.map_err(|error| Refusal::new(error.to_string()))?;
    // SAFETY: the exported object has at least the fields of version 1, in static memory; the first
    // of them says whether that is so, and is read before the others.
    let version = unsafe { (*list).abi };
    if version != abi::VERSION {
        return Err(broken(
            library,
            &format!(
                "it is built for version {version} of the interface, and this program speaks {}; \
                 build it with the header that `cortex-host new header` prints",
                abi::VERSION
            ),
        ));
    }
    // SAFETY: as above.
    let CLibrary { struct_size, kernel_count, kernels, .. } = unsafe { *list };
    if (struct_size as usize) < size_of::<CLibrary>() || kernels.is_null() {
        return Err(broken(library, "cortex_kernels is too short"));
    }
    if !(1..=MAX_ITEMS).contains(&kernel_count) {
        return Err(broken(library, &format!("it lists {kernel_count} kernels")));
    }
    (0..kernel_count as usize)
        .map(|index| {
            // SAFETY: the list has `kernel_count` pointers to tables in static memory.
            let table = unsafe { *kernels.add(index) };
            if table.is_null() {
                return Err(broken(library, &format!("table {index} is NULL")));
            }
            // SAFETY: every table begins with its size.
            let size = unsafe { (*table).struct_size } as usize;
            if size < LEAST_TABLE_BYTES {
                return Err(broken(
                    library,
                    &format!(
                        "table {index} has a struct_size of {size}, which ends before process; set \
                         it to sizeof(cortex_kernel)"
                    ),
                ));
            }
            let mut copy = std::mem::MaybeUninit::<CKernel>::zeroed();
            let bytes = size.min(size_of::<CKernel>());
            // SAFETY: the table has `size` bytes. All zero is a value of every field (integers,
            // null pointers, absent functions), so that the copy is whole however short the table is.
            unsafe {
                ptr::copy_nonoverlapping(table.cast::<u8>(), copy.as_mut_ptr().cast(), bytes);
                Ok(copy.assume_init())
            }
        })
        .collect()
}

fn describe_one(library: &Library, table: &CKernel) -> Result<KernelDescription, Refusal> {
    // SAFETY: the header asks for texts that end with a zero byte, in static memory.
    let [name, summary, output_unit, output_names] =
        [table.name, table.summary, table.output_unit, table.output_names]
            .map(|pointer| unsafe { text(pointer) });
    if !is_name(&name) {
        let what = format!("a kernel is named {name:?}; names are of a-z, 0-9 and _");
        return Err(broken(library, &what));
    }
    let wrong = |what: &str| broken(library, &format!("kernel {name}: {what}"));
    if table.plan.is_none() || table.reset.is_none() || table.process.is_none() {
        return Err(wrong("plan, reset or process is NULL"));
    }
    if table.output > abi::OUTPUT_RESULT {
        return Err(wrong("output is neither CORTEX_OUTPUT_ROWS nor CORTEX_OUTPUT_RESULT"));
    }
    let feeds: Vec<Feed> = [(abi::FEED_HOPS, Feed::Hops), (abi::FEED_WINDOWS, Feed::Windows)]
        .into_iter()
        .filter(|(bit, _)| table.feeds & bit != 0)
        .map(|(_, feed)| feed)
        .collect();
    let dtypes: Vec<Dtype> =
        Dtype::ALL.into_iter().filter(|dtype| table.dtypes & dtype.number() != 0).collect();
    if feeds.is_empty() || dtypes.is_empty() {
        return Err(wrong("feeds or dtypes has no bit that is known"));
    }
    let parameters = parameters(table).map_err(|what| wrong(&what))?;
    Ok(KernelDescription {
        result_per_window: Some(table.output == abi::OUTPUT_RESULT),
        output_names: match output_names.as_str() {
            "" => Vec::new(),
            names => names.split(',').map(|name| name.trim().to_owned()).collect(),
        },
        bit_exact: table.flags & abi::BIT_EXACT != 0,
        trainable: table.train.is_some(),
        parameters: Some(parameters),
        name,
        summary,
        output_unit,
        feeds,
        dtypes,
    })
}

fn parameters(table: &CKernel) -> Result<Vec<ParameterDescription>, String> {
    let (count, stride) = (table.parameter_count, table.parameter_size as usize);
    if count == 0 {
        return Ok(Vec::new());
    }
    if count > MAX_ITEMS || table.parameters.is_null() {
        return Err(format!("it has {count} parameters at {:?}", table.parameters));
    }
    if stride < size_of::<CParameter>() || !stride.is_multiple_of(align_of::<CParameter>()) {
        return Err(format!("parameter_size is {stride}"));
    }
    let mut found: Vec<ParameterDescription> = Vec::new();
    for index in 0..count as usize {
        // SAFETY: the table has `count` parameters of `stride` bytes each, of which the first
        // fields are ours; the alignment was checked with the stride.
        let parameter = unsafe { *table.parameters.byte_add(index * stride) };
        // SAFETY: the header asks for texts that end with a zero byte, in static memory.
        let [name, unit, doc, choices] =
            [parameter.name, parameter.unit, parameter.doc, parameter.choices]
                .map(|pointer| unsafe { text(pointer) });
        if !is_name(&name) || found.iter().any(|other| other.name == name) {
            return Err(format!("parameter {index} is named {name:?}"));
        }
        let (min, max, default) = (parameter.min, parameter.max, parameter.default_value);
        let inside = default.is_nan() || (min <= default && default <= max);
        let whole = default.is_nan() || default.fract() == 0.0;
        let words: Vec<String> = choices.split('|').map(|word| word.trim().to_owned()).collect();
        let kind = match parameter.kind {
            abi::NUMBER if inside && min <= max => ParameterKind::Number {
                min: (min > f64::MIN).then_some(min),
                max: (max < f64::MAX).then_some(max),
            },
            abi::COUNT if inside && whole && (0.0..=1e15).contains(&min) && max <= 1e15 => {
                ParameterKind::Count { min: min.ceil(), max: max.floor() }
            }
            abi::CHOICE
                if whole
                    && !choices.is_empty()
                    && (default.is_nan() || (0.0..words.len() as f64).contains(&default)) =>
            {
                ParameterKind::Choice(words)
            }
            _ => {
                return Err(format!(
                    "parameter {name}: kind {}, min {min}, max {max}, default {default} and \
                     choices {choices:?} do not fit together",
                    parameter.kind
                ));
            }
        };
        let default = (!default.is_nan()).then_some(default);
        found.push(ParameterDescription { name, unit, doc, kind, default });
    }
    Ok(found)
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.len() <= 64 && name.chars().all(allowed)
}

/// A kernel ready to run. What its configuration points to lives as long as it does, at one
/// address each.
pub struct OwnKernel {
    table: CKernel,
    reset: CReset,
    process: CProcess,
    config: Box<CConfig>,
    _parameters: Box<[f64]>,
    _trained: AlignedBytes,
    memory: AlignedBytes,
    output: OutputShape,
    setup: KernelSetup,
    /// Last, so that the code outlives everything that was made for it.
    _library: Library,
}

// SAFETY: the raw pointers are to what the kernel itself owns (heap blocks that do not move) and to the
// library's static memory. The interface asks for one thread at a time, which `&mut self` gives.
unsafe impl Send for OwnKernel {}

impl OwnKernel {
    pub(super) fn plan(library: &Library, setup: &KernelSetup) -> Result<Self, Refusal> {
        let table = find(library, setup)?;
        let (Some(plan), Some(reset), Some(process)) = (table.plan, table.reset, table.process)
        else {
            return Err(broken(library, "plan, reset or process is NULL"));
        };
        let trained = match &setup.state {
            None => AlignedBytes::zeroed(0),
            Some(path) => {
                let bytes = std::fs::read(path).map_err(|error| {
                    Refusal::new(format!("cannot read the state {}: {error}", path.display()))
                })?;
                let mut trained = AlignedBytes::zeroed(bytes.len());
                trained.bytes_mut().copy_from_slice(&bytes);
                trained
            }
        };
        let (parameters, config) = config(setup, &trained)?;
        let mut layout = CLayout::EMPTY;
        // SAFETY: both structures live, are laid out as the header says and hold what it promises.
        let status = unsafe { plan(&raw const *config, &raw mut layout) };
        if status != OK {
            let parameter = (layout.parameter_at_fault != abi::NO_PARAMETER)
                .then_some(layout.parameter_at_fault as usize);
            return Err(Refusal { message: describe_status(&table, "plan", status), parameter });
        }
        let per_window = table.output == abi::OUTPUT_RESULT;
        let output = OutputShape {
            rows: per_window.then_some(layout.output_rows),
            columns: layout.output_columns,
        };
        let values = u64::from(output.rows.unwrap_or(setup.window)) * u64::from(output.columns);
        if values == 0 || values > MAX_OUTPUT_VALUES {
            return Err(Refusal::new(format!(
                "its plan gives {} rows of {} output values; output_rows and output_columns must be \
                 at least 1, and {MAX_OUTPUT_VALUES} values at most",
                output.rows.unwrap_or(setup.window),
                output.columns
            )));
        }
        Ok(Self {
            table,
            reset,
            process,
            config,
            _parameters: parameters,
            _trained: trained,
            memory: AlignedBytes::zeroed(layout.memory_bytes as usize),
            output,
            setup: setup.clone(),
            _library: library.clone(),
        })
    }

    pub(super) fn output(&self) -> OutputShape {
        self.output
    }

    pub(super) fn reset(&mut self) -> Result<(), Refusal> {
        let memory = self.memory.bytes_mut().as_mut_ptr().cast();
        // SAFETY: the configuration is the one that was planned, the memory as large and aligned as
        // was asked for.
        let status = unsafe { (self.reset)(&raw const *self.config, memory) };
        if status == OK {
            Ok(())
        } else {
            Err(Refusal::new(describe_status(&self.table, "reset", status)))
        }
    }

    pub(super) fn process(&mut self, input: &[u8], rows: u32, output: &mut [u8]) -> i32 {
        check_slices(&self.setup, self.output, input, rows, output);
        let memory = self.memory.bytes_mut().as_mut_ptr().cast();
        // SAFETY: as in `reset`; the slices were checked, and a borrow and a mutable borrow never
        // overlap.
        unsafe {
            (self.process)(
                &raw const *self.config,
                memory,
                input.as_ptr().cast(),
                rows,
                output.as_mut_ptr().cast(),
            )
        }
    }

    pub(super) fn describe(&self, status: i32) -> String {
        describe_status(&self.table, "process", status)
    }

    pub(super) fn missing_samples(&self) -> Option<u32> {
        let count = self.table.missing_samples?;
        // SAFETY: as in `reset`; the function only reads.
        Some(unsafe { count(&raw const *self.config, self.memory.bytes().as_ptr().cast()) })
    }
}

/// The kernel's own words for a status that its function `call` returned.
fn describe_status(table: &CKernel, call: &str, status: i32) -> String {
    let told = table.describe.map(|describe| {
        // SAFETY: the function gives a static text or null.
        unsafe { text(describe(status)) }
    });
    match told.filter(|told| !told.trim().is_empty()) {
        Some(told) => told,
        None => format!("its {call} returned status {status}, which it does not describe"),
    }
}

fn find(library: &Library, setup: &KernelSetup) -> Result<CKernel, Refusal> {
    let named = |table: &CKernel| {
        // SAFETY: the header asks for texts that end with a zero byte, in static memory.
        unsafe { text(table.name) == setup.kernel }
    };
    tables(library)?.into_iter().find(named).ok_or_else(|| {
        Refusal::new(format!("{} has no kernel {}", library.path.display(), setup.kernel))
    })
}

/// The configuration of `setup`, and the parameters it points to.
fn config(
    setup: &KernelSetup,
    trained: &AlignedBytes,
) -> Result<(Box<[f64]>, Box<CConfig>), Refusal> {
    let Parameters::Values(values) = &setup.parameters else {
        return Err(Refusal::new("this kernel takes parameters by name, not as text"));
    };
    let parameters: Box<[f64]> = values.iter().map(|value| value.unwrap_or(f64::NAN)).collect();
    let trained = trained.bytes();
    let config = Box::new(CConfig {
        struct_size: size_of::<CConfig>() as u32,
        channels: setup.channels,
        window: setup.window,
        hop: setup.hop,
        sample_rate_hz: setup.sample_rate_hz,
        scale_uv: setup.scale_uv,
        dtype: setup.dtype.number(),
        parameter_count: parameters.len() as u32,
        parameters: parameters.as_ptr(),
        trained: if trained.is_empty() { ptr::null() } else { trained.as_ptr().cast() },
        trained_bytes: u32::try_from(trained.len())
            .map_err(|_| Refusal::new("the trained state is larger than 4 GiB"))?,
        reserved: 0,
    });
    Ok((parameters, config))
}

/// Trains a kernel of `library`.
pub(super) fn train(
    library: &Library,
    setup: &KernelSetup,
    data: &[f32],
    labels: Option<&[i32]>,
) -> Result<Vec<u8>, Refusal> {
    let table = find(library, setup)?;
    let train = table
        .train
        .ok_or_else(|| Refusal::new(format!("kernel {} cannot be trained", setup.kernel)))?;
    let none = AlignedBytes::zeroed(0);
    let (_parameters, config) = config(setup, &none)?;
    let windows = u32::try_from(data.len() / setup.max_input_values())
        .map_err(|_| Refusal::new("there are more than 2^32 windows"))?;
    let call = |trained: *mut u8, bytes: &mut u32| {
        let labels = labels.map_or(ptr::null(), <[i32]>::as_ptr);
        // SAFETY: the data are whole windows with a label each (checked by the caller), the state is
        // null, to be sized, or has the room that was asked for.
        let status = unsafe {
            train(&raw const *config, data.as_ptr().cast(), windows, labels, trained.cast(), bytes)
        };
        if status == OK {
            Ok(())
        } else {
            Err(Refusal::new(describe_status(&table, "train", status)))
        }
    };
    let mut bytes = 0;
    call(ptr::null_mut(), &mut bytes)?;
    let (room, mut trained) = (bytes, AlignedBytes::zeroed(bytes as usize));
    call(trained.bytes_mut().as_mut_ptr(), &mut bytes)?;
    if bytes > room {
        return Err(Refusal::new(format!(
            "it wrote {bytes} bytes of trained state and had asked for {room}"
        )));
    }
    Ok(trained.bytes()[..bytes as usize].to_vec())
}
