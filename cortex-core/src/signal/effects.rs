//! What v2 does to any signal: line noise, offset, clipping and lost samples, in this order.

use super::sine::Sine;
use super::spec::Effects;
use super::{LaneBlock, Lanes, Scratch};
use crate::random::StreamKey;

const DOMAIN: &str = "cortex/nan/v2";
/// The one NaN that is ever written.
const CANONICAL_NAN: f32 = f32::from_bits(0x7fc0_0000);

/// Coefficients of the effects; absent ones cost nothing.
#[derive(Clone, Debug)]
pub(super) struct EffectChain {
    line_noise: Option<Sine>,
    offset_uv: Option<f32>,
    limit_uv: Option<f32>,
    /// Key of the loss stream and the words, of 2^32, that mean a lost sample.
    losses: Option<(StreamKey, u64)>,
}

impl EffectChain {
    /// What `effects`, checked, ask for; `None` when there are none.
    pub(super) fn new(effects: &Effects, sample_rate_hz: f64, seed: u64) -> Option<Self> {
        let offset = effects.dc_offset_uv;
        (*effects != Effects::NONE).then(|| Self {
            line_noise: effects
                .line_noise
                .map(|line| Sine::new(sample_rate_hz, line.frequency_hz, line.amplitude_uv)),
            offset_uv: (offset != 0.0).then_some(offset as f32),
            limit_uv: effects.saturation_level_uv.map(|limit| limit as f32),
            losses: (effects.nan_rate > 0.0).then(|| {
                (StreamKey::new(seed, DOMAIN), (effects.nan_rate * 4_294_967_296.0 + 0.5) as u64)
            }),
        })
    }

    /// Applies the effects to the block that `lanes` is about to leave.
    #[inline(always)]
    pub(super) fn apply<const N: usize>(
        &self,
        lanes: &Lanes<N>,
        scratch: &mut Scratch<N>,
        out: &mut LaneBlock<N>,
    ) {
        if let Some(sine) = &self.line_noise {
            sine.add(lanes, out);
        }
        let samples = out.as_flattened_mut();
        if let Some(offset) = self.offset_uv {
            for sample in &mut *samples {
                *sample += offset;
            }
        }
        if let Some(limit) = self.limit_uv {
            for sample in &mut *samples {
                *sample = sample.clamp(-limit, limit);
            }
        }
        if let Some((key, threshold)) = &self.losses {
            key.words(lanes.first_channel, lanes.next_block, &mut scratch.words);
            for (sample, word) in samples.iter_mut().zip(scratch.words.as_flattened()) {
                if u64::from(*word) < *threshold {
                    *sample = CANONICAL_NAN;
                }
            }
        }
    }
}
