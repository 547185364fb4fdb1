//! A device behind a link as the harness sees it: one kernel, windows in order.
//!
//! Every result is checked against the same kernel run here, bit by bit: the device computes
//! with the same code, so any difference is a finding. Only a kernel of the user's own that does not
//! promise its bits is checked for [`LEAST_POWER_RATIO`] instead.

use std::time::{Duration, Instant};

use cortex_core::digest::SampleDigest;
use cortex_core::kernel::KernelFault;
use cortex_core::link::message::Configured;
use cortex_core::link::{Encoding, ErrorCode, ErrorInfo, HostStats, ResultEnd};

use crate::device::{
    BlockDone, Connection, DeviceClock, DeviceKernel, KernelSettings, LinkError, LinkStats,
};
use crate::harness::{Clock, Device, DeviceTicks, DeviceTiming, WindowDone, WindowFault};

/// Power of a window's output here over that of the difference, at least, where a kernel does not
/// promise its bits: 80 dB, 1e-4 of the output's RMS.
pub const LEAST_POWER_RATIO: f64 = 1e8;

/// A [`Device`] on the other side of a link.
pub struct LinkDevice<'c> {
    connection: &'c mut Connection,
    kernel_run: KernelSettings,
    configured: Configured,
    /// Whether the kernel has run since it was configured.
    used: bool,
    reference: Reference,
    /// The last window, for a kernel that is fed whole windows.
    window: Option<Vec<f32>>,
    checks: Checks,
    last: Option<ResultEnd>,
    failure: Option<LinkError>,
    clock: DeviceClock,
    before: HostStats,
    exchange: Duration,
}

/// How device and host compare so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checks {
    /// Windows whose output is that of the same kernel run here.
    pub identical: u64,
    /// Windows whose output differs.
    pub different: u64,
    /// The first window that differs (its number within its repeat).
    pub first_different: Option<u32>,
}

/// The same kernel, run here.
struct Reference {
    device: Box<dyn Device>,
    input: Vec<f32>,
    output: Vec<f32>,
}

impl<'c> LinkDevice<'c> {
    /// Puts a kernel on the device; `reference` is the same kernel, run here.
    ///
    /// # Errors
    /// [`LinkError`]: the device cannot take it.
    pub fn new(
        connection: &'c mut Connection,
        kernel_run: KernelSettings,
        reference: Box<dyn Device>,
    ) -> Result<Self, LinkError> {
        let before = connection.stats();
        let configured = connection.configure(&kernel_run)?;
        let values = kernel_run.shape.window * kernel_run.shape.channels;
        let reference = Reference {
            input: vec![0.0; values],
            output: vec![0.0; reference.max_output_len()],
            device: reference,
        };
        let whole_windows =
            matches!(&kernel_run.kernel, DeviceKernel::Own(own) if own.whole_windows);
        Ok(Self {
            clock: connection.device_clock(),
            before,
            exchange: Duration::ZERO,
            connection,
            kernel_run,
            configured,
            used: false,
            reference,
            window: whole_windows.then(|| vec![0.0; values]),
            checks: Checks::default(),
            last: None,
            failure: None,
        })
    }

    /// How device and host compare so far.
    #[must_use]
    pub fn checks(&self) -> Checks {
        self.checks
    }

    /// Raw stamps and digests of the last window.
    #[must_use]
    pub fn last_stamps(&self) -> Option<&ResultEnd> {
        self.last.as_ref()
    }

    /// What crossed the line for this kernel so far, and what the device's receiver lost.
    #[must_use]
    pub fn figures(&mut self) -> LinkStats {
        if self.failure.is_none() {
            // A device that is gone by now has lost nothing of this kernel's windows; the next
            // request names the cause.
            let _ = self.connection.read_losses();
        }
        let stats = self.connection.stats();
        let latency = self.connection.clock().map(|sample| sample.round_trip_ns());
        LinkStats::new(&self.before, &stats, self.exchange, latency)
    }

    /// Whether the device's output is what it should be: the same bits, or close to them where the
    /// kernel does not promise its bits.
    fn agrees(
        &self,
        expected: Result<usize, WindowFault>,
        output: &[f32],
        end: &ResultEnd,
    ) -> bool {
        let expected = expected.ok().and_then(|len| self.reference.output.get(..len));
        let Some(expected) = expected else { return false };
        match &self.kernel_run.kernel {
            DeviceKernel::Own(own) if !own.bit_exact => is_close(expected, output),
            _ => {
                let mut digest = SampleDigest::new();
                digest.update(expected);
                digest.finish() == end.output_crc
            }
        }
    }

    fn lost(&mut self, error: LinkError) -> WindowFault {
        self.failure = Some(error);
        WindowFault::DeviceLost
    }

    fn timing(&self, end: &ResultEnd) -> DeviceTiming {
        let ns = |ticks| self.clock.ns(ticks);
        DeviceTiming {
            input_ns: ns(end.input_ticks),
            start_ns: ns(end.start_ticks),
            end_ns: ns(end.end_ticks),
            first_tx_ns: ns(end.transmit_ticks),
            last_tx_ns: ns(end.sent_ticks),
            ticks: Some(DeviceTicks {
                input: end.input_ticks,
                start: end.start_ticks,
                end: end.end_ticks,
                first_tx: end.transmit_ticks,
                last_tx: end.sent_ticks,
            }),
        }
    }
}

