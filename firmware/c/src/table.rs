//! A kernel behind a table of `cortex_kernel.h`, as the engine runs it.
//!
//! The kernel's state is a slice of the engine's values, which stays at one address from reset to
//! reset. At its first address that is a multiple of 16 lies a [`Head`] with the configuration that
//! the kernel is called with, and behind it the kernel's own memory.

use core::ffi::{CStr, c_void};
use core::mem::offset_of;
use core::ptr;

use cortex_core::abi::{
    CConfig, CKernel, CLayout, CLibrary, F32, MEMORY_ALIGNMENT, OK, OUTPUT_RESULT, VERSION,
};
use cortex_core::kernel::{Kernel, KernelFault, KernelShape};
use cortex_core::link::{ErrorCode, ErrorInfo, OwnKernel};

/// Most parameters of a kernel on a board: more do not fit into a message.
pub const MAX_PARAMETERS: usize = 16;

/// Bytes of a value of the state.
const VALUE_BYTES: usize = size_of::<f32>();

/// A planned kernel of a linked library.
pub struct TableKernel {
    table: &'static CKernel,
    shape: KernelShape,
    hop: u32,
    parameters: [f64; MAX_PARAMETERS],
    parameter_count: u32,
    layout: CLayout,
}

/// What lies before the kernel's memory.
#[repr(C, align(16))]
struct Head {
    config: CConfig,
    parameters: [f64; MAX_PARAMETERS],
    /// Of the last call that failed, `reset` included.
    status: i32,
    /// Whether that was `reset`: then no window can be run.
    unready: bool,
}

const _: () = assert!(align_of::<Head>() == MEMORY_ALIGNMENT);

impl TableKernel {
    /// Finds the kernel that `own` names and has it plan itself.
    ///
    /// # Errors
    /// What to tell the host: there is no such kernel (a: 0), or it refuses (a: 1, b: its status).
    pub fn plan(
        library: &'static CLibrary,
        shape: &KernelShape,
        own: &OwnKernel<'_>,
    ) -> Result<Self, ErrorInfo> {
        let refused = |status: i32| ErrorInfo::new(ErrorCode::UnknownKernel, 1, status as u32);
        let table = find(library, own.name)
            .ok_or_else(|| ErrorInfo::new(ErrorCode::UnknownKernel, 0, 0).with_text(own.name))?;
        let count = own.parameter_count();
        if shape.check().is_err()
            || table.dtypes & F32 == 0
            || count > MAX_PARAMETERS
            || count != table.parameter_count as usize
        {
            return Err(refused(0).with_text("shape, type or parameters"));
        }
        let mut parameters = [0.0; MAX_PARAMETERS];
        for (slot, value) in parameters.iter_mut().zip(own.values()) {
            *slot = value;
        }
        let mut kernel = Self {
            table,
            shape: *shape,
            hop: own.hop,
            parameters,
            parameter_count: count as u32,
            layout: CLayout::EMPTY,
        };
        let config = kernel.config(&kernel.parameters);
        let status = kernel.call_plan(&config);
        if status != OK {
            return Err(refused(status));
        }
        if kernel.layout.output_columns == 0
            || (kernel.is_result() && kernel.layout.output_rows == 0)
        {
            return Err(refused(0).with_text("it plans no output"));
        }
        Ok(kernel)
    }

    #[allow(unsafe_code)]
    fn call_plan(&mut self, config: &CConfig) -> i32 {
        let Some(plan) = self.table.plan else { return -1 };
        // SAFETY: both structures live through the call, are laid out as the header says and hold
        // what it promises.
        unsafe { plan(config, &raw mut self.layout) }
    }

    fn is_result(&self) -> bool {
        self.table.output == OUTPUT_RESULT
    }

    fn config(&self, parameters: &[f64; MAX_PARAMETERS]) -> CConfig {
        CConfig {
            struct_size: size_of::<CConfig>() as u32,
            channels: self.shape.channels as u32,
            window: self.shape.window as u32,
            hop: self.hop,
            sample_rate_hz: self.shape.sample_rate_hz,
            scale_uv: 1.0,
            dtype: F32,
            parameter_count: self.parameter_count,
            parameters: parameters.as_ptr(),
            trained: ptr::null(),
            trained_bytes: 0,
            reserved: 0,
        }
    }

