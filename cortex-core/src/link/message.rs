//! What frames carry: postcard-encoded messages (docs/wire-format.md gives every byte).
//!
//! postcard: <https://postcard.jamesmunns.com/wire-format>. Unsigned integers above 8 bits are
//! varints, `f32` and `f64` are little-endian bits, text and bytes have a varint length.

use heapless::String;
use serde::{Deserialize, Serialize};

use super::sample::Encoding;
use crate::signal::{GeneratorVersion, SourceSpec};

/// The newest version of the wire format this build speaks.
pub const WIRE_VERSION: u8 = 1;
/// The oldest version of the wire format this build speaks.
pub const WIRE_VERSION_MIN: u8 = 1;

/// The layout of every message as text; its CRC-32 is [`SCHEMA_HASH`]. Whoever changes a
/// message changes this line with it, and [`WIRE_VERSION`] once a release is out.
pub const SCHEMA: &str = "frame=cobs(kind:u8 session:u32 seq:u16 block:u32 payload crc32)0;\
enc=f32|i16 scale:f32|digest|q15;\
HELLO wire_min:u8 wire_max:u8 schema:u32;\
HELLO_ACK wire_min:u8 wire_max:u8 schema:u32 board:str firmware:str commit:str v1:u32 v2:u32 \
v3:u32 kernels:u32 max_frame:u32 rx_bytes:u32 max_values:u32 timer:enum tick_hz:u64 timer_bits:u8 boot:u32 \
crash:str crash_place:u32;\
CONFIGURE channels:u32 window:u32 hop:u32 rate:f64 input:enc output:enc kernel:bytes;\
CONFIGURED state_values:u32 output_values:u32;BLOCK values:u32 fragment:u16 samples;\
BLOCK_MORE samples;RESULT values:u32 fragment:u16 samples;RESULT_MORE samples;\
RESULT_END tin:u64 start:u64 run:u64 tx:u64 sent:u64 input_crc:u32 output_crc:u32 saturated:u32;\
SEEDED version:enum signal:enum rate:f64 seed:u64 line:opt(f64 f64) offset:f64 clip:opt(f64) \
nan:f64 first:u32 count:u32 generator:u32;\
SEEDED_RESULT first:u32 count:u32 input_crc:u32 output_crc:u32 min:u64 max:u64 sum:u64 input:u64;\
ACK next:u16 received:u32 credit:u32 mark:u32 heard:u32 damaged:u16 blocks:u16 flags:u8;\
PING token:u16;PONG token:u16 received:u64 sent:u64 overruns:u32 overflows:u32;\
ERROR code:enum seq:u16 a:u32 b:u32 text:str;REFUSED as ERROR;BYE";

/// CRC-32/ISO-HDLC of [`SCHEMA`]: equal at both ends or they do not understand each other.
pub const SCHEMA_HASH: u32 =
    crc::Crc::<u32, crc::Table<0>>::new(&crc::CRC_32_ISO_HDLC).checksum(SCHEMA.as_bytes());

/// Longest encoding of any message in front of samples, in bytes. A receiver with frames of
/// `max_frame` bytes takes fragments of `max_frame - HEADER_BYTES - CRC_BYTES - FRAGMENT_HEAD_BYTES`.
pub const FRAGMENT_HEAD_BYTES: usize = 8;
/// Longest encoding of any message without samples but SEEDED of a v3 signal, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 192;
/// Longest encoding of SEEDED, in bytes: v3's signals have up to 57 parameters.
pub const MAX_SEEDED_BYTES: usize = 512;

/// Opens a session or repeats the question. The first three bytes stay as they are in every
/// version of the wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Oldest wire version the host speaks.
    pub wire_min: u8,
    /// Newest wire version the host speaks.
    pub wire_max: u8,
    /// [`SCHEMA_HASH`] of the host.
    pub schema: u32,
}

/// What counts the device's ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimerId {
    /// Cortex-M DWT cycle counter.
    DwtCycleCounter,
    /// Cortex-M SysTick with wraps counted.
    SysTick,
    /// A peripheral timer.
    PeripheralTimer,
    /// RISC-V mcycle.
    RiscvCycle,
    /// RISC-V mtime.
    RiscvTime,
    /// An operating system's monotonic clock.
    Monotonic,
    /// A simulated clock.
    Simulated,
}

