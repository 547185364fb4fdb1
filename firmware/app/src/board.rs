//! What a board gives to the programs: a byte stream and a clock.

/// The clock that times kernels: a counter that wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockFacts {
    /// What counts, for example `dwt` or `cmsdk-timer`.
    pub name: &'static str,
    /// Ticks per second.
    pub hz: u32,
    /// Width of the counter in bits, 1..=32: it wraps after `2^bits` ticks.
    pub bits: u8,
}

impl ClockFacts {
    /// Ticks from `start` to `end`, right as long as fewer than `2^bits` have passed.
    #[inline]
    #[must_use]
    pub fn elapsed(&self, start: u32, end: u32) -> u32 {
        end.wrapping_sub(start) & (u32::MAX >> (32 - u32::from(self.bits.clamp(1, 32))))
    }
}

/// One board: a byte stream to the host and a clock. No call waits, except [`Board::rest`].
pub trait Board {
    /// Name of the board: its folder in firmware/boards, its file in primitives/devices.
    const NAME: &'static str;

    /// Facts about [`Board::ticks`].
    fn clock(&self) -> ClockFacts;

    /// The counter, in its low [`ClockFacts::bits`] bits.
    fn ticks(&mut self) -> u32;

    /// Moves received bytes to the front of `into` and returns their number, 0 when there are none.
    fn receive(&mut self, into: &mut [u8]) -> usize;

    /// Takes bytes from the front of `from` for transmission and returns how many it took.
    fn transmit(&mut self, from: &[u8]) -> usize;

    /// Called when there is nothing to do: may sleep until a byte arrives, may return at once.
    fn rest(&mut self) {}
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
