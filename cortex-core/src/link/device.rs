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

use super::cobs::Full;
use super::engine::Engine;
use super::frame::{
    CRC_BYTES, Damage, FrameDecoder, FrameEvent, FrameWriter, HEADER_BYTES, Header, Kind, wire_len,
};
use super::message::{
    ACK_BUSY, ACK_GAP, ACK_POLL, Ack, Configure, Configured, DeviceInfo, ErrorCode, ErrorInfo,
    FRAGMENT_HEAD_BYTES, FragmentHead, MAX_MESSAGE_BYTES, Ping, Pong, ResultEnd, SCHEMA_HASH,
    Seeded, SeededResult, WIRE_VERSION, WIRE_VERSION_MIN,
};
use super::sample::Encoding;
use super::window::{Arrival, ReceiveWindow, SendWindow, WINDOW_FRAMES};
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
        engine: E,
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
            board: super::message::clipped(identity.board),
            firmware_version: super::message::clipped(identity.firmware_version),
            firmware_commit: super::message::clipped(identity.firmware_commit),
            generator_v1_digest: engine.generator_digest(GeneratorVersion::V1),
            generator_v2_digest: engine.generator_digest(GeneratorVersion::V2),
            kernel_digest: engine.kernel_digest(),
            max_frame: saturating_u32(max_frame),
            rx_bytes: saturating_u32(identity.rx_ring_bytes - RING_RESERVE_BYTES),
            max_values: saturating_u32(engine.capacity_values()),
            timer: identity.timer,
            tick_hz: identity.tick_hz,
            timer_bits: identity.timer_bits,
            boot_count: identity.boot_count,
        };
        Ok(Self {
            decoder: FrameDecoder::new(frame_buffer),
            tx: transmit_buffer,
            core: Core::new(engine, info),
        })
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

    /// Runs the kernel over the block that is loaded, or over the next block of a seeded run.
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
    fragment_bytes: u16,
}

impl Active {
    fn block_values(&self, block: u32) -> u32 {
        let rows = if block == 0 { self.window } else { self.hop };
        rows.saturating_mul(self.channels)
    }
}

/// What the input buffer holds.
#[allow(clippy::large_enum_variant, reason = "there is no allocator to box with")]
enum Job {
    Empty,
    Receiving {
        block: u32,
        values: u32,
        first_seq: u16,
        fragments: u16,
    },
    Loaded {
        block: u32,
        values: u32,
        input_ticks: u64,
    },
    Seeding {
        seeded: Seeded,
        block: u32,
        input: SampleDigest,
        output: SampleDigest,
        sums: SeededResult,
    },
}

/// The answer on its way to the host; it is made anew for every (re)transmission.
enum Reply {
    None,
    Configured(Configured),
    Result { block: u32, values: u32, end: ResultEnd },
    Seeded(SeededResult),
    Refused { block: u32, error: ErrorInfo },
}

struct Core<E> {
    engine: E,
    info: DeviceInfo,
    session: u32,
    last_session: u32,
    receive: ReceiveWindow,
    send: SendWindow,
    active: Option<Active>,
    next_block: u32,
    job: Job,
    reply: Reply,
    reply_first: u16,
    reply_frames: u16,
    hello_due: bool,
    bye_due: u32,
    error_due: Option<(u32, ErrorInfo)>,
    pong_due: Option<(u16, u64)>,
    ack_due: bool,
    gap: bool,
    damaged: u16,
    token: u16,
    executed: u64,
}

impl<E: Engine> Core<E> {
    fn new(engine: E, info: DeviceInfo) -> Self {
        Self {
            engine,
            info,
            session: 0,
            last_session: 0,
            receive: ReceiveWindow::new(0),
            send: SendWindow::new(0),
            active: None,
            next_block: 0,
            job: Job::Empty,
            reply: Reply::None,
            reply_first: 0,
            reply_frames: 0,
            hello_due: false,
            bye_due: 0,
            error_due: None,
            pong_due: None,
            ack_due: false,
            gap: false,
            damaged: 0,
            token: 0,
            executed: 0,
        }
    }

    // ---- receiving ------------------------------------------------------------------------

    fn damaged(&mut self, _damage: Damage) {
        if self.session != 0 {
            self.damaged = self.damaged.wrapping_add(1);
            self.gap = true;
            self.ack_due = true;
        }
    }

