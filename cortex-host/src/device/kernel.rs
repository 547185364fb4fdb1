//! A kernel as a device is told to build it.

use cortex_core::kernel::{Kernel, KernelForm, KernelShape, KernelSpec};
use cortex_core::link::OwnKernel;
use cortex_core::link::message::MAX_MESSAGE_BYTES;
use cortex_core::link::own_kernel::MAX_OWN_KERNEL_BYTES;

/// A kernel that a device's firmware has.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceKernel {
    /// One of cortex-core.
    BuiltIn(KernelForm),
    /// One of the user's own, linked into an image of the user's.
    Own(OwnDeviceKernel),
}

/// A kernel of the user's own on a device.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnDeviceKernel {
    /// The name in its table.
    pub name: String,
    /// New samples per window.
    pub hop: usize,
    /// Whether each call is given the whole window, overlap included.
    pub whole_windows: bool,
    /// Parameter values in the table's order; NaN: the kernel decides.
    pub parameters: Vec<f64>,
    /// Most output values of one call, as the same kernel plans them here.
    pub max_output_values: usize,
    /// Whether it promises the same bits on every target.
    pub bit_exact: bool,
}

impl From<KernelSpec> for DeviceKernel {
    fn from(spec: KernelSpec) -> Self {
        DeviceKernel::BuiltIn(spec.into())
    }
}

impl From<KernelForm> for DeviceKernel {
    fn from(form: KernelForm) -> Self {
        DeviceKernel::BuiltIn(form)
    }
}

impl OwnDeviceKernel {
    /// Its name and parameters as CONFIGURE carries them; `None` when they are too long for it.
    #[must_use]
    pub fn wire_bytes(&self) -> Option<Vec<u8>> {
        let parameters: Vec<u8> =
            self.parameters.iter().flat_map(|value| value.to_le_bytes()).collect();
        let hop = u32::try_from(self.hop).unwrap_or(u32::MAX);
        let own = OwnKernel { name: &self.name, hop, parameters: &parameters };
        own.write(&mut [0; MAX_OWN_KERNEL_BYTES]).map(<[u8]>::to_vec)
    }
}

impl DeviceKernel {
    /// The kernel of cortex-core that this is.
    #[must_use]
    pub fn built_in(&self) -> Option<&KernelForm> {
        match self {
            DeviceKernel::BuiltIn(form) => Some(form),
            DeviceKernel::Own(_) => None,
        }
    }

    /// The kernel as CONFIGURE carries it; `None` when it cannot be encoded.
    pub(super) fn wire_bytes(&self) -> Option<Vec<u8>> {
        match self {
            DeviceKernel::BuiltIn(form) => {
                form.write(&mut [0; MAX_MESSAGE_BYTES]).map(<[u8]>::to_vec)
            }
            DeviceKernel::Own(own) => own.wire_bytes(),
        }
    }

    /// Rows of every block after the first.
    pub(super) fn rows_per_block(&self, shape: &KernelShape) -> usize {
        match self {
            DeviceKernel::Own(own) if own.whole_windows => shape.window,
            _ => shape.hop,
        }
    }

    /// Most output values of one block of `shape`; 0 when the kernel cannot be built.
    pub(super) fn max_output_values(&self, shape: &KernelShape) -> usize {
        match self {
            DeviceKernel::BuiltIn(form) => form.build(*shape).map_or(0, |kernel| {
                kernel.output_len(shape.window).max(kernel.output_len(shape.hop))
            }),
            DeviceKernel::Own(own) => own.max_output_values,
        }
    }
}
