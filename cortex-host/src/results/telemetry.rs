//! Telemetry files: one row per window, written by a thread of their own while the run goes on.
//!
//! The measuring thread copies a window's record into a batch that was allocated before the run
//! and hands full batches, and in a real-time run's idle time also partly filled ones, to the
//! writer. A fixed number of batches circulates: memory is bounded, and when the disk cannot keep
//! up the measuring thread waits between windows, which the schedule then shows as lateness.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use serde::{Serialize, Serializer};

use super::ResultsError;
use super::statistics::KernelStatistics;
use crate::base::Progress;
use crate::device::DeviceClock;
use crate::harness::{Job, WindowRecord, WindowSink};
use crate::plan::TelemetryFormat;

/// Batches in circulation.
const BATCHES: usize = 4;

/// Windows per batch.
const BATCH_WINDOWS: usize = 512;

/// Kernel output values per batch, at least one window's.
const BATCH_VALUES: usize = 256 * 1024;

/// A batch is handed on at the latest when its windows span this long.
const BATCH_NS: u64 = 250_000_000;

/// Bytes gathered before a system call.
const BUFFER_BYTES: usize = 256 * 1024;

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
    /// Whether the first repeat's kernel outputs go to `outputs.f32`.
    pub include_raw_data: bool,
    /// The most values one window returns.
    pub max_output_len: usize,
    /// The device's counter; none natively, where there are no columns for its ticks.
    pub clock: Option<DeviceClock>,
}

/// A sink that writes `telemetry.ndjson` or `.csv` (and `outputs.f32`) into a kernel's folder and
/// gathers its statistics.
pub struct TelemetryWriter {
    batch: Batch,
    batch_started_ns: Option<u64>,
    include_raw_data: bool,
    filled: Option<SyncSender<Batch>>,
    empty: Receiver<Batch>,
    writer: Option<JoinHandle<Result<KernelStatistics, ResultsError>>>,
}

/// Windows on their way to the disk.
struct Batch {
    records: Vec<WindowRecord>,
    /// Kernel outputs of the records, one after another.
    outputs: Vec<f32>,
}

/// One row. Names and order are upstream CORTEX's; flags are 0 or 1.
#[derive(Serialize)]
struct Row<'a> {
    run_id: &'a str,
    plugin: &'a str,
    window_index: u64,
    release_ts_ns: u64,
    deadline_ts_ns: u64,
    start_ts_ns: u64,
    end_ts_ns: u64,
    deadline_missed: u8,
    #[serde(rename = "W")]
    window: usize,
    #[serde(rename = "H")]
    hop: usize,
    #[serde(rename = "C")]
    channels: usize,
    #[serde(rename = "Fs", serialize_with = "whole_if_possible")]
    sample_rate_hz: f64,
    warmup: u8,
    repeat: u32,
    device_tin_ns: u64,
    device_tstart_ns: u64,
    device_tend_ns: u64,
    device_tfirst_tx_ns: u64,
    device_tlast_tx_ns: u64,
    adapter_name: &'a str,
    window_failed: u8,
    error_code: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_tin_ticks: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_tstart_ticks: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_tend_ticks: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_tfirst_tx_ticks: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_tlast_tx_ticks: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_instructions: Option<u64>,
}

impl TelemetryWriter {
    /// Creates the files in `folder` and starts the writing thread, which tells `progress` how
    /// many further windows it has written.
    ///
    /// # Errors
    /// [`ResultsError`] when a file cannot be created.
    pub fn create(
        folder: &Path,
        settings: TelemetrySettings,
        job: &Job,
        progress: Progress,
    ) -> Result<Self, ResultsError> {
        let (filled, to_write) = sync_channel(BATCHES);
        let (written, empty) = sync_channel(BATCHES);
        let include_raw_data = settings.include_raw_data;
        let values = if include_raw_data { BATCH_VALUES.max(settings.max_output_len) } else { 0 };
        for _ in 1..BATCHES {
            // The channel has room for all and its receiver is alive.
            let _ = written.send(Batch::with_room_for(values));
        }
        let statistics = KernelStatistics::of_device(job, settings.clock.as_ref());
        let files = Files::create(folder, settings, job)?;
        let writer = std::thread::Builder::new()
            .name("telemetry".to_owned())
            .spawn(move || files.write_all(statistics, &to_write, &written, &progress))
            .map_err(ResultsError::at("start writing telemetry in", folder))?;
        Ok(Self {
            batch: Batch::with_room_for(values),
            batch_started_ns: None,
            include_raw_data,
            filled: Some(filled),
            empty,
            writer: Some(writer),
        })
    }

    /// Writes what is left, closes the files and returns the statistics.
    ///
    /// # Errors
    /// [`ResultsError`] when something could not be written, now or earlier.
    pub fn finish(mut self) -> Result<KernelStatistics, ResultsError> {
        // When handing on fails the writer has stopped with an error of its own, joined below.
        let _ = self.hand_on();
        self.filled = None;
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => unreachable!("only finish takes the thread, and it consumes the writer"),
        }
    }

    /// Gives the batch to the writer and takes an empty one, waiting for it if need be.
    fn hand_on(&mut self) -> io::Result<()> {
        if self.batch.records.is_empty() {
            return Ok(());
        }
        // Either channel is closed only when the writer has stopped; `finish` tells why.
        let stopped = || io::Error::from(io::ErrorKind::BrokenPipe);
        let next = self.empty.recv().map_err(|_| stopped())?;
        let full = std::mem::replace(&mut self.batch, next);
        self.batch_started_ns = None;
        self.filled.as_ref().ok_or_else(stopped)?.send(full).map_err(|_| stopped())
    }
}

