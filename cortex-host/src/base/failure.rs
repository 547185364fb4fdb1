//! Exit codes, and the failure a command ends with.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | all went well |
//! | 1 | a check failed: digests differ, windows failed, a deadline policy was broken |
//! | 2 | wrong usage or configuration: bad YAML, bad argument, unknown name |
//! | 3 | input or output failed: missing or unreadable dataset, full disk |
//! | 4 | a device or its link failed |
//! | 5 | a check had too few windows to say yes or no |
//! | 130 | interrupted (SIGINT, SIGTERM) |

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::text::steers;

/// The process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitCode {
    /// All went well.
    Success,
    /// A check failed.
    CheckFailed,
    /// Wrong usage or configuration.
    Usage,
    /// Input or output failed.
    InputOutput,
    /// A device or its link failed.
    Device,
    /// A check had too few windows to say yes or no.
    Undecided,
    /// Stopped by SIGINT or SIGTERM.
    Interrupted,
}

impl ExitCode {
    /// All of them, in the order of their numbers.
    pub const ALL: [ExitCode; 7] = [
        ExitCode::Success,
        ExitCode::CheckFailed,
        ExitCode::Usage,
        ExitCode::InputOutput,
        ExitCode::Device,
        ExitCode::Undecided,
        ExitCode::Interrupted,
    ];

    /// The number given to the system.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            ExitCode::Success => 0,
            ExitCode::CheckFailed => 1,
            ExitCode::Usage => 2,
            ExitCode::InputOutput => 3,
            ExitCode::Device => 4,
            ExitCode::Undecided => 5,
            ExitCode::Interrupted => 130,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        code.code().into()
    }
}

/// What a command ends with when it cannot do its work: one sentence and an exit code.
///
/// A module's own typed error becomes one by `impl From<ModuleError> for Failure`, beside the
/// error's definition, so that `?` works in every command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: ExitCode,
    message: String,
    too_much: bool,
}

impl Failure {
    /// A failure with the given code; `message` says what, where and what to do.
    #[must_use]
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self { code, message: one_line(message.into()), too_much: false }
    }

    /// Wrong usage or configuration, exit code 2.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// Input or output failed, exit code 3.
    #[must_use]
    pub fn input_output(message: impl Into<String>) -> Self {
        Self::new(ExitCode::InputOutput, message)
    }

    /// "cannot ACTION PATH: REASON", exit code 3.
    #[must_use]
    pub fn io(action: &str, path: &Path, error: &io::Error) -> Self {
        Self::input_output(format!("cannot {action} {}: {error}", path.display()))
    }

    /// The exit code.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        self.code
    }

    /// Marks a failure of which less of the same (channels, samples) would not be one: what is
    /// asked for does not fit.
    #[must_use]
    pub(crate) fn of_too_much(self) -> Self {
        Self { too_much: true, ..self }
    }

    /// Whether what was asked for does not fit: [`Self::of_too_much`].
    #[must_use]
    pub(crate) fn is_of_too_much(&self) -> bool {
        self.too_much
    }
}

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was attempted, as a verb: "read", "create".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Something has the name already.
    #[error("{path} exists already; choose another name, or --force to replace it", path = path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// The name belongs to a folder, device or pipe.
    #[error("{path} is not a regular file; give the name of one", path = path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
    /// The path ends in no name.
    #[error("{path} names no file", path = .0.display())]
    NoName(PathBuf),
}

impl FileError {
    /// A [`FileError::Io`] for `path`, as a closure for `map_err`.
    pub fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Io { .. } => Failure::input_output(error.to_string()),
            FileError::Exists { .. } | FileError::NotAFile { .. } | FileError::NoName(_) => {
                Failure::usage(error.to_string())
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The message with every control character escaped: names from files and command lines may hold
/// line breaks or worse, and a message is one line that never steers a terminal.
pub(crate) fn one_line(message: String) -> String {
    if !message.contains(steers) {
        return message;
    }
    let mut line = String::with_capacity(message.len() + 16);
    for c in message.chars() {
        if steers(c) { line.extend(c.escape_debug()) } else { line.push(c) }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones() {
        assert_eq!(ExitCode::ALL.map(ExitCode::code), [0, 1, 2, 3, 4, 5, 130]);
    }

    #[test]
    fn a_message_is_one_line_whatever_it_names() {
        let failure = Failure::usage("no file \"a\nb\u{1b}[31m\u{2028}é\"");
        assert_eq!(failure.to_string(), "no file \"a\\nb\\u{1b}[31m\\u{2028}é\"");
    }
}
