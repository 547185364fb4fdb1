//! A device behind a link as the harness sees it: one kernel, windows in order.
//!
//! Every result is checked against the same kernel run here, bit by bit: the device computes
//! with the same code, so any difference is a finding.

use std::time::{Duration, Instant};

use cortex_core::digest::SampleDigest;
use cortex_core::kernel::{AnyKernel, Kernel, KernelError, KernelFault};
use cortex_core::link::message::Configured;
use cortex_core::link::{ErrorCode, ErrorInfo, HostStats, ResultEnd};

use crate::device::DeviceClock;
use crate::device::{BlockDone, Connection, KernelSettings, LinkError, LinkStats};
use crate::harness::{Clock, Device, DeviceTicks, DeviceTiming, WindowDone, WindowFault};

/// A [`Device`] on the other side of a link.
pub struct LinkDevice<'c> {
    connection: &'c mut Connection,
    kernel_run: KernelSettings,
    configured: Configured,
    /// Whether the kernel has run since it was configured.
    used: bool,
    reference: Reference,
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
    /// Windows whose output digest equals that of the same kernel run here.
    pub identical: u64,
    /// Windows whose output digest differs.
    pub different: u64,
    /// The first window that differs (its number within its repeat).
    pub first_different: Option<u32>,
}

/// The same kernel, run here.
struct Reference {
    kernel: AnyKernel,
    state: Vec<f32>,
    input: Vec<f32>,
    output: Vec<f32>,
}

/// Why a [`LinkDevice`] cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LinkDeviceError {
    /// The kernel's parameters are wrong.
    #[error("the kernel cannot be built: {0}")]
    Kernel(KernelError),
    /// The device cannot take it.
    #[error(transparent)]
    Link(#[from] LinkError),
}

impl<'c> LinkDevice<'c> {
    /// Puts a kernel on the device.
    ///
    /// # Errors
    /// [`LinkDeviceError`].
    pub fn new(
        connection: &'c mut Connection,
        kernel_run: KernelSettings,
    ) -> Result<Self, LinkDeviceError> {
        let kernel = kernel_run.kernel.build(kernel_run.shape).map_err(LinkDeviceError::Kernel)?;
        let before = connection.stats();
        let configured = connection.configure(&kernel_run)?;
        let shape = &kernel_run.shape;
        let outputs = kernel.output_len(shape.window).max(kernel.output_len(shape.hop));
        let mut reference = Reference {
            state: vec![0.0; kernel.state_len()],
            input: vec![0.0; shape.window * shape.channels],
            output: vec![0.0; outputs],
            kernel,
        };
        reference.kernel.reset(&mut reference.state);
        Ok(Self {
            clock: connection.device_clock(),
            before,
            exchange: Duration::ZERO,
            connection,
            kernel_run,
            configured,
            used: false,
            reference,
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
        self.reference.kernel.reset(&mut self.reference.state);
        if std::mem::take(&mut self.used) {
            self.connection.configure(&self.kernel_run).map_err(|error| self.lost(error))?;
        }
        Ok(())
    }

    fn missing_samples(&self) -> Option<u32> {
        // Counted here, on the same samples: the outputs are compared bit by bit.
        Some(self.reference.kernel.missing_samples(&self.reference.state))
    }

    fn run_window(
        &mut self,
        index: u64,
        input: &[f32],
        output: &mut [f32],
        _clock: &dyn Clock,
    ) -> Result<WindowDone, WindowFault> {
        if self.failure.is_some() {
            return Err(WindowFault::DeviceLost);
        }
        let Ok(block) = u32::try_from(index) else {
            return Err(WindowFault::Reported(ErrorCode::WrongBlock as i32));
        };
        self.used = true;
        let mut expected = None;
        let reference = &mut self.reference;
        let encoding = self.kernel_run.input;
        let begun = Instant::now();
        let run = self.connection.run_block(block, input, output, || {
            expected = reference.run(input, encoding);
        });
        self.exchange += begun.elapsed();
        let BlockDone { output_len, end } = match run {
            Ok(done) => done,
            Err(LinkError::Refused { error, .. }) => return Err(refusal(&error)),
            Err(error) => return Err(self.lost(error)),
        };
        if expected == Some(end.output_crc) {
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
        self.failure.as_ref().map(ToString::to_string)
    }
}

impl Reference {
    /// Runs the kernel on what the device sees; the digest of its output.
    fn run(&mut self, samples: &[f32], encoding: cortex_core::link::Encoding) -> Option<u32> {
        let input = self.input.get_mut(..samples.len())?;
        input.copy_from_slice(samples);
        encoding.apply(input);
        let written = self.kernel.process(&mut self.state, input, &mut self.output).ok()?;
        let mut digest = SampleDigest::new();
        digest.update(self.output.get(..written)?);
        Some(digest.finish())
    }
}

fn refusal(error: &ErrorInfo) -> WindowFault {
    match (error.code, KernelFault::from_code(error.a)) {
        (ErrorCode::KernelFault, Some(fault)) => WindowFault::Kernel(fault),
        (code, _) => WindowFault::Reported(code as i32),
    }
}
