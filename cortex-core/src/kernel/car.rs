//! `car`: common average reference, `y[t, c] = x[t, c] - mean over c of x[t, c]`.
//!
//! Source: the average reference of Offner, "The EEG as potential mapping: the value of the average
//! monopolar reference", Electroencephalogr. Clin. Neurophysiol. 2 (1950). The mean is over
//! the valid channels of that sample; a missing sample gives the quiet NaN `0x7fc00000` at its
//! own place (a channel that was not measured has no re-referenced value) and touches no other.
//!
//! Expected error: the sum of C samples in index order is off by at most C u S, where u = 2^-24 and
//! S the mean magnitude; 64 channels of like size: 4e-6 S in the worst case, 5e-7 S typically. To hold
//! to that at 1,000 channels and beside large common offsets, the mean is refined once: the mean of the
//! residuals is added to it, which leaves u times the mean itself.

use super::{Design, Info, Kernel, KernelError, KernelFault, KernelShape, NoParams, Output, rows};

/// Common average reference. Output: rows x channels, in microvolts. Its only state is the
/// count of missing samples.
#[derive(Clone, Copy, Debug)]
pub struct Car {
    channels: usize,
}

impl Design for Car {
    const INFO: Info<'static> = Info {
        name: "car",
        summary: "common average reference over the valid channels",
        output: Output::Rows { unit: "uV" },
        parameters: NoParams::PARAMETERS,
    };

    type Params = NoParams;

    fn design(_params: &NoParams, shape: KernelShape) -> Result<Self, KernelError> {
        Ok(Self { channels: shape.channels })
    }
}

impl Kernel for Car {
    fn state_len(&self) -> usize {
        1
    }

    fn output_len(&self, rows: usize) -> usize {
        rows * self.channels
    }

    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        rows::check_stream(self.channels, input, state, 1, output)?;
        for (row, referenced) in rows::pairs(self.channels, input, output) {
            let (rough, valid) = mean_of_deviations(row, 0.0);
            let mean = rough + mean_of_deviations(row, rough).0;
            rows::count(&mut state[0], self.channels as u32 - valid);
            for (y, &x) in referenced.iter_mut().zip(row) {
                *y = if rows::is_valid(x) { x - mean } else { f32::NAN };
            }
        }
        Ok(input.len())
    }
}

/// Mean of `x - origin` over the valid samples, and their number; 0 without any.
fn mean_of_deviations(row: &[f32], origin: f32) -> (f32, u32) {
    let mut sum = 0.0;
    let mut valid = 0;
    for &x in row {
        if rows::is_valid(x) {
            sum += x - origin;
            valid += 1;
        }
    }
    (if valid == 0 { 0.0 } else { sum / valid as f32 }, valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_channel_is_left_out_and_stays_missing() {
        let kernel = Car { channels: 4 };
        let mut state = [0.0];
        let mut output = [0.0; 8];
        let nan = f32::NAN;
        let input = [1.0, nan, 3.0, 8.0, nan, f32::INFINITY, nan, nan];
        kernel.process(&mut state, &input, &mut output).expect("lengths are right");
        assert_eq!((output[0], output[2], output[3]), (-3.0, -1.0, 4.0));
        assert_eq!(output[1].to_bits(), 0x7fc0_0000);
        assert!(output[4..].iter().all(|y| y.to_bits() == 0x7fc0_0000));
        assert_eq!(kernel.missing_samples(&state), 5);
    }
}
