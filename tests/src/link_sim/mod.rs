//! Both ends of the link in one deterministic simulation: an 8N1 line with a baud rate and
//! latency each way, a device with a receive ring and a main loop that blocks while it writes
//! and while it computes, faults, resets. Time is simulated nanoseconds; nothing here looks at
//! a real clock, so the same seed gives the same run.

mod blocks;
mod leaky;

use std::collections::VecDeque;

use cortex_core::link::device::transmit_buffer_bytes;
use cortex_core::link::frame::{CRC_BYTES, HEADER_BYTES, wire_len};
use cortex_core::link::message::{FRAGMENT_HEAD_BYTES, TimerId};
use cortex_core::link::{
    Action, DeviceIdentity, DeviceSession, HostAction, HostEvent, HostOptions, HostSession,
    KernelEngine,
};
use cortex_core::signal::Lanes;
use cortex_host::device::{Direction, FaultInjector, FaultSpec};

pub use blocks::{BlocksRun, block_samples, expected_outputs, run_blocks};
pub use leaky::LeakyKernel;

/// The engine used in simulations.
pub type TestEngine = KernelEngine<LeakyKernel, Vec<f32>, Vec<Option<Lanes<1>>>>;
/// The device session used in simulations.
pub type TestDevice = DeviceSession<TestEngine, Vec<u8>>;
/// The host session used in simulations.
pub type TestHost = HostSession<Vec<f32>, Vec<u8>>;

/// What the simulated hardware is like.
#[derive(Clone, Copy, Debug)]
pub struct LineModel {
    /// Line speed each way; a byte takes 10 bits (8N1).
    pub baud: u64,
    /// Delay of every byte to the device, in nanoseconds.
    pub to_device_latency_ns: u64,
    /// Delay of every byte to the host, in nanoseconds.
    pub to_host_latency_ns: u64,
    /// Greatest further delay of what is sent at once, in nanoseconds; it never overtakes.
    pub jitter_ns: u64,
    /// Time a kernel call takes, in nanoseconds.
    pub kernel_ns: u64,
    /// Longest frame of the device, in bytes.
    pub max_frame: usize,
    /// Receive ring of the device, in bytes.
    pub ring_bytes: usize,
    /// Values of the device's workspace.
    pub values: usize,
}

impl LineModel {
    /// 921,600 baud, 16 ms from the device to the host (the latency timer of a common USB
    /// bridge), 1 ms kernels, frames with `sample_bytes` bytes of samples, a ring for eight.
    #[must_use]
    pub fn usb_serial(sample_bytes: usize) -> Self {
        let max_frame = sample_bytes + HEADER_BYTES + CRC_BYTES + FRAGMENT_HEAD_BYTES;
        Self {
            baud: 921_600,
            to_device_latency_ns: 0,
            to_host_latency_ns: 16_000_000,
            jitter_ns: 0,
            kernel_ns: 1_000_000,
            max_frame,
            ring_bytes: 8 * wire_len(max_frame) + 128,
            values: 400_000,
        }
    }

    /// Nanoseconds of one byte on the line.
    #[must_use]
    pub fn byte_ns(&self) -> u64 {
        10_000_000_000 / self.baud
    }
}

/// A device session that has just started.
#[must_use]
pub fn boot_device(model: &LineModel, boot_count: u32) -> TestDevice {
    let engine = KernelEngine::new(
        LeakyKernel::build as cortex_core::link::engine::BuildKernel<LeakyKernel>,
        LeakyKernel::DIGEST,
        vec![0.0; model.values],
        (0..16).map(|_| None).collect::<Vec<_>>(),
    );
    let identity = DeviceIdentity {
        board: "simulated",
        firmware_version: "0.1.0",
        firmware_commit: "",
        timer: TimerId::Simulated,
        tick_hz: 1_000_000_000,
        timer_bits: 64,
        boot_count,
        rx_ring_bytes: model.ring_bytes,
    };
    let tx = vec![0; transmit_buffer_bytes(model.max_frame)];
    DeviceSession::new(&identity, engine, vec![0; model.max_frame], tx).expect("buffers fit")
}

/// One direction of the line.
struct Wire {
    byte_ns: u64,
    latency_ns: u64,
    jitter_ns: u64,
    free_at_ns: u64,
    bytes: VecDeque<(u64, u8)>,
    faults: Option<FaultInjector>,
    cut: Option<(u64, usize)>,
    writes: u64,
    line_bytes: u64,
}

