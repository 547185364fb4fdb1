//! What v2 does to any signal: line noise, offset, clipping and lost samples, in this order.

use super::sine::Sine;
use super::spec::{Effects, SpecError};
use super::{LaneBlock, Lanes, Scratch};
use crate::random::StreamKey;

const DOMAIN: &str = "cortex/nan/v2";
/// The one NaN that is ever written.
const CANONICAL_NAN: f32 = f32::from_bits(0x7fc0_0000);
const LARGEST_OFFSET_UV: f64 = 1e12;

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
    /// Validates `effects`; `None` when there are none.
    ///
    /// # Errors
    /// [`SpecError`] names the parameter out of range.
    pub(super) fn new(
        effects: &Effects,
        sample_rate_hz: f64,
        seed: u64,
    ) -> Result<Option<Self>, SpecError> {
        let offset = effects.dc_offset_uv;
        if !offset.is_finite() {
            return Err(SpecError::NotFinite { parameter: "dc_offset_uv", value: offset });
        }
        between("dc_offset_uv", offset, -LARGEST_OFFSET_UV, LARGEST_OFFSET_UV)?;
        between("nan_rate", effects.nan_rate, 0.0, 1.0)?;
        if let Some(limit) = effects.saturation_level_uv {
            super::spec::amplitude("saturation_level_uv", limit)?;
        }
        let line_noise = match effects.line_noise {
            Some(line) => Some(
                Sine::new(sample_rate_hz, line.frequency_hz, line.amplitude_uv)
                    .map_err(in_line_noise)?,
            ),
            None => None,
        };
        if *effects == Effects::NONE {
            return Ok(None);
        }
        Ok(Some(Self {
            line_noise,
            offset_uv: (offset != 0.0).then_some(offset as f32),
            limit_uv: effects.saturation_level_uv.map(|limit| limit as f32),
            losses: (effects.nan_rate > 0.0).then(|| {
                (StreamKey::new(seed, DOMAIN), (effects.nan_rate * 4_294_967_296.0 + 0.5) as u64)
            }),
        }))
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

/// Names line noise's parameters as configurations do.
fn in_line_noise(error: SpecError) -> SpecError {
    let named = |parameter| match parameter {
        "frequency_hz" => "line_noise.frequency_hz",
        _ => "line_noise.amplitude_uv",
    };
    match error {
        SpecError::NotPositive { parameter, value } => {
            SpecError::NotPositive { parameter: named(parameter), value }
        }
        SpecError::OutOfRange { parameter, value, min, max } => {
            SpecError::OutOfRange { parameter: named(parameter), value, min, max }
        }
        SpecError::AboveNyquist { parameter, frequency_hz, nyquist_hz } => {
            SpecError::AboveNyquist { parameter: named(parameter), frequency_hz, nyquist_hz }
        }
        other => other,
    }
}

/// Refuses NaN and what lies outside `min..=max`.
fn between(parameter: &'static str, value: f64, min: f64, max: f64) -> Result<(), SpecError> {
    if value >= min && value <= max {
        Ok(())
    } else if value.is_finite() {
        Err(SpecError::OutOfRange { parameter, value, min, max })
    } else {
        Err(SpecError::NotFinite { parameter, value })
    }
}
