//! The counter that a device stamps its windows with.

use serde::{Deserialize, Serialize};

/// The counter behind a device's ticks.
#[derive(Clone, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct DeviceClock {
    /// What counts: `SysTick`, `DWT cycle counter`, `monotonic clock` ...
    pub source: String,
    /// Ticks per second.
    pub hz: u64,
    /// Bits of the raw counter, before wraps are counted.
    pub bits: u8,
    /// For an emulated device: nanoseconds of emulated time that one instruction takes. Its
    /// times are then counts of instructions, and say nothing about the time on real hardware.
    pub instruction_ns: Option<u64>,
}

impl DeviceClock {
    /// The time between two ticks, in nanoseconds.
    #[must_use]
    pub fn resolution_ns(&self) -> f64 {
        1e9 / self.hz.max(1) as f64
    }

    /// Nanoseconds of the device's clock in `ticks`, rounded down.
    #[must_use]
    pub fn ns(&self, ticks: u64) -> u64 {
        let ns = u128::from(ticks) * 1_000_000_000 / u128::from(self.hz.max(1));
        u64::try_from(ns).unwrap_or(u64::MAX)
    }

    /// Instructions executed in `ticks`, to the nearest; none unless the device is emulated.
    #[must_use]
    pub fn instructions(&self, ticks: u64) -> Option<u64> {
        let instruction_ns = u128::from(self.instruction_ns?.max(1));
        let hz = u128::from(self.hz.max(1));
        let ns = (u128::from(ticks) * 1_000_000_000 + hz / 2) / hz;
        u64::try_from((ns + instruction_ns / 2) / instruction_ns).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_whole_instructions_at_every_timer_rate() {
        let clock = |hz, instruction_ns| DeviceClock {
            source: "SysTick".to_owned(),
            hz,
            bits: 24,
            instruction_ns,
        };
        // 1000 instructions take 256,000 ns; a timer shows the floor of that, or one tick less.
        for (hz, ticks) in [(25_000_000, 6400), (16_000_000, 4096), (1_000_000_000, 256_000)] {
            assert_eq!(clock(hz, Some(256)).instructions(ticks), Some(1000));
            assert_eq!(clock(hz, Some(256)).instructions(ticks - 1), Some(1000));
        }
        assert_eq!(clock(16_000_000, None).instructions(4096), None);
    }
}
