//! The host's end of the link: a state machine without input or output.
//!
//! One request is on its way out at a time, and at most one more is being worked on: block
//! n + 1 crosses the line while the result of block n comes back. All waiting with a deadline
//! is here: a silent line is polled, the polls back off, and a limit ends the session with a
//! named cause. Time is nanoseconds of any monotonic clock, given by the caller.

use heapless::Deque;

use super::cobs::Full;
use super::device::{
    after_zero, fragment_range, fragments, write_message, write_postcard, write_samples,
};
use super::frame::{
    CRC_BYTES, FrameDecoder, FrameEvent, FrameWriter, HEADER_BYTES, Header, Kind, wire_len,
};
use super::message::{
    ACK_BUSY, ACK_GAP, ACK_POLL, Ack, Configure, Configured, DeviceInfo, ErrorCode, ErrorInfo,
    FRAGMENT_HEAD_BYTES, FragmentHead, Hello, MAX_MESSAGE_BYTES, Ping, Pong, ResultEnd,
    SCHEMA_HASH, Seeded, SeededResult, WIRE_VERSION, WIRE_VERSION_MIN,
};
use super::sample::Encoding;
use super::window::{Arrival, ReceiveWindow, SendWindow, WINDOW_FRAMES};
use crate::digest::SampleDigest;

/// Nanoseconds in a millisecond.
const MS: u64 = 1_000_000;

/// Timers and limits of a host session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostOptions {
    /// Time one byte takes on the line (10 bits at 8N1), 0 when unknown.
    pub byte_ns: u64,
    /// Most frames on the way, 1..=32.
    pub window_frames: u16,
    /// HELLO is repeated at this interval.
    pub hello_interval_ns: u64,
    /// A device that has not answered HELLO after this time is silent.
    pub hello_limit_ns: u64,
    /// Silence after which the device is polled, while something is awaited. Doubled from poll
    /// to poll up to half a second.
    pub poll_interval_ns: u64,
    /// The same while the device computes.
    pub busy_interval_ns: u64,
    /// Silence that ends the session.
    pub silence_limit_ns: u64,
    /// Silence that ends the session while the device computes.
    pub busy_limit_ns: u64,
    /// Time without one new frame accepted at either end that ends the session.
    pub progress_limit_ns: u64,
}

impl Default for HostOptions {
    fn default() -> Self {
        Self {
            byte_ns: 0,
            window_frames: WINDOW_FRAMES,
            hello_interval_ns: 100 * MS,
            hello_limit_ns: 3_000 * MS,
            poll_interval_ns: 60 * MS,
            busy_interval_ns: 1_000 * MS,
            silence_limit_ns: 5_000 * MS,
            busy_limit_ns: 60_000 * MS,
            progress_limit_ns: 10_000 * MS,
        }
    }
}

/// Why a session ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No byte came in answer to HELLO.
    NoAnswer,
    /// Bytes came in answer to HELLO, but no frame.
    Garbage {
        /// How many bytes.
        bytes: u64,
    },
    /// The device speaks other versions of the wire format.
    WireVersion {
        /// Its oldest version.
        device_min: u8,
        /// Its newest version.
        device_max: u8,
    },
    /// The version fits, but the messages do not: builds of different commits.
    Schema,
    /// The device fell silent within the session.
    Silent {
        /// For how long, in nanoseconds.
        for_ns: u64,
    },
    /// Frames come, but nothing moves on: the line is too noisy.
    NoProgress {
        /// Damaged frames the device reported.
        damaged_at_device: u16,
        /// Damaged frames received here.
        damaged_here: u64,
    },
    /// The device was reset within the session.
    Reset,
    /// Another program opened a session with the device.
    TakenOver,
    /// The device reported an error.
    Device(ErrorInfo),
    /// The device's block differs from the one sent.
    InputDigest {
        /// The block.
        block: u32,
    },
    /// The result received differs from the one the device made.
    OutputDigest {
        /// The block.
        block: u32,
    },
    /// The device sent something that does not belong here.
    Protocol(&'static str),
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Failure::NoAnswer => f.write_str(
                "the device is silent: check that it is powered, runs the CORTEX firmware, and that port and baud rate are right",
            ),
            Failure::Garbage { bytes } => write!(
                f,
                "the device answers garbage ({bytes} bytes, not one whole frame): the baud rate is wrong, or it does not run the CORTEX firmware"
            ),
            Failure::WireVersion { device_min, device_max } => {
                let remedy = if *device_max < WIRE_VERSION_MIN {
                    "flash the firmware of this release"
                } else {
                    "update cortex-host"
                };
                write!(
                    f,
                    "the device speaks wire version {device_min} to {device_max}, this program {WIRE_VERSION_MIN} to {WIRE_VERSION}: {remedy}"
                )
            }
            Failure::Schema => f.write_str(
                "the device's firmware was built from another version of the wire messages: flash the firmware of this release",
            ),
            Failure::Silent { for_ns } => {
                write!(f, "the device fell silent for {} ms", for_ns / MS)
            }
            Failure::NoProgress { damaged_at_device, damaged_here } => write!(
                f,
                "the line is too noisy: no frame gets through ({damaged_at_device} damaged at the device, {damaged_here} here); lower the baud rate or check the cable"
            ),
            Failure::Reset => f.write_str("the device was reset while the session was open"),
            Failure::TakenOver => {
                f.write_str("another program has opened a session with the device")
            }
            Failure::Device(error) => {
                write!(f, "the device reports that {}", error.code.describe())?;
                if !error.text.is_empty() {
                    write!(f, " ({})", error.text)?;
                }
                write!(f, " [{}, {}]", error.a, error.b)
            }
            Failure::InputDigest { block } => {
                write!(f, "block {block} on the device differs from the one sent")
            }
            Failure::OutputDigest { block } => {
                write!(f, "the result of block {block} differs from the one the device made")
            }
            Failure::Protocol(what) => write!(f, "the device broke the protocol: {what}"),
        }
    }
}

