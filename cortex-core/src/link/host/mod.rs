//! The host's end of the link: a state machine without input or output.
//!
//! One request is on its way out at a time, and at most one more is being worked on: block
//! n + 1 crosses the line while the result of block n comes back. All waiting with a deadline
//! is here: a silent line is polled, the polls back off until something moves on, and a limit ends
//! the session with a named cause. Time is nanoseconds of any monotonic clock, given by the caller.

mod event;
mod failure;
mod options;
mod quality;
mod receive;
mod request;
mod round_trip;
mod time;
mod transmit;

use heapless::Deque;

use super::cobs::Full;
use super::fragment::{
    after_zero, fragment_range, fragments, write_message, write_postcard, write_samples,
};
use super::frame::{
    CRC_BYTES, FrameDecoder, FrameEvent, FrameWriter, HEADER_BYTES, Header, Kind, wire_len,
};
use super::message::{
    ACK_BUSY, ACK_GAP, ACK_OPEN, ACK_POLL, Ack, Configure, DeviceInfo, ErrorCode, ErrorInfo,
    FRAGMENT_HEAD_BYTES, FragmentHead, Hello, MAX_SEEDED_BYTES, Ping, Pong, ReceiveLosses,
    ResultEnd, SCHEMA_HASH, Seeded, WIRE_VERSION, WIRE_VERSION_MIN,
};
use super::sample::Encoding;
use super::window::{Arrival, ReceiveWindow, SendWindow};
use crate::digest::SampleDigest;

use options::MS;
use quality::LineQuality;
use round_trip::RoundTrip;

pub use event::{ClockSample, HostAction, HostEvent, HostStats, Waiting};
pub use failure::Failure;
pub use options::HostOptions;
pub use request::RequestError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening { since_ns: Option<u64> },
    Open,
    Closing,
    Over,
}

/// The request on its way out; frames are made again for every (re)transmission.
enum Request {
    None,
    Message { kind: Kind, bytes: [u8; MAX_SEEDED_BYTES], len: usize },
    Block { block: u32, head: FragmentHead },
}

/// The result on its way in.
#[derive(Clone, Copy)]
struct Incoming {
    block: u32,
    head: FragmentHead,
    first_seq: u16,
    fragments: u16,
}

#[derive(Clone, Copy)]
struct Active {
    input: Encoding,
    output: Encoding,
}

/// A ping or poll under way: what its answer repeats, and when it was sent.
#[derive(Clone, Copy)]
struct PendingRequest {
    number: u32,
    sent_ns: u64,
}

/// Pings, and polls, of which the answers can be told apart: on a slow line more than one is under
/// way before the first answer comes.
const MAX_PENDING: usize = 8;

/// Notes that something was asked; the oldest is forgotten where there is no room.
fn note(asked: &mut Deque<PendingRequest, MAX_PENDING>, number: u32, sent_ns: u64) {
    if asked.is_full() {
        asked.pop_front();
    }
    // There is room.
    let _ = asked.push_back(PendingRequest { number, sent_ns });
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
        core.quality.crossed(bytes.len() as u64);
        if !bytes.is_empty() {
            core.last_byte_ns = now_ns;
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

    /// What the session waits for, and since when; none while it waits for nothing.
    #[must_use]
    pub fn waiting(&self, now_ns: u64) -> Option<Waiting> {
        self.core.waiting(now_ns)
    }

    /// Changes how long a device may compute one block without a sign of life.
    pub fn set_busy_limit(&mut self, limit_ns: u64) {
        self.core.options.busy_limit_ns = limit_ns;
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
        self.core.active = Some(Active { input: configure.input, output: configure.output });
        self.core.next_result = 0;
        Ok(())
    }

    /// Sends the samples of a block. With an `i16` encoding, the device works on
    /// [`Encoding::apply`] of them.
    ///
    /// # Errors
    /// [`RequestError`]; nothing was sent then.
    pub fn send_block(&mut self, block: u32, samples: &[f32]) -> Result<(), RequestError> {
        let most = self.max_fragment_bytes();
        self.core.send_block(block, samples, most)
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
    /// Since when the device says that it computes, at the same block.
    busy_since_ns: Option<u64>,
    blocks: u16,
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
    /// Accepted frames since the last acknowledgement.
    unacknowledged: u16,
    /// Greatest mark heard from the device.
    heard: u32,
    poll_due: bool,
    /// The latest poll, until an acknowledgement shows that it was heard.
    poll_mark: Option<u32>,
    /// Polls that were not heard, as far as is known.
    polls: Deque<PendingRequest, MAX_PENDING>,
    polls_in_a_row: u32,
    round_trip: RoundTrip,
    ping_due: bool,
    ping_awaited: bool,
    ping_token: u16,
    pings: Deque<PendingRequest, MAX_PENDING>,
    hellos: u32,
    bye_due: bool,
    byes_left: u32,
    hello_next_ns: u64,
    last_byte_ns: u64,
    last_frame_ns: u64,
    last_progress_ns: u64,
    waiting_since_ns: Option<u64>,
    line_free_ns: u64,
    /// When the last sequenced frame has left.
    data_free_ns: u64,
    quality: LineQuality,
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
            busy_since_ns: None,
            blocks: 0,
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
            unacknowledged: 0,
            heard: 0,
            poll_due: false,
            poll_mark: None,
            polls: Deque::new(),
            polls_in_a_row: 0,
            round_trip: RoundTrip::default(),
            ping_due: false,
            ping_awaited: false,
            ping_token: 0,
            pings: Deque::new(),
            hellos: 0,
            bye_due: false,
            byes_left: 0,
            hello_next_ns: 0,
            last_byte_ns: 0,
            last_frame_ns: 0,
            last_progress_ns: 0,
            waiting_since_ns: None,
            line_free_ns: 0,
            data_free_ns: 0,
            quality: LineQuality::default(),
            stats: HostStats::default(),
        }
    }
}