    fn frame(&mut self, header: Header, payload: &[u8], now_ticks: u64) {
        let Some(kind) = Kind::from_code(header.kind) else {
            return self.error(header, ErrorCode::UnknownKind, u32::from(header.kind));
        };
        if kind == Kind::Hello {
            return self.hello(header, payload);
        }
        if self.session == 0 {
            return self.error(header, ErrorCode::NoSession, self.info.boot_count);
        }
        if header.session != self.session {
            return self.error(header, ErrorCode::OtherSession, self.info.boot_count);
        }
        match kind {
            Kind::Ack => match postcard::from_bytes::<Ack>(payload) {
                Ok(ack) => self.acknowledged(ack),
                Err(_) => self.error(header, ErrorCode::BadMessage, u32::from(header.kind)),
            },
            Kind::Ping => match postcard::from_bytes::<Ping>(payload) {
                Ok(ping) => self.pong_due = Some((ping.token, now_ticks)),
                Err(_) => self.error(header, ErrorCode::BadMessage, u32::from(header.kind)),
            },
            Kind::Bye => {
                self.bye_due = self.session;
                self.end_session();
            }
            Kind::Configure | Kind::Block | Kind::BlockMore | Kind::Seeded => {
                self.sequenced(kind, header, payload, now_ticks);
            }
            _ => self.error(header, ErrorCode::NotAllowed, u32::from(header.kind)),
        }
    }

    fn hello(&mut self, header: Header, payload: &[u8]) {
        if header.session == 0 {
            return self.error(header, ErrorCode::NotAllowed, u32::from(header.kind));
        }
        // Only the frozen front of HELLO is looked at: a newer host must get an answer too.
        if payload.len() < 2 {
            return self.error(header, ErrorCode::BadMessage, u32::from(header.kind));
        }
        if header.session == self.last_session {
            // A delayed copy of the HELLO of a session that is over must not end this one.
            return self.error(header, ErrorCode::OtherSession, self.info.boot_count);
        }
        if header.session != self.session {
            self.end_session();
            self.session = header.session;
        }
        self.hello_due = true;
    }

    fn end_session(&mut self) {
        if self.session != 0 {
            self.last_session = self.session;
        }
        self.session = 0;
        self.receive = ReceiveWindow::new(0);
        self.send = SendWindow::new(0);
        self.active = None;
        self.next_block = 0;
        self.job = Job::Empty;
        self.reply = Reply::None;
        self.reply_first = 0;
        self.reply_frames = 0;
        self.hello_due = false;
        self.error_due = None;
        self.pong_due = None;
        self.ack_due = false;
        self.gap = false;
        self.damaged = 0;
        self.token = 0;
    }

    fn acknowledged(&mut self, ack: Ack) {
        self.send.acknowledged(ack.next, ack.received);
        if ack.flags & ACK_POLL != 0 {
            self.token = ack.token;
            self.send.drained_all();
            self.ack_due = true;
        }
        if self.send.base() == self.reply_end() && !matches!(self.reply, Reply::None) {
            self.reply = Reply::None;
            // A loaded block was waiting for this: say that computing begins.
            self.ack_due |= self.ready_to_run();
        }
    }

    fn sequenced(&mut self, kind: Kind, header: Header, payload: &[u8], now_ticks: u64) {
        self.ack_due = true;
        match self.receive.classify(header.seq) {
            Arrival::Duplicate => {}
            Arrival::TooFar => self.gap = true,
            Arrival::Ahead(_) => {
                self.gap = true;
                if kind == Kind::BlockMore && self.place_more(header, payload) {
                    self.receive.accept(header.seq);
                }
            }
            Arrival::Expected => match kind {
                Kind::Block => self.block(header, payload),
                Kind::BlockMore => {
                    if self.place_more(header, payload) {
                        self.receive.accept(header.seq);
                    } else {
                        self.refuse(
                            header,
                            ErrorInfo::new(ErrorCode::BadMessage, u32::from(header.kind), 0),
                        );
                    }
                }
                Kind::Configure => self.configure(header, payload),
                _ => self.seeded(header, payload),
            },
        }
        if let Job::Receiving { block, values, first_seq, fragments } = self.job
            && self.receive.next() == first_seq.wrapping_add(fragments)
        {
            self.job = Job::Loaded { block, values, input_ticks: now_ticks };
        }
    }

    /// Takes the frame and answers it with `error`, unless an answer is still on its way:
    /// then the frame is left for the host to send again.
    fn refuse(&mut self, header: Header, mut error: ErrorInfo) {
        if matches!(self.reply, Reply::None) {
            self.receive.accept(header.seq);
            error.seq = header.seq;
            self.answer(Reply::Refused { block: header.block, error }, 1);
        }
    }

