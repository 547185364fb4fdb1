//! Figures of a link: what crossed it, how well, and whether both ends computed the same.

use std::time::Duration;

use cortex_core::link::HostStats;
use cortex_core::link::message::{DeviceInfo, ReceiveLosses};
use serde::{Deserialize, Serialize};

use super::DeviceClock;

/// What a device says about itself, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct DeviceSummary {
    /// What the board calls itself.
    pub board: String,
    /// Version of its firmware.
    pub firmware_version: String,
    /// Commit its firmware was built from; none when unknown.
    pub firmware_commit: Option<String>,
    /// Whether the device is emulated: its figures are instructions then, never cycles or times
    /// of real hardware.
    pub emulated: bool,
    /// What counts its ticks.
    pub clock: DeviceClock,
    /// Values of 4 bytes there are for kernel state, input and output together.
    pub memory_values: u32,
    /// Longest frame it takes, in bytes.
    pub max_frame_bytes: u32,
    /// How often it has started, where it can count; else 0.
    pub boot_count: u32,
}

impl DeviceSummary {
    /// Facts of a device that answered HELLO with `info`.
    #[must_use]
    pub fn new(info: &DeviceInfo, clock: DeviceClock) -> Self {
        let commit = info.firmware_commit.as_str();
        Self {
            board: info.board.as_str().to_owned(),
            firmware_version: info.firmware_version.as_str().to_owned(),
            firmware_commit: (!commit.is_empty()).then(|| commit.to_owned()),
            emulated: clock.instruction_ns.is_some(),
            clock,
            memory_values: info.max_values,
            max_frame_bytes: info.max_frame,
            boot_count: info.boot_count,
        }
    }
}

/// What crossed a link, during one kernel or a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, schemars::JsonSchema, Serialize, Deserialize)]
pub struct LinkStats {
    /// Shortest of eight ping round trips, in microseconds.
    pub latency_us: Option<f64>,
    /// Bytes on the line, both directions, handshakes, acknowledgements and retransmissions
    /// included.
    pub line_bytes: u64,
    /// Sample bytes in accepted blocks and results, each counted once.
    pub sample_bytes: u64,
    /// Sample bytes over line bytes; none when nothing crossed.
    pub line_efficiency: Option<f64>,
    /// Seconds in which a block was on its way, computed or on its way back.
    pub exchange_s: f64,
    /// Sample bytes per second of `exchange_s`, kernel time included.
    pub goodput_bytes_per_s: Option<f64>,
    /// Sequenced frames that the host sent again.
    pub retransmissions: u64,
    /// Damaged frames, at both ends.
    pub crc_errors: u64,
    /// Input samples beyond the range of `encoding: i16`, which were sent as its end.
    #[serde(default)]
    pub saturated_samples: u64,
    /// Times the host asked a silent device whether it is still there.
    pub polls: u64,
    /// Bytes that the device's receiver was too slow for, as its hardware tells them. What was
    /// lost is sent again.
    #[serde(default)]
    pub receiver_overruns: u64,
    /// Bytes that the device dropped because its receive ring was full.
    #[serde(default)]
    pub ring_overflows: u64,
}

impl LinkStats {
    /// What the device's receiver has lost, in words; none when it lost nothing.
    #[must_use]
    pub fn receiver_losses(&self) -> Option<String> {
        let (overruns, overflows) = (self.receiver_overruns, self.ring_overflows);
        (overruns + overflows > 0).then(|| {
            format!(
                "the device lost bytes: {overruns} UART overruns, {overflows} at a full receive ring"
            )
        })
    }

    /// What happened between two readings, with blocks under way for `exchange`.
    #[must_use]
    pub fn new(
        before: &HostStats,
        after: &HostStats,
        exchange: Duration,
        latency_ns: Option<u64>,
    ) -> Self {
        let line = |stats: &HostStats| stats.line_bytes_sent + stats.line_bytes_received;
        let samples = |stats: &HostStats| stats.sample_bytes_sent + stats.sample_bytes_received;
        let line_bytes = line(after).saturating_sub(line(before));
        let sample_bytes = samples(after).saturating_sub(samples(before));
        // The device counts its damaged frames modulo 2^16.
        let there = after.damaged_at_device.wrapping_sub(before.damaged_at_device);
        let here = after.damaged_here.saturating_sub(before.damaged_here);
        // The device counts since its start, modulo 2^32.
        let since = |count: fn(&ReceiveLosses) -> u32| {
            u64::from(count(&after.device_losses).wrapping_sub(count(&before.device_losses)))
        };
        let exchange_s = exchange.as_secs_f64();
        Self {
            latency_us: latency_ns.map(|ns| ns as f64 / 1e3),
            line_bytes,
            sample_bytes,
            line_efficiency: (line_bytes > 0).then(|| sample_bytes as f64 / line_bytes as f64),
            exchange_s,
            goodput_bytes_per_s: (exchange_s > 0.0).then(|| sample_bytes as f64 / exchange_s),
            retransmissions: after.retransmissions.saturating_sub(before.retransmissions),
            crc_errors: here + u64::from(there),
            saturated_samples: after.saturated.saturating_sub(before.saturated),
            polls: after.polls.saturating_sub(before.polls),
            receiver_overruns: since(|losses| losses.overruns),
            ring_overflows: since(|losses| losses.ring_overflows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_differences_and_the_devices_counter_wraps() {
        let before = HostStats {
            line_bytes_sent: 100,
            line_bytes_received: 50,
            damaged_at_device: 65_535,
            damaged_here: 3,
            retransmissions: 7,
            device_losses: ReceiveLosses { overruns: u32::MAX, ring_overflows: 2 },
            ..HostStats::default()
        };
        let after = HostStats {
            line_bytes_sent: 900,
            line_bytes_received: 250,
            sample_bytes_sent: 700,
            sample_bytes_received: 100,
            damaged_at_device: 1,
            damaged_here: 4,
            retransmissions: 9,
            saturated: 5,
            device_losses: ReceiveLosses { overruns: 1, ring_overflows: 6 },
            ..HostStats::default()
        };
        let figures = LinkStats::new(&before, &after, Duration::from_millis(500), Some(1_500));
        assert_eq!((figures.line_bytes, figures.sample_bytes), (1_000, 800));
        assert_eq!(figures.line_efficiency, Some(0.8));
        assert_eq!(figures.goodput_bytes_per_s, Some(1_600.0));
        assert_eq!((figures.crc_errors, figures.retransmissions), (3, 2));
        assert_eq!(figures.saturated_samples, 5);
        assert_eq!((figures.receiver_overruns, figures.ring_overflows), (2, 4));
        assert_eq!(figures.latency_us, Some(1.5));
        let nothing = LinkStats::new(&before, &before, Duration::ZERO, None);
        assert_eq!((nothing.line_efficiency, nothing.goodput_bytes_per_s), (None, None));
    }
}