impl Wire {
    fn new(byte_ns: u64, latency_ns: u64, jitter_ns: u64) -> Self {
        Self {
            byte_ns,
            latency_ns,
            jitter_ns,
            free_at_ns: 0,
            bytes: VecDeque::new(),
            faults: None,
            cut: None,
            writes: 0,
            line_bytes: 0,
        }
    }

    /// Puts bytes on the line; returns when the last has left the sender.
    fn send(&mut self, bytes: &[u8], now_ns: u64) -> u64 {
        self.line_bytes += bytes.len() as u64;
        let keep = self.cut.filter(|&(write, _)| write == self.writes).map(|(_, keep)| keep);
        let bytes = bytes.get(..keep.unwrap_or(bytes.len())).unwrap_or(bytes);
        self.writes += 1;
        let disturbed = self.faults.as_mut().map(|faults| faults.apply(bytes));
        let mut at = self.free_at_ns.max(now_ns);
        // Differs from write to write, the same in every run: Weyl's sequence of the golden ratio.
        let turn = self.writes.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let latency_ns = self.latency_ns + ((self.jitter_ns * turn) >> 32);
        for &byte in disturbed.as_deref().unwrap_or(bytes) {
            at += self.byte_ns;
            let last = self.bytes.back().map_or(0, |&(at, _)| at);
            self.bytes.push_back(((at + latency_ns).max(last), byte));
        }
        self.free_at_ns = at;
        at
    }

    fn next_at(&self) -> Option<u64> {
        self.bytes.front().map(|&(at, _)| at)
    }

    fn take(&mut self, now_ns: u64) -> Option<u8> {
        (self.next_at()? <= now_ns).then(|| self.bytes.pop_front().map(|(_, byte)| byte))?
    }
}

/// Both ends and the line between them.
pub struct Simulation {
    /// Simulated time.
    pub now_ns: u64,
    /// The host's session.
    pub host: TestHost,
    /// The device's session.
    pub device: TestDevice,
    /// Bytes lost because the device's ring was full.
    pub overruns: u64,
    /// Fill of the ring at its fullest.
    pub ring_high_water: usize,
    /// From when until when the device stands still (SIGSTOP, SIGCONT).
    pub device_stopped_ns: (u64, u64),
    /// When the device is reset.
    pub reset_at_ns: Option<u64>,
    /// Bytes that arrived at the device while its kernel ran.
    pub bytes_during_kernel: u64,
    /// Blocks run by devices before the last reset.
    pub executed_before_reset: u64,
    model: LineModel,
    to_device: Wire,
    to_host: Wire,
    ring: VecDeque<u8>,
    device_free_ns: u64,
    kernel_until_ns: u64,
    boot_count: u32,
}

impl Simulation {
    /// Two ends that have not talked yet.
    #[must_use]
    pub fn new(model: LineModel, session: u32) -> Self {
        let options = HostOptions { byte_ns: model.byte_ns(), ..HostOptions::default() };
        let host = HostSession::new(
            session,
            options,
            vec![0; model.max_frame.max(256)],
            vec![0; transmit_buffer_bytes(model.max_frame.max(256))],
            vec![0.0; model.values],
            vec![0.0; model.values],
        );
        Self {
            now_ns: 0,
            host,
            device: boot_device(&model, 1),
            overruns: 0,
            ring_high_water: 0,
            device_stopped_ns: (0, 0),
            reset_at_ns: None,
            bytes_during_kernel: 0,
            kernel_until_ns: 0,
            executed_before_reset: 0,
            to_device: Wire::new(model.byte_ns(), model.to_device_latency_ns, model.jitter_ns / 2),
            to_host: Wire::new(model.byte_ns(), model.to_host_latency_ns, model.jitter_ns / 2),
            ring: VecDeque::new(),
            device_free_ns: 0,
            boot_count: 1,
            model,
        }
    }

    /// Disturbs both directions from now on.
    pub fn disturb(&mut self, spec: FaultSpec, seed: u64) {
        self.to_device.faults = Some(FaultInjector::new(spec, seed, Direction::ToDevice));
        self.to_host.faults = Some(FaultInjector::new(spec, seed, Direction::ToHost));
    }

