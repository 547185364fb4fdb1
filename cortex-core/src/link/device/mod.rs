//! The device's end of the link: a state machine without input or output.
//!
//! A board needs four things: bytes from its UART, a tick counter, bytes to its UART, and a
//! loop. Time is an argument, memory is the caller's, and the arithmetic is an [`Engine`]:
//!
//! ```text
//! loop {
//!     let count = uart.read(&mut chunk);              // from the interrupt's ring
//!     session.on_bytes(&chunk[..count], timer.now());
//!     match session.poll(timer.now()) {
//!         Action::Idle => {}
//!         Action::Transmit(bytes) => uart.write_all(bytes),  // blocks; the ring keeps filling
//!         Action::Run => {
//!             uart.mask_receive_interrupt();
//!             session.run(&mut || timer.now());
//!             uart.unmask_receive_interrupt();
//!         }
//!     }
//! }
//! ```
//!
//! The session starts no timer: every wait with a deadline is the host's, so a board never
//! hangs in the middle of anything and a new HELLO always gets an answer. The host never has
//! more bytes on the way than the ring holds, and none while a kernel runs: the ring cannot
//! overflow unless something between the two repeats bytes, and then a checksum fails and the
//! frame is sent again.

mod compute;
mod receive;
mod transmit;

use super::cobs::Full;
use super::engine::Engine;
use super::fragment::{
    after_zero, fragment_range, fragments, write_message, write_postcard, write_samples,
};
use super::frame::{
    CRC_BYTES, Damage, FrameDecoder, FrameEvent, FrameWriter, HEADER_BYTES, Header, Kind, wire_len,
};
use super::message::{
    ACK_BUSY, ACK_GAP, ACK_OPEN, ACK_POLL, Ack, Configure, Configured, DeviceInfo, ErrorCode,
    ErrorInfo, FRAGMENT_HEAD_BYTES, FragmentHead, MAX_MESSAGE_BYTES, Ping, Pong, ReceiveLosses,
    ResultEnd, SCHEMA_HASH, Seeded, SeededResult, WIRE_VERSION, WIRE_VERSION_MIN, clipped,
};
use super::sample::Encoding;
use super::window::{Arrival, ReceiveWindow, SendWindow};
use crate::digest::SampleDigest;
use crate::signal::GeneratorVersion;

/// Bytes of the receive ring kept free beyond the credit: for acknowledgements, polls and pings.
pub const RING_RESERVE_BYTES: usize = 128;
/// Least `max_frame`: room for every message without samples.
pub const MIN_FRAME_BYTES: usize = HEADER_BYTES + MAX_MESSAGE_BYTES + CRC_BYTES;

/// Bytes a receive ring needs at least for frames of `max_frame` bytes.
#[must_use]
pub const fn min_ring_bytes(max_frame: usize) -> usize {
    wire_len(max_frame) + RING_RESERVE_BYTES
}

/// Bytes of the transmit buffer for frames of `max_frame` bytes.
#[must_use]
pub const fn transmit_buffer_bytes(max_frame: usize) -> usize {
    wire_len(max_frame) + 1
}

/// Why a [`DeviceSession`] cannot be built from these buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BufferError {
    /// The receive frame buffer is shorter than [`MIN_FRAME_BYTES`].
    FrameBuffer {
        /// Bytes needed.
        needed: usize,
    },
    /// The transmit buffer is shorter than [`transmit_buffer_bytes`].
    TransmitBuffer {
        /// Bytes needed.
        needed: usize,
    },
    /// The ring is shorter than [`min_ring_bytes`].
    Ring {
        /// Bytes needed.
        needed: usize,
    },
}

impl core::fmt::Display for BufferError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            BufferError::FrameBuffer { needed } => {
                write!(f, "the frame buffer needs at least {needed} bytes")
            }
            BufferError::TransmitBuffer { needed } => {
                write!(f, "the transmit buffer needs at least {needed} bytes")
            }
            BufferError::Ring { needed } => {
                write!(f, "the receive ring needs at least {needed} bytes")
            }
        }
    }
}

impl core::error::Error for BufferError {}

