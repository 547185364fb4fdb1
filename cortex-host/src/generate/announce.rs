//! Telling the user of a generation: what is made, how far it is, that it is complete.

use super::GenerateError;
use crate::base::{Level, Observer, Progress};
use crate::synthetic::GeneratedDataset;

/// Says that `dataset` is being generated, and does `work` as [`announce_step`] does.
///
/// # Errors
/// As `work`.
pub fn announce<T>(
    dataset: &GeneratedDataset,
    observer: &dyn Observer,
    progress: &Progress,
    work: impl FnOnce(&Progress) -> Result<T, GenerateError>,
) -> Result<T, GenerateError> {
    observer.message(Level::Info, &format!("Generating {} signal...", dataset.signal_type));
    announce_step(dataset, observer, progress, work)
}

/// Does `work` on the values of `dataset` as a step of its own, and says that it is complete.
///
/// # Errors
/// As `work`.
pub fn announce_step<T, E>(
    dataset: &GeneratedDataset,
    observer: &dyn Observer,
    progress: &Progress,
    work: impl FnOnce(&Progress) -> Result<T, E>,
) -> Result<T, E> {
    let shape = format!("{}ch × {} samples", dataset.channels, dataset.samples);
    let step = observer.step(progress, &shape, dataset.channels as u64 * dataset.samples);
    let outcome = work(&step);
    drop(step);
    let value = outcome?;
    observer.message(Level::Info, &format!("{shape}... 100% complete"));
    Ok(value)
}