impl core::error::Error for Failure {}

/// What the caller does next.
#[derive(Debug, PartialEq)]
pub enum HostAction<'a> {
    /// Write all these bytes to the line, then poll again.
    Transmit(&'a [u8]),
    /// Something happened; poll again after looking at it.
    Event(HostEvent),
    /// Nothing before this time unless bytes arrive; `None` when nothing is awaited.
    Wait(Option<u64>),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum HostEvent {
    /// HELLO was answered: [`HostSession::info`] has the device.
    Connected,
    /// A ping was answered.
    Pong(ClockSample),
    /// The last request has arrived whole: another one can be made.
    Delivered,
    /// A configuration is in force.
    Configured(Configured),
    /// A block's result is in [`HostSession::output`] until bytes arrive again.
    Result {
        /// The block.
        block: u32,
        /// Stamps and digests; both digests have been checked.
        end: ResultEnd,
    },
    /// A seeded run is done.
    Seeded(SeededResult),
    /// The device refused a request.
    Refused {
        /// The block, 0 for other requests.
        block: u32,
        /// Why.
        error: ErrorInfo,
    },
    /// The device has ended the session after [`HostSession::bye`].
    Ended,
    /// The session is over.
    Failed(Failure),
}

/// One ping: host and device time around the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSample {
    /// When the ping was handed to the line, host nanoseconds.
    pub sent_ns: u64,
    /// When the answer had arrived, host nanoseconds.
    pub received_ns: u64,
    /// When the device had the ping, ticks.
    pub device_received_ticks: u64,
    /// When the device answered, ticks.
    pub device_sent_ticks: u64,
}

impl ClockSample {
    /// Round trip in nanoseconds, the device's own part included.
    #[must_use]
    pub fn round_trip_ns(&self) -> u64 {
        self.received_ns.saturating_sub(self.sent_ns)
    }
}

/// What crossed the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostStats {
    /// Bytes handed to the line.
    pub line_bytes_sent: u64,
    /// Bytes taken from the line.
    pub line_bytes_received: u64,
    /// Sample bytes in accepted requests (each counted once).
    pub sample_bytes_sent: u64,
    /// Sample bytes in received results (each counted once).
    pub sample_bytes_received: u64,
    /// Frames sent, of all kinds.
    pub frames_sent: u64,
    /// Frames received whole, of all kinds.
    pub frames_received: u64,
    /// Sequenced frames sent again.
    pub retransmissions: u64,
    /// Polls sent after a silence.
    pub polls: u64,
    /// Damaged frames received here.
    pub damaged_here: u64,
    /// Damaged frames the device reported, modulo 2^16.
    pub damaged_at_device: u16,
    /// Sequenced frames that had arrived before.
    pub duplicates: u64,
    /// Input samples that an `i16` encoding saturated.
    pub saturated: u64,
}

/// Why a request cannot be made now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// The session is not open, or an earlier request is still on its way.
    NotNow,
    /// The block is longer than the session's buffer.
    TooLong {
        /// Values there is room for.
        room: usize,
    },
    /// The message does not fit into a frame.
    Message,
}

impl core::fmt::Display for RequestError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            RequestError::NotNow => f.write_str("an earlier request is still on its way"),
            RequestError::TooLong { room } => {
                write!(f, "the block is longer than the {room} values there is room for")
            }
            RequestError::Message => f.write_str("the request does not fit into one frame"),
        }
    }
}

impl core::error::Error for RequestError {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening { since_ns: Option<u64> },
    Open,
    Closing,
    Over,
}

/// The request on its way out; frames are made anew for every (re)transmission.
enum Request {
    None,
    Message { kind: Kind, bytes: [u8; MAX_MESSAGE_BYTES], len: usize },
    Block { block: u32, values: u32 },
}

/// The result on its way in.
#[derive(Clone, Copy)]
struct Incoming {
    block: u32,
    values: u32,
    first_seq: u16,
    fragments: u16,
}

#[derive(Clone, Copy)]
struct Active {
    input: Encoding,
    output: Encoding,
    fragment_bytes: u16,
}