impl TimerId {
    /// Name for people and telemetry.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TimerId::DwtCycleCounter => "DWT cycle counter",
            TimerId::SysTick => "SysTick",
            TimerId::PeripheralTimer => "peripheral timer",
            TimerId::RiscvCycle => "mcycle",
            TimerId::RiscvTime => "mtime",
            TimerId::Monotonic => "monotonic clock",
            TimerId::Simulated => "simulated clock",
        }
    }
}

/// What a device says about itself in HELLO_ACK. The first two bytes stay as they are in every
/// version of the wire format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// Oldest wire version the device speaks.
    pub wire_min: u8,
    /// Newest wire version the device speaks.
    pub wire_max: u8,
    /// [`SCHEMA_HASH`] of the device.
    pub schema: u32,
    /// Board name, such as `mps2-an386`.
    pub board: String<24>,
    /// Version of the firmware, such as `0.1.0`.
    pub firmware_version: String<16>,
    /// Commit the firmware was built from; empty when unknown.
    pub firmware_commit: String<16>,
    /// Digest of generator v1's output ([`super::engine::generator_digest`]).
    pub generator_v1_digest: u32,
    /// The same of v2; 0 when the device does not have it.
    pub generator_v2_digest: u32,
    /// The same of v3.
    pub generator_v3_digest: u32,
    /// Digest of the kernels' output ([`super::engine::kernel_digest`]).
    pub kernel_digest: u32,
    /// Longest frame the device takes (header, payload and CRC), in bytes.
    pub max_frame: u32,
    /// Bytes the host may have on the way to the device at first (the first credit).
    pub rx_bytes: u32,
    /// Values (`f32`) the device has for kernel state, input and output together.
    pub max_values: u32,
    /// What counts the ticks.
    pub timer: TimerId,
    /// Ticks per second.
    pub tick_hz: u64,
    /// Bits of the raw counter, before wraps are counted.
    pub timer_bits: u8,
    /// How often the device has started, where it can count; else 0.
    pub boot_count: u32,
    /// What ended the program before this start, if it crashed: the end of a source file's name,
    /// or the kind of fault; else empty.
    pub crash: String<32>,
    /// Line in that file, or an address.
    pub crash_place: u32,
}

impl DeviceInfo {
    /// Digest of the device's generators of `version`; 0 when it does not have them.
    #[must_use]
    pub fn generator_digest(&self, version: GeneratorVersion) -> u32 {
        match version {
            GeneratorVersion::V1 => self.generator_v1_digest,
            GeneratorVersion::V2 => self.generator_v2_digest,
            #[cfg(feature = "v3")]
            GeneratorVersion::V3 => self.generator_v3_digest,
        }
    }
}

/// The kernel and its surroundings; puts the kernel's state back to its start and the block
/// number back to 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configure<'a> {
    /// Channels, at least 1.
    pub channels: u32,
    /// Window length in samples: rows of block 0.
    pub window: u32,
    /// Hop in samples, 1..=window: rows of every later block.
    pub hop: u32,
    /// Sample rate in Hz.
    pub sample_rate_hz: f64,
    /// How input samples travel; not [`Encoding::DigestOnly`].
    pub input: Encoding,
    /// How output samples travel.
    pub output: Encoding,
    /// The kernel, as the device's engine understands it (postcard of
    /// [`crate::kernel`]'s specification in the standard firmware).
    #[serde(borrow)]
    pub kernel: &'a [u8],
}

impl Configure<'_> {
    /// Rows of block `block`: the window first, hops from then on.
    #[must_use]
    pub fn rows(&self, block: u32) -> u32 {
        if block == 0 { self.window } else { self.hop }
    }
}

/// The configuration is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configured {
    /// Values the kernel's state takes.
    pub state_values: u32,
    /// Most output values of one block.
    pub output_values: u32,
}

/// Head of BLOCK and RESULT; samples follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FragmentHead {
    /// Samples (values, not rows) of the whole block or result.
    pub values: u32,
    /// Sample bytes in every fragment but the last; a multiple of 4. A result has that of its
    /// block.
    pub fragment_bytes: u16,
}

