//! How samples travel: raw little-endian 32-bit values, or `i16` with a scale, or as the 16-bit
//! steps that the kernel computes on, or not at all.
//!
//! With `i16` a value x in microvolts is sent as round(x / scale), ties to even, and read back
//! as the product with the scale: the error is at most half a scale inside the range and
//! everything beyond ±32767 scales saturates and is counted. -32768 stands for "not a number".

use serde::{Deserialize, Serialize};

/// Encoding of the samples of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Encoding {
    /// 4 bytes: the bits of the `f32`, little-endian. Exact; of a kernel in fixed point its 32-bit
    /// steps.
    F32,
    /// 2 bytes: a signed multiple of the scale, little-endian.
    I16 {
        /// Microvolts per step, finite and positive.
        scale_uv: f32,
    },
    /// No bytes: only the digest of the samples travels. Results only.
    DigestOnly,
    /// 2 bytes: the steps of a kernel in fixed point ([`crate::kernel::FixedPoint`]), little-endian,
    /// as they are. Exact.
    Q15,
}

impl Encoding {
    /// Bytes of one sample on the line.
    #[must_use]
    pub const fn sample_bytes(self) -> usize {
        match self {
            Encoding::F32 => 4,
            Encoding::I16 { .. } | Encoding::Q15 => 2,
            Encoding::DigestOnly => 0,
        }
    }

    /// Whether the scale is usable.
    #[must_use]
    pub fn is_valid(self) -> bool {
        match self {
            Encoding::I16 { scale_uv } => scale_uv.is_finite() && scale_uv > 0.0,
            Encoding::F32 | Encoding::DigestOnly | Encoding::Q15 => true,
        }
    }

    /// The step that stands for `value_uv` with this scale, and whether it was saturated.
    #[must_use]
    pub fn quantise(scale_uv: f32, value_uv: f32) -> (i16, bool) {
        if value_uv.is_nan() {
            return (i16::MIN, false);
        }
        // Within ±2^22, adding and taking away 1.5 * 2^23 rounds to an integer, ties to even.
        const ROUND: f32 = 12_582_912.0;
        let steps = (value_uv / scale_uv).clamp(-40_000.0, 40_000.0);
        let rounded = (steps + ROUND) - ROUND;
        if rounded > 32_767.0 {
            (32_767, true)
        } else if rounded < -32_767.0 {
            (-32_767, true)
        } else {
            (rounded as i16, false)
        }
    }

    /// The value in microvolts of a step.
    #[must_use]
    pub fn dequantise(scale_uv: f32, step: i16) -> f32 {
        if step == i16::MIN { f32::NAN } else { f32::from(step) * scale_uv }
    }

    /// What the other end reads when `samples` are sent: changes them in place and returns
    /// how many saturated. The exact encodings change nothing.
    pub fn apply(self, samples: &mut [f32]) -> u32 {
        let Encoding::I16 { scale_uv } = self else { return 0 };
        let mut saturated = 0;
        for sample in samples {
            let (step, over) = Self::quantise(scale_uv, *sample);
            saturated += u32::from(over);
            *sample = Self::dequantise(scale_uv, step);
        }
        saturated
    }

    /// How many of `samples` saturate.
    #[must_use]
    pub fn count_saturated(self, samples: &[f32]) -> u32 {
        let Encoding::I16 { scale_uv } = self else { return 0 };
        samples.iter().map(|&sample| u32::from(Self::quantise(scale_uv, sample).1)).sum()
    }

    /// Reads `bytes` into the front of `samples`; returns the number of samples, or `None`
    /// when the bytes are not a whole number of samples or do not fit.
    pub fn read(self, bytes: &[u8], samples: &mut [f32]) -> Option<usize> {
        let size = self.sample_bytes();
        if size == 0 {
            return bytes.is_empty().then_some(0);
        }
        let count = bytes.len() / size;
        if !bytes.len().is_multiple_of(size) || count > samples.len() {
            return None;
        }
        match self {
            Encoding::F32 => {
                for (sample, chunk) in samples.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *sample = f32::from_le_bytes(*chunk);
                }
            }
            Encoding::I16 { scale_uv } => {
                for (sample, chunk) in samples.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *sample = Self::dequantise(scale_uv, i16::from_le_bytes(*chunk));
                }
            }
            Encoding::Q15 => {
                for (sample, chunk) in samples.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *sample = f32::from_bits(i32::from(i16::from_le_bytes(*chunk)) as u32);
                }
            }
            Encoding::DigestOnly => {}
        }
        Some(count)
    }
}