/// The host's protocol state machine. `F` holds `f32` values, `B` bytes (a `Vec`, a slice).
pub struct HostSession<F, B> {
    decoder: FrameDecoder<B>,
    tx: B,
    core: Core<F>,
}

impl<F: AsRef<[f32]> + AsMut<[f32]>, B: AsRef<[u8]> + AsMut<[u8]>> HostSession<F, B> {
    /// A session that opens with the next poll. `session` must be random and not zero.
    /// `frame_buffer` is the longest frame taken; `transmit_buffer` needs
    /// [`super::device::transmit_buffer_bytes`] of the longest frame sent; `input` holds the
    /// longest block, `output` the longest result.
    #[must_use]
    pub fn new(
        session: u32,
        options: HostOptions,
        frame_buffer: B,
        transmit_buffer: B,
        input: F,
        output: F,
    ) -> Self {
        Self {
            decoder: FrameDecoder::new(frame_buffer),
            tx: transmit_buffer,
            core: Core::new(session, options, input, output),
        }
    }

    /// Takes bytes from the line.
    pub fn on_bytes(&mut self, bytes: &[u8], now_ns: u64) {
        let core = &mut self.core;
        core.stats.line_bytes_received += bytes.len() as u64;
        if !bytes.is_empty() {
            core.last_byte_ns = now_ns;
            core.polls_in_a_row = 0;
        }
        for &byte in bytes {
            match self.decoder.push(byte) {
                FrameEvent::Pending => {}
                FrameEvent::Damaged(_) => self.core.damaged(),
                FrameEvent::Frame => {
                    if let Some((header, payload)) = self.decoder.frame() {
                        self.core.frame(header, payload, now_ns);
                    }
                }
            }
        }
    }

    /// What to do now. Call until it says [`HostAction::Wait`].
    pub fn poll(&mut self, now_ns: u64) -> HostAction<'_> {
        if let Some(event) = self.core.next_event(now_ns) {
            return HostAction::Event(event);
        }
        match self.core.transmit(self.tx.as_mut(), now_ns) {
            Ok(Some(len)) => {
                self.core.handed_over(len, now_ns);
                HostAction::Transmit(self.tx.as_ref().get(..len).unwrap_or(&[]))
            }
            Ok(None) => HostAction::Wait(self.core.deadline(now_ns)),
            Err(Full) => {
                self.core.fail(Failure::Protocol("a frame does not fit into the transmit buffer"));
                match self.core.next_event(now_ns) {
                    Some(event) => HostAction::Event(event),
                    None => HostAction::Wait(None),
                }
            }
        }
    }

    /// What the device said about itself, once connected.
    #[must_use]
    pub fn info(&self) -> Option<&DeviceInfo> {
        self.core.info.as_ref()
    }

    /// The greatest fragment, in sample bytes, that both ends can take; 0 before connecting.
    #[must_use]
    pub fn max_fragment_bytes(&self) -> u16 {
        let Some(info) = &self.core.info else { return 0 };
        // The longest frame whose encoding, with 0x00 before and after it, fits.
        let own = self.tx.as_ref().len().saturating_sub(3) * 254 / 255;
        let frame = own.min(info.max_frame as usize);
        let room = frame.saturating_sub(HEADER_BYTES + CRC_BYTES + FRAGMENT_HEAD_BYTES);
        u16::try_from(room & !3).unwrap_or(0xFFFC)
    }

    /// Whether a request can be made now.
    #[must_use]
    pub fn can_request(&self) -> bool {
        self.core.can_request()
    }

    /// Requests made whose answer is still to come.
    #[must_use]
    pub fn outstanding(&self) -> u32 {
        self.core.outstanding
    }

    /// Asks for a kernel. Only when nothing is outstanding.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was sent then.
    pub fn configure(&mut self, configure: &Configure<'_>) -> Result<(), RequestError> {
        if self.core.outstanding > 0 {
            return Err(RequestError::NotNow);
        }
        self.core.message(Kind::Configure, configure)?;
        self.core.active = Some(Active {
            input: configure.input,
            output: configure.output,
            fragment_bytes: configure.fragment_bytes,
        });
        self.core.next_result = 0;
        Ok(())
    }

    /// Sends the samples of a block. With an `i16` encoding, the device works on
    /// [`Encoding::apply`] of them.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was sent then.
    pub fn send_block(&mut self, block: u32, samples: &[f32]) -> Result<(), RequestError> {
        self.core.send_block(block, samples)
    }

    /// Asks for a seeded run. Only when nothing is outstanding.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was sent then.
    pub fn run_seeded(&mut self, seeded: &Seeded) -> Result<(), RequestError> {
        if self.core.outstanding > 0 {
            return Err(RequestError::NotNow);
        }
        self.core.message(Kind::Seeded, seeded)
    }

    /// Asks for the device's time.
    ///
    /// # Errors
    /// [`RequestError::NotNow`] when the session is not open.
    pub fn ping(&mut self) -> Result<(), RequestError> {
        if self.core.phase != Phase::Open {
            return Err(RequestError::NotNow);
        }
        self.core.ping_due = true;
        self.core.waiting_since_ns = None;
        Ok(())
    }

    /// Ends the session: the next polls say so to the device and wait for its answer.
    pub fn bye(&mut self) {
        if self.core.phase == Phase::Open {
            self.core.phase = Phase::Closing;
            self.core.bye_due = true;
            self.core.byes_left = 5;
        }
    }

    /// The values of the last result.
    #[must_use]
    pub fn output(&self) -> &[f32] {
        self.core.output.as_ref().get(..self.core.output_len).unwrap_or(&[])
    }

    /// What crossed the line so far.
    #[must_use]
    pub fn stats(&self) -> HostStats {
        let retransmissions = u64::from(self.core.send.retransmissions());
        HostStats { retransmissions, ..self.core.stats }
    }

    /// Changes the poll interval, after the round trip was measured.
    pub fn set_poll_interval(&mut self, interval_ns: u64) {
        self.core.options.poll_interval_ns = interval_ns;
    }

    /// Exchanges the memory for blocks and results, before a configuration with larger ones
    /// or after one that says how long results are.
    ///
    /// # Errors
    /// [`RequestError::NotNow`] while something is outstanding.
    pub fn set_buffers(&mut self, input: F, output: F) -> Result<(), RequestError> {
        if self.core.outstanding > 0 {
            return Err(RequestError::NotNow);
        }
        self.core.input = input;
        self.core.output = output;
        self.core.output_len = 0;
        Ok(())
    }

    /// Whether the session has ended or failed.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.core.phase == Phase::Over
    }
}

