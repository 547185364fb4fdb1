//! Converting a recording to another format.

use std::path::Path;

use super::stream::Target;
use super::{Converted, DatasetError, Recording, Writing, float32, format_to_write};
use crate::base::Progress;

/// Writes `recording` in µV to `target`, in the format of its name or the one asked for. Tells
/// `progress` of the rows done.
///
/// # Errors
/// The source cannot be read, the target's name is of no format or of another one, something has
/// its name or those of its companions already and may not be replaced, the format cannot hold the
/// recording, it cannot be written, or `progress` is cancelled; everything is then what it was
/// before.
pub fn convert(
    recording: &mut Recording,
    target: &Path,
    writing: Writing,
    progress: &Progress,
) -> Result<Converted, DatasetError> {
    let format = format_to_write(target, writing.format)?;
    if writing.npy && format != &float32::FORMAT {
        return Err(DatasetError::Request(format!(
            "--npy writes a copy beside raw float32, but {} is {format}",
            target.display()
        )));
    }
    let target = Target { path: target, format, npy: writing.npy, replace: writing.replace };
    (format.write)(recording, &target, progress)
}
