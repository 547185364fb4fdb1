//! What every room may use and what knows none of them: failures and exit codes, text for
//! messages, atomic files, progress and cancellation.

pub mod atomic_file;
pub mod contained;
pub mod digest;
mod failure;
mod progress;
mod text;

#[cfg(feature = "cli")]
pub(crate) use failure::one_line;
pub use failure::{ExitCode, Failure, FileError};
pub use progress::{Level, Observer, Progress, leave_on_signal};
pub use text::{listed, nearest, quoted, rfc3339};
