//! What runs a kernel: the seam between the harness and native code, a board or an emulator.

use cortex_core::kernel::KernelFault;
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
    /// [`WindowFault`]: the window failed. After [`WindowFault::DeviceLost`] the run ends, after
    /// [`WindowFault::KernelLost`] this kernel.
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

    /// Samples so far, and outputs of a kernel in fixed point, that lay beyond the range of the
    /// kernel's own sample type.
    fn saturated_samples(&self) -> u64 {
        0
    }

    /// Called now and then in a long wait for the next window: whether the device is still there.
    ///
    /// # Errors
    /// [`WindowFault::DeviceLost`] ends the run.
    fn check(&mut self) -> Result<(), WindowFault> {
        Ok(())
    }

    /// Why the device or its kernel was lost, as a sentence, after [`WindowFault::DeviceLost`] and
    /// [`WindowFault::KernelLost`]; after [`WindowFault::Status`] what the first one meant.
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

impl DeviceTiming {
    /// Of a kernel on this computer, known by its start and end.
    #[must_use]
    pub fn of_kernel(start_ns: u64, end_ns: u64) -> Self {
        Self {
            input_ns: start_ns,
            start_ns,
            end_ns,
            first_tx_ns: end_ns,
            last_tx_ns: end_ns,
            ticks: None,
        }
    }
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
    /// A kernel of the user's own reported this status, as it may; later windows follow.
    #[error("the kernel reported status {0}")]
    Status(i32),
    /// The kernel is gone, and with it what it was run in; the next kernel can be run.
    #[error("the kernel is gone")]
    KernelLost,
    /// The device is gone; no later window can succeed.
    #[error("the device does not answer any more")]
    DeviceLost,
}

impl WindowFault {
    /// The number telemetry gives in `error_code`: 1 to 3 a kernel's refusal (input, output,
    /// state length), 10 a timeout, 11 a lost device, 12 a lost kernel, 1000 + n an error n of the
    /// device's own, 2000 + n a status n of a kernel of the user's own.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            WindowFault::Kernel(fault) => fault as i32,
            WindowFault::Timeout => 10,
            WindowFault::DeviceLost => 11,
            WindowFault::KernelLost => 12,
            WindowFault::Status(status) => status.saturating_add(2000),
            WindowFault::Reported(code) => code.saturating_add(1000),
        }
    }
}
