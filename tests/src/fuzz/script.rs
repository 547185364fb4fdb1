//! An input as a script: what a session meets, step by step. Any bytes are a script.

use cortex_core::link::Header;

use super::link::encode_frame;

/// What is left of the input.
pub struct Script<'a>(pub &'a [u8]);

impl<'a> Script<'a> {
    /// The next byte; `None` at the end.
    pub fn step(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next byte, 0 past the end.
    pub fn byte(&mut self) -> u8 {
        self.step().unwrap_or(0)
    }

    /// Four bytes as a number.
    pub fn number(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    /// A length of one byte and as many bytes, or what is left.
    pub fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }

    /// A span of time: one byte of size, one of shift, so that spans from nothing to hours are
    /// equally likely.
    pub fn span(&mut self) -> u64 {
        u64::from(self.byte()) << (self.byte() % 36)
    }

    /// A frame with a right checksum around anything.
    pub fn frame(&mut self, session: u32, seq: u16, block: u32) -> Vec<u8> {
        let kind = self.byte();
        encode_frame(Header { kind, session, seq, block }, self.bytes())
    }
}