impl Device for LinkDevice<'_> {
    fn adapter_name(&self) -> &str {
        &self.connection.info().board
    }

    fn max_output_len(&self) -> usize {
        self.configured.output_values as usize
    }

    fn reset(&mut self) -> Result<(), WindowFault> {
        if self.failure.is_some() {
            return Err(WindowFault::DeviceLost);
        }
        self.reference.device.reset()?;
        if std::mem::take(&mut self.used) {
            self.connection.configure(&self.kernel_run).map_err(|error| self.lost(error))?;
        }
        Ok(())
    }

    fn missing_samples(&self) -> Option<u32> {
        // Counted here, on the same samples: the outputs are compared bit by bit.
        self.reference.device.missing_samples()
    }

    fn saturated_samples(&self) -> u64 {
        // The same: none of a kernel in floating point.
        self.reference.device.saturated_samples()
    }

    fn run_window(
        &mut self,
        index: u64,
        input: &[f32],
        output: &mut [f32],
        clock: &dyn Clock,
    ) -> Result<WindowDone, WindowFault> {
        if self.failure.is_some() {
            return Err(WindowFault::DeviceLost);
        }
        let Ok(block) = u32::try_from(index) else {
            return Err(WindowFault::Reported(ErrorCode::WrongBlock as i32));
        };
        self.used = true;
        let mut expected = Err(WindowFault::Timeout);
        let reference = &mut self.reference;
        let encoding = self.kernel_run.input;
        let block_input = match &mut self.window {
            None => input,
            Some(window) => {
                let kept = window.len() - input.len();
                window.copy_within(input.len().., 0);
                window[kept..].copy_from_slice(input);
                window
            }
        };
        let begun = Instant::now();
        let run = self.connection.run_block(block, block_input, output, || {
            expected = reference.run(index, input, encoding, clock);
        });
        self.exchange += begun.elapsed();
        let BlockDone { output_len, end } = match run {
            Ok(done) => done,
            Err(LinkError::Refused { error, .. }) => return Err(refusal(&error)),
            Err(error) => return Err(self.lost(error)),
        };
        if expected == Err(WindowFault::KernelLost) {
            return Err(WindowFault::KernelLost);
        }
        if self.agrees(expected, &output[..output_len], &end) {
            self.checks.identical += 1;
        } else {
            self.checks.different += 1;
            self.checks.first_different.get_or_insert(block);
        }
        self.last = Some(end);
        Ok(WindowDone { output_len, timing: self.timing(&end) })
    }

    fn check(&mut self) -> Result<(), WindowFault> {
        if self.failure.is_some() {
            return Err(WindowFault::DeviceLost);
        }
        self.connection.look().map_err(|error| self.lost(error))
    }

    fn loss(&self) -> Option<String> {
        let here = || self.reference.device.loss().map(|loss| format!("on this computer: {loss}"));
        self.failure.as_ref().map(ToString::to_string).or_else(here)
    }
}

impl Reference {
    /// Runs the kernel on what the device sees; the length of its output.
    fn run(
        &mut self,
        index: u64,
        samples: &[f32],
        encoding: Encoding,
        clock: &dyn Clock,
    ) -> Result<usize, WindowFault> {
        let input = &mut self.input[..samples.len()];
        input.copy_from_slice(samples);
        encoding.apply(input);
        self.device.run_window(index, input, &mut self.output, clock).map(|done| done.output_len)
    }
}

/// Whether the power of `expected` is [`LEAST_POWER_RATIO`] times that of the difference, or more; no
/// where the lengths or the places of NaN differ.
fn is_close(expected: &[f32], found: &[f32]) -> bool {
    let (mut power, mut difference) = (0.0, 0.0);
    for (expected, found) in expected.iter().zip(found) {
        if (expected.is_nan() && found.is_nan()) || (expected.is_infinite() && expected == found) {
            continue;
        }
        let (expected, found) = (f64::from(*expected), f64::from(*found));
        power += expected * expected;
        difference += (expected - found) * (expected - found);
    }
    // False for NaN.
    expected.len() == found.len() && difference * LEAST_POWER_RATIO <= power
}

fn refusal(error: &ErrorInfo) -> WindowFault {
    match (error.code, KernelFault::from_code(error.a)) {
        (ErrorCode::KernelFault, Some(KernelFault::Reported)) => {
            WindowFault::Status(error.b as i32)
        }
        (ErrorCode::KernelFault, Some(fault)) => WindowFault::Kernel(fault),
        (code, _) => WindowFault::Reported(code as i32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_is_less_than_1e_4_of_the_rms_of_a_window() {
        let differing = |by: f32| is_close(&[3.0, -4.0], &[3.0 + by, -4.0]);
        assert!(differing(0.0) && differing(4.9e-4) && !differing(5.1e-4));
        assert!(is_close(&[f32::NAN, 0.0], &[f32::NAN, 0.0]));
        for (expected, found) in [([f32::NAN], [1.0]), ([1.0], [f32::INFINITY])] {
            assert!(!is_close(&expected, &found));
        }
        assert!(!is_close(&[1.0], &[]));
    }
}
