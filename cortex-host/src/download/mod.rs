//! Public datasets: what a catalogue says of their files, and fetching those over HTTP(S).

pub mod catalogue;
#[cfg(feature = "download")]
mod downloader;
#[cfg(feature = "download")]
mod sums;

#[cfg(feature = "download")]
pub use downloader::{Downloader, Outcome, RetryPolicy};
#[cfg(feature = "download")]
pub use sums::Checksums;
