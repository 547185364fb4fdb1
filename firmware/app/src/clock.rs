//! From a counter that wraps to 64-bit time.

/// Extends a counter of up to 32 bits to 64. Right as long as it sees the counter at least
/// once in every `2^bits` ticks.
#[derive(Clone, Copy, Debug)]
pub struct WrapExtender {
    mask: u32,
    now: u64,
}

impl WrapExtender {
    /// For a counter of `bits` bits, 1..=32, counting up.
    #[must_use]
    pub const fn new(bits: u8) -> Self {
        let bits = if bits == 0 || bits > 32 { 32 } else { bits };
        Self { mask: u32::MAX >> (32 - bits), now: 0 }
    }

    /// The time when the counter shows `raw` (bits above its width do not matter).
    #[inline]
    pub fn extend(&mut self, raw: u32) -> u64 {
        self.now += u64::from(raw.wrapping_sub(self.now as u32) & self.mask);
        self.now
    }
}

/// A fast counter of few bits whose wraps a slow, wide counter of the same crystal tells.
///
/// The slow counter, in microseconds, says which turn of the fast one it is: right as long as
/// the two are read within a quarter of a turn of each other.
#[derive(Clone, Copy, Debug)]
pub struct Vernier {
    turn: u64,
    ticks_per_us: u64,
    /// Fast minus slow at the first reading, modulo the turn.
    offset: Option<u64>,
}

impl Vernier {
    /// For a fast counter of `bits` bits, counting up `ticks_per_us` times a microsecond.
    #[must_use]
    pub const fn new(bits: u8, ticks_per_us: u32) -> Self {
        Self { turn: 1 << bits, ticks_per_us: ticks_per_us as u64, offset: None }
    }

    /// The time in fast ticks, when the slow counter shows `us` and the fast one `raw` (bits
    /// above its width do not matter).
    #[inline]
    pub fn read(&mut self, us: u64, raw: u32) -> u64 {
        let coarse = us.wrapping_mul(self.ticks_per_us);
        let mask = self.turn - 1;
        let fine = u64::from(raw).wrapping_sub(coarse) & mask;
        // Half a turn before the first reading is the zero of `ahead`, so that it never wraps.
        let offset = *self.offset.get_or_insert(fine.wrapping_sub(self.turn / 2) & mask);
        let ahead = fine.wrapping_sub(offset) & mask;
        coarse.wrapping_add(ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_counters_make_one_clock_that_never_goes_back() {
        let mut clock = Vernier::new(24, 125);
        let phase = 0x00AB_CDEF_u64;
        let (mut exact, mut last, mut first) = (1_000_000_u64, 0, None);
        for step in (0..200_000_u64).map(|i| i * 7_919 % 40_000_000) {
            exact += step;
            // The slow counter is read up to 3 us before the fast one.
            let us = exact / 125 - exact % 3;
            let now = clock.read(us, (exact.wrapping_add(phase) & 0xFF_FFFF) as u32);
            let zero = *first.get_or_insert(now.wrapping_sub(exact));
            assert_eq!(now.wrapping_sub(exact), zero, "ticks are exact over any time");
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn time_goes_on_over_every_wrap() {
        for bits in [24, 32] {
            let mut clock = WrapExtender::new(bits);
            // Steps of nearly a whole turn, as a long kernel makes them.
            let step = (1_u64 << bits) - 3;
            let mut exact = 0;
            for _ in 0..1000 {
                exact += step;
                let raw = (exact & ((1 << bits) - 1)) as u32;
                assert_eq!(clock.extend(raw), exact);
                assert_eq!(clock.extend(raw), exact, "no time has passed");
            }
        }
    }
}
