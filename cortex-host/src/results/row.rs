//! One window in telemetry: the row that is written, read and documented. A further column is a field
//! here and its value in [`TelemetryRow::of`].

use std::borrow::Cow;
use std::sync::Arc;

use cortex_core::kernel::KernelShape;
use serde::{Deserialize, Serialize, Serializer};

use super::window_labels::WindowLabels;
use crate::device::DeviceClock;
use crate::harness::WindowRecord;
use crate::plan::TelemetryFormat;

/// What a writer has to know besides the records.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// `run_id` of every row.
    pub run_id: String,
    /// `plugin` of every row: the kernel's name.
    pub plugin: String,
    /// `adapter_name` of every row.
    pub adapter_name: String,
    /// NDJSON or CSV.
    pub format: TelemetryFormat,
    /// Whether the first repeat's kernel outputs go to [`super::OUTPUTS_NAME`].
    pub include_raw_data: bool,
    /// The most values one window returns.
    pub max_output_len: usize,
    /// Sizes of one entry of the outputs: of a row, or of a window's result.
    pub output_sizes: Vec<u64>,
    /// The device's counter; none natively, where there are no columns for its ticks.
    pub clock: Option<DeviceClock>,
    /// What happened in each window; none for data without events, where there is no column.
    pub labels: Option<Arc<WindowLabels>>,
}

/// One row. Names and order are upstream CORTEX's; flags are 0 or 1. Reading needs the columns that
/// latencies are made of; the others may be absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TelemetryRow<'a> {
    /// The run.
    #[serde(default)]
    pub run_id: Cow<'a, str>,
    /// The kernel.
    #[serde(default)]
    pub plugin: Cow<'a, str>,
    /// Number of the window within its repeat.
    #[serde(default)]
    pub window_index: u64,
    /// When its last sample had arrived, in nanoseconds of the monotonic clock, as all of the harness.
    pub release_ts_ns: u64,
    /// When its result was due.
    #[serde(default)]
    pub deadline_ts_ns: u64,
    /// When it was handed to the device.
    #[serde(default)]
    pub start_ts_ns: u64,
    /// When its result was there.
    pub end_ts_ns: u64,
    /// Whether there was no result at the deadline.
    pub deadline_missed: u8,
    /// Window length in samples.
    #[serde(default, rename = "W")]
    pub window: usize,
    /// Hop in samples.
    #[serde(default, rename = "H")]
    pub hop: usize,
    /// Number of channels.
    #[serde(default, rename = "C")]
    pub channels: usize,
    /// Sample rate in Hz.
    #[serde(default, rename = "Fs", serialize_with = "whole_if_possible")]
    pub sample_rate_hz: f64,
    /// Whether it is a warm-up window.
    pub warmup: u8,
    /// Number of the repeat.
    #[serde(default)]
    pub repeat: u32,
    /// The input was complete, on the device's clock.
    #[serde(default)]
    pub device_tin_ns: u64,
    /// The kernel started.
    pub device_tstart_ns: u64,
    /// The kernel returned.
    pub device_tend_ns: u64,
    /// The first byte of the result left.
    #[serde(default)]
    pub device_tfirst_tx_ns: u64,
    /// The last byte of the result left.
    #[serde(default)]
    pub device_tlast_tx_ns: u64,
    /// What ran the kernel.
    #[serde(default)]
    pub adapter_name: Cow<'a, str>,
    /// Whether there is no result.
    pub window_failed: u8,
    /// Why ([`crate::harness::WindowFault::code`]); 0 for none.
    #[serde(default)]
    pub error_code: i32,
    /// The same instants in ticks of the device's counter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_tin_ticks: Option<u64>,
    /// The kernel started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_tstart_ticks: Option<u64>,
    /// The kernel returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_tend_ticks: Option<u64>,
    /// The first byte of the result left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_tfirst_tx_ticks: Option<u64>,
    /// The last byte of the result left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_tlast_tx_ticks: Option<u64>,
    /// Instructions of the kernel on an emulated device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_instructions: Option<u64>,
    /// What happened in the window ([`WindowLabels`]); empty for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Cow<'a, str>>,
}

impl<'a> TelemetryRow<'a> {
    /// The row of `record`, a window of `shape`.
    #[must_use]
    pub fn of(settings: &'a TelemetrySettings, shape: KernelShape, record: &WindowRecord) -> Self {
        // Every row of a file has the same columns: a failed window's ticks are 0.
        let clock = settings.clock.as_ref();
        let ticks = clock.map(|_| record.device.ticks.unwrap_or_default());
        Self {
            run_id: settings.run_id.as_str().into(),
            plugin: settings.plugin.as_str().into(),
            window_index: record.index,
            release_ts_ns: record.release_ns,
            deadline_ts_ns: record.deadline_ns,
            start_ts_ns: record.start_ns,
            end_ts_ns: record.end_ns,
            deadline_missed: record.deadline_missed().into(),
            window: shape.window,
            hop: shape.hop,
            channels: shape.channels,
            sample_rate_hz: shape.sample_rate_hz,
            warmup: record.warmup.into(),
            repeat: record.repeat,
            device_tin_ns: record.device.input_ns,
            device_tstart_ns: record.device.start_ns,
            device_tend_ns: record.device.end_ns,
            device_tfirst_tx_ns: record.device.first_tx_ns,
            device_tlast_tx_ns: record.device.last_tx_ns,
            adapter_name: settings.adapter_name.as_str().into(),
            window_failed: record.fault.is_some().into(),
            error_code: record.fault.map_or(0, |fault| fault.code()),
            device_tin_ticks: ticks.map(|ticks| ticks.input),
            device_tstart_ticks: ticks.map(|ticks| ticks.start),
            device_tend_ticks: ticks.map(|ticks| ticks.end),
            device_tfirst_tx_ticks: ticks.map(|ticks| ticks.first_tx),
            device_tlast_tx_ticks: ticks.map(|ticks| ticks.last_tx),
            device_instructions: clock
                .filter(|clock| clock.instruction_ns.is_some())
                .map(|clock| record.instructions(clock).unwrap_or(0)),
            label: settings.labels.as_ref().map(|labels| labels.of(shape, record.index).into()),
        }
    }
}

/// Writes 160 rather than 160.0, as upstream's integer rates read; 250.5 stays as it is.
fn whole_if_possible<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    let whole = *value as u64;
    if whole as f64 == *value {
        serializer.serialize_u64(whole)
    } else {
        serializer.serialize_f64(*value)
    }
}
