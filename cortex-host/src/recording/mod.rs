//! Recorded data as files: reading any supported format as one stream of microvolt rows,
//! writing datasets that other tools open, fetching real recordings.
//!
//! A dataset on disk is interleaved little-endian `f32`, samples × channels, in microvolts,
//! with a BrainVision header (`.vhdr`, `.vmrk`) beside the unchanged `.float32` file.

pub mod brainvision;
pub mod convert;
pub mod edf;
mod error;
pub mod events;
pub mod labels;
pub mod layout;
pub mod npy;
pub mod shape;
pub mod stream;
mod unit;

pub use error::DatasetError;
pub use stream::{Format, OpenOptions, Recording};
pub use unit::Unit;
