//! One 32-bit memory-mapped register.

/// A 32-bit device register at a fixed address.
#[derive(Debug)]
pub struct Register(*mut u32);

impl Register {
    /// The register at `address`.
    ///
    /// # Safety
    /// `address` must be that of a 32-bit device register which this program may read and
    /// write at any time, and which neither moves nor changes Rust-owned memory.
    #[allow(unsafe_code)]
    #[must_use]
    pub const unsafe fn at(address: usize) -> Self {
        Self(address as *mut u32)
    }

    /// Reads the register.
    #[allow(unsafe_code)]
    #[inline]
    #[must_use]
    pub fn read(&self) -> u32 {
        // SAFETY: `at` was promised a device register at this address.
        unsafe { self.0.read_volatile() }
    }

    /// Writes the register.
    #[allow(unsafe_code)]
    #[inline]
    pub fn write(&self, value: u32) {
        // SAFETY: `at` was promised a device register at this address.
        unsafe { self.0.write_volatile(value) }
    }

    /// Sets the bits of `mask`.
    #[inline]
    pub fn set(&self, mask: u32) {
        self.write(self.read() | mask);
    }
}
