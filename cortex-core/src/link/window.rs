//! Sequence numbers and sliding windows, the same at both ends.
//!
//! The line is a queue: bytes arrive in the order they were sent or not at all. So a frame is
//! lost exactly when something sent *after* it has been received (the idea of RACK, RFC 8985).
//! No timer decides about retransmission, duplicates cause none, and what is still on the way
//! is known, which is what credits need. The receiver reports the next sequence number it
//! waits for and a bit map of the 32 after it, and repeats the greatest mark it has heard: what was
//! sent before that and has not arrived is lost.

/// Most frames on the way at once: the acknowledgement's bit map has 32 bits.
pub const WINDOW_FRAMES: u16 = 32;

/// The sending side: which frames are on the way, lost or done.
#[derive(Clone, Debug)]
pub struct SendWindow {
    base: u16,
    next: u16,
    acked: u32,
    order: [u32; WINDOW_FRAMES as usize],
    wire_bytes: [u16; WINDOW_FRAMES as usize],
    last_order: u32,
    drained: u32,
    retransmissions: u32,
    base_attempts: u16,
}

impl SendWindow {
    /// Nothing sent; the first frame gets sequence number `first`.
    #[must_use]
    pub fn new(first: u16) -> Self {
        Self {
            base: first,
            next: first,
            acked: 0,
            order: [0; WINDOW_FRAMES as usize],
            wire_bytes: [0; WINDOW_FRAMES as usize],
            last_order: 0,
            drained: 0,
            retransmissions: 0,
            base_attempts: 0,
        }
    }

    /// Sequence number of the oldest frame not yet acknowledged.
    #[must_use]
    pub fn base(&self) -> u16 {
        self.base
    }

    /// Sequence number of the next frame never sent.
    #[must_use]
    pub fn next(&self) -> u16 {
        self.next
    }

    /// Frames sent again so far.
    #[must_use]
    pub fn retransmissions(&self) -> u32 {
        self.retransmissions
    }

    /// How often the oldest frame not yet acknowledged has been sent again.
    #[must_use]
    pub fn base_attempts(&self) -> u16 {
        self.base_attempts
    }

    /// The frame to send now: the first lost one, else the next of those before `end`
    /// (exclusive) while fewer than [`WINDOW_FRAMES`] are under way.
    #[must_use]
    pub fn to_send(&self, end: u16) -> Option<u16> {
        for distance in 0..self.in_window() {
            if self.is_lost(distance) {
                return Some(self.base.wrapping_add(distance));
            }
        }
        (self.next != end && self.in_window() < WINDOW_FRAMES).then_some(self.next)
    }

    /// Bytes sent and not known to have left the line.
    #[must_use]
    pub fn bytes_on_the_way(&self) -> u32 {
        (0..self.in_window())
            .filter(|&d| !self.is_acked(d) && self.order_of(d) > self.drained)
            .map(|d| u32::from(self.wire_bytes.get(self.slot(d)).copied().unwrap_or(0)))
            .sum()
    }

    /// Notes that frame `seq` was handed to the line with `wire_bytes` bytes.
    pub fn sent(&mut self, seq: u16, wire_bytes: usize) {
        let distance = seq.wrapping_sub(self.base);
        if seq == self.next {
            self.next = self.next.wrapping_add(1);
        } else {
            self.retransmissions = self.retransmissions.wrapping_add(1);
            if distance == 0 {
                self.base_attempts = self.base_attempts.saturating_add(1);
            }
        }
        let order = self.mark();
        let slot = self.slot(distance);
        if let (Some(o), Some(b)) = (self.order.get_mut(slot), self.wire_bytes.get_mut(slot)) {
            *o = order;
            *b = u16::try_from(wire_bytes).unwrap_or(u16::MAX);
        }
    }

    /// The place in the order of sending for an acknowledgement that is sent now.
    pub fn mark(&mut self) -> u32 {
        self.last_order += 1;
        self.last_order
    }

    /// The place of what was sent last, 0 before anything was.
    #[must_use]
    pub fn last_mark(&self) -> u32 {
        self.last_order
    }

