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

use cortex_core::kernel::KernelShape;

use super::ResultsError;
use super::row::{TelemetryRow, TelemetrySettings};
use super::statistics::KernelStatistics;
use crate::base::Progress;
use crate::harness::{KernelRun, WindowRecord, WindowSink};
use crate::plan::TelemetryFormat;
use crate::platform::file_at::write_all_at;
use crate::recording::npy::header_bytes;

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

/// What the kernel returned in the first repeat, entry after entry, as a NumPy array.
pub const OUTPUTS_NAME: &str = "outputs.npy";

/// A sink that writes `telemetry.ndjson` or `.csv` (and [`OUTPUTS_NAME`]) into a kernel's folder and
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

impl TelemetryWriter {
    /// Creates the files in `folder` and starts the writing thread, which tells `progress` how
    /// many further windows it has written.
    ///
    /// # Errors
    /// [`ResultsError`] when a file cannot be created.
    pub fn create(
        folder: &Path,
        settings: TelemetrySettings,
        kernel_run: &KernelRun,
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
        let statistics = KernelStatistics::of_device(kernel_run, settings.clock.as_ref());
        let files = Files::create(folder, settings, kernel_run)?;
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
    shape: KernelShape,
    rows_path: PathBuf,
    rows: RowWriter,
    outputs_path: PathBuf,
    outputs: Option<BufWriter<File>>,
    /// Values in it.
    values: u64,
}

/// The two formats.
enum RowWriter {
    Ndjson(BufWriter<File>),
    Csv(Box<csv::Writer<File>>),
}

impl Files {
    fn create(
        folder: &Path,
        settings: TelemetrySettings,
        kernel_run: &KernelRun,
    ) -> Result<Self, ResultsError> {
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
        let outputs_path = folder.join(OUTPUTS_NAME);
        let outputs = match settings.include_raw_data {
            true => {
                let file = File::create_new(&outputs_path)
                    .map_err(ResultsError::at("create", &outputs_path))?;
                let mut file = BufWriter::with_capacity(BUFFER_BYTES, file);
                file.write_all(&outputs_header(&settings.output_sizes, 0))
                    .map_err(ResultsError::at("write kernel outputs to", &outputs_path))?;
                Some(file)
            }
            false => None,
        };
        Ok(Self {
            settings,
            shape: kernel_run.shape,
            rows_path,
            rows,
            outputs_path,
            outputs,
            values: 0,
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
            self.values += batch.outputs.len() as u64;
            let header = outputs_header(&self.settings.output_sizes, self.values);
            // The header tells how many there are at any moment: a killed run's can be read.
            write_samples(file, &batch.outputs)
                .and_then(|()| write_all_at(file.get_ref(), &header, 0))
                .map_err(ResultsError::at("write kernel outputs to", &self.outputs_path))?;
        }
        Ok(())
    }

    fn write_row(&mut self, record: &WindowRecord) -> io::Result<()> {
        let row = TelemetryRow::of(&self.settings, self.shape, record);
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

/// The header of an array of `values` numbers in whole entries of these `sizes`.
fn outputs_header(sizes: &[u64], values: u64) -> Vec<u8> {
    let entry: u64 = sizes.iter().product();
    let mut shape = vec![values / entry.max(1)];
    shape.extend_from_slice(sizes);
    header_bytes(&shape)
}

fn write_samples(file: &mut BufWriter<File>, samples: &[f32]) -> io::Result<()> {
    for sample in samples {
        file.write_all(&sample.to_le_bytes())?;
    }
    file.flush()
}