struct Core<F> {
    session: u32,
    options: HostOptions,
    phase: Phase,
    info: Option<DeviceInfo>,
    receive: ReceiveWindow,
    send: SendWindow,
    credit: u32,
    busy: bool,
    request: Request,
    request_first: u16,
    request_frames: u16,
    active: Option<Active>,
    outstanding: u32,
    input: F,
    output: F,
    output_len: usize,
    incoming: Option<Incoming>,
    next_result: u32,
    input_crcs: Deque<u32, 2>,
    events: Deque<HostEvent, 8>,
    ack_due: bool,
    gap: bool,
    poll_due: bool,
    poll_token: u16,
    poll_mark: u32,
    polls_in_a_row: u32,
    ping_due: bool,
    ping_sent: Option<(u16, u64)>,
    ping_token: u16,
    bye_due: bool,
    byes_left: u32,
    hello_next_ns: u64,
    last_byte_ns: u64,
    last_frame_ns: u64,
    last_progress_ns: u64,
    waiting_since_ns: Option<u64>,
    line_free_ns: u64,
    stats: HostStats,
}

impl<F: AsRef<[f32]> + AsMut<[f32]>> Core<F> {
    fn new(session: u32, options: HostOptions, input: F, output: F) -> Self {
        Self {
            session,
            options,
            phase: Phase::Opening { since_ns: None },
            info: None,
            receive: ReceiveWindow::new(0),
            send: SendWindow::new(0),
            credit: 0,
            busy: false,
            request: Request::None,
            request_first: 0,
            request_frames: 0,
            active: None,
            outstanding: 0,
            input,
            output,
            output_len: 0,
            incoming: None,
            next_result: 0,
            input_crcs: Deque::new(),
            events: Deque::new(),
            ack_due: false,
            gap: false,
            poll_due: false,
            poll_token: 0,
            poll_mark: 0,
            polls_in_a_row: 0,
            ping_due: false,
            ping_sent: None,
            ping_token: 0,
            bye_due: false,
            byes_left: 0,
            hello_next_ns: 0,
            last_byte_ns: 0,
            last_frame_ns: 0,
            last_progress_ns: 0,
            waiting_since_ns: None,
            line_free_ns: 0,
            stats: HostStats::default(),
        }
    }

    // ---- requests -------------------------------------------------------------------------

    fn can_request(&self) -> bool {
        self.phase == Phase::Open && matches!(self.request, Request::None) && self.outstanding < 2
    }

    fn message<M: serde::Serialize>(
        &mut self,
        kind: Kind,
        message: &M,
    ) -> Result<(), RequestError> {
        if !self.can_request() {
            return Err(RequestError::NotNow);
        }
        let mut bytes = [0u8; MAX_MESSAGE_BYTES];
        let len = postcard::to_slice(message, &mut bytes).map_err(|_| RequestError::Message)?.len();
        self.request(Request::Message { kind, bytes, len }, 1);
        Ok(())
    }

    fn send_block(&mut self, block: u32, samples: &[f32]) -> Result<(), RequestError> {
        let (true, Some(active)) = (self.can_request(), self.active) else {
            return Err(RequestError::NotNow);
        };
        let room = self.input.as_ref().len();
        let Some(input) = self.input.as_mut().get_mut(..samples.len()) else {
            return Err(RequestError::TooLong { room });
        };
        let values = u32::try_from(samples.len()).map_err(|_| RequestError::TooLong { room })?;
        input.copy_from_slice(samples);
        self.stats.saturated += u64::from(active.input.apply(input));
        let mut digest = SampleDigest::new();
        digest.update(input);
        self.input_crcs.push_back(digest.finish()).map_err(|_| RequestError::NotNow)?;
        self.stats.sample_bytes_sent += (samples.len() * active.input.sample_bytes()) as u64;
        let frames = fragments(values, active.input, active.fragment_bytes);
        self.request(Request::Block { block, values }, frames);
        Ok(())
    }

