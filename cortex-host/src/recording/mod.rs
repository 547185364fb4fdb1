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
mod float32;
pub mod labels;
pub mod layout;
pub mod npy;
pub mod shape;
mod stream;
mod unit;

pub use error::DatasetError;
pub use stream::{Format, OpenOptions, Recording};
pub use unit::Unit;

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The formats that can be opened. One more is a file that declares it, and a line here.
pub const FORMATS: [&Format; 5] =
    [&edf::EDF, &edf::BDF, &brainvision::FORMAT, &npy::FORMAT, &float32::FORMAT];

impl Recording {
    /// Opens `path` by its extension, or, where that says nothing, by how the file begins.
    ///
    /// # Errors
    /// The file is missing, of another format, or refused by its format's reader.
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
            return Err(DatasetError::format(path, "is not a file"));
        }
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let mut beginning = Vec::new();
        let file = File::open(path).map_err(DatasetError::io("read", path))?;
        file.take(64).read_to_end(&mut beginning).map_err(DatasetError::io("read", path))?;
        let named = FORMATS.iter().find(|format| format.extensions.contains(&extension.as_str()));
        let begun = FORMATS
            .iter()
            .find(|format| !format.magic.is_empty() && beginning.starts_with(format.magic));
        match (named, begun) {
            (Some(named), Some(begun)) if named.magic.is_empty() => Err(DatasetError::format(
                path,
                format!(
                    "it begins like {}, not like {}; give it the extension .{}",
                    begun.name, named.name, begun.extensions[0]
                ),
            )),
            (Some(format), _) | (None, Some(format)) => (format.open)(path, options),
            (None, None) => {
                let known: Vec<String> =
                    FORMATS.iter().map(|format| format!(".{}", format.extensions[0])).collect();
                Err(DatasetError::format(
                    path,
                    format!("unknown kind of file; known are {}", known.join(", ")),
                ))
            }
        }
    }
}
