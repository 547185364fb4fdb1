//! Samples between this program, which has floats in microvolts, and a kernel's own type.

use crate::platform::library::{Dtype, KernelSetup};

/// A kernel's sample type with its step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleFormat {
    dtype: Dtype,
    scale_uv: f64,
}

impl SampleFormat {
    /// Of the kernel that `setup` describes.
    #[must_use]
    pub fn of(setup: &KernelSetup) -> Self {
        Self { dtype: setup.dtype, scale_uv: setup.scale_uv }
    }

    /// Bytes of one sample.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.dtype.bytes()
    }

    /// Writes `samples` to the front of `bytes` and returns how many of them lie beyond the
    /// type's range and were set to its end. A step is `round(x / scale)`, ties to even; what is
    /// not a number becomes 0, which is all that an integer can say.
    ///
    /// # Panics
    /// When `bytes` is too short.
    pub fn encode(self, samples: &[f32], bytes: &mut [u8]) -> u64 {
        let bytes = &mut bytes[..samples.len() * self.bytes()];
        let mut saturated = 0;
        let mut step = |sample: f32, limit: f64| {
            let step = (f64::from(sample) / self.scale_uv).round_ties_even();
            saturated += u64::from(step > limit || step < -limit - 1.0);
            step
        };
        match self.dtype {
            Dtype::F32 => {
                for (to, &sample) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(samples) {
                    *to = sample.to_le_bytes();
                }
            }
            Dtype::Q15 => {
                for (to, &sample) in bytes.as_chunks_mut::<2>().0.iter_mut().zip(samples) {
                    // The cast saturates, and makes 0 of NaN.
                    *to = (step(sample, 32_767.0) as i16).to_le_bytes();
                }
            }
            Dtype::Q31 => {
                for (to, &sample) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(samples) {
                    *to = (step(sample, 2_147_483_647.0) as i32).to_le_bytes();
                }
            }
        }
        saturated
    }

    /// Reads `values.len()` values from the front of `bytes`: floats as they are, steps times the
    /// scale.
    ///
    /// # Panics
    /// When `bytes` is too short.
    pub fn decode(self, bytes: &[u8], values: &mut [f32]) {
        let bytes = &bytes[..values.len() * self.bytes()];
        match self.dtype {
            Dtype::F32 => {
                for (value, from) in values.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *value = f32::from_le_bytes(*from);
                }
            }
            Dtype::Q15 => {
                for (value, from) in values.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *value = (f64::from(i16::from_le_bytes(*from)) * self.scale_uv) as f32;
                }
            }
            Dtype::Q31 => {
                for (value, from) in values.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *value = (f64::from(i32::from_le_bytes(*from)) * self.scale_uv) as f32;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_rounded_and_saturated_samples_counted() {
        let format = SampleFormat { dtype: Dtype::Q15, scale_uv: 0.5 };
        let mut bytes = [0; 12];
        let samples = [0.25, 0.75, -1.0, 1e9, -1e9, f32::NAN];
        assert_eq!(format.encode(&samples, &mut bytes), 2);
        let steps: Vec<i16> =
            bytes.as_chunks::<2>().0.iter().map(|chunk| i16::from_le_bytes(*chunk)).collect();
        assert_eq!(steps, [0, 2, -2, 32_767, -32_768, 0]);
        let mut values = [0.0; 3];
        format.decode(&bytes, &mut values);
        assert_eq!(values, [0.0, 1.0, -1.0]);
    }

    #[test]
    fn floats_pass_with_every_bit() {
        let format = SampleFormat { dtype: Dtype::F32, scale_uv: 1.0 };
        let samples = [f32::from_bits(0x7fc0_1234), -0.0, f32::MIN_POSITIVE / 2.0];
        let mut bytes = [0; 12];
        assert_eq!(format.encode(&samples, &mut bytes), 0);
        let mut values = [0.0; 3];
        format.decode(&bytes, &mut values);
        assert_eq!(values.map(f32::to_bits), samples.map(f32::to_bits));
    }
}
