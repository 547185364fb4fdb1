//! Sine waves by direct digital synthesis, the same in every channel.
//!
//! A 64-bit phase accumulator holds the phase as a fraction of a turn. The phase step is
//! `frequency / sample_rate * 2^64`, computed in `f64` (relative error 2^-53) and rounded to an
//! integer; after n samples the phase is off by at most
//! `n * (2^-65 + f/fs * 2^-53)` turns. For 24 h at 30 kHz (n = 2.6e9) and f = 0.45 fs that is
//! 1.3e-7 turns. The amplitude error is that of [`crate::math::sin_cos_turn`]: 1.5e-7 of the
//! peak, so harmonics lie below -136 dBc.

use super::spec::{BELOW_NYQUIST, amplitude, check_amplitude, check_frequency};
use super::{Amplitude, BLOCK_SAMPLES, LaneBlock, Lanes, Scratch, SignalInfo, Source};
use crate::math;
use crate::parameter::{POSITIVE, ParameterError, number, parameters};

parameters! {
    /// `amplitude_uv_peak * sin(2 pi frequency_hz t)`, the same in every channel.
    #[derive(Copy)]
    pub struct SineWave {
        /// Frequency.
        pub frequency_hz: f64 = number(10.0, "Hz", POSITIVE, f64::INFINITY).limit(BELOW_NYQUIST),
        /// Peak amplitude.
        pub amplitude_uv_peak: f64 = amplitude(),
    }
}

/// Coefficients of a sine wave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sine {
    /// Phase step per sample, in turns / 2^64.
    step: u64,
    amplitude_uv: f32,
}

impl Source for Sine {
    const INFO: SignalInfo<'static> = SignalInfo {
        name: "sine_wave",
        summary: "a sine, the same in every channel",
        parameters: SineWave::PARAMETERS,
        max_channels: usize::MAX,
    };

    type Params = SineWave;

    const SILENT: Self = Self { step: 0, amplitude_uv: 0.0 };

    fn check(params: &SineWave, rate_hz: f64) -> Result<(), ParameterError> {
        check_frequency("frequency_hz", params.frequency_hz, rate_hz)?;
        check_amplitude("amplitude_uv_peak", params.amplitude_uv_peak)?;
        Ok(())
    }

    fn design(&mut self, params: &SineWave, rate_hz: f64, _seed: u64) {
        *self = Self::new(rate_hz, params.frequency_hz, params.amplitude_uv_peak);
    }

    fn amplitude(params: &SineWave) -> Amplitude {
        Amplitude::Peak(params.amplitude_uv_peak)
    }

    fn specimen() -> SineWave {
        SineWave { frequency_hz: 10.0, amplitude_uv_peak: 100.0 }
    }

    #[inline(always)]
    fn fill<const N: usize>(
        &self,
        lanes: &mut Lanes<N>,
        _scratch: &mut Scratch<N>,
        out: &mut LaneBlock<N>,
    ) {
        let mut phase = self.first_phase(lanes.next_block);
        for row in out {
            *row = [self.next(&mut phase); N];
        }
    }
}

impl Sine {
    /// A sine of `frequency_hz` with `amplitude_uv_peak`, both checked, starting at phase 0.
    pub(super) fn new(sample_rate_hz: f64, frequency_hz: f64, amplitude_uv_peak: f64) -> Self {
        // Below 2^63 because the ratio is below one half.
        let step = (frequency_hz / sample_rate_hz * 18_446_744_073_709_551_616.0 + 0.5) as u64;
        Self { step, amplitude_uv: amplitude_uv_peak as f32 }
    }

    /// Adds the sine to what is in `out`.
    #[inline(always)]
    pub(super) fn add<const N: usize>(&self, lanes: &Lanes<N>, out: &mut LaneBlock<N>) {
        let mut phase = self.first_phase(lanes.next_block);
        for row in out {
            let sample = self.next(&mut phase);
            for slot in row {
                *slot += sample;
            }
        }
    }

    /// Phase of a block's first sample, in turns / 2^64.
    fn first_phase(&self, block: u64) -> u64 {
        block.wrapping_mul(BLOCK_SAMPLES as u64).wrapping_mul(self.step)
    }

    /// The sample at `phase`, which moves on by one.
    #[inline(always)]
    fn next(&self, phase: &mut u64) -> f32 {
        let turn = (phase.wrapping_add(1 << 31) >> 32) as u32;
        *phase = phase.wrapping_add(self.step);
        self.amplitude_uv * math::sin_cos_turn(turn).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After 24 h the accumulated phase against the exact one (integers: f/fs = p/q turns a
    /// sample), in turns. Bound derived in the module doc.
    #[test]
    fn phase_is_exact_to_a_millionth_of_a_turn_after_24_hours() {
        for (frequency_hz, rate_hz, p, q) in [
            (10.13, 160.0, 1013_u128, 16_000_u128),
            (0.1, 250.0, 1, 2500),
            (13_499.9, 30_000.0, 134_999, 300_000),
        ] {
            let sine = Sine::new(rate_hz, frequency_hz, 1.0);
            let n = (86_400.0 * rate_hz) as u64;
            let held = n.wrapping_mul(sine.step) as f64 / 18_446_744_073_709_551_616.0;
            let exact = (u128::from(n) * p % q) as f64 / q as f64;
            let mut error = (held - exact).abs();
            error = error.min(1.0 - error);
            assert!(error < 1e-6, "{frequency_hz} Hz: {error:e} turns");
        }
    }
}
