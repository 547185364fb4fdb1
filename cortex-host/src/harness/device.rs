//! What runs a kernel: the seam between the harness and native code, a board or an emulator.

use cortex_core::kernel::KernelFault;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Clock;

/// A device with one kernel loaded, ready for its windows in order.
///
/// The harness feeds the whole first window and then one hop of new samples per window;
/// slices are interleaved rows in microvolts.
pub trait Device: Send {
    /// The name that telemetry gives in `adapter_name`, such as `native`.
    fn adapter_name(&self) -> &str;

    /// The most values one window can return.
    fn max_output_len(&self) -> usize;

    /// Puts the kernel into the state before the first sample. Called before each repeat.
    ///
    /// # Errors
    /// [`WindowFault::DeviceLost`] when the device cannot be reached.
    fn reset(&mut self) -> Result<(), WindowFault>;

    /// Runs window `index` on `input` and writes what the kernel returned to the front of
    /// `output`, which holds at least [`Device::max_output_len`] values.
    ///
    /// # Errors
    /// [`WindowFault`]: the window failed. After [`WindowFault::DeviceLost`] the run ends.
    fn run_window(
        &mut self,
        index: u64,
        input: &[f32],
        output: &mut [f32],
        clock: &dyn Clock,
    ) -> Result<WindowDone, WindowFault>;

    /// Samples since the last reset that the kernel met as missing (NaN, infinite or absurd),
    /// when the device tells.
    fn missing_samples(&self) -> Option<u32> {
        None
    }

    /// Called now and then in a long wait for the next window: whether the device is still there.
    ///
    /// # Errors
    /// [`WindowFault::DeviceLost`] ends the run.
    fn check(&mut self) -> Result<(), WindowFault> {
        Ok(())
    }

    /// Why the device was lost, as a sentence, after [`WindowFault::DeviceLost`].
    fn loss(&self) -> Option<String> {
        None
    }
}

/// What a device reports of a window that succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowDone {
    /// Number of values written to the output.
    pub output_len: usize,
    /// When things happened on the device.
    pub timing: DeviceTiming,
}

/// Instants on the device's own clock, in nanoseconds. Only differences between them mean
/// something: a board's clock starts at its boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceTiming {
    /// The input was complete.
    pub input_ns: u64,
    /// The kernel started.
    pub start_ns: u64,
    /// The kernel returned.
    pub end_ns: u64,
    /// The first byte of the result left the device.
    pub first_tx_ns: u64,
    /// The last byte of the result left the device.
    pub last_tx_ns: u64,
    /// The same instants as the device counts them, when it has a counter of its own.
    pub ticks: Option<DeviceTicks>,
}

/// The instants of [`DeviceTiming`] in ticks of the device's counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceTicks {
    /// The input was complete.
    pub input: u64,
    /// The kernel started.
    pub start: u64,
    /// The kernel returned.
    pub end: u64,
    /// The first byte of the result left the device.
    pub first_tx: u64,
    /// The last byte of the result left the device.
    pub last_tx: u64,
}

/// The counter behind [`DeviceTicks`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// Why a window has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WindowFault {
    /// The kernel refused the window.
    #[error("the kernel refused the window: {0}")]
    Kernel(KernelFault),
    /// No answer came in time; the device may still answer later windows.
    #[error("the device did not answer in time")]
    Timeout,
    /// The device reported an error of its own.
    #[error("the device reported error {0}")]
    Reported(i32),
    /// The device is gone; no later window can succeed.
    #[error("the device does not answer any more")]
    DeviceLost,
}

impl WindowFault {
    /// The number telemetry gives in `error_code`: 1 to 3 a kernel's refusal (input, output,
    /// state length), 10 a timeout, 11 a lost device, 1000 + n an error n of the device's own.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            WindowFault::Kernel(KernelFault::InputLength) => 1,
            WindowFault::Kernel(KernelFault::OutputLength) => 2,
            WindowFault::Kernel(KernelFault::StateLength) => 3,
            WindowFault::Timeout => 10,
            WindowFault::DeviceLost => 11,
            WindowFault::Reported(code) => code.saturating_add(1000),
        }
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
