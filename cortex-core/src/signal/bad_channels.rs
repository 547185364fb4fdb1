//! Electrodes without contact: v3's bad channels.
//!
//! Channel `c` draws word 0 of stream `c` of the key (seed, "cortex/bad/v3"): it is bad with the
//! probability asked for, and then flat or noisy with equal probability. A flat channel is zero; a
//! noisy one has white Gaussian noise on top, ten times as large as the background.

use super::{LaneBlock, Scratch};
use crate::parameter::{Declaration, ParameterError, number, within};
use crate::random::{self, StreamKey};

const DOMAIN: &str = "cortex/bad/v3";
/// Noise of a noisy channel, in standard deviations of the background.
const NOISE: f64 = 10.0;

/// What is wrong with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Always zero.
    Flat,
    /// Buried in noise.
    Noisy,
}

impl Fault {
    /// The word for it in truth files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Fault::Flat => "flat",
            Fault::Noisy => "noisy",
        }
    }
}

/// Declares the share of bad channels.
pub(super) const fn bad_channel_rate() -> Declaration<f64> {
    number(0.0, "", 0.0, 1.0)
}

/// Which channels are bad, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct BadChannels {
    key: StreamKey,
    /// Channels of 2^32 that are bad.
    words: u64,
    noise_uv: f32,
}

impl BadChannels {
    pub(super) const NONE: Self = Self { key: StreamKey::ZERO, words: 0, noise_uv: 0.0 };

    /// A share of `rate` bad channels, over a background of `background_uv` RMS.
    pub(super) fn new(rate: f64, background_uv: f64, seed: u64) -> Result<Self, ParameterError> {
        let rate = within("bad_channel_rate", rate, 0.0, 1.0)?;
        Ok(Self {
            key: StreamKey::new(seed, DOMAIN),
            words: (rate * 4_294_967_296.0 + 0.5) as u64,
            noise_uv: (NOISE * background_uv) as f32,
        })
    }

    /// What is wrong with `channel`.
    pub(super) fn fault(&self, channel: u32) -> Option<Fault> {
        if self.words == 0 {
            return None;
        }
        let [word, kind, ..] = self.key.chunk(channel, 0);
        let fault = if kind >> 31 == 0 { Fault::Flat } else { Fault::Noisy };
        (u64::from(word) < self.words).then_some(fault)
    }

    /// Spoils block `block` of the channels from `first_channel` on.
    #[inline(always)]
    pub(super) fn apply<const N: usize>(
        &self,
        first_channel: u32,
        block: u64,
        scratch: &mut Scratch<N>,
        out: &mut LaneBlock<N>,
    ) {
        if self.words == 0 {
            return;
        }
        let faults: [Option<Fault>; N] =
            core::array::from_fn(|lane| self.fault(first_channel.wrapping_add(lane as u32)));
        if faults.contains(&Some(Fault::Noisy)) {
            // Block 0 has drawn the faults.
            self.key.words(first_channel, block + 1, &mut scratch.words);
            let Some(noise) = scratch.noise.first_chunk_mut() else { return };
            random::normals(&scratch.words, noise);
        }
        for (lane, fault) in faults.into_iter().enumerate() {
            match fault {
                None => {}
                Some(Fault::Flat) => {
                    for row in out.iter_mut() {
                        row[lane] = 0.0;
                    }
                }
                Some(Fault::Noisy) => {
                    for (row, noise) in out.iter_mut().zip(&scratch.noise) {
                        row[lane] += self.noise_uv * noise[lane];
                    }
                }
            }
        }
    }
}