    fn request(&mut self, request: Request, frames: u16) {
        self.request = request;
        self.request_first = self.send.next();
        self.request_frames = frames;
        self.outstanding += 1;
        // Waiting begins with the next poll, however long the line was idle before.
        self.waiting_since_ns = None;
    }

    fn request_end(&self) -> u16 {
        self.request_first.wrapping_add(self.request_frames)
    }

    // ---- receiving ------------------------------------------------------------------------

    fn damaged(&mut self) {
        self.stats.damaged_here += 1;
        if self.phase == Phase::Open {
            self.gap = true;
            self.ack_due = true;
        }
    }

    fn frame(&mut self, header: Header, payload: &[u8], now_ns: u64) {
        if header.session != self.session || self.phase == Phase::Over {
            return; // what is left of an earlier session
        }
        let Some(kind) = Kind::from_code(header.kind) else {
            return self.fail(Failure::Protocol("a frame of an unknown kind"));
        };
        self.last_frame_ns = now_ns;
        self.stats.frames_received += 1;
        if kind == Kind::HelloAck {
            return self.hello_ack(payload, now_ns);
        }
        if matches!(self.phase, Phase::Opening { .. }) && kind != Kind::Error {
            return;
        }
        match kind {
            Kind::Ack => match postcard::from_bytes::<Ack>(payload) {
                Ok(ack) => self.acknowledged(ack, now_ns),
                Err(_) => self.fail(Failure::Schema),
            },
            Kind::Pong => match postcard::from_bytes::<Pong>(payload) {
                Ok(pong) => self.pong(pong, now_ns),
                Err(_) => self.fail(Failure::Schema),
            },
            Kind::Error => match postcard::from_bytes::<ErrorInfo>(payload) {
                Ok(error) => self.device_error(error),
                Err(_) => self.fail(Failure::Schema),
            },
            Kind::Bye => self.ended(),
            Kind::Configured
            | Kind::Result
            | Kind::ResultMore
            | Kind::ResultEnd
            | Kind::SeededResult
            | Kind::Refused => self.sequenced(kind, header, payload, now_ns),
            _ => self.fail(Failure::Protocol("a frame that only a host sends")),
        }
    }

    fn hello_ack(&mut self, payload: &[u8], now_ns: u64) {
        let (&[device_min, device_max, ..], parsed) =
            (payload, postcard::from_bytes::<DeviceInfo>(payload))
        else {
            return self.fail(Failure::Schema);
        };
        if device_max < WIRE_VERSION_MIN || device_min > WIRE_VERSION {
            return self.fail(Failure::WireVersion { device_min, device_max });
        }
        let Ok(info) = parsed else { return self.fail(Failure::Schema) };
        if info.schema != SCHEMA_HASH {
            return self.fail(Failure::Schema);
        }
        if let Some(known) = &self.info {
            if known.boot_count != info.boot_count {
                self.fail(Failure::Reset);
            }
            return;
        }
        self.credit = info.rx_bytes;
        self.info = Some(info);
        self.phase = Phase::Open;
        self.last_progress_ns = now_ns;
        self.event(HostEvent::Connected);
    }

    fn device_error(&mut self, error: ErrorInfo) {
        self.fail(match error.code {
            ErrorCode::NoSession if self.phase == Phase::Closing => return self.ended(),
            ErrorCode::NoSession => Failure::Reset,
            ErrorCode::OtherSession => Failure::TakenOver,
            _ => Failure::Device(error),
        });
    }

    fn ended(&mut self) {
        if self.phase == Phase::Closing {
            self.phase = Phase::Over;
            self.event(HostEvent::Ended);
        } else {
            self.fail(Failure::Protocol("the device ended the session by itself"));
        }
    }

    fn acknowledged(&mut self, ack: Ack, now_ns: u64) {
        if self.send.acknowledged(ack.next, ack.received) {
            self.last_progress_ns = now_ns;
        }
        let answers_poll = ack.token == self.poll_token && self.poll_mark != 0;
        if answers_poll {
            self.send.drained_to(self.poll_mark);
            self.poll_mark = 0;
        }
        self.credit = ack.credit;
        self.busy = ack.flags & ACK_BUSY != 0;
        self.stats.damaged_at_device = ack.damaged;
        // A gap shows by itself when a later frame was kept. When none was, or none follows,
        // ask: the answer tells which frames are lost.
        let hidden = ack.received == 0 || self.send.next() == self.request_end();
        let gap = ack.flags & ACK_GAP != 0 && !answers_poll;
        if !self.delivered() && gap && hidden && self.poll_mark == 0 {
            self.poll_due = true;
        }
    }