    fn configure(&mut self, header: Header, payload: &[u8]) {
        if !matches!(self.reply, Reply::None) || !matches!(self.job, Job::Empty) {
            return;
        }
        let Ok(configure) = postcard::from_bytes::<Configure<'_>>(payload) else {
            let error = ErrorInfo::new(ErrorCode::BadMessage, u32::from(header.kind), 0);
            return self.refuse(header, error);
        };
        self.active = None;
        match self.try_configure(&configure) {
            Ok(configured) => {
                self.receive.accept(header.seq);
                self.next_block = 0;
                self.active = Some(Active {
                    channels: configure.channels,
                    window: configure.window,
                    hop: configure.hop,
                    input: configure.input,
                    output: configure.output,
                    fragment_bytes: configure.fragment_bytes,
                });
                self.answer(Reply::Configured(configured), 1);
            }
            Err(error) => self.refuse(header, error),
        }
    }

    fn try_configure(&mut self, configure: &Configure<'_>) -> Result<Configured, ErrorInfo> {
        let room = self.info.max_frame as usize - HEADER_BYTES - CRC_BYTES - FRAGMENT_HEAD_BYTES;
        let fragment = usize::from(configure.fragment_bytes);
        if fragment == 0
            || fragment > room
            || !fragment.is_multiple_of(4)
            || configure.input == Encoding::DigestOnly
            || !configure.input.is_valid()
            || !configure.output.is_valid()
        {
            let limit = saturating_u32(room - room % 4);
            return Err(ErrorInfo::new(
                ErrorCode::BadEncoding,
                u32::from(configure.fragment_bytes),
                limit,
            ));
        }
        if configure.channels == 0 || configure.hop == 0 || configure.hop > configure.window {
            return Err(ErrorInfo::new(ErrorCode::BadMessage, u32::from(Kind::Configure as u8), 0));
        }
        let configured = self.engine.configure(configure)?;
        // Half the sequence numbers must tell old from new.
        let input = configure.window.saturating_mul(configure.channels);
        let most = input.max(configured.output_values);
        // Not 64-bit arithmetic: its division alone is 1 KB of a Cortex-M0's flash.
        if most / u32::from(configure.fragment_bytes / 4) > 0x7000 {
            let limit = u32::from(configure.fragment_bytes) * (0x7000 / 4);
            return Err(ErrorInfo::new(ErrorCode::TooLarge, most, limit));
        }
        Ok(configured)
    }

    fn block(&mut self, header: Header, payload: &[u8]) {
        if !matches!(self.job, Job::Empty) {
            return; // sent without credit: not taken, to be sent again
        }
        let Some(active) = self.active else {
            return self.refuse(header, ErrorInfo::new(ErrorCode::NotConfigured, 0, 0));
        };
        let Ok((head, samples)) = postcard::take_from_bytes::<FragmentHead>(payload) else {
            let error = ErrorInfo::new(ErrorCode::BadMessage, u32::from(header.kind), 0);
            return self.refuse(header, error);
        };
        if header.block != self.next_block {
            let error = ErrorInfo::new(ErrorCode::WrongBlock, self.next_block, header.block);
            return self.refuse(header, error);
        }
        let expected = active.block_values(header.block);
        if head.values != expected || expected as usize > self.engine.input().len() {
            let error = ErrorInfo::new(ErrorCode::WrongLength, expected, head.values);
            return self.refuse(header, error);
        }
        let fragments = fragments(expected, active.input, active.fragment_bytes);
        self.job = Job::Receiving {
            block: header.block,
            values: expected,
            first_seq: header.seq,
            fragments,
        };
        if self.place(active, 0, expected, samples) {
            self.receive.accept(header.seq);
        } else {
            self.job = Job::Empty;
            self.refuse(header, ErrorInfo::new(ErrorCode::BadMessage, u32::from(header.kind), 0));
        }
    }

    /// Puts a further fragment where it belongs; false when it belongs nowhere.
    fn place_more(&mut self, header: Header, samples: &[u8]) -> bool {
        let (Some(active), Job::Receiving { block, values, first_seq, fragments }) =
            (self.active, &self.job)
        else {
            return false;
        };
        let index = header.seq.wrapping_sub(*first_seq);
        let values = *values;
        *block == header.block
            && index > 0
            && index < *fragments
            && self.place(active, index, values, samples)
    }

    fn place(&mut self, active: Active, index: u16, values: u32, samples: &[u8]) -> bool {
        let range = fragment_range(values, active.input, active.fragment_bytes, index);
        let count = range.len();
        self.engine
            .input()
            .get_mut(range)
            .is_some_and(|room| active.input.read(samples, room) == Some(count))
    }

    fn seeded(&mut self, header: Header, payload: &[u8]) {
        if !matches!(self.reply, Reply::None) || !matches!(self.job, Job::Empty) {
            return;
        }
        let Ok(seeded) = postcard::from_bytes::<Seeded>(payload) else {
            let error = ErrorInfo::new(ErrorCode::BadMessage, u32::from(header.kind), 0);
            return self.refuse(header, error);
        };
        let Some(active) = self.active else {
            return self.refuse(header, ErrorInfo::new(ErrorCode::NotConfigured, 0, 0));
        };
        if seeded.count == 0 || seeded.first.checked_add(seeded.count).is_none() {
            let error = ErrorInfo::new(ErrorCode::BadMessage, u32::from(header.kind), 0);
            return self.refuse(header, error);
        }
        let (ours, theirs) =
            (self.info.generator_digest(seeded.source.version), seeded.generator_digest);
        if ours != theirs {
            let error = ErrorInfo::new(ErrorCode::GeneratorDiffers, ours, theirs);
            return self.refuse(header, error);
        }
        match self.engine.begin_seeded(&seeded.source, active.channels) {
            Ok(()) => {
                self.receive.accept(header.seq);
                self.job = Job::Seeding {
                    seeded,
                    block: 0,
                    input: SampleDigest::new(),
                    output: SampleDigest::new(),
                    sums: SeededResult {
                        first: seeded.first,
                        count: seeded.count,
                        min_ticks: u64::MAX,
                        ..SeededResult::default()
                    },
                };
            }
            Err(error) => self.refuse(header, error),
        }
    }

    fn error(&mut self, header: Header, code: ErrorCode, a: u32) {
        if self.error_due.is_none() {
            let mut error = ErrorInfo::new(code, a, 0);
            error.seq = header.seq;
            self.error_due = Some((header.session, error));
        }
    }

    // ---- computing ------------------------------------------------------------------------

    fn ready_to_run(&self) -> bool {
        matches!(self.reply, Reply::None)
            && matches!(self.job, Job::Loaded { .. } | Job::Seeding { .. })
    }

    fn run(&mut self, clock: &mut dyn FnMut() -> u64) {
        if !self.ready_to_run() {
            return;
        }
        match core::mem::replace(&mut self.job, Job::Empty) {
            Job::Loaded { block, values, input_ticks } => {
                self.run_block(block, values, input_ticks, clock)
            }
            Job::Seeding { seeded, block, input, output, sums } => {
                self.run_seeded(seeded, block, input, output, sums, clock);
            }
            other => self.job = other,
        }
    }

    fn run_block(
        &mut self,
        block: u32,
        values: u32,
        input_ticks: u64,
        clock: &mut dyn FnMut() -> u64,
    ) {
        self.next_block = block.wrapping_add(1);
        self.ack_due = true; // the input buffer is free: credit again
        let input_crc = digest_of(self.engine.input().get(..values as usize).unwrap_or(&[]));
        let run = self.engine.run(values as usize, clock);
        self.executed += 1;
        let (Ok(run), Some(active)) = (&run, self.active) else {
            let error = run.err().unwrap_or_else(|| ErrorInfo::new(ErrorCode::NotConfigured, 0, 0));
            return self.answer(Reply::Refused { block, error }, 1);
        };
        let output = self.engine.output();
        let end = ResultEnd {
            input_ticks,
            start_ticks: run.start_ticks,
            end_ticks: run.end_ticks,
            transmit_ticks: 0,
            sent_ticks: 0,
            input_crc,
            output_crc: digest_of(output),
            saturated: active.output.count_saturated(output),
        };
        let values = saturating_u32(output.len());
        let frames = fragments(values, active.output, active.fragment_bytes) + 1;
        self.answer(Reply::Result { block, values, end }, frames);
    }

    fn run_seeded(
        &mut self,
        seeded: Seeded,
        block: u32,
        mut input: SampleDigest,
        mut output: SampleDigest,
        mut sums: SeededResult,
        clock: &mut dyn FnMut() -> u64,
    ) {
        let values = self.active.map_or(0, |active| active.block_values(block)) as usize;
        let begun = clock();
        let generated = self.engine.generate(values);
        let generate_ticks = clock().wrapping_sub(begun);
        let run = match generated {
            Ok(()) => {
                if block >= seeded.first {
                    input.update(self.engine.input().get(..values).unwrap_or(&[]));
                }
                self.engine.run(values, clock)
            }
            Err(error) => Err(error),
        };
        self.executed += 1;
        let run = match run {
            Ok(run) => run,
            Err(error) => {
                self.ack_due = true;
                return self.answer(Reply::Refused { block, error }, 1);
            }
        };
        if block >= seeded.first {
            output.update(self.engine.output());
            let ticks = run.end_ticks.wrapping_sub(run.start_ticks);
            sums.min_ticks = sums.min_ticks.min(ticks);
            sums.max_ticks = sums.max_ticks.max(ticks);
            sums.sum_ticks = sums.sum_ticks.wrapping_add(ticks);
            sums.generate_ticks = sums.generate_ticks.wrapping_add(generate_ticks);
        }
        let done = block.wrapping_add(1);
        if done == seeded.first.wrapping_add(seeded.count) {
            sums.input_crc = input.finish();
            sums.output_crc = output.finish();
            self.ack_due = true;
            self.answer(Reply::Seeded(sums), 1);
        } else {
            self.job = Job::Seeding { seeded, block: done, input, output, sums };
        }
    }

    fn answer(&mut self, reply: Reply, frames: u16) {
        self.reply = reply;
        self.reply_first = self.send.next();
        self.reply_frames = frames;
    }

    fn reply_end(&self) -> u16 {
        self.reply_first.wrapping_add(self.reply_frames)
    }

    // ---- transmitting ---------------------------------------------------------------------

    /// Writes the next frame due to the front of `out` and returns its length.
    fn transmit(&mut self, out: &mut [u8], now_ticks: u64) -> Result<Option<usize>, Full> {
        if self.hello_due {
            self.hello_due = false;
            let header = Header::new(Kind::HelloAck, self.session, 0, 0);
            return after_zero(out, |out| write_message(out, header, &self.info, &[])).map(Some);
        }
        if let Some((session, error)) = self.error_due.take() {
            let header = Header::new(Kind::Error, session, 0, 0);
            return after_zero(out, |out| write_message(out, header, &error, &[])).map(Some);
        }
        if self.bye_due != 0 {
            let session = core::mem::take(&mut self.bye_due);
            return FrameWriter::new(out, Header::new(Kind::Bye, session, 0, 0))?
                .finish()
                .map(Some);
        }
        if let Some((token, received_ticks)) = self.pong_due.take() {
            let pong = Pong { token, received_ticks, sent_ticks: now_ticks };
            return write_message(out, Header::new(Kind::Pong, self.session, 0, 0), &pong, &[])
                .map(Some);
        }
        let due = match self.reply {
            Reply::None => None,
            _ => self.send.to_send(self.reply_end(), WINDOW_FRAMES),
        };
        // A fresh answer goes out before the acknowledgement that reopens the credit: it is
        // what the host waits for.
        let fresh = due == Some(self.reply_first) && self.send.next() == self.reply_first;
        if self.ack_due && !fresh {
            return self.transmit_ack(out).map(Some);
        }
        match due {
            Some(seq) => {
                let len = self.transmit_reply(out, seq, now_ticks)?;
                self.send.sent(seq, len);
                Ok(Some(len))
            }
            None => Ok(None),
        }
    }

    fn transmit_ack(&mut self, out: &mut [u8]) -> Result<usize, Full> {
        self.ack_due = false;
        let loaded = matches!(self.job, Job::Loaded { .. } | Job::Seeding { .. });
        let mut flags = 0;
        if core::mem::take(&mut self.gap) {
            flags |= ACK_GAP;
        }
        if self.ready_to_run() {
            flags |= ACK_BUSY;
        }
        let ack = Ack {
            next: self.receive.next(),
            received: self.receive.received(),
            credit: if loaded { 0 } else { self.info.rx_bytes },
            token: self.token,
            damaged: self.damaged,
            flags,
        };
        write_message(out, Header::new(Kind::Ack, self.session, 0, 0), &ack, &[])
    }

    fn transmit_reply(&mut self, out: &mut [u8], seq: u16, now_ticks: u64) -> Result<usize, Full> {
        let index = seq.wrapping_sub(self.reply_first);
        let session = self.session;
        match &mut self.reply {
            Reply::None => Err(Full),
            Reply::Configured(configured) => {
                write_message(out, Header::new(Kind::Configured, session, seq, 0), configured, &[])
            }
            Reply::Seeded(result) => {
                write_message(out, Header::new(Kind::SeededResult, session, seq, 0), result, &[])
            }
            Reply::Refused { block, error } => {
                write_message(out, Header::new(Kind::Refused, session, seq, *block), error, &[])
            }
            Reply::Result { block, end, .. } if index + 1 == self.reply_frames => {
                end.sent_ticks = now_ticks;
                write_message(out, Header::new(Kind::ResultEnd, session, seq, *block), end, &[])
            }
            Reply::Result { block, values, end } => {
                let Some(active) = self.active else { return Err(Full) };
                let range = fragment_range(*values, active.output, active.fragment_bytes, index);
                let samples = self.engine.output().get(range).unwrap_or(&[]);
                if index > 0 {
                    let header = Header::new(Kind::ResultMore, session, seq, *block);
                    return write_samples(FrameWriter::new(out, header)?, active.output, samples);
                }
                if end.transmit_ticks == 0 {
                    end.transmit_ticks = now_ticks;
                }
                let header = Header::new(Kind::Result, session, seq, *block);
                let mut writer = FrameWriter::new(out, header)?;
                write_postcard(&mut writer, &FragmentHead { values: *values })?;
                write_samples(writer, active.output, samples)
            }
        }
    }
}

