//! White Gaussian noise: the random numbers as they are, scaled.

use super::{LaneBlock, Lanes, Scratch};
use crate::random::{self, StreamKey};

const DOMAIN: &str = "cortex/white/v2";

/// Coefficients of white noise.
#[derive(Clone, Debug)]
pub(super) struct White {
    key: StreamKey,
    amplitude_uv: f32,
}

impl White {
    /// Independent normal samples of standard deviation `amplitude_uv_rms`, checked.
    pub(super) fn new(seed: u64, amplitude_uv_rms: f64) -> Self {
        Self { key: StreamKey::new(seed, DOMAIN), amplitude_uv: amplitude_uv_rms as f32 }
    }

    /// Power response |H|², the same at every frequency.
    pub(super) fn power_response(&self) -> f64 {
        f64::from(self.amplitude_uv) * f64::from(self.amplitude_uv)
    }

    #[inline(always)]
    pub(super) fn fill<const N: usize>(
        &self,
        lanes: &Lanes<N>,
        scratch: &mut Scratch<N>,
        out: &mut LaneBlock<N>,
    ) {
        self.key.words(lanes.first_channel, lanes.next_block, &mut scratch.words);
        random::normals(&scratch.words, out);
        for sample in out.as_flattened_mut() {
            *sample *= self.amplitude_uv;
        }
    }
}
