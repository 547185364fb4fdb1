//! Recorded data as files: reading any supported format as one stream of microvolt rows,
//! writing datasets that other tools open, fetching real recordings.
//!
//! A dataset on disk is interleaved little-endian `f32`, samples × channels, in microvolts,
//! with a BrainVision header (`.vhdr`, `.vmrk`) beside the unchanged `.float32` file.

pub mod brainvision;
mod channels;
pub mod convert;
pub mod edf;
mod encoding;
mod error;
pub mod events;
mod float32;
mod format;
pub mod labels;
pub mod layout;
pub mod npy;
pub mod shape;
pub mod stream;
mod unit;

pub use convert::dataset_files;
pub use error::{DatasetError, ShapePart};
pub use format::{Format, check_raw_name};
pub use stream::{AskedIn, OpenOptions, Recording};
pub use unit::Unit;
