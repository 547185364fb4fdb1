//! What a board gives to the programs: a byte stream and a clock.

use cortex_core::link::message::{ReceiveLosses, TimerId};

/// The clock that times kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockInfo {
    /// What counts.
    pub timer: TimerId,
    /// Ticks per second.
    pub hz: u32,
    /// Width of the hardware's counter in bits; [`Board::now`] goes on beyond it.
    pub bits: u8,
}

/// One board: a byte stream to the host and a clock. No call waits, except [`Board::rest`].
pub trait Board {
    /// Name of the board: its folder in firmware/boards, its file in primitives/devices.
    fn name(&self) -> &'static str;

    /// What there is to know of [`Board::now`].
    fn clock(&self) -> ClockInfo;

    /// Ticks since the start; never goes back. Called at least once per wrap of the counter.
    fn now(&mut self) -> u64;

    /// Moves received bytes to the front of `into` and returns their number, 0 when there are none.
    fn receive(&mut self, into: &mut [u8]) -> usize;

    /// Takes bytes from the front of `from` for transmission and returns how many it took.
    fn transmit(&mut self, from: &[u8]) -> usize;

    /// Called when there is nothing to do: may sleep until a byte arrives, may return at once.
    fn rest(&mut self) {}

    /// Called with `true` right before a kernel runs and with `false` right after it: masks the
    /// receiver's interrupt, so that no byte costs the kernel time. A board whose receiver is
    /// polled has nothing to do.
    fn mask_receive(&mut self, masked: bool) {
        let _ = masked;
    }

    /// Called on every turn of the loop and before every kernel: tells the watchdog that the
    /// program goes on. A board that has none has nothing to do.
    fn feed_watchdog(&mut self) {}

    /// Whether the watchdog ended the program before this start.
    fn watchdog_barked(&self) -> bool {
        false
    }

    /// What the receiver has lost since the start.
    fn receive_losses(&self) -> ReceiveLosses {
        ReceiveLosses::default()
    }
}

/// Hands all of `bytes` to the transmitter, waiting for it as long as it takes.
pub fn transmit_all<B: Board>(board: &mut B, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let taken = board.transmit(rest);
        rest = rest.get(taken..).unwrap_or_default();
    }
}

/// [`Board::receive`] for hardware that gives one byte at a time.
pub fn receive_bytes(into: &mut [u8], mut next: impl FnMut() -> Option<u8>) -> usize {
    let mut count = 0;
    for slot in into {
        let Some(byte) = next() else { break };
        *slot = byte;
        count += 1;
    }
    count
}

/// [`Board::transmit`] for hardware that takes one byte at a time.
pub fn transmit_bytes(from: &[u8], mut put: impl FnMut(u8) -> bool) -> usize {
    from.iter().take_while(|&&byte| put(byte)).count()
}