/// Time stamps and digests of one block, in raw ticks of the device's timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ResultEndWire", into = "ResultEndWire")]
pub struct ResultEnd {
    /// The last byte of the block had been taken from the line.
    pub input_ticks: u64,
    /// The kernel's call began.
    pub start_ticks: u64,
    /// The kernel's call ended.
    pub end_ticks: u64,
    /// The first frame of this result was handed to the line.
    pub transmit_ticks: u64,
    /// This frame was made: all others of the result had been handed to the line.
    pub sent_ticks: u64,
    /// [`crate::digest::SampleDigest`] of the block as the kernel saw it.
    pub input_crc: u32,
    /// Digest of the kernel's output, before any encoding.
    pub output_crc: u32,
    /// Output values that an `i16` encoding saturated.
    pub saturated: u32,
}

/// [`ResultEnd`] as it travels: every stamp but the first counts from the one before it, which
/// makes short varints of long running times.
#[derive(Serialize, Deserialize)]
struct ResultEndWire {
    input: u64,
    start: u64,
    end: u64,
    transmit: u64,
    sent: u64,
    input_crc: u32,
    output_crc: u32,
    saturated: u32,
}

impl From<ResultEnd> for ResultEndWire {
    fn from(end: ResultEnd) -> Self {
        Self {
            input: end.input_ticks,
            start: end.start_ticks.wrapping_sub(end.input_ticks),
            end: end.end_ticks.wrapping_sub(end.start_ticks),
            transmit: end.transmit_ticks.wrapping_sub(end.end_ticks),
            sent: end.sent_ticks.wrapping_sub(end.transmit_ticks),
            input_crc: end.input_crc,
            output_crc: end.output_crc,
            saturated: end.saturated,
        }
    }
}

impl From<ResultEndWire> for ResultEnd {
    fn from(wire: ResultEndWire) -> Self {
        let start_ticks = wire.input.wrapping_add(wire.start);
        let end_ticks = start_ticks.wrapping_add(wire.end);
        let transmit_ticks = end_ticks.wrapping_add(wire.transmit);
        Self {
            input_ticks: wire.input,
            start_ticks,
            end_ticks,
            transmit_ticks,
            sent_ticks: transmit_ticks.wrapping_add(wire.sent),
            input_crc: wire.input_crc,
            output_crc: wire.output_crc,
            saturated: wire.saturated,
        }
    }
}

/// Generate blocks 0..first + count on the device; report on the last `count` of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seeded {
    /// Generator, signal, rate and seed. Channels are those of the configuration, from 0 on.
    pub source: SourceSpec,
    /// First block of the report.
    pub first: u32,
    /// Blocks in the report, at least 1.
    pub count: u32,
    /// The host's digest of this generator version; a device with another one refuses.
    pub generator_digest: u32,
}

/// What a seeded run found, over blocks first..first + count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeededResult {
    /// As asked.
    pub first: u32,
    /// As asked.
    pub count: u32,
    /// Digest of all input of these blocks, in order.
    pub input_crc: u32,
    /// Digest of all output of these blocks, in order.
    pub output_crc: u32,
    /// Shortest kernel call in ticks.
    pub min_ticks: u64,
    /// Longest kernel call in ticks.
    pub max_ticks: u64,
    /// All kernel calls together, in ticks.
    pub sum_ticks: u64,
    /// Generating all input of these blocks, in ticks.
    pub generate_ticks: u64,
}

/// Flag of [`Ack`]: bytes that were no frame arrived since the last acknowledgement, or a
/// frame arrived ahead of one that is missing.
pub const ACK_GAP: u8 = 1;
/// Flag of [`Ack`]: answer with an acknowledgement.
pub const ACK_POLL: u8 = 2;
/// Flag of [`Ack`]: the device is computing and grants no credit until it is done.
pub const ACK_BUSY: u8 = 4;
/// Flag of [`Ack`]: sequenced frames of the sender are not acknowledged.
pub const ACK_OPEN: u8 = 8;

/// What arrived, and what may follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Sequence number waited for: everything before it has arrived.
    pub next: u16,
    /// Bit i: frame `next + 1 + i` has arrived.
    pub received: u32,
    /// Bytes the other end may have on the way.
    pub credit: u32,
    /// Place of this acknowledgement among all that its sender has sent in the session: every
    /// sequenced frame and every acknowledgement counts one.
    pub mark: u32,
    /// Greatest `mark` that has arrived from the other end, 0 for none. What that end sent before
    /// it and `next` and `received` do not name is lost: the line is a queue.
    pub heard: u32,
    /// Damaged frames seen since the session began, modulo 2^16.
    pub damaged: u16,
    /// Blocks that the device has run since CONFIGURE, modulo 2^16; 0 from a host.
    pub blocks: u16,
    /// [`ACK_GAP`], [`ACK_POLL`], [`ACK_BUSY`], [`ACK_OPEN`].
    pub flags: u8,
}

