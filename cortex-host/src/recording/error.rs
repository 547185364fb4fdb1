//! What can be wrong with a dataset file, in words for the person who has to fix it.

use std::io;
use std::path::{Path, PathBuf};

use crate::base::{ExitCode, Failure, FileError};

/// Why a dataset could not be read, written or fetched. Every message is one sentence that
/// names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file exists but its content is not what its format promises.
    #[error("{path}: {problem}", path = path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// Those who know a file's shape do not agree on it.
    #[error("{path}: {problem}", path = path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What they do not agree on.
        part: ShapePart,
        /// Who says what, and what to do.
        problem: String,
    },
    /// The request itself is wrong or incomplete: an argument or a configuration value.
    #[error("{0}")]
    Request(String),
    /// A file could not be fetched over the network.
    #[error("{url}: {problem}")]
    Fetch {
        /// The address.
        url: String,
        /// What went wrong and what to do.
        problem: String,
    },
    /// A file's content is not the one its digest promises.
    #[error("{0}")]
    Mismatch(String),
    /// The user asked to stop (Ctrl-C).
    #[error("interrupted; nothing half-written was left behind")]
    Interrupted,
}

/// A part of a dataset's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShapePart {
    /// The number of channels.
    Channels,
    /// The sample rate.
    SampleRate,
    /// The number of samples per channel.
    Samples,
}

impl From<DatasetError> for Failure {
    fn from(error: DatasetError) -> Self {
        let code = match error {
            DatasetError::File(error) => return error.into(),
            DatasetError::Request(_) | DatasetError::Shape { .. } => ExitCode::Usage,
            DatasetError::Format { .. } | DatasetError::Fetch { .. } => ExitCode::InputOutput,
            DatasetError::Mismatch(_) => ExitCode::CheckFailed,
            DatasetError::Interrupted => ExitCode::Interrupted,
        };
        Failure::new(code, error.to_string())
    }
}

impl DatasetError {
    /// The system's refusal to `action` on `path`, as a closure for `map_err`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let error = FileError::at(action, path);
        move |source| error(source).into()
    }

    /// A [`DatasetError::Format`] for `path`.
    pub fn format(path: &Path, problem: impl Into<String>) -> Self {
        Self::Format { path: path.to_owned(), problem: problem.into() }
    }
}