/// Who the device is; the session adds what the wire format and the engine know.
#[derive(Clone, Debug)]
pub struct DeviceIdentity<'a> {
    /// Board name, at most 24 bytes.
    pub board: &'a str,
    /// Firmware version, at most 16 bytes.
    pub firmware_version: &'a str,
    /// Commit, at most 16 bytes; empty when unknown.
    pub firmware_commit: &'a str,
    /// What counts the ticks.
    pub timer: super::message::TimerId,
    /// Ticks per second.
    pub tick_hz: u64,
    /// Bits of the raw counter.
    pub timer_bits: u8,
    /// How often the device has started; 0 when it cannot count.
    pub boot_count: u32,
    /// Bytes of the board's receive ring, at least [`min_ring_bytes`].
    pub rx_ring_bytes: usize,
}

/// What the board does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Nothing until more bytes arrive.
    Idle,
    /// Write all these bytes to the line, then poll again.
    Transmit(&'a [u8]),
    /// Call [`DeviceSession::run`], then poll again. The host sends nothing meanwhile.
    Run,
}

/// The device's protocol state machine. `B` is a byte buffer (`&mut [u8]`, an array, a `Vec`).
pub struct DeviceSession<E, B> {
    decoder: FrameDecoder<B>,
    tx: B,
    core: Core<E>,
}

impl<E: Engine, B: AsRef<[u8]> + AsMut<[u8]>> DeviceSession<E, B> {
    /// A session that waits for HELLO. The length of `frame_buffer` is the longest frame the
    /// device takes; `transmit_buffer` holds one frame on its way out.
    ///
    /// # Errors
    /// [`BufferError`] when a buffer is too short.
    pub fn new(
        identity: &DeviceIdentity<'_>,
        mut engine: E,
        frame_buffer: B,
        transmit_buffer: B,
    ) -> Result<Self, BufferError> {
        let max_frame = frame_buffer.as_ref().len();
        if max_frame < MIN_FRAME_BYTES {
            return Err(BufferError::FrameBuffer { needed: MIN_FRAME_BYTES });
        }
        if transmit_buffer.as_ref().len() < transmit_buffer_bytes(max_frame) {
            let needed = transmit_buffer_bytes(max_frame);
            return Err(BufferError::TransmitBuffer { needed });
        }
        if identity.rx_ring_bytes < min_ring_bytes(max_frame) {
            return Err(BufferError::Ring { needed: min_ring_bytes(max_frame) });
        }
        let info = DeviceInfo {
            wire_min: WIRE_VERSION_MIN,
            wire_max: WIRE_VERSION,
            schema: SCHEMA_HASH,
            board: clipped(identity.board),
            firmware_version: clipped(identity.firmware_version),
            firmware_commit: clipped(identity.firmware_commit),
            generator_v1_digest: engine.generator_digest(GeneratorVersion::V1),
            generator_v2_digest: engine.generator_digest(GeneratorVersion::V2),
            #[cfg(feature = "v3")]
            generator_v3_digest: engine.generator_digest(GeneratorVersion::V3),
            #[cfg(not(feature = "v3"))]
            generator_v3_digest: 0,
            kernel_digest: engine.kernel_digest(),
            max_frame: saturating_u32(max_frame),
            rx_bytes: saturating_u32(identity.rx_ring_bytes - RING_RESERVE_BYTES),
            max_values: saturating_u32(engine.capacity_values()),
            timer: identity.timer,
            tick_hz: identity.tick_hz,
            timer_bits: identity.timer_bits,
            boot_count: identity.boot_count,
            crash: heapless::String::new(),
            crash_place: 0,
        };
        Ok(Self {
            decoder: FrameDecoder::new(frame_buffer),
            tx: transmit_buffer,
            core: Core::new(engine, info),
        })
    }

    /// What ended the program before this start, at which line or address: told to the host whose
    /// session it ended, and to every later one.
    pub fn after_crash(&mut self, text: &[u8], place: u32) {
        let shown = |&byte: &u8| if byte.is_ascii() { char::from(byte) } else { '?' };
        // A longer text is cut.
        self.core.info.crash.clear();
        let _ = text.iter().map(shown).try_for_each(|shown| self.core.info.crash.push(shown));
        self.core.info.crash_place = place;
    }

    /// What the board's receiver has lost so far, for the next PONG.
    pub fn set_receive_losses(&mut self, losses: ReceiveLosses) {
        self.core.losses = losses;
    }

    /// Takes bytes from the line. `now_ticks` is the time at which they were taken: it becomes
    /// the input stamp of a block that they complete.
    pub fn on_bytes(&mut self, bytes: &[u8], now_ticks: u64) {
        for &byte in bytes {
            match self.decoder.push(byte) {
                FrameEvent::Pending => {}
                FrameEvent::Damaged(damage) => self.core.damaged(damage),
                FrameEvent::Frame => {
                    if let Some((header, payload)) = self.decoder.frame() {
                        self.core.frame(header, payload, now_ticks);
                    }
                }
            }
        }
    }

