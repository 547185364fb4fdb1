//! Recorded data as files: reading any supported format as one stream of microvolt rows,
//! writing datasets that other tools open, fetching real recordings.
//!
//! A dataset on disk is interleaved little-endian `f32`, samples × channels, in microvolts,
//! with a BrainVision header (`.vhdr`, `.vmrk`) beside the unchanged `.float32` file.

pub mod brainvision;
mod channels;
mod claim;
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
mod stream;
mod unit;

pub use convert::dataset_files;
pub use error::{DatasetError, ShapePart};
pub use float32::FORMAT as FLOAT32;
pub use format::{check_raw_name, format_of_key};
pub use stream::{Format, OpenOptions, OptionSource, Recording};
pub use unit::Unit;

use std::path::Path;

/// The formats that are read. One more is a file that declares it, and a line here.
pub static FORMATS: [&Format; 5] =
    [&edf::EDF, &edf::BDF, &brainvision::FORMAT, &npy::FORMAT, &float32::FORMAT];

impl Recording {
    /// Opens `path`, whose extension and first bytes tell the format.
    ///
    /// # Errors
    /// The file is missing, of another format than its name says, refused by its format's reader,
    /// or has another shape than the options say.
    pub fn open(path: &Path, options: &OpenOptions) -> Result<Self, DatasetError> {
        if let Some(rate) = options.sample_rate_hz
            && !(rate.is_finite() && rate > 0.0)
        {
            return Err(DatasetError::Request(format!(
                "the sample rate must be a finite number of Hz above 0, but it is {rate}"
            )));
        }
        let metadata = std::fs::metadata(path).map_err(DatasetError::io("read", path))?;
        if !metadata.is_file() {
            return Err(DatasetError::format(path, "is no regular file"));
        }
        let recording = (format::of(path)?.open)(path, options)?;
        let own = claim::Claim {
            origin: "the file".to_owned(),
            channels: Some(recording.channels()),
            sample_rate_hz: Some(recording.sample_rate_hz),
            samples: None,
        };
        claim::agree(path, [&options.claim(), &own].into_iter())?;
        Ok(recording)
    }
}
