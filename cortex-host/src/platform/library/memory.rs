//! Bytes at an address that is a multiple of 64: aligned for every sample and vector type.

/// Zeroed bytes, aligned to [`AlignedBytes::ALIGNMENT`].
pub struct AlignedBytes {
    blocks: Vec<Block>,
    len: usize,
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Block(#[expect(dead_code, reason = "read and written as bytes")] [u8; 64]);

impl AlignedBytes {
    /// Alignment in bytes.
    pub const ALIGNMENT: usize = align_of::<Block>();

    /// `len` zero bytes whose pages the system has really given.
    #[must_use]
    pub fn zeroed(len: usize) -> Self {
        let mut blocks = vec![Block([0; 64]); len.div_ceil(64)];
        std::hint::black_box(&mut blocks).fill(Block([0; 64]));
        Self { blocks, len }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `Block` is 64 bytes without padding, and the blocks hold at least `len` bytes.
        unsafe { std::slice::from_raw_parts(self.blocks.as_ptr().cast(), self.len) }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: `Block` is 64 bytes without padding, and the blocks hold at least `len` bytes.
        unsafe { std::slice::from_raw_parts_mut(self.blocks.as_mut_ptr().cast(), self.len) }
    }
}
