//! From a counter that wraps to 64-bit time.

/// Extends a counter of up to 32 bits to 64. Right as long as it sees the counter at least
/// once in every `2^bits` ticks.
#[derive(Clone, Copy, Debug)]
pub struct Extended {
    mask: u32,
    now: u64,
}

impl Extended {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_over_every_wrap() {
        for bits in [24, 32] {
            let mut clock = Extended::new(bits);
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