    fn pong(&mut self, pong: Pong, now_ns: u64) {
        if let Some((token, sent_ns)) = self.ping_sent
            && token == pong.token
        {
            self.ping_sent = None;
            self.last_progress_ns = now_ns;
            self.event(HostEvent::Pong(ClockSample {
                sent_ns,
                received_ns: now_ns,
                device_received_ticks: pong.received_ticks,
                device_sent_ticks: pong.sent_ticks,
            }));
        }
    }

    fn sequenced(&mut self, kind: Kind, header: Header, payload: &[u8], now_ns: u64) {
        self.ack_due = true;
        self.busy = false;
        match self.receive.classify(header.seq) {
            Arrival::Duplicate => self.stats.duplicates += 1,
            Arrival::TooFar => self.gap = true,
            Arrival::Ahead(_) => {
                self.gap = true;
                if kind == Kind::ResultMore && self.place_more(header, payload) {
                    self.receive.accept(header.seq);
                    self.last_progress_ns = now_ns;
                }
            }
            Arrival::Expected => {
                if self.events.is_full() {
                    return; // taken when it is sent again
                }
                match self.expected(kind, header, payload) {
                    Ok(()) => {
                        self.receive.accept(header.seq);
                        self.last_progress_ns = now_ns;
                    }
                    Err(failure) => self.fail(failure),
                }
            }
        }
    }

    fn expected(&mut self, kind: Kind, header: Header, payload: &[u8]) -> Result<(), Failure> {
        let schema = |_| Failure::Schema;
        match kind {
            Kind::Configured => {
                let configured = postcard::from_bytes(payload).map_err(schema)?;
                self.answered(HostEvent::Configured(configured))
            }
            Kind::SeededResult => {
                let result = postcard::from_bytes(payload).map_err(schema)?;
                self.answered(HostEvent::Seeded(result))
            }
            Kind::Refused => {
                let error = postcard::from_bytes(payload).map_err(schema)?;
                if self.input_crcs.pop_front().is_some() {
                    self.next_result = self.next_result.wrapping_add(1);
                }
                self.answered(HostEvent::Refused { block: header.block, error })
            }
            Kind::Result => self.result(header, payload),
            Kind::ResultMore if self.place_more(header, payload) => Ok(()),
            Kind::ResultEnd => self.result_end(header, payload),
            _ => Err(Failure::Protocol("a fragment that belongs to no result")),
        }
    }

    fn answered(&mut self, event: HostEvent) -> Result<(), Failure> {
        if self.outstanding == 0 {
            return Err(Failure::Protocol("an answer without a request"));
        }
        if self.outstanding == 1 && self.send.next() == self.request_end() {
            // The answer shows that its request arrived, acknowledgement or not.
            self.send.acknowledged(self.request_end(), 0);
            self.delivered();
        }
        self.outstanding -= 1;
        self.event(event);
        Ok(())
    }

    fn delivered(&mut self) -> bool {
        let all = self.send.base() == self.request_end();
        if all && !matches!(self.request, Request::None) {
            self.request = Request::None;
            self.event(HostEvent::Delivered);
        }
        all
    }

    fn result(&mut self, header: Header, payload: &[u8]) -> Result<(), Failure> {
        let Some(active) = self.active else {
            return Err(Failure::Protocol("a result without a configuration"));
        };
        let (head, samples) =
            postcard::take_from_bytes::<FragmentHead>(payload).map_err(|_| Failure::Schema)?;
        if self.incoming.is_some() || header.block != self.next_result {
            return Err(Failure::Protocol("a result out of turn"));
        }
        if active.output != Encoding::DigestOnly
            && head.values as usize > self.output.as_ref().len()
        {
            return Err(Failure::Protocol("a result longer than announced"));
        }
        let incoming = Incoming {
            block: header.block,
            values: head.values,
            first_seq: header.seq,
            fragments: fragments(head.values, active.output, active.fragment_bytes),
        };
        self.output_len = 0;
        if !self.place(incoming, 0, samples) {
            return Err(Failure::Protocol("a fragment of a wrong length"));
        }
        self.incoming = Some(incoming);
        Ok(())
    }

    fn place_more(&mut self, header: Header, samples: &[u8]) -> bool {
        let Some(incoming) = self.incoming else { return false };
        let index = header.seq.wrapping_sub(incoming.first_seq);
        header.block == incoming.block
            && index > 0
            && index < incoming.fragments
            && self.place(incoming, index, samples)
    }

    fn place(&mut self, incoming: Incoming, index: u16, samples: &[u8]) -> bool {
        let Some(active) = self.active else { return false };
        let range = fragment_range(incoming.values, active.output, active.fragment_bytes, index);
        let count = range.len();
        let room = self.output.as_mut().get_mut(range);
        let placed = room.is_some_and(|room| active.output.read(samples, room) == Some(count));
        if placed {
            self.stats.sample_bytes_received += samples.len() as u64;
        }
        placed
    }