    /// The other end has heard what was sent at `mark`: everything up to there has left the line.
    /// A mark that was never sent is ignored.
    pub fn heard(&mut self, mark: u32) {
        if mark <= self.last_order {
            self.drained = self.drained.max(mark);
        }
    }

    /// Whether frames are not acknowledged.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.base != self.next
    }

    /// Takes an acknowledgement: `next` is what the receiver waits for, bit i of `received`
    /// says that it has `next + 1 + i`. Returns whether anything new was acknowledged.
    pub fn acknowledged(&mut self, next: u16, received: u32) -> bool {
        let advance = next.wrapping_sub(self.base);
        if advance > self.in_window() {
            return false; // older than what is known, or never sent
        }
        let mut news = advance > 0;
        for distance in 0..advance {
            self.drained = self.drained.max(self.order_of(distance));
        }
        self.acked = self.acked.checked_shr(u32::from(advance)).unwrap_or(0);
        self.base = next;
        if news {
            self.base_attempts = 0;
        }
        let in_window = self.in_window();
        for bit in 0..WINDOW_FRAMES - 1 {
            let distance = bit + 1;
            let has = received & (1 << bit) != 0;
            if has && distance < in_window && !self.is_acked(distance) {
                self.acked |= 1 << distance;
                self.drained = self.drained.max(self.order_of(distance));
                news = true;
            }
        }
        news
    }

    fn in_window(&self) -> u16 {
        self.next.wrapping_sub(self.base)
    }

    fn slot(&self, distance: u16) -> usize {
        usize::from(self.base.wrapping_add(distance) % WINDOW_FRAMES)
    }

    fn order_of(&self, distance: u16) -> u32 {
        self.order.get(self.slot(distance)).copied().unwrap_or(0)
    }

    fn is_acked(&self, distance: u16) -> bool {
        self.acked & (1u32.checked_shl(u32::from(distance)).unwrap_or(0)) != 0
    }

    fn is_lost(&self, distance: u16) -> bool {
        !self.is_acked(distance) && self.order_of(distance) <= self.drained
    }
}

/// How a sequenced frame stands to what was received before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The one waited for.
    Expected,
    /// This many after the one waited for (1..=32), and new.
    Ahead(u16),
    /// Received before.
    Duplicate,
    /// Further ahead than the window reaches.
    TooFar,
}

/// The receiving side: what has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveWindow {
    next: u16,
    received: u32,
}

impl ReceiveWindow {
    /// Nothing received; the first frame will be `first`.
    #[must_use]
    pub fn new(first: u16) -> Self {
        Self { next: first, received: 0 }
    }

    /// The sequence number waited for.
    #[must_use]
    pub fn next(&self) -> u16 {
        self.next
    }

    /// Bit i: `next + 1 + i` has arrived.
    #[must_use]
    pub fn received(&self) -> u32 {
        self.received
    }

    /// Where `seq` stands. Changes nothing.
    #[must_use]
    pub fn classify(&self, seq: u16) -> Arrival {
        match seq.wrapping_sub(self.next) {
            0 => Arrival::Expected,
            distance @ 1..=WINDOW_FRAMES => {
                if self.received & (1 << (distance - 1)) == 0 {
                    Arrival::Ahead(distance)
                } else {
                    Arrival::Duplicate
                }
            }
            distance if distance < 0x8000 => Arrival::TooFar,
            _ => Arrival::Duplicate,
        }
    }

    /// Notes a frame that [`ReceiveWindow::classify`] called expected or ahead, and returns
    /// by how many frames `next` moved on.
    pub fn accept(&mut self, seq: u16) -> u16 {
        match self.classify(seq) {
            Arrival::Expected => {
                let mut advance = 1;
                self.next = self.next.wrapping_add(1);
                while self.received & 1 != 0 {
                    self.received >>= 1;
                    self.next = self.next.wrapping_add(1);
                    advance += 1;
                }
                self.received >>= 1;
                advance
            }
            Arrival::Ahead(distance) => {
                self.received |= 1 << (distance - 1);
                0
            }
            Arrival::Duplicate | Arrival::TooFar => 0,
        }
    }
}
