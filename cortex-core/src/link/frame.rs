//! Frames: `COBS(header | payload | CRC-32 LE) 0x00`.
//!
//! The header is 11 bytes: kind u8, session u32, sequence number u16, block u32, all
//! little-endian. The CRC is CRC-32/ISO-HDLC over header and payload. docs/wire-format.md is the
//! norm; tests/tests/link/bytes.rs holds every frame as bytes.

use super::cobs::{self, Decoded, Encoder, Full};
use crate::digest::{CRC32, Tables};

/// Bytes of the header in front of every payload.
pub const HEADER_BYTES: usize = 11;
/// Bytes of the CRC-32 behind every payload.
pub const CRC_BYTES: usize = 4;

/// Longest form on the line of a frame of `frame_bytes` (header, payload and CRC).
#[must_use]
pub const fn wire_len(frame_bytes: usize) -> usize {
    cobs::max_encoded_len(frame_bytes)
}

/// What a frame is. "Sequenced" frames carry a sequence number and are acknowledged; the
/// others carry sequence number 0 and may be lost or repeated without harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Host: opens a session, or repeats the question within one.
    Hello = 0x01,
    /// Device: who it is and what it holds.
    HelloAck = 0x02,
    /// Host, sequenced: kernel, shape and encodings; kernel state back to its start.
    Configure = 0x03,
    /// Device, sequenced: the configuration is in force.
    Configured = 0x04,
    /// Host, sequenced: first fragment of a block of samples, with its length.
    Block = 0x05,
    /// Host, sequenced: further samples of the same block, nothing else.
    BlockMore = 0x06,
    /// Device, sequenced: first fragment of the kernel's output for a block.
    Result = 0x07,
    /// Device, sequenced: further output samples, nothing else.
    ResultMore = 0x08,
    /// Device, sequenced: time stamps and digests, the last frame of a result.
    ResultEnd = 0x09,
    /// Host, sequenced: parameters from which the device generates its own input.
    Seeded = 0x0A,
    /// Device, sequenced: digests and time statistics of a seeded run.
    SeededResult = 0x0B,
    /// Either way: what was received, and how many bytes may follow.
    Ack = 0x0C,
    /// Host: what time is it?
    Ping = 0x0D,
    /// Device: the time.
    Pong = 0x0E,
    /// Device: something is wrong with a frame or the session.
    Error = 0x0F,
    /// Device, sequenced: the answer to a request that cannot be met.
    Refused = 0x10,
    /// Either way: the session is over.
    Bye = 0x11,
}

impl Kind {
    /// All kinds, in the order of their codes.
    pub const ALL: [Kind; 17] = [
        Kind::Hello,
        Kind::HelloAck,
        Kind::Configure,
        Kind::Configured,
        Kind::Block,
        Kind::BlockMore,
        Kind::Result,
        Kind::ResultMore,
        Kind::ResultEnd,
        Kind::Seeded,
        Kind::SeededResult,
        Kind::Ack,
        Kind::Ping,
        Kind::Pong,
        Kind::Error,
        Kind::Refused,
        Kind::Bye,
    ];

    /// The kind with this code, if there is one.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code).checked_sub(1)?).copied()
    }

    /// The name used in docs/wire-format.md.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Hello => "HELLO",
            Kind::HelloAck => "HELLO_ACK",
            Kind::Configure => "CONFIGURE",
            Kind::Configured => "CONFIGURED",
            Kind::Block => "BLOCK",
            Kind::BlockMore => "BLOCK_MORE",
            Kind::Result => "RESULT",
            Kind::ResultMore => "RESULT_MORE",
            Kind::ResultEnd => "RESULT_END",
            Kind::Seeded => "SEEDED",
            Kind::SeededResult => "SEEDED_RESULT",
            Kind::Ack => "ACK",
            Kind::Ping => "PING",
            Kind::Pong => "PONG",
            Kind::Error => "ERROR",
            Kind::Refused => "REFUSED",
            Kind::Bye => "BYE",
        }
    }
}

/// The 11 bytes in front of every payload. `kind` stays a raw code, so that unknown kinds can
/// be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Code of the [`Kind`].
    pub kind: u8,
    /// Session number, random and not zero; 0 only in a device's error without a session.
    pub session: u32,
    /// Sequence number of a sequenced frame, else 0.
    pub seq: u16,
    /// Block (window) number the frame belongs to, else 0.
    pub block: u32,
}

impl Header {
    /// Header of a frame of a known kind.
    #[must_use]
    pub fn new(kind: Kind, session: u32, seq: u16, block: u32) -> Self {
        Self { kind: kind as u8, session, seq, block }
    }

    fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let [s0, s1, s2, s3] = self.session.to_le_bytes();
        let [q0, q1] = self.seq.to_le_bytes();
        let [b0, b1, b2, b3] = self.block.to_le_bytes();
        [self.kind, s0, s1, s2, s3, q0, q1, b0, b1, b2, b3]
    }

    fn from_bytes(bytes: [u8; HEADER_BYTES]) -> Self {
        let [kind, s0, s1, s2, s3, q0, q1, b0, b1, b2, b3] = bytes;
        Self {
            kind,
            session: u32::from_le_bytes([s0, s1, s2, s3]),
            seq: u16::from_le_bytes([q0, q1]),
            block: u32::from_le_bytes([b0, b1, b2, b3]),
        }
    }
}

/// Writes one frame, piece by piece.
pub struct FrameWriter<'a> {
    cobs: Encoder<'a>,
    crc: crc::Digest<'static, u32, Tables>,
}

impl<'a> FrameWriter<'a> {
    /// Begins a frame at the front of `out`, which needs [`wire_len`] bytes of room.
    ///
    /// # Errors
    /// [`Full`] when `out` is too short.
    pub fn new(out: &'a mut [u8], header: Header) -> Result<Self, Full> {
        let mut writer = Self { cobs: Encoder::new(out)?, crc: CRC32.digest() };
        writer.write(&header.to_bytes())?;
        Ok(writer)
    }

    /// Appends bytes to the payload.
    ///
    /// # Errors
    /// [`Full`] when the buffer has no room left.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.crc.update(bytes);
        for &byte in bytes {
            self.cobs.push(byte)?;
        }
        Ok(())
    }

    /// Appends the CRC and the end mark; returns the length on the line.
    ///
    /// # Errors
    /// [`Full`] when the buffer has no room left.
    pub fn finish(self) -> Result<usize, Full> {
        let Self { mut cobs, crc } = self;
        for byte in crc.finalize().to_le_bytes() {
            cobs.push(byte)?;
        }
        cobs.finish()
    }
}

/// Why received bytes were not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The checksum is wrong.
    Checksum,
    /// Shorter than header and checksum, or cut inside a COBS group.
    Short,
    /// Longer than the receive buffer; everything up to the next 0x00 was skipped.
    Oversize,
}

/// What one received byte completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameEvent {
    /// Nothing yet.
    Pending,
    /// A frame whose checksum is right: [`FrameDecoder::frame`] has it until the next byte.
    Frame,
    /// Bytes that are no frame.
    Damaged(Damage),
}

/// Turns a byte stream into frames, in a buffer of the caller's.
///
/// Runs of 0x00 are ignored. A frame longer than the buffer is skipped to the next 0x00, so its
/// tail is never taken for a frame of its own.
#[derive(Debug)]
pub struct FrameDecoder<B> {
    buffer: B,
    len: usize,
    frame_len: usize,
    oversize: bool,
    any: bool,
    cobs: cobs::Decoder,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> FrameDecoder<B> {
    /// A decoder for frames of at most `buffer` length (header, payload and CRC).
    #[must_use]
    pub fn new(buffer: B) -> Self {
        Self {
            buffer,
            len: 0,
            frame_len: 0,
            oversize: false,
            any: false,
            cobs: cobs::Decoder::default(),
        }
    }

    /// Takes one byte from the line.
    pub fn push(&mut self, byte: u8) -> FrameEvent {
        self.frame_len = 0;
        match self.cobs.push(byte) {
            Decoded::Nothing => {
                self.any = true;
                FrameEvent::Pending
            }
            Decoded::Byte(byte) => {
                self.any = true;
                match self.buffer.as_mut().get_mut(self.len) {
                    Some(slot) => {
                        *slot = byte;
                        self.len += 1;
                    }
                    None => self.oversize = true,
                }
                FrameEvent::Pending
            }
            Decoded::End { whole } => self.end(whole),
        }
    }

    /// The frame that [`FrameEvent::Frame`] announced: its header and payload.
    #[must_use]
    pub fn frame(&self) -> Option<(Header, &[u8])> {
        let bytes = self.buffer.as_ref().get(..self.frame_len)?;
        let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let (payload, _crc) = rest.split_last_chunk::<CRC_BYTES>()?;
        Some((Header::from_bytes(*header), payload))
    }

    fn end(&mut self, whole: bool) -> FrameEvent {
        let len = core::mem::take(&mut self.len);
        let oversize = core::mem::take(&mut self.oversize);
        if !core::mem::take(&mut self.any) {
            return FrameEvent::Pending;
        }
        if oversize {
            return FrameEvent::Damaged(Damage::Oversize);
        }
        if !whole || len < HEADER_BYTES + CRC_BYTES {
            return FrameEvent::Damaged(Damage::Short);
        }
        let body = self.buffer.as_ref().get(..len).and_then(|b| b.split_last_chunk::<CRC_BYTES>());
        match body {
            Some((body, crc)) if CRC32.checksum(body) == u32::from_le_bytes(*crc) => {
                self.frame_len = len;
                FrameEvent::Frame
            }
            _ => FrameEvent::Damaged(Damage::Checksum),
        }
    }
}
