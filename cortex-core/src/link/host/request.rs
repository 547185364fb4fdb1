//! Requests: what the caller wants sent.

use super::*;

/// Longest time of one fragment on the line, unless that is less than [`LEAST_LONGEST`] bytes.
const LONGEST_FRAGMENT_NS: u64 = 250 * MS;
/// Fragments of this length are sent on slow lines too, in bytes.
const LEAST_LONGEST: u16 = 1_024;
/// Most fragments of a block or result: half of the sequence numbers must tell old from new.
const MAX_FRAGMENTS: u32 = 0x7000;

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

impl<F: AsRef<[f32]> + AsMut<[f32]>> Core<F> {
    pub(super) fn can_request(&self) -> bool {
        self.phase == Phase::Open && matches!(self.request, Request::None) && self.outstanding < 2
    }

    pub(super) fn message<M: serde::Serialize>(
        &mut self,
        kind: Kind,
        message: &M,
    ) -> Result<(), RequestError> {
        if !self.can_request() {
            return Err(RequestError::NotNow);
        }
        let mut bytes = [0u8; MAX_SEEDED_BYTES];
        let len = postcard::to_slice(message, &mut bytes).map_err(|_| RequestError::Message)?.len();
        let most = self.info.as_ref().map_or(0, |info| info.max_frame as usize);
        if HEADER_BYTES + len + CRC_BYTES > most {
            return Err(RequestError::Message);
        }
        self.request(Request::Message { kind, bytes, len }, 1);
        Ok(())
    }

    pub(super) fn send_block(
        &mut self,
        block: u32,
        samples: &[f32],
        most_bytes: u16,
    ) -> Result<(), RequestError> {
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
        let fragment_bytes = self.fragment_bytes(most_bytes, values);
        let head = FragmentHead { values, fragment_bytes };
        let frames = fragments(values, active.input, fragment_bytes);
        self.request(Request::Block { block, head }, frames);
        Ok(())
    }

    /// The fragments of a block of `values`, and of its result: what the line leaves whole, so
    /// short that none takes long, and so long that they can be numbered.
    fn fragment_bytes(&self, most: u16, values: u32) -> u16 {
        let in_time = LONGEST_FRAGMENT_NS / self.options.byte_ns.max(1);
        let most = most.min(u16::try_from(in_time).unwrap_or(u16::MAX).max(LEAST_LONGEST)) & !3;
        let results = u32::try_from(self.output.as_ref().len()).unwrap_or(u32::MAX);
        let least = values.max(results).div_ceil(MAX_FRAGMENTS).saturating_mul(4);
        let least = u16::try_from(least).unwrap_or(u16::MAX).min(most);
        self.quality.fragment_bytes(most).max(least)
    }

    pub(super) fn request(&mut self, request: Request, frames: u16) {
        self.request = request;
        self.request_first = self.send.next();
        self.request_frames = frames;
        self.outstanding += 1;
        // Waiting begins with the next poll, however long the line was idle before.
        self.waiting_since_ns = None;
    }

    pub(super) fn request_end(&self) -> u16 {
        self.request_first.wrapping_add(self.request_frames)
    }
}