/// What time is it?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Repeated in the answer.
    pub token: u16,
}

/// The device's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// Of the ping.
    pub token: u16,
    /// When the ping's last byte was taken from the line, in ticks.
    pub received_ticks: u64,
    /// When this answer was made, in ticks.
    pub sent_ticks: u64,
    /// Bytes or frames that the device's receiver lost since its start, as its hardware tells.
    pub overruns: u32,
    /// Bytes dropped since its start because the receive ring was full.
    pub ring_overflows: u32,
}

/// What a board's receiver has lost since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiveLosses {
    /// Overruns of the receiver, as the hardware tells them.
    pub overruns: u32,
    /// Bytes dropped because the receive ring was full.
    pub ring_overflows: u32,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorCode {
    /// The frame's kind is unknown (a: its code).
    UnknownKind,
    /// The payload is not the message its kind promises (a: its code).
    BadMessage,
    /// No session is open; the device may have been reset (a: boot count).
    NoSession,
    /// Another host has opened a session since (a: boot count).
    OtherSession,
    /// HELLO with session 0, or another frame only a device sends (a: its code).
    NotAllowed,
    /// A request that needs a configuration came before one.
    NotConfigured,
    /// The block is not the next one (a: expected, b: got).
    WrongBlock,
    /// The block has a wrong number of values (a: expected, b: got).
    WrongLength,
    /// State, input and output together do not fit (a: values needed, b: values there).
    TooLarge,
    /// The device does not have this kernel (a: 0), or not with these parameters (a: 1).
    UnknownKernel,
    /// The encoding or the fragment size cannot be used (b: greatest fragment size).
    BadEncoding,
    /// Parameters of the generator are wrong.
    BadSource,
    /// The device's generator is another one (a: its digest, b: the one asked for).
    GeneratorDiffers,
    /// The device cannot generate as many channels (a: asked, b: greatest number).
    TooManyChannels,
    /// The kernel refused the block.
    KernelFault,
    /// The device does not do this at all.
    Unsupported,
}

impl ErrorCode {
    /// What is wrong, as part of a sentence.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            ErrorCode::UnknownKind => "it does not know this kind of frame",
            ErrorCode::BadMessage => "it cannot read the message",
            ErrorCode::NoSession => "it has no open session (was it reset?)",
            ErrorCode::OtherSession => "another program has opened a session with it",
            ErrorCode::NotAllowed => "the frame is not allowed from this end",
            ErrorCode::NotConfigured => "no kernel is configured",
            ErrorCode::WrongBlock => "the block is not the next one",
            ErrorCode::WrongLength => "the block has a wrong length",
            ErrorCode::TooLarge => "kernel state, input and output do not fit into its memory",
            ErrorCode::UnknownKernel => "it does not have this kernel",
            ErrorCode::BadEncoding => "the sample encoding or fragment size cannot be used",
            ErrorCode::BadSource => "the generator's parameters are wrong",
            ErrorCode::GeneratorDiffers => "its generator is another version",
            ErrorCode::TooManyChannels => "it cannot generate as many channels",
            ErrorCode::KernelFault => "the kernel refused the block",
            ErrorCode::Unsupported => "it does not support this",
        }
    }
}

/// An error: what is wrong, with which frame, and two numbers that say more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorInfo {
    /// What is wrong.
    pub code: ErrorCode,
    /// Sequence number of the frame it is about.
    pub seq: u16,
    /// First number, by code.
    pub a: u32,
    /// Second number, by code.
    pub b: u32,
    /// More for people, at most 32 bytes.
    pub text: String<32>,
}

impl ErrorInfo {
    /// An error with two numbers and no text; the session fills in the sequence number.
    #[must_use]
    pub fn new(code: ErrorCode, a: u32, b: u32) -> Self {
        Self { code, seq: 0, a, b, text: String::new() }
    }

    /// The same with a text, cut to 32 bytes at a character's edge.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        self.text = clipped(text);
        self
    }
}

/// `text` cut to `N` bytes at a character's edge.
#[must_use]
pub fn clipped<const N: usize>(text: &str) -> String<N> {
    let mut end = text.len().min(N);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut out = String::new();
    // It fits: `end` is at most N.
    let _ = out.push_str(text.get(..end).unwrap_or_default());
    out
}
