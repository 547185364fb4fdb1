//! Converters: from microvolts to codes and back.

use serde::{Deserialize, Serialize};

use crate::math;
use crate::parameter::{ParameterError, positive_within, within};

/// A converter: bits, step and noise at its input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Converter {
    /// Bits of a code, 2 to 24, in two's complement.
    pub bits: u32,
    /// Microvolts of a step.
    pub step_uv: f64,
    /// Standard deviation of the noise in microvolts, referred to the input.
    pub noise_uv_rms: f64,
}

impl Converter {
    /// Texas Instruments ADS1299 at `gain` 1 to 24 with its reference of 4.5 V: a step is
    /// `2 Vref / gain / 2^24` (data sheet SBAS499C, section 9.3.2.5); 0.14 µV of noise at gain 24
    /// and 250 samples a second (table 1).
    #[must_use]
    pub fn ads1299(gain: f64) -> Self {
        Self { bits: 24, step_uv: 9e6 / gain / 16_777_216.0, noise_uv_rms: 0.14 }
    }

    /// Intan RHD2000: 16 bits of 0.195 µV, 2.4 µV of noise (data sheet of the RHD2000 series).
    pub const INTAN_RHD: Self = Self { bits: 16, step_uv: 0.195, noise_uv_rms: 2.4 };

    /// Neuralink's first chip: 10 bits over 7.2 mV, 5.9 µV of noise (Musk and Neuralink, J. Med.
    /// Internet Res. 21, 2019, table 1).
    pub const N1: Self = Self { bits: 10, step_uv: 7_200.0 / 1_024.0, noise_uv_rms: 5.9 };

    /// The code of `x_uv` microvolts. What is not a number becomes the most negative code.
    #[must_use]
    #[inline]
    pub fn code(&self, x_uv: f32) -> i32 {
        let (least, greatest) = self.codes();
        let steps = f64::from(x_uv) / self.step_uv;
        if steps >= f64::from(greatest) {
            greatest
        } else if steps >= f64::from(least) {
            let below = math::floor(steps);
            let part = steps - below;
            let code = below as i32;
            code + i32::from(part > 0.5 || (part == 0.5 && code & 1 != 0))
        } else {
            least
        }
    }

    /// Microvolts of `code`.
    #[must_use]
    #[inline]
    pub fn microvolts(&self, code: i32) -> f32 {
        (f64::from(code) * self.step_uv) as f32
    }

    /// The least and the greatest code.
    #[must_use]
    pub const fn codes(&self) -> (i32, i32) {
        let half = 1 << (self.bits - 1);
        (-half, half - 1)
    }

    pub(super) fn check(&self) -> Result<(), ParameterError> {
        within("front_end.bits", f64::from(self.bits), 2.0, 24.0)?;
        positive_within("front_end.step_uv", self.step_uv, 1e-9, 1e9)?;
        within("front_end.noise_uv_rms", self.noise_uv_rms, 0.0, 1e9)?;
        Ok(())
    }
}

/// A converter's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConverterName {
    /// Texas Instruments ADS1299.
    Ads1299,
    /// Intan RHD2000 series.
    IntanRhd,
    /// Neuralink's first chip.
    N1,
    /// What the other parameters say.
    Custom,
}
