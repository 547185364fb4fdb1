//! What commands that generate have in common: how to generate, and telling of it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::Failure;
use crate::base::Interrupt;
use crate::cli::Talk;
use crate::generate::{GenerateError, Settings, Watch};
use crate::platform::simd::SimdChoice;
use crate::synthetic::GeneratedDataset;

/// How to generate; the bytes are the same whatever is chosen.
#[derive(Debug, clap::Args)]
pub struct EngineArgs {
    /// Threads to generate with [default: one per processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Vector instructions: auto, scalar, sse2, avx2, avx512 or neon.
    #[arg(long, value_name = "LEVEL", default_value = "auto")]
    pub simd: SimdChoice,
}

impl EngineArgs {
    /// The settings chosen.
    ///
    /// # Errors
    /// The processor lacks the vector instructions asked for.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let automatic = Settings::automatic();
        Ok(Settings {
            threads: self.threads.map_or(automatic.threads, usize::from),
            path: self.simd.resolve().map_err(GenerateError::from)?,
            ..automatic
        })
    }
}

/// Says that `dataset` is being generated, calls `work` with a watch that draws a progress bar
/// and ends on `interrupt`, and says that it is complete.
///
/// # Errors
/// As `work`.
pub fn generating<T>(
    dataset: &GeneratedDataset,
    talk: &Talk,
    interrupt: &Interrupt,
    work: impl FnOnce(Watch<'_>) -> Result<T, GenerateError>,
) -> Result<T, GenerateError> {
    talk.say(&format!("Generating {} signal...", dataset.signal_type));
    watching(dataset, talk, interrupt, work)
}

/// As [`generating`], for work on `dataset` that announces itself otherwise.
///
/// # Errors
/// As `work`.
pub fn watching<T, E>(
    dataset: &GeneratedDataset,
    talk: &Talk,
    interrupt: &Interrupt,
    work: impl FnOnce(Watch<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let shape = format!("{}ch × {} samples", dataset.channels, dataset.samples);
    let bar = talk.progress(dataset.channels as u64 * dataset.samples, &shape);
    let done = AtomicU64::new(0);
    let progress = |values| {
        bar.set_position(done.fetch_add(values, Ordering::Relaxed) + values);
    };
    let outcome = work(Watch { progress: &progress, cancel: interrupt.flag() });
    bar.finish_and_clear();
    let value = outcome?;
    talk.say(&format!("{shape}... 100% complete"));
    Ok(value)
}
