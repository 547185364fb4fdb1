//! Training a kernel of the user's own on whole windows of a dataset.

use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use super::data;
use crate::base::atomic_file::Staged;
use crate::base::{Failure, Observer, Progress};
use crate::foreign::{self, Launcher};
use crate::plan::{DatasetPlan, LibraryKernel};

/// What a kernel has learnt from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trained {
    /// Windows, one after another without overlap.
    pub windows: u64,
    /// Bytes of the state file.
    pub state_bytes: u64,
}

/// Has `kernel` learn from the first `windows` windows of `dataset` (all whole ones when absent),
/// which do not overlap, with a label each if there are any, and writes its state to `output`,
/// which appears whole or not at all.
///
/// # Errors
/// [`Failure`]: the data cannot be had or hold too few windows, a label is missing, the kernel
/// cannot be trained or died of it, the file cannot be written.
pub fn train(
    dataset: &DatasetPlan,
    kernel: &LibraryKernel,
    windows: Option<u64>,
    labels: Option<Vec<i32>>,
    output: &Path,
    progress: &Progress,
    observer: &dyn Observer,
) -> Result<Trained, Failure> {
    let rows = kernel.setup.window as usize;
    let there = dataset.samples() / rows as u64;
    let count = windows.or(labels.as_ref().map(|labels| labels.len() as u64)).unwrap_or(there);
    if count == 0 || count > there {
        return Err(Failure::usage(format!(
            "the dataset holds {there} whole windows of {rows} samples, but {count} are asked for"
        )));
    }
    if let Some(labels) = labels.as_ref().filter(|labels| labels.len() as u64 != count) {
        return Err(Failure::usage(format!(
            "there are {} labels for {count} windows; give one a window",
            labels.len()
        )));
    }
    let (mut samples, _temporary) = data::samples(dataset, progress, observer)?;
    let unwritten = |error| Failure::io("write", &std::env::temp_dir(), &error);
    let mut file = NamedTempFile::new().map_err(unwritten)?;
    let mut window = vec![0.0_f32; rows * dataset.channels()];
    for index in 0..count {
        if progress.is_cancelled() {
            return Err(Failure::new(crate::base::ExitCode::Interrupted, "interrupted"));
        }
        samples.read_rows(index * rows as u64, &mut window)?;
        let bytes: Vec<u8> = window.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        file.write_all(&bytes).map_err(unwritten)?;
    }
    file.flush().map_err(unwritten)?;
    let state = NamedTempFile::new().map_err(unwritten)?;
    let launcher = Launcher::here();
    foreign::train(&kernel.setup, file.path(), labels, state.path(), &launcher)
        .map_err(|refusal| Failure::usage(format!("kernel {}: {refusal}", kernel.setup.kernel)))?;
    let bytes = std::fs::read(state.path()).map_err(unwritten)?;
    let mut staged = Staged::create(output)?;
    staged.put(&bytes)?;
    staged.place()?;
    Ok(Trained { windows: count, state_bytes: bytes.len() as u64 })
}