/// Number of fragments of `values` samples: at least one, even when no samples travel.
#[must_use]
pub(super) fn fragments(values: u32, encoding: Encoding, fragment_bytes: u16) -> u16 {
    let size = encoding.sample_bytes().max(1);
    let each = (usize::from(fragment_bytes) / size).max(1);
    // Without samples (a digest alone) there is still one fragment.
    let values = if encoding.sample_bytes() == 0 { 0 } else { values as usize };
    u16::try_from(values.div_ceil(each).max(1)).unwrap_or(u16::MAX)
}

/// Which samples fragment `index` carries.
#[must_use]
pub(super) fn fragment_range(
    values: u32,
    encoding: Encoding,
    fragment_bytes: u16,
    index: u16,
) -> core::ops::Range<usize> {
    let size = encoding.sample_bytes();
    if size == 0 {
        return 0..0;
    }
    let each = usize::from(fragment_bytes) / size;
    let start = (usize::from(index) * each).min(values as usize);
    start..(start + each).min(values as usize)
}

/// Writes a frame with one message and raw bytes behind it.
pub(super) fn write_message<M: serde::Serialize>(
    out: &mut [u8],
    header: Header,
    message: &M,
    raw: &[u8],
) -> Result<usize, Full> {
    let mut writer = FrameWriter::new(out, header)?;
    write_postcard(&mut writer, message)?;
    writer.write(raw)?;
    writer.finish()
}

