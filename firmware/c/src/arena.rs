//! Memory of a caller in C, handed out in pieces that are never given back.

use core::ffi::c_void;
use core::mem::MaybeUninit;

/// What is left of the memory.
pub(crate) struct Arena {
    next: *mut u8,
    left: usize,
}

/// Values that may be uninitialised.
pub(crate) trait Uninitialised {}
impl<T> Uninitialised for MaybeUninit<T> {}

impl Arena {
    /// Hands out `bytes` bytes from `memory` on; `None` for no memory at all.
    ///
    /// # Safety
    /// The memory must be there, and used by nobody else, for ever.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn new(memory: *mut c_void, bytes: u32) -> Option<Self> {
        (!memory.is_null()).then_some(Self { next: memory.cast(), left: bytes as usize })
    }

    /// Room for one value, uninitialised.
    #[allow(unsafe_code)]
    pub(crate) fn take<T: Uninitialised>(&mut self) -> Option<&'static mut T> {
        let place = self.reserve::<T>(1)?;
        // SAFETY: `reserve` gave aligned room of this size to nobody else, and needs no value in it.
        Some(unsafe { &mut *place })
    }

    /// A slice of `len` values, each made by `value`.
    #[allow(unsafe_code)]
    pub(crate) fn take_filled<T>(
        &mut self,
        len: usize,
        value: impl Fn() -> T,
    ) -> Option<&'static mut [T]> {
        let place = self.reserve::<T>(len)?;
        for index in 0..len {
            // SAFETY: within the room that `reserve` gave.
            unsafe { place.add(index).write(value()) };
        }
        // SAFETY: `reserve` gave aligned room for `len` values to nobody else, and all are written.
        Some(unsafe { core::slice::from_raw_parts_mut(place, len) })
    }

    /// All that is left, as values.
    pub(crate) fn take_rest<T>(&mut self, value: impl Fn() -> T) -> Option<&'static mut [T]> {
        let gap = self.next.align_offset(align_of::<T>());
        let len = self.left.checked_sub(gap)? / size_of::<T>();
        self.take_filled(len, value)
    }

    fn reserve<T>(&mut self, len: usize) -> Option<*mut T> {
        let gap = self.next.align_offset(align_of::<T>());
        let bytes = gap.checked_add(len.checked_mul(size_of::<T>())?)?;
        self.left = self.left.checked_sub(bytes)?;
        let place = self.next.wrapping_add(gap);
        self.next = self.next.wrapping_add(bytes);
        Some(place.cast())
    }
}
