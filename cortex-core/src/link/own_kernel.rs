//! How CONFIGURE names a kernel of the user's own, linked into an image of the user's.
//!
//! A kernel of this crate is the postcard of its [`KernelSpec`](crate::kernel::KernelSpec), which
//! begins with its number. [`OWN_KERNEL`] takes the place of that number, and the kernel's name and
//! parameter values follow: firmware without kernels of the user's own refuses it as a kernel
//! that it does not have.

use serde::{Deserialize, Serialize};

/// In place of a kernel's number.
pub const OWN_KERNEL: u8 = 0x7F;

/// Bytes of one parameter value.
const VALUE_BYTES: usize = size_of::<f64>();

/// Most bytes of an encoded [`OwnKernel`]: with what else CONFIGURE holds, it fits into a message
/// of [`MAX_MESSAGE_BYTES`](super::message::MAX_MESSAGE_BYTES).
pub const MAX_OWN_KERNEL_BYTES: usize = 150;

/// A kernel of the user's own and what it is run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnKernel<'a> {
    /// The name in the kernel's table.
    pub name: &'a str,
    /// New samples per window. The configuration's hop is the window where the kernel is fed whole
    /// windows.
    pub hop: u32,
    /// Parameter values in the table's order, each a little-endian `f64`; NaN: the kernel decides.
    pub parameters: &'a [u8],
}

impl<'a> OwnKernel<'a> {
    /// Reads the bytes of [`Configure::kernel`](super::message::Configure::kernel); `None` when they
    /// name a kernel of this crate or nothing at all.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (&OWN_KERNEL, rest) = bytes.split_first()? else { return None };
        postcard::from_bytes(rest).ok()
    }

    /// Writes those bytes to the front of `buffer`; `None` when they do not fit.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let (first, rest) = buffer.split_first_mut()?;
        *first = OWN_KERNEL;
        let written = postcard::to_slice(self, rest).ok()?.len();
        buffer.get(..=written)
    }

    /// Number of parameters.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.parameters.len() / VALUE_BYTES
    }

    /// The values of the parameters.
    pub fn values(&self) -> impl Iterator<Item = f64> {
        self.parameters.as_chunks::<VALUE_BYTES>().0.iter().map(|bytes| f64::from_le_bytes(*bytes))
    }
}
