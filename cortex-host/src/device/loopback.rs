//! The device's session in this process: a [`Link`] without a line.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use cortex_core::kernel::AnyForm;
use cortex_core::link::device::{min_ring_bytes, transmit_buffer_bytes};
use cortex_core::link::message::TimerId;
use cortex_core::link::{Action, DeviceIdentity, DeviceSession, KernelEngine};
use cortex_core::signal::Lanes;

use super::{Link, LinkError};

/// Longest frame of the loopback device: fragments of 16 KiB.
const MAX_FRAME_BYTES: usize = 16 * 1024 + 20;
/// Values of its workspace (64 MiB, touched only as far as used).
const WORKSPACE_VALUES: usize = 16 << 20;
/// Most channels it generates in seeded mode.
const MAX_CHANNELS: usize = 4096;

type Session = DeviceSession<KernelEngine<AnyForm, Vec<f32>, Vec<Option<Lanes<1>>>>, Vec<u8>>;

/// The device's session over the kernels and generators of this very program. Its clock counts
/// nanoseconds.
pub(super) struct NativeSession {
    session: Session,
    started: Instant,
}

impl NativeSession {
    /// A device called `board` that has just started.
    ///
    /// # Errors
    /// [`LinkError::Io`] when its buffers do not fit together (they do).
    pub(super) fn new(board: &str) -> Result<Self, LinkError> {
        let engine = KernelEngine::standard(
            vec![0.0f32; WORKSPACE_VALUES],
            (0..MAX_CHANNELS).map(|_| None).collect::<Vec<_>>(),
        );
        let identity = DeviceIdentity {
            board,
            firmware_version: env!("CARGO_PKG_VERSION"),
            firmware_commit: "",
            timer: TimerId::Monotonic,
            tick_hz: 1_000_000_000,
            timer_bits: 64,
            boot_count: 1,
            rx_ring_bytes: 16 * min_ring_bytes(MAX_FRAME_BYTES),
        };
        let session = DeviceSession::new(
            &identity,
            engine,
            vec![0u8; MAX_FRAME_BYTES],
            vec![0u8; transmit_buffer_bytes(MAX_FRAME_BYTES)],
        )
        .map_err(|error| LinkError::Io {
            device: format!("{board} device"),
            error: std::io::Error::other(error),
        })?;
        Ok(Self { session, started: Instant::now() })
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Takes bytes from the host.
    pub(super) fn receive(&mut self, bytes: &[u8]) {
        let now = self.now_ns();
        self.session.on_bytes(bytes, now);
    }

    /// The first half of a step of the device's main loop: hands bytes for the host to `transmit`.
    pub(super) fn poll(&mut self, transmit: impl FnOnce(&[u8])) -> Step {
        let now = self.now_ns();
        match self.session.poll(now) {
            Action::Idle => Step::Idle,
            Action::Transmit(bytes) => {
                transmit(bytes);
                Step::Sent
            }
            Action::Run => Step::Ready,
        }
    }

    /// The second half, after [`Step::Ready`]: runs the kernel.
    pub(super) fn run(&mut self) {
        let started = self.started;
        let mut clock = || u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.session.run(&mut clock);
    }

    /// Whether a host has opened a session.
    pub(super) fn is_open(&self) -> bool {
        self.session.session().is_some()
    }
}

/// What a device has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing before bytes arrive.
    Idle,
    /// It had bytes for the host, and may have more to do.
    Sent,
    /// A kernel waits to be run, once the host has what was sent.
    Ready,
}

/// The device's session in this process, without a line.
pub struct Loopback {
    session: NativeSession,
    to_host: VecDeque<u8>,
}

impl Loopback {
    /// A device that has just started.
    ///
    /// # Errors
    /// [`LinkError::Io`] when its buffers do not fit together (they do).
    pub fn new() -> Result<Self, LinkError> {
        Ok(Self { session: NativeSession::new("loopback")?, to_host: VecDeque::new() })
    }

    /// One step of the device's main loop; whether there was anything to do.
    fn step(&mut self) -> bool {
        let to_host = &mut self.to_host;
        match self.session.poll(|bytes| to_host.extend(bytes)) {
            Step::Idle => return false,
            Step::Sent => {}
            Step::Ready => self.session.run(),
        }
        true
    }
}

impl Link for Loopback {
    fn send(&mut self, bytes: &[u8], _patience: Duration) -> Result<(), LinkError> {
        self.session.receive(bytes);
        Ok(())
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        while self.to_host.is_empty() {
            if !self.step() {
                // Nothing will come before something is sent.
                std::thread::sleep(deadline.saturating_duration_since(Instant::now()));
                return Ok(0);
            }
            if Instant::now() >= deadline && self.to_host.is_empty() {
                return Ok(0);
            }
        }
        let count = self.to_host.len().min(buffer.len());
        for (slot, byte) in buffer.iter_mut().zip(self.to_host.drain(..count)) {
            *slot = byte;
        }
        Ok(count)
    }

    fn describe(&self) -> String {
        "loopback device".into()
    }
}
