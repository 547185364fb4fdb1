//! Recorded data as files: reading any supported format as one stream of microvolt rows,
//! writing datasets that other tools open, fetching real recordings.
//!
//! A dataset on disk is interleaved little-endian `f32`, samples × channels, in microvolts,
//! with a BrainVision header (`.vhdr`, `.vmrk`) beside the unchanged `.float32` file.

pub mod bids;
pub mod brainvision;
mod channels;
mod claim;
mod content;
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
mod plausible;
pub mod shape;
mod stream;
mod unit;

pub use convert::dataset_files;
pub use error::{DatasetError, ShapePart};
pub use float32::FORMAT as FLOAT32;
pub use format::{check_raw_name, format_of_key};
pub use stream::{Format, OpenOptions, OptionSource, Recording};
pub use unit::Unit;

/// The formats that are read. One more is a file that declares it, and a line here.
pub static FORMATS: [&Format; 5] =
    [&edf::EDF, &edf::BDF, &brainvision::FORMAT, &npy::FORMAT, &float32::FORMAT];
