//! Why a dataset could not be generated, in words for the person who has to fix it.

use std::io;
use std::path::{Path, PathBuf};

use cortex_core::signal::SpecError;

use crate::base::{ExitCode, Failure, FileError};
use crate::platform::simd::SimdUnavailable;
use crate::recording::DatasetError;

/// Why a dataset could not be generated. Nothing is left at its final name then.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// The signal's parameters cannot be generated.
    #[error("{0}")]
    Spec(#[from] SpecError),
    /// What is asked for makes no dataset: no samples, more than a file holds, a name that
    /// nothing can be called.
    #[error("{0}")]
    Request(String),
    /// The processor lacks the vector instructions asked for.
    #[error("{0}")]
    Simd(#[from] SimdUnavailable),
    /// There is no room for the dataset.
    #[error("no room for {path}: it needs {needed_bytes} bytes{free}; free some space or choose another folder", path = path.display(), free = free_text(*free_bytes))]
    NoRoom {
        /// The output.
        path: PathBuf,
        /// The dataset's size.
        needed_bytes: u64,
        /// What the file system has left, when it tells.
        free_bytes: Option<u64>,
    },
    /// No file may become as large as the dataset.
    #[error("cannot write {path}: its {needed_bytes} bytes are more than the file system or a file-size limit (ulimit -f) allows; choose another folder or raise the limit", path = path.display())]
    TooLarge {
        /// The output.
        path: PathBuf,
        /// The dataset's size.
        needed_bytes: u64,
    },
    /// A file could not be made, written or read.
    #[error(transparent)]
    File(#[from] FileError),
    /// Standard output could not be written.
    #[error("cannot write to stdout: {0}")]
    Stdout(io::Error),
    /// The header beside the data could not be written.
    #[error(transparent)]
    Header(#[from] DatasetError),
    /// The user asked to stop.
    #[error("interrupted; nothing half-written was left behind")]
    Interrupted,
}

impl GenerateError {
    /// The system's refusal to `action` on `path`, as a closure for `map_err`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let error = FileError::at(action, path);
        move |source| error(source).into()
    }
}

fn free_text(free_bytes: Option<u64>) -> String {
    free_bytes.map_or_else(String::new, |free| format!(", but {free} are free"))
}

impl From<GenerateError> for Failure {
    fn from(error: GenerateError) -> Self {
        let message = error.to_string();
        match error {
            GenerateError::Spec(_) | GenerateError::Request(_) | GenerateError::Simd(_) => {
                Failure::usage(message)
            }
            GenerateError::NoRoom { .. }
            | GenerateError::TooLarge { .. }
            | GenerateError::Stdout(_) => Failure::input_output(message),
            GenerateError::File(error) => error.into(),
            GenerateError::Header(error) => error.into(),
            GenerateError::Interrupted => Failure::new(ExitCode::Interrupted, message),
        }
    }
}