    /// What to do now. Call until it says [`Action::Idle`].
    pub fn poll(&mut self, now_ticks: u64) -> Action<'_> {
        // A message that does not fit is impossible: the constructor checked the buffers.
        if let Ok(Some(len)) = self.core.transmit(self.tx.as_mut(), now_ticks)
            && let Some(bytes) = self.tx.as_ref().get(..len)
        {
            return Action::Transmit(bytes);
        }
        if self.core.ready_to_run() { Action::Run } else { Action::Idle }
    }

    /// Runs the kernel over the block that has come in, or over the next block of a seeded run.
    /// `clock` returns the time in ticks; it is read right before and right after the kernel.
    pub fn run(&mut self, clock: &mut dyn FnMut() -> u64) {
        self.core.run(clock);
    }

    /// What HELLO_ACK says.
    #[must_use]
    pub fn info(&self) -> &DeviceInfo {
        &self.core.info
    }

    /// The open session, if any.
    #[must_use]
    pub fn session(&self) -> Option<u32> {
        (self.core.session != 0).then_some(self.core.session)
    }

    /// Blocks the kernel has run since the session was built, seeded ones included.
    #[must_use]
    pub fn blocks_executed(&self) -> u64 {
        self.core.executed
    }

    /// The engine, for inspection.
    #[must_use]
    pub fn engine(&self) -> &E {
        &self.core.engine
    }
}

/// The parts of a configuration the session needs again.
#[derive(Clone, Copy)]
struct Active {
    channels: u32,
    window: u32,
    hop: u32,
    input: Encoding,
    output: Encoding,
    output_values: u32,
}

impl Active {
    fn block_values(&self, block: u32) -> u32 {
        let rows = if block == 0 { self.window } else { self.hop };
        rows.saturating_mul(self.channels)
    }
}

/// What the input buffer holds.
#[allow(clippy::large_enum_variant, reason = "there is no allocator to box with")]
enum BlockState {
    Empty,
    Receiving {
        block: u32,
        values: u32,
        first_seq: u16,
        fragments: u16,
        fragment_bytes: u16,
    },
    Received {
        block: u32,
        values: u32,
        fragment_bytes: u16,
        input_ticks: u64,
    },
    Seeding {
        /// The block that is next; what is asked for stands in the result.
        block: u32,
        input: SampleDigest,
        output: SampleDigest,
        sums: SeededResult,
    },
}

/// The answer on its way to the host; it is made again for every (re)transmission.
enum Reply {
    None,
    Configured(Configured),
    Result { block: u32, head: FragmentHead, end: ResultEnd },
    Seeded(SeededResult),
    Refused { block: u32, error: ErrorInfo },
}

struct Core<E> {
    engine: E,
    info: DeviceInfo,
    losses: ReceiveLosses,
    session: u32,
    last_session: u32,
    receive: ReceiveWindow,
    send: SendWindow,
    active: Option<Active>,
    next_block: u32,
    block_state: BlockState,
    reply: Reply,
    reply_first: u16,
    reply_frames: u16,
    hello_due: bool,
    /// This start is still to be told: a host whose session it ended waits for something else.
    start_due: bool,
    bye_due: u32,
    error_due: Option<(u32, ErrorInfo)>,
    pong_due: Option<(u16, u64)>,
    ack_due: bool,
    /// Frames and bytes taken since the last acknowledgement.
    unacknowledged: (u16, u32),
    gap: bool,
    damaged: u16,
    heard: u32,
    blocks: u16,
    executed: u64,
}

impl<E: Engine> Core<E> {
    fn new(engine: E, info: DeviceInfo) -> Self {
        Self {
            engine,
            info,
            losses: ReceiveLosses { overruns: 0, ring_overflows: 0 },
            session: 0,
            last_session: 0,
            receive: ReceiveWindow::new(0),
            send: SendWindow::new(0),
            active: None,
            next_block: 0,
            block_state: BlockState::Empty,
            reply: Reply::None,
            reply_first: 0,
            reply_frames: 0,
            hello_due: false,
            start_due: true,
            bye_due: 0,
            error_due: None,
            pong_due: None,
            ack_due: false,
            unacknowledged: (0, 0),
            gap: false,
            damaged: 0,
            heard: 0,
            blocks: 0,
            executed: 0,
        }
    }
}

fn saturating_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