    fn result_end(&mut self, header: Header, payload: &[u8]) -> Result<(), Failure> {
        let (Some(incoming), Some(active)) = (self.incoming.take(), self.active) else {
            return Err(Failure::Protocol("the end of a result that had no beginning"));
        };
        let end: ResultEnd = postcard::from_bytes(payload).map_err(|_| Failure::Schema)?;
        let block = incoming.block;
        if header.block != block
            || header.seq != incoming.first_seq.wrapping_add(incoming.fragments)
        {
            return Err(Failure::Protocol("the end of another result"));
        }
        if self.input_crcs.pop_front() != Some(end.input_crc) {
            return Err(Failure::InputDigest { block });
        }
        if active.output != Encoding::DigestOnly {
            self.output_len = incoming.values as usize;
        }
        if active.output == Encoding::F32 {
            let mut digest = SampleDigest::new();
            digest.update(self.output.as_ref().get(..self.output_len).unwrap_or(&[]));
            if digest.finish() != end.output_crc {
                return Err(Failure::OutputDigest { block });
            }
        }
        self.next_result = self.next_result.wrapping_add(1);
        self.answered(HostEvent::Result { block, end })
    }

    // ---- time -----------------------------------------------------------------------------

    fn awaiting(&self) -> bool {
        self.outstanding > 0 || self.ping_sent.is_some() || !matches!(self.request, Request::None)
    }

    /// When the line went quiet: the last byte in either direction.
    fn quiet_since_ns(&self) -> u64 {
        self.last_byte_ns.max(self.line_free_ns)
    }

    fn poll_interval_ns(&self) -> u64 {
        if self.busy {
            return self.options.busy_interval_ns;
        }
        let most = (500 * MS).max(self.options.poll_interval_ns);
        (self.options.poll_interval_ns << self.polls_in_a_row.min(8)).min(most)
    }

    fn deadline(&self, now_ns: u64) -> Option<u64> {
        match self.phase {
            Phase::Over => None,
            Phase::Opening { .. } => Some(self.hello_next_ns),
            Phase::Closing => Some(self.quiet_since_ns() + self.options.poll_interval_ns),
            Phase::Open if self.awaiting() => {
                let poll = self.quiet_since_ns() + self.poll_interval_ns();
                Some(poll.max(now_ns + 1))
            }
            Phase::Open => None,
        }
    }

    /// Looks at the clock: what timed out becomes due or ends the session.
    fn check_time(&mut self, now_ns: u64) {
        match self.phase {
            Phase::Over => {}
            Phase::Opening { since_ns } => {
                let since = since_ns.unwrap_or(now_ns);
                self.phase = Phase::Opening { since_ns: Some(since) };
                if now_ns.saturating_sub(since) >= self.options.hello_limit_ns {
                    let bytes = self.stats.line_bytes_received;
                    self.fail(if bytes == 0 {
                        Failure::NoAnswer
                    } else {
                        Failure::Garbage { bytes }
                    });
                }
            }
            Phase::Closing => {
                if now_ns >= self.quiet_since_ns() + self.options.poll_interval_ns {
                    if self.byes_left == 0 {
                        self.ended();
                    } else {
                        self.byes_left -= 1;
                        self.bye_due = true;
                    }
                }
            }
            Phase::Open if self.awaiting() => self.check_waiting(now_ns),
            Phase::Open => {}
        }
    }

    fn check_waiting(&mut self, now_ns: u64) {
        let waiting_since = *self.waiting_since_ns.get_or_insert(now_ns);
        let since = |past: u64| now_ns.saturating_sub(past.max(waiting_since));
        let busy = self.busy;
        let silence = since(self.last_frame_ns);
        let limit = if busy { self.options.busy_limit_ns } else { self.options.silence_limit_ns };
        if self.line_free_ns > now_ns {
            return; // still handing over: the device cannot have everything yet
        }
        if silence >= limit {
            let noise = self.last_byte_ns > self.last_frame_ns;
            return self.fail(if noise {
                self.no_progress()
            } else {
                Failure::Silent { for_ns: silence }
            });
        }
        if !busy && since(self.last_progress_ns) >= self.options.progress_limit_ns {
            return self.fail(self.no_progress());
        }
        if now_ns >= self.quiet_since_ns() + self.poll_interval_ns() {
            self.poll_due = true;
        }
    }

    fn no_progress(&self) -> Failure {
        Failure::NoProgress {
            damaged_at_device: self.stats.damaged_at_device,
            damaged_here: self.stats.damaged_here,
        }
    }

    fn event(&mut self, event: HostEvent) {
        // `sequenced` leaves frames alone while the queue is full; a lost pong is asked again.
        let _ = self.events.push_back(event);
    }

    fn fail(&mut self, failure: Failure) {
        if self.phase != Phase::Over {
            self.phase = Phase::Over;
            self.events.clear();
            self.event(HostEvent::Failed(failure));
        }
    }

    fn next_event(&mut self, now_ns: u64) -> Option<HostEvent> {
        if self.events.is_empty() {
            self.check_time(now_ns);
        }
        self.events.pop_front()
    }

    // ---- transmitting ---------------------------------------------------------------------

    fn handed_over(&mut self, len: usize, now_ns: u64) {
        self.stats.line_bytes_sent += len as u64;
        self.stats.frames_sent += 1;
        let begin = self.line_free_ns.max(now_ns);
        self.line_free_ns = begin.saturating_add(self.options.byte_ns.saturating_mul(len as u64));
    }

