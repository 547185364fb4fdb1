//! What a host session tells its caller: actions, events, counts.

use super::Failure;
#[cfg(doc)]
use super::HostSession;
use crate::link::message::{Configured, ErrorInfo, ReceiveLosses, ResultEnd, SeededResult};

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

/// What a session waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Since the last thing that moved on, in nanoseconds.
    pub for_ns: u64,
    /// Whether the device has said that it computes.
    pub busy: bool,
    /// Blocks that the device has run since it was configured, modulo 2^16, as far as it has told.
    pub blocks: u16,
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
    /// What the device's receiver has lost since its start, by its last PONG.
    pub device_losses: ReceiveLosses,
}
