//! `report.html`: a run's figures and charts in one file that needs nothing else.
//!
//! A report is a function of the run's folder: it reads `summary.json`, the telemetry,
//! `dataset/spectrum.json` and `config.yaml`, and measures nothing itself. `run` writes it at the
//! end, `cortex-host report` writes it again, `compare` puts two runs side by side.

mod charts;
mod page;
mod sweep;

use std::path::{Path, PathBuf};

pub use page::html;
pub use sweep::{SweepRow, sweep_html};

use crate::base::atomic_file::place_text;
use crate::results::{ReadError, RunRecord};

/// Name of the report in a run's folder.
pub const REPORT_NAME: &str = "report.html";

/// Writes the report of the run in `folder`, in one atomic step, and returns its path.
///
/// # Errors
/// [`ReadError`] when the folder is no run, its files are damaged, or it cannot be written.
pub fn write(folder: &Path) -> Result<PathBuf, ReadError> {
    let record = RunRecord::read(folder)?;
    let path = folder.join(REPORT_NAME);
    place_text(&path, &html(&record))?;
    Ok(path)
}
