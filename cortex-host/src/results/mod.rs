//! What a run leaves behind: `results/run-YYYY-MM-DD-HHMMSS/` (UTC).
//!
//! ```text
//! config.yaml                         the configuration, every default filled in
//! dataset/generation_manifest.yaml    how the data was made, for generated data
//! dataset/spectrum.json               power spectral density of the data
//! kernel-data/<kernel>/telemetry.*    one record per window (NDJSON or CSV)
//! kernel-data/<kernel>/outputs.npy    what the kernel returned, if asked for
//! summary.json                        the figures, for programs
//! SUMMARY.md                          the figures, for people
//! report.html                         figures and charts, for people: `crate::report`
//! ```
//!
//! A folder is never written twice. Telemetry is written while the run goes on, so that
//! whatever ends the run leaves all windows up to then; `summary.json` says `running` until
//! the end, so a run that was killed can be told from a whole one.

mod folder;
mod kernel_summary;
mod markdown;
mod provenance;
mod read;
mod row;
mod spectrum;
mod statistics;
mod summary;
mod telemetry;
mod terminal;
mod text;
mod window_labels;

pub use folder::{RunFolder, kernel_folder_names};
pub use kernel_summary::{
    FixedPointFacts, KernelSummary, OutputCheck, OutputsFile, OwnKernel, SeededStats,
};
pub(crate) use markdown::headline;
pub use markdown::summary_markdown;
pub use provenance::HostInfo;
pub use read::{KernelWindows, ReadError, RunRecord, Window, run_folders};
pub use row::{TelemetryRow, TelemetrySettings};
pub use spectrum::{InputSpectrum, ReferenceKind, ReferenceSpectrum, SPECTRUM_NAME, SpectrumPoint};
pub use statistics::{Bounds, KernelStatistics, Latency, Throughput, WindowCounts};
pub use summary::{
    DatasetInfo, OLDEST_SCHEMA_VERSION, RunStatus, SCHEMA_VERSION, Summary, ToolInfo,
};
pub use telemetry::{OUTPUTS_NAME, TelemetryWriter};
pub use terminal::{terminal_line, terminal_table};
#[cfg(feature = "cli")]
pub(crate) use text::deadlines;
pub(crate) use text::{bounds, duration, grouped, micros, missed, rate};
pub use window_labels::WindowLabels;

use std::io;
use std::path::{Path, PathBuf};

use crate::base::Failure;

/// Why results could not be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot {action} {path}: {source}; check that the folder is writable and the disk is not full",
    path = path.display()
)]
pub struct ResultsError {
    /// What was attempted, as a verb.
    pub action: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The system's reason.
    pub source: io::Error,
}

impl From<ResultsError> for Failure {
    fn from(error: ResultsError) -> Self {
        Failure::input_output(error.to_string())
    }
}

impl ResultsError {
    /// An error about `path`, as a closure for `map_err`.
    fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { action, path, source }
    }
}