    /// Head and kernel's memory in `state`, which is at least [`Kernel::state_len`] long.
    fn parts(&self, state: *mut f32, len: usize) -> Option<(*mut Head, *mut c_void)> {
        let head = state.wrapping_byte_add(state.align_offset(MEMORY_ALIGNMENT) * VALUE_BYTES);
        let memory = head.wrapping_byte_add(size_of::<Head>());
        (len >= self.state_len()).then(|| (head.cast(), memory.cast()))
    }
}

/// The table of the kernel called `name`, if it has all that a board calls.
#[allow(unsafe_code)]
fn find(library: &'static CLibrary, name: &str) -> Option<&'static CKernel> {
    if library.abi != VERSION {
        return None;
    }
    (0..library.kernel_count as usize).find_map(|index| {
        // SAFETY: the list has `kernel_count` pointers to tables in static memory, each of which
        // begins with its size; one that ends before `describe` was written for a version of the
        // interface that never was. Names end with a zero byte.
        unsafe {
            let table = *library.kernels.add(index);
            let whole = (*table).struct_size as usize > offset_of!(CKernel, describe);
            let named = whole && CStr::from_ptr((*table).name).to_bytes() == name.as_bytes();
            named.then(|| &*table)
        }
    })
}

impl Kernel for TableKernel {
    fn state_len(&self) -> usize {
        // A slice of values begins at a multiple of 4.
        let bytes = MEMORY_ALIGNMENT - VALUE_BYTES + size_of::<Head>();
        (bytes / VALUE_BYTES)
            .saturating_add((self.layout.memory_bytes as usize).div_ceil(VALUE_BYTES))
    }

    #[allow(unsafe_code)]
    fn reset(&self, state: &mut [f32]) {
        let Some((head, memory)) = self.parts(state.as_mut_ptr(), state.len()) else { return };
        let Some(reset) = self.table.reset else { return };
        // SAFETY: `parts` saw that the slice holds a head, aligned, and the memory that `plan`
        // asked for behind it. The configuration points into the head, which stays where it is.
        unsafe {
            head.write(Head {
                config: self.config(&self.parameters),
                parameters: self.parameters,
                status: OK,
                unready: false,
            });
            (*head).config.parameters = (&raw const (*head).parameters).cast();
            let status = reset(&raw const (*head).config, memory);
            (*head).status = status;
            (*head).unready = status != OK;
        }
    }

    fn output_len(&self, rows: usize) -> usize {
        let rows = if self.is_result() { self.layout.output_rows as usize } else { rows };
        rows.saturating_mul(self.layout.output_columns as usize)
    }

    #[allow(unsafe_code)]
    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        let rows = input.len() / self.shape.channels;
        if !(1..=self.shape.window).contains(&rows) || rows * self.shape.channels != input.len() {
            return Err(KernelFault::InputLength);
        }
        let written = self.output_len(rows);
        if output.len() < written {
            return Err(KernelFault::OutputLength);
        }
        let (Some((head, memory)), Some(process)) =
            (self.parts(state.as_mut_ptr(), state.len()), self.table.process)
        else {
            return Err(KernelFault::StateLength);
        };
        // SAFETY: `reset` has written the head and made the memory the kernel's state; both slices
        // have the lengths that shape and layout say, and three borrows overlap nowhere.
        unsafe {
            if (*head).unready {
                return Err(KernelFault::Reported);
            }
            let (input, output) = (input.as_ptr().cast(), output.as_mut_ptr().cast());
            let status = process(&raw const (*head).config, memory, input, rows as u32, output);
            if status != OK {
                (*head).status = status;
                return Err(KernelFault::Reported);
            }
        }
        Ok(written)
    }

    #[allow(unsafe_code)]
    fn missing_samples(&self, state: &[f32]) -> u32 {
        let parts = self.parts(state.as_ptr().cast_mut(), state.len());
        match (parts, self.table.missing_samples) {
            // SAFETY: as in `process`; the function only reads.
            (Some((head, memory)), Some(count)) => unsafe {
                count(&raw const (*head).config, memory)
            },
            _ => 0,
        }
    }

    #[allow(unsafe_code)]
    fn reported_status(&self, state: &[f32]) -> i32 {
        match self.parts(state.as_ptr().cast_mut(), state.len()) {
            // SAFETY: as in `process`; the head is only read.
            Some((head, _)) => unsafe { (*head).status },
            None => 0,
        }
    }
}
