//! Making synthetic datasets.
//!
//! `Recipe` (what) → `engine` (groups of channels advance tile by tile on any number of
//! threads, `schedule` says who does what) → `output` (file, pipe or digest only). Whatever the
//! threads, vector instructions, tiles or way of writing, the bytes are the same: those of
//! a channel depend on the [`SourceSpec`] and the channel's index alone.
//!
//! A dataset is interleaved little-endian float32, samples × channels, in microvolts.

mod announce;
mod blocks;
mod channel_group;
mod engine;
mod error;
mod formats;
mod merge;
mod normalize;
mod output;
mod produce;
mod reproduce;
mod scale;
mod schedule;
mod shard;
mod spikeinterface;
pub mod truth;
mod verify;

use cortex_core::signal::{Amplitude, Generator, SourceSpec, SpecError};

use crate::synthetic::{GeneratedDataset, Normalize, Shard};

pub use announce::{announce, announce_step};
pub use blocks::Blocks;
pub use engine::{MOST_THREADS, Settings};
pub use error::GenerateError;
pub use formats::{Place, Produced, check_place, produce_in};
pub use merge::{MergeError, Parts};
pub use output::{FileOptions, IoMode, digest_only, fill_slice, write_file, write_stream};
pub use reproduce::{DigestComparison, Reproduced, reproduce};
pub use shard::{Sharded, produce_shard};
pub use verify::{GoldenDataset, VerifyError, golden_datasets, verify_generator};

/// The most channels of a dataset: far beyond any electrode array, near enough to catch a typo.
pub const MAX_CHANNELS: u32 = cortex_core::kernel::MAX_CHANNELS as u32;

/// Everything that decides the bytes of a dataset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// The signal, its sample rate and seed.
    pub spec: SourceSpec,
    /// Index of the first channel.
    pub first_channel: u32,
    /// Number of channels, `1..=`[`MAX_CHANNELS`].
    pub channels: u32,
    /// Samples per channel, at least 1.
    pub samples: u64,
    /// Whether each channel is rescaled to zero mean and this RMS, in microvolts.
    pub exact_rms_uv: Option<f64>,
}

impl Recipe {
    /// What decides the bytes of `dataset`.
    #[must_use]
    pub fn of(dataset: &GeneratedDataset) -> Self {
        // A plan has at most as many; more would be refused by `bytes`.
        let channels = u32::try_from(dataset.channels).unwrap_or(u32::MAX);
        let exact_rms_uv = match (dataset.normalize, dataset.spec.signal.amplitude()) {
            (Normalize::Exact, Amplitude::Rms(rms_uv)) => Some(rms_uv),
            // The plan refuses to normalise what has a peak.
            _ => None,
        };
        Self { channels, samples: dataset.samples, exact_rms_uv, ..Self::one(dataset.spec) }
    }

    /// What decides the bytes of a part of `dataset`.
    ///
    /// # Errors
    /// [`GenerateError::Request`] when there are fewer channels than shards.
    pub fn of_shard(dataset: &GeneratedDataset, shard: Shard) -> Result<Self, GenerateError> {
        let whole = Self::of(dataset);
        let range = shard.channels(whole.channels).map_err(GenerateError::Request)?;
        Ok(Self { first_channel: range.start, channels: range.end - range.start, ..whole })
    }

    /// One sample of one channel of `spec`, to be changed into what is wanted.
    #[must_use]
    pub fn one(spec: SourceSpec) -> Self {
        Self { spec, first_channel: 0, channels: 1, samples: 1, exact_rms_uv: None }
    }

    /// The dataset's size in bytes: `channels * samples * 4`.
    ///
    /// # Errors
    /// [`GenerateError::Request`] when there are no channels or samples, or more than a file holds.
    pub fn bytes(&self) -> Result<u64, GenerateError> {
        if self.channels == 0 || self.channels > MAX_CHANNELS {
            return Err(GenerateError::Request(format!(
                "channels must lie between 1 and {MAX_CHANNELS}, but it is {}",
                self.channels
            )));
        }
        if self.samples == 0 {
            return Err(GenerateError::Request(
                "the dataset would have no samples; ask for a longer duration".to_owned(),
            ));
        }
        // Files have signed 64-bit sizes.
        self.samples
            .checked_mul(u64::from(self.channels) * 4)
            .filter(|bytes| i64::try_from(*bytes).is_ok())
            .ok_or_else(|| {
                GenerateError::Request(format!(
                    "{} channels of {} samples are more than a file can hold; ask for less",
                    self.channels, self.samples
                ))
            })
    }

    /// The generator of the recipe's signal.
    ///
    /// # Errors
    /// [`SpecError`] names the parameter at fault.
    pub fn generator(&self) -> Result<Generator, SpecError> {
        Generator::new(&self.spec)
    }
}