    fn transmit(&mut self, out: &mut [u8], now_ns: u64) -> Result<Option<usize>, Full> {
        match self.phase {
            Phase::Over => return Ok(None),
            Phase::Opening { .. } => {
                if now_ns < self.hello_next_ns {
                    return Ok(None);
                }
                self.hello_next_ns = now_ns + self.options.hello_interval_ns;
                let hello = Hello {
                    wire_min: WIRE_VERSION_MIN,
                    wire_max: WIRE_VERSION,
                    schema: SCHEMA_HASH,
                };
                let header = Header::new(Kind::Hello, self.session, 0, 0);
                return after_zero(out, |out| write_message(out, header, &hello, &[])).map(Some);
            }
            Phase::Closing => {
                if !core::mem::take(&mut self.bye_due) {
                    return Ok(None);
                }
                let header = Header::new(Kind::Bye, self.session, 0, 0);
                return after_zero(out, |out| FrameWriter::new(out, header)?.finish()).map(Some);
            }
            Phase::Open => {}
        }
        if core::mem::take(&mut self.poll_due) {
            return self.transmit_poll(out, now_ns).map(Some);
        }
        if core::mem::take(&mut self.ping_due) {
            return self.transmit_ping(out, now_ns).map(Some);
        }
        if core::mem::take(&mut self.ack_due) {
            return self.transmit_ack(out, 0).map(Some);
        }
        if matches!(self.request, Request::None) {
            return Ok(None);
        }
        let Some(seq) = self.send.to_send(self.request_end(), self.options.window_frames) else {
            return Ok(None);
        };
        if self.send.bytes_on_the_way() + self.longest_frame_bytes() > self.credit {
            return Ok(None);
        }
        let len = self.transmit_request(out, seq)?;
        self.send.sent(seq, len);
        Ok(Some(len))
    }

    /// An upper bound of the next frame's length on the line.
    fn longest_frame_bytes(&self) -> u32 {
        let payload = match (&self.request, self.active) {
            (Request::Block { .. }, Some(active)) => {
                FRAGMENT_HEAD_BYTES + usize::from(active.fragment_bytes)
            }
            _ => MAX_MESSAGE_BYTES,
        };
        u32::try_from(wire_len(HEADER_BYTES + payload + CRC_BYTES)).unwrap_or(u32::MAX)
    }

    fn transmit_poll(&mut self, out: &mut [u8], now_ns: u64) -> Result<usize, Full> {
        self.stats.polls += 1;
        self.polls_in_a_row = self.polls_in_a_row.saturating_add(1);
        if self.ping_sent.is_some() {
            return self.transmit_ping(out, now_ns);
        }
        self.poll_token = self.poll_token.wrapping_add(1).max(1);
        self.poll_mark = self.send.mark();
        after_zero(out, |out| self.transmit_ack(out, ACK_POLL))
    }

    fn transmit_ping(&mut self, out: &mut [u8], now_ns: u64) -> Result<usize, Full> {
        self.ping_token = self.ping_token.wrapping_add(1);
        self.ping_sent = Some((self.ping_token, now_ns));
        let ping = Ping { token: self.ping_token };
        after_zero(out, |out| {
            write_message(out, Header::new(Kind::Ping, self.session, 0, 0), &ping, &[])
        })
    }

    fn transmit_ack(&mut self, out: &mut [u8], mut flags: u8) -> Result<usize, Full> {
        self.ack_due = false;
        if core::mem::take(&mut self.gap) {
            flags |= ACK_GAP;
        }
        let ack = Ack {
            next: self.receive.next(),
            received: self.receive.received(),
            credit: 0, // a device needs none
            token: self.poll_token,
            damaged: (self.stats.damaged_here & 0xFFFF) as u16,
            flags,
        };
        write_message(out, Header::new(Kind::Ack, self.session, 0, 0), &ack, &[])
    }

    fn transmit_request(&mut self, out: &mut [u8], seq: u16) -> Result<usize, Full> {
        let index = seq.wrapping_sub(self.request_first);
        match &self.request {
            Request::None => Err(Full),
            Request::Message { kind, bytes, len } => {
                let mut writer = FrameWriter::new(out, Header::new(*kind, self.session, seq, 0))?;
                writer.write(bytes.get(..*len).unwrap_or(&[]))?;
                writer.finish()
            }
            Request::Block { block, values } => {
                let Some(active) = self.active else { return Err(Full) };
                let range = fragment_range(*values, active.input, active.fragment_bytes, index);
                let samples = self.input.as_ref().get(range).unwrap_or(&[]);
                let kind = if index == 0 { Kind::Block } else { Kind::BlockMore };
                let header = Header::new(kind, self.session, seq, *block);
                let mut writer = FrameWriter::new(out, header)?;
                if index == 0 {
                    write_postcard(&mut writer, &FragmentHead { values: *values })?;
                }
                write_samples(writer, active.input, samples)
            }
        }
    }
}
