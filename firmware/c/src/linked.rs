//! The kernels of an image: those of the linked library, and those of cortex-core.

use cortex_core::abi::CLibrary;
#[cfg(feature = "kernels")]
use cortex_core::kernel::AnyKernel as BuiltIn;
#[cfg(not(feature = "kernels"))]
use cortex_core::kernel::{Design, KernelName, NoParams, Noop, Noop as BuiltIn};
use cortex_core::kernel::{Kernel, KernelFault, KernelShape};
#[cfg(not(feature = "kernels"))]
use cortex_core::link::ErrorCode;
#[cfg(feature = "kernels")]
use cortex_core::link::engine::{kernel_digest, single_kernel};
use cortex_core::link::{ErrorInfo, KernelEngine, OwnKernel};
use cortex_core::signal::Lanes;

use crate::TableKernel;

#[allow(unsafe_code)]
// SAFETY: whoever links an image with kernels defines this symbol with this type, which is the
// interface's first rule; it is only read.
unsafe extern "C" {
    #[link_name = "cortex_kernels"]
    safe static LIBRARY: LinkedLibrary;
}

/// The library of kernels that the image is linked with.
#[repr(transparent)]
struct LinkedLibrary(CLibrary);

#[allow(unsafe_code)]
// SAFETY: the tables are constant data: nothing writes to them.
unsafe impl Sync for LinkedLibrary {}

/// A kernel of an image.
pub enum LinkedKernel {
    /// One of cortex-core; `noop` in an image without the feature `kernels`, for a host that verifies
    /// generators.
    BuiltIn(BuiltIn),
    /// One of the linked library.
    Own(TableKernel),
}

/// The engine of an image, on static memory.
pub type LinkedEngine =
    KernelEngine<LinkedKernel, &'static mut [f32], &'static mut [Option<Lanes<1>>]>;

/// An engine over the linked library of kernels, the symbol `cortex_kernels`, and the kernels of
/// cortex-core.
#[inline(never)]
pub fn engine(values: &'static mut [f32], lanes: &'static mut [Option<Lanes<1>>]) -> LinkedEngine {
    #[cfg(feature = "kernels")]
    let digest = kernel_digest(values);
    #[cfg(not(feature = "kernels"))]
    let digest = 0;
    KernelEngine::new(build, digest, values, lanes)
}

/// Builds the kernel that [`Configure::kernel`](cortex_core::link::message::Configure) names.
fn build(shape: &KernelShape, spec: &[u8]) -> Result<LinkedKernel, ErrorInfo> {
    match OwnKernel::read(spec) {
        Some(own) => TableKernel::plan(&LIBRARY.0, shape, &own).map(LinkedKernel::Own),
        None => built_in(shape, spec).map(LinkedKernel::BuiltIn),
    }
}

#[cfg(feature = "kernels")]
use single_kernel as built_in;

/// `noop`, if that is meant.
#[cfg(not(feature = "kernels"))]
fn built_in(shape: &KernelShape, spec: &[u8]) -> Result<BuiltIn, ErrorInfo> {
    let noop = spec == [KernelName::Noop as u8] && shape.check().is_ok();
    let kernel = noop.then(|| Noop::design(&NoParams {}, *shape).ok()).flatten();
    kernel.ok_or_else(|| {
        let refused = ErrorInfo::new(ErrorCode::UnknownKernel, 0, 0);
        refused.with_text("only kernels linked into it")
    })
}

/// Hands a call to the kernel that this is.
macro_rules! of_kernel {
    ($self:expr, $kernel:ident => $call:expr) => {
        match $self {
            LinkedKernel::BuiltIn($kernel) => $call,
            LinkedKernel::Own($kernel) => $call,
        }
    };
}

impl Kernel for LinkedKernel {
    fn state_len(&self) -> usize {
        of_kernel!(self, kernel => kernel.state_len())
    }

    fn reset(&self, state: &mut [f32]) {
        of_kernel!(self, kernel => kernel.reset(state));
    }

    fn output_len(&self, rows: usize) -> usize {
        of_kernel!(self, kernel => kernel.output_len(rows))
    }

    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        of_kernel!(self, kernel => kernel.process(state, input, output))
    }

    fn missing_samples(&self, state: &[f32]) -> u32 {
        of_kernel!(self, kernel => kernel.missing_samples(state))
    }

    fn reported_status(&self, state: &[f32]) -> i32 {
        of_kernel!(self, kernel => kernel.reported_status(state))
    }
}