/// Appends a message to a frame.
pub(super) fn write_postcard<M: serde::Serialize>(
    writer: &mut FrameWriter<'_>,
    message: &M,
) -> Result<(), Full> {
    let mut scratch = [0u8; MAX_MESSAGE_BYTES];
    let bytes = postcard::to_slice(message, &mut scratch).map_err(|_| Full)?;
    writer.write(bytes)
}

/// Appends encoded samples and ends the frame.
pub(super) fn write_samples(
    mut writer: FrameWriter<'_>,
    encoding: Encoding,
    samples: &[f32],
) -> Result<usize, Full> {
    match encoding {
        Encoding::F32 => {
            for sample in samples {
                writer.write(&sample.to_le_bytes())?;
            }
        }
        Encoding::I16 { scale_uv } => {
            for &sample in samples {
                writer.write(&Encoding::quantise(scale_uv, sample).0.to_le_bytes())?;
            }
        }
        Encoding::DigestOnly => {}
    }
    writer.finish()
}

/// Writes 0x00 and then what `write` writes: whatever was left on the line ends there.
pub(super) fn after_zero(
    out: &mut [u8],
    write: impl FnOnce(&mut [u8]) -> Result<usize, Full>,
) -> Result<usize, Full> {
    let (first, rest) = out.split_first_mut().ok_or(Full)?;
    *first = 0;
    write(rest).map(|len| len + 1)
}

fn digest_of(samples: &[f32]) -> u32 {
    let mut digest = SampleDigest::new();
    digest.update(samples);
    digest.finish()
}

fn saturating_u32(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
