//! What every room may use and what knows none of them: failures and exit codes, text for
//! messages, atomic files, progress and cancellation.

pub mod atomic_file;
pub mod contained;
pub mod digest;
mod failure;
mod progress;
mod split_mix;
pub mod table;
mod text;

#[cfg(feature = "cli")]
pub(crate) use failure::one_line;
pub use failure::{ExitCode, Failure, FileError};
pub use progress::{Level, Observer, Progress, leave_on_signal};
pub use split_mix::SplitMix64;
pub use text::{
    built_for, counted, expand_home, listed, nearest, printable, quoted, quoted_path, rfc3339,
    shell_word, steers, without_controls,
};
