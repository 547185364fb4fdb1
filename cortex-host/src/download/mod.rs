//! Public datasets: what a catalogue says of their files, and fetching those over HTTP(S).

pub mod catalogue;
#[cfg(feature = "cli")]
mod downloader;
#[cfg(feature = "cli")]
mod sums;

#[cfg(feature = "cli")]
pub use downloader::{Downloader, Outcome, RetryPolicy};
#[cfg(feature = "cli")]
pub use sums::Checksums;
