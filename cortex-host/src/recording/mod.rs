//! Recorded data as files: reading any supported format as one stream of microvolt rows,
//! writing datasets that other tools open, fetching real recordings.
//!
//! A dataset on disk is interleaved little-endian `f32`, samples × channels, in microvolts,
//! with a BrainVision header (`.vhdr`, `.vmrk`) beside the unchanged `.float32` file.

pub mod bids;
pub mod brainvision;
mod channels;
mod claim;
mod codes;
mod content;
mod convert;
mod converter;
mod dataset;
pub mod edf;
mod encoding;
mod error;
pub mod events;
mod float32;
mod format;
pub mod labels;
pub mod layout;
pub mod npy;
pub mod plane_reader;
mod plausible;
pub mod shape;
mod signature;
pub mod spike_table;
mod stream;
pub mod tables;
mod unit;
mod write;

pub use brainvision::FORMAT as BRAINVISION;
pub use codes::check_codes;
pub use convert::convert;
pub use converter::Codes;
pub use dataset::dataset_files;
pub use error::{DatasetError, ShapePart};
pub use float32::{FORMAT as FLOAT32, of_samples};
pub use format::{check_raw_name, extensions, format_of_key, format_to_write};
pub use stream::{Converted, Format, OpenOptions, OptionSource, Recording, Writing};
pub use unit::Unit;
pub use write::beside;

/// The formats that are read and written. One more is a file that declares it, and a line here.
pub static FORMATS: [&Format; 7] = [
    &edf::EDF,
    &edf::BDF,
    &brainvision::FORMAT,
    &npy::FORMAT,
    &float32::FORMAT,
    &codes::I16,
    &codes::I24,
];
