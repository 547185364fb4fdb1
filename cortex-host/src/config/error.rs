//! What is wrong with a configuration, and where.

use std::fmt;

use crate::base::{ExitCode, Failure};

/// A place in a text: line and column, both from 1, the column in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1; 0 when the place is not known.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
}

impl From<serde_saphyr::Location> for Position {
    fn from(location: serde_saphyr::Location) -> Self {
        Self { line: location.line(), column: location.column() }
    }
}

/// One thing that is wrong, before it is known which file it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    position: Position,
    message: String,
    code: ExitCode,
}

impl Problem {
    /// A wrong value at `position`; `message` says what is wrong and what to do.
    #[must_use]
    pub fn at(position: Position, message: impl Into<String>) -> Self {
        Self { position, message: message.into(), code: ExitCode::Usage }
    }

    /// What made a value unusable, with its sentence and exit code.
    #[must_use]
    pub fn from_failure(position: Position, failure: &Failure) -> Self {
        Self { position, message: failure.to_string(), code: failure.code() }
    }

    /// The same problem, counted as one of input and output.
    #[must_use]
    pub fn input_output(mut self) -> Self {
        self.code = ExitCode::InputOutput;
        self
    }

    /// Names the file the problem is in.
    #[must_use]
    pub fn in_source(self, source: &str) -> ConfigError {
        ConfigError { source: source.to_owned(), problem: self }
    }
}

/// A configuration that cannot be used: `FILE:LINE:COLUMN: what is wrong and what to do`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    source: String,
    problem: Problem,
}

impl ConfigError {
    /// Where in the file, when the problem has a place there.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        (self.problem.position.line > 0).then_some(self.problem.position)
    }

    /// The exit code: usage, or input/output when a file is missing or unreadable.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        self.problem.code
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.source)?;
        if let Some(Position { line, column }) = self.position() {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.problem.message)
    }
}

impl std::error::Error for ConfigError {}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Failure::new(error.code(), error.to_string())
    }
}
