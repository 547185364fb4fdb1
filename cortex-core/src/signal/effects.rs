//! What v2 does to any signal: line noise, offset, clipping and lost samples, in this order.

use super::sine::Sine;
use super::spec::{
    BELOW_NYQUIST, MAX_AMPLITUDE_UV, MIN_AMPLITUDE_UV, check_amplitude, check_frequency,
};
use super::{CANONICAL_NAN, LaneBlock, Lanes, Scratch};
use crate::parameter::{
    POSITIVE, ParameterError, number, optional_number, optional_table, parameters, required_number,
    within,
};
use crate::random::StreamKey;

const DOMAIN: &str = "cortex/nan/v2";

parameters! {
    /// A sine added to every channel, as mains hum is.
    #[derive(Copy)]
    pub struct LineNoise {
        /// Frequency.
        pub frequency_hz: f64 = required_number("Hz", POSITIVE, f64::INFINITY).limit(BELOW_NYQUIST),
        /// Peak amplitude.
        pub amplitude_uv: f64 = required_number("µV", MIN_AMPLITUDE_UV, MAX_AMPLITUDE_UV),
    }
}

parameters! {
    /// What v2 does to any signal, in this order: add line noise, add the offset, clip, drop
    /// samples.
    #[derive(Copy)]
    pub struct Effects {
        /// Mains hum added to every channel.
        pub line_noise: Option<LineNoise> = optional_table::<LineNoise>(LineNoise::PARAMETERS),
        /// Added to every sample.
        pub dc_offset_uv: f64 = number(0.0, "µV", -MAX_AMPLITUDE_UV, MAX_AMPLITUDE_UV),
        /// Samples beyond plus or minus this stay at it.
        pub saturation_level_uv: Option<f64> =
            optional_number("none", "µV", MIN_AMPLITUDE_UV, MAX_AMPLITUDE_UV),
        /// Probability that a sample is lost (NaN), drawn from a random stream of its own.
        pub nan_rate: f64 = number(0.0, "", 0.0, 1.0),
    }
}

impl Effects {
    /// No effect at all: the only choice in v1.
    pub const NONE: Self =
        Self { line_noise: None, dc_offset_uv: 0.0, saturation_level_uv: None, nan_rate: 0.0 };

    /// Name of the first parameter that is not at its default.
    #[inline(never)]
    pub(super) fn first_set(&self) -> &'static str {
        if self.line_noise.is_some() {
            "line_noise"
        } else if self.saturation_level_uv.is_some() {
            "saturation_level_uv"
        } else if self.nan_rate != 0.0 {
            "nan_rate"
        } else {
            "dc_offset_uv"
        }
    }

    pub(super) fn check(&self, rate_hz: f64) -> Result<(), ParameterError> {
        within("dc_offset_uv", self.dc_offset_uv, -MAX_AMPLITUDE_UV, MAX_AMPLITUDE_UV)?;
        within("nan_rate", self.nan_rate, 0.0, 1.0)?;
        if let Some(limit) = self.saturation_level_uv {
            check_amplitude("saturation_level_uv", limit)?;
        }
        if let Some(line) = self.line_noise {
            check_frequency("line_noise.frequency_hz", line.frequency_hz, rate_hz)?;
            check_amplitude("line_noise.amplitude_uv", line.amplitude_uv)?;
        }
        Ok(())
    }
}

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