impl WindowSink for TelemetryWriter {
    fn window(&mut self, record: &WindowRecord, output: &[f32]) -> io::Result<()> {
        let output = if self.include_raw_data && record.repeat == 0 { output } else { &[] };
        let started_ns = *self.batch_started_ns.get_or_insert(record.end_ns);
        if self.batch.records.len() == BATCH_WINDOWS
            || self.batch.outputs.len() + output.len() > self.batch.outputs.capacity()
            || record.end_ns.saturating_sub(started_ns) > BATCH_NS
        {
            self.hand_on()?;
        }
        self.batch.records.push(*record);
        self.batch.outputs.extend_from_slice(output);
        Ok(())
    }

    fn idle(&mut self) -> io::Result<()> {
        self.hand_on()
    }
}

impl Batch {
    fn with_room_for(values: usize) -> Self {
        Self { records: Vec::with_capacity(BATCH_WINDOWS), outputs: Vec::with_capacity(values) }
    }
}

/// The open files of one kernel.
struct Files {
    settings: TelemetrySettings,
    window: usize,
    hop: usize,
    channels: usize,
    sample_rate_hz: f64,
    rows_path: PathBuf,
    rows: RowWriter,
    outputs_path: PathBuf,
    outputs: Option<BufWriter<File>>,
}

/// The two formats.
enum RowWriter {
    Ndjson(BufWriter<File>),
    Csv(Box<csv::Writer<File>>),
}

impl Files {
    fn create(folder: &Path, settings: TelemetrySettings, job: &Job) -> Result<Self, ResultsError> {
        let rows_path = folder.join(format!("telemetry.{}", settings.format.name()));
        let file = File::create_new(&rows_path).map_err(ResultsError::at("create", &rows_path))?;
        let rows = match settings.format {
            TelemetryFormat::Ndjson => {
                RowWriter::Ndjson(BufWriter::with_capacity(BUFFER_BYTES, file))
            }
            TelemetryFormat::Csv => RowWriter::Csv(Box::new(
                csv::WriterBuilder::new().buffer_capacity(BUFFER_BYTES).from_writer(file),
            )),
        };
        let outputs_path = folder.join("outputs.f32");
        let outputs = match settings.include_raw_data {
            true => {
                let file = File::create_new(&outputs_path)
                    .map_err(ResultsError::at("create", &outputs_path))?;
                Some(BufWriter::with_capacity(BUFFER_BYTES, file))
            }
            false => None,
        };
        let shape = job.shape;
        Ok(Self {
            settings,
            window: shape.window,
            hop: shape.hop,
            channels: shape.channels,
            sample_rate_hz: shape.sample_rate_hz,
            rows_path,
            rows,
            outputs_path,
            outputs,
        })
    }

    fn write_all(
        mut self,
        mut statistics: KernelStatistics,
        to_write: &Receiver<Batch>,
        written: &SyncSender<Batch>,
        progress: &Progress,
    ) -> Result<KernelStatistics, ResultsError> {
        for mut batch in to_write {
            self.write(&batch)?;
            for record in &batch.records {
                statistics.record(record);
            }
            progress.add(batch.records.len() as u64);
            batch.records.clear();
            batch.outputs.clear();
            // Nobody takes it back once the run is over.
            let _ = written.send(batch);
        }
        Ok(statistics)
    }

    /// Writes a batch through to the system, so that it survives the death of this process.
    fn write(&mut self, batch: &Batch) -> Result<(), ResultsError> {
        for record in &batch.records {
            self.write_row(record)
                .map_err(ResultsError::at("write telemetry to", &self.rows_path))?;
        }
        match &mut self.rows {
            RowWriter::Ndjson(writer) => writer.flush(),
            RowWriter::Csv(writer) => writer.flush(),
        }
        .map_err(ResultsError::at("write telemetry to", &self.rows_path))?;
        if let Some(file) = &mut self.outputs {
            write_samples(file, &batch.outputs)
                .map_err(ResultsError::at("write kernel outputs to", &self.outputs_path))?;
        }
        Ok(())
    }

    fn write_row(&mut self, record: &WindowRecord) -> io::Result<()> {
        // Every row of a file has the same columns: a failed window's ticks are 0.
        let clock = self.settings.clock.as_ref();
        let ticks = clock.map(|_| record.device.ticks.unwrap_or_default());
        let row = Row {
            run_id: &self.settings.run_id,
            plugin: &self.settings.plugin,
            window_index: record.index,
            release_ts_ns: record.release_ns,
            deadline_ts_ns: record.deadline_ns,
            start_ts_ns: record.start_ns,
            end_ts_ns: record.end_ns,
            deadline_missed: record.deadline_missed().into(),
            window: self.window,
            hop: self.hop,
            channels: self.channels,
            sample_rate_hz: self.sample_rate_hz,
            warmup: record.warmup.into(),
            repeat: record.repeat,
            device_tin_ns: record.device.input_ns,
            device_tstart_ns: record.device.start_ns,
            device_tend_ns: record.device.end_ns,
            device_tfirst_tx_ns: record.device.first_tx_ns,
            device_tlast_tx_ns: record.device.last_tx_ns,
            adapter_name: &self.settings.adapter_name,
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
        };
        match &mut self.rows {
            RowWriter::Ndjson(writer) => {
                serde_json::to_writer(&mut *writer, &row)?;
                writer.write_all(b"\n")
            }
            RowWriter::Csv(writer) => {
                writer.serialize(&row).map_err(|error| match error.into_kind() {
                    csv::ErrorKind::Io(error) => error,
                    other => io::Error::other(format!("{other:?}")),
                })
            }
        }
    }
}

fn write_samples(file: &mut BufWriter<File>, samples: &[f32]) -> io::Result<()> {
    for sample in samples {
        file.write_all(&sample.to_le_bytes())?;
    }
    file.flush()
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