    /// The faults done so far, as text.
    #[must_use]
    pub fn fault_log(&self) -> Vec<String> {
        [&self.to_device, &self.to_host]
            .into_iter()
            .filter_map(|wire| wire.faults.as_ref())
            .flat_map(|faults| faults.log().iter().map(ToString::to_string))
            .collect()
    }

    /// Bytes put on the line so far: to the device, to the host.
    #[must_use]
    pub fn line_bytes(&self) -> (u64, u64) {
        (self.to_device.line_bytes, self.to_host.line_bytes)
    }

    /// The device restarts: everything it held is gone.
    pub fn reset_device(&mut self) {
        self.boot_count += 1;
        self.executed_before_reset += self.device.blocks_executed();
        self.device = boot_device(&self.model, self.boot_count);
        self.ring.clear();
        self.device_free_ns = self.now_ns;
    }

    /// Cuts the `write`-th frame (from 0) that the host hands to the line to `keep` bytes.
    pub fn cut_to_device(&mut self, write: u64, keep: usize) {
        self.to_device.cut = Some((write, keep));
    }

    /// The same for frames of the device.
    pub fn cut_to_host(&mut self, write: u64, keep: usize) {
        self.to_host.cut = Some((write, keep));
    }

    /// Frames handed to the line so far: by the host, by the device.
    #[must_use]
    pub fn writes(&self) -> (u64, u64) {
        (self.to_device.writes, self.to_host.writes)
    }

    /// Bytes from elsewhere appear at the device's receiver now.
    pub fn inject_to_device(&mut self, bytes: &[u8]) {
        self.to_device.send(bytes, self.now_ns);
    }

    /// Runs until the host has an event, or until `limit_ns` of simulated time.
    pub fn next_event(&mut self, limit_ns: u64) -> Option<HostEvent> {
        loop {
            self.step_device();
            while let Some(byte) = self.to_host.take(self.now_ns) {
                self.host.on_bytes(&[byte], self.now_ns);
            }
            let host_deadline = match self.host.poll(self.now_ns) {
                HostAction::Event(event) => return Some(event),
                HostAction::Transmit(bytes) => {
                    self.to_device.send(bytes, self.now_ns);
                    continue;
                }
                HostAction::Wait(deadline) => deadline,
            };
            let device_deadline =
                (self.device_free_ns > self.now_ns).then_some(self.device_free_ns);
            let next = [
                self.reset_at_ns,
                host_deadline,
                self.to_device.next_at(),
                self.to_host.next_at(),
                device_deadline,
            ];
            let next = next.into_iter().flatten().min();
            let next = next.unwrap_or(limit_ns).max(self.now_ns + 1);
            if next > limit_ns {
                self.now_ns = limit_ns;
                return None;
            }
            self.now_ns = next;
        }
    }

    fn step_device(&mut self) {
        if self.reset_at_ns.is_some_and(|at| at <= self.now_ns) {
            self.reset_at_ns = None;
            self.reset_device();
        }
        while let Some(byte) = self.to_device.take(self.now_ns) {
            self.bytes_during_kernel += u64::from(self.now_ns < self.kernel_until_ns);
            if self.ring.len() < self.model.ring_bytes {
                self.ring.push_back(byte);
                self.ring_high_water = self.ring_high_water.max(self.ring.len());
            } else {
                self.overruns += 1;
            }
        }
        let (stopped_ns, continued_ns) = self.device_stopped_ns;
        if (stopped_ns..continued_ns).contains(&self.now_ns) {
            self.device_free_ns = continued_ns;
        }
        while self.device_free_ns <= self.now_ns {
            let bytes: Vec<u8> = self.ring.drain(..).collect();
            self.device.on_bytes(&bytes, self.now_ns);
            match self.device.poll(self.now_ns) {
                Action::Idle => return,
                Action::Transmit(bytes) => {
                    self.device_free_ns = self.to_host.send(bytes, self.now_ns);
                }
                Action::Run => {
                    let mut ticks = self.now_ns;
                    let step = self.model.kernel_ns;
                    self.device.run(&mut || {
                        let now = ticks;
                        ticks += step;
                        now
                    });
                    self.device_free_ns = self.now_ns + step;
                    self.kernel_until_ns = self.device_free_ns;
                }
            }
        }
    }
}
