//! Recorded data as files: reading any supported format as one stream of microvolt rows,
//! writing datasets that other tools open, fetching real recordings.
//!
//! A dataset on disk is interleaved little-endian `f32`, samples × channels, in microvolts,
//! with a BrainVision header (`.vhdr`, `.vmrk`) beside the unchanged `.float32` file.

pub mod brainvision;
pub mod catalogue;
pub mod convert;
#[cfg(feature = "cli")]
pub mod download;
pub mod edf;
mod error;
pub mod events;
pub mod inspect;
pub mod labels;
pub mod npy;
pub mod place;
pub mod planes;
pub mod recording;
pub mod shape;
mod unit;
pub mod within;

pub use error::DatasetError;
pub use recording::{Format, OpenOptions, Recording};
pub use unit::Unit;
