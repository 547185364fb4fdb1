//! Consistent Overhead Byte Stuffing: a frame without zero bytes, ended by one.
//!
//! S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on
//! Networking 7(2), 1999. A code byte `n` (1..=255) is followed by `n - 1` bytes that are not
//! zero; every group but the last, and but those with code 255, stands for a zero after them.
//! The overhead is one byte plus at most one for every 254.

/// Longest encoding of `len` bytes, with the 0x00 that ends it.
#[must_use]
pub const fn max_encoded_len(len: usize) -> usize {
    len + len / 254 + 2
}

/// The output buffer is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Writes an encoded frame into a buffer, byte by byte.
#[derive(Debug)]
pub struct Encoder<'a> {
    out: &'a mut [u8],
    len: usize,
    code_at: usize,
    code: u8,
}

impl<'a> Encoder<'a> {
    /// Begins a frame at the front of `out`.
    ///
    /// # Errors
    /// [`Full`] when `out` is empty.
    pub fn new(out: &'a mut [u8]) -> Result<Self, Full> {
        if out.is_empty() {
            return Err(Full);
        }
        Ok(Self { out, len: 1, code_at: 0, code: 1 })
    }

    /// Appends one byte of the frame.
    ///
    /// # Errors
    /// [`Full`] when the buffer has no room left.
    pub fn push(&mut self, byte: u8) -> Result<(), Full> {
        if byte != 0 {
            self.put(byte)?;
            self.code += 1;
        }
        if byte == 0 || self.code == 0xFF {
            self.close_group()?;
        }
        Ok(())
    }

    /// Ends the frame with 0x00 and returns the length of everything written.
    ///
    /// # Errors
    /// [`Full`] when there is no room for the last byte.
    pub fn finish(mut self) -> Result<usize, Full> {
        if let Some(slot) = self.out.get_mut(self.code_at) {
            *slot = self.code;
        }
        self.put(0)?;
        Ok(self.len)
    }

    fn close_group(&mut self) -> Result<(), Full> {
        if let Some(slot) = self.out.get_mut(self.code_at) {
            *slot = self.code;
        }
        self.code_at = self.len;
        self.code = 1;
        self.put(0)
    }

    fn put(&mut self, byte: u8) -> Result<(), Full> {
        *self.out.get_mut(self.len).ok_or(Full)? = byte;
        self.len += 1;
        Ok(())
    }
}

/// What one received byte meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Nothing yet: a code byte.
    Nothing,
    /// One byte of the frame.
    Byte(u8),
    /// The 0x00 that ends a frame; `whole` is false when a group was cut short.
    End {
        /// Whether every group had all its bytes.
        whole: bool,
    },
}

/// Decodes a stream byte by byte, without a buffer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    left_in_group: u8,
    zero_due: bool,
}

impl Decoder {
    /// Takes one byte from the line. After [`Decoded::End`] the next frame begins.
    pub fn push(&mut self, byte: u8) -> Decoded {
        if byte == 0 {
            let whole = self.left_in_group == 0;
            *self = Self::default();
            return Decoded::End { whole };
        }
        if self.left_in_group > 0 {
            self.left_in_group -= 1;
            return Decoded::Byte(byte);
        }
        let zero = self.zero_due;
        self.left_in_group = byte - 1;
        self.zero_due = byte != 0xFF;
        if zero { Decoded::Byte(0) } else { Decoded::Nothing }
    }
}
