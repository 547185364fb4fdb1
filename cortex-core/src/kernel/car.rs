//! `car`: common average reference, `y[t, c] = x[t, c] - mean over c of x[t, c]`.
//!
//! Source: the average reference of Offner, "The EEG as potential mapping: the value of the average
//! monopolar reference", Electroencephalogr. Clin. Neurophysiol. 2 (1950). The mean is over
//! the valid channels of that sample; a missing sample gives the quiet NaN `0x7fc00000` at its
//! own place (a channel that was not measured has no re-referenced value) and touches no other.
//!
//! Order of summation: channel c adds to partial sum c mod 16, for as many whole groups of 16 channels as
//! there are; the partial sums are added in pairs (c and c + 8, then c and c + 4, ...), and the remaining
//! channels to the result in index order. Fewer than 16 channels are so summed in index order.
//!
//! Expected error: each of at most C/16 + 19 additions is off by u = 2^-24 of the partial sum: with mean
//! magnitude S at most 2e-6 S at 64 channels. To hold to that beside large common offsets, the mean is refined
//! once: the mean of the residuals is added to it, which leaves u times the mean itself.

use super::lanes::{BASELINE_LANES, HAS_FPU, load};
use super::{
    Design, Info, Kernel, KernelError, KernelFault, KernelShape, NoParams, Output, SAMPLE_LIMIT_UV,
    rows,
};

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
        self.process_abreast::<BASELINE_LANES>(state, input, output)
    }

    #[cfg_attr(feature = "std", inline(always))]
    fn process_abreast<const LANES: usize>(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        let output = rows::check_stream(self.channels, input, state, 1, output)?;
        if LANES > 1 && self.channels == 1 {
            rows::count(&mut state[0], reference_one_channel(input, output));
            return Ok(input.len());
        }
        if LANES > 1 && self.channels < PARTIAL_SUMS {
            let blocks = output.chunks_mut(ROWS_ABREAST * self.channels);
            for (rows, referenced) in input.chunks(ROWS_ABREAST * self.channels).zip(blocks) {
                rows::count(&mut state[0], reference_rows(self.channels, rows, referenced));
            }
            return Ok(input.len());
        }
        let few = LANES == 1 && HAS_FPU && self.channels < PARTIAL_SUMS;
        let block = match LANES {
            1 if few => FOUR * self.channels,
            1 => input.len(),
            // As many sums as there are registers for.
            8 => 2 * self.channels,
            _ => FOUR * self.channels,
        };
        for (rows, referenced) in input.chunks(block).zip(output.chunks_mut(block)) {
            let done = match LANES {
                1 => few && reference_four_rows(self.channels, rows, referenced),
                8 => reference_long_rows::<2>(self.channels, rows, referenced),
                _ => reference_long_rows::<FOUR>(self.channels, rows, referenced),
            };
            if done {
                continue;
            }
            let outputs = referenced.chunks_exact_mut(self.channels);
            for (row, referenced) in rows.chunks_exact(self.channels).zip(outputs) {
                if few && reference_short_row(row, referenced) {
                    continue;
                }
                let (rough, valid) = mean_of_deviations(row, 0.0);
                let mean = rough + mean_of_deviations(row, rough).0;
                rows::count(&mut state[0], self.channels as u32 - valid);
                for (y, &x) in referenced.iter_mut().zip(row) {
                    *y = if rows::is_valid(x) { x - mean } else { f32::NAN };
                }
            }
        }
        Ok(input.len())
    }
}

/// The references of R rows of at least [`PARTIAL_SUMS`] channels when no sample is missing, as nearly always.
/// Whether that was so; nothing is written otherwise. The sums of several rows do not wait for each other.
#[cfg_attr(feature = "std", inline(always))]
fn reference_long_rows<const R: usize>(channels: usize, input: &[f32], output: &mut [f32]) -> bool {
    if input.len() != R * channels {
        return false;
    }
    let mut rows = [&input[..channels]; R];
    for i in 1..R {
        rows[i] = &input[i * channels..][..channels];
    }
    let (sums, least_room) = sums_of_rows(rows, [0.0; R]);
    if least_room < 0 {
        return false;
    }
    let all = channels as f32;
    let mut means = [0.0; R];
    for i in 0..R {
        means[i] = sums[i] / all;
    }
    let (sums, _) = sums_of_rows(rows, means);
    let outputs = output.chunks_exact_mut(channels).zip(input.chunks_exact(channels));
    for (i, (referenced, row)) in outputs.enumerate().take(R) {
        let mean = means[i] + sums[i] / all;
        for (y, &x) in referenced.iter_mut().zip(row) {
            *y = x - mean;
        }
    }
    true
}

/// Of every row the sum of `x - origin`; and the least [`room`] of all samples.
#[inline(always)]
fn sums_of_rows<const R: usize>(rows: [&[f32]; R], origins: [f32; R]) -> ([f32; R], i32) {
    let mut sums = [[0.0; PARTIAL_SUMS]; R];
    let mut rooms = [0; PARTIAL_SUMS];
    let whole = rows[0].len() / PARTIAL_SUMS * PARTIAL_SUMS;
    for first in (0..whole).step_by(PARTIAL_SUMS) {
        // Copies: of samples elsewhere a compiler asks at run time whether they are the sums.
        let mut groups = [[0.0; PARTIAL_SUMS]; R];
        for i in 0..R {
            groups[i] = load(&rows[i][first..], PARTIAL_SUMS);
        }
        for lane in 0..PARTIAL_SUMS {
            for i in 0..R {
                let x = groups[i][lane];
                rooms[lane] |= room(x);
                sums[i][lane] += x - origins[i];
            }
        }
    }
    let (mut all, mut least_room) = ([0.0; R], 0);
    for lane in 0..PARTIAL_SUMS {
        least_room |= rooms[lane];
    }
    for i in 0..R {
        all[i] = sum_in_pairs(&sums[i]);
    }
    for channel in whole..rows[0].len() {
        for i in 0..R {
            let x = rows[i][channel];
            least_room |= room(x);
            all[i] += x - origins[i];
        }
    }
    (all, least_room)
}

/// The sum of a row's partial sums.
#[inline(always)]
fn sum_in_pairs(sums: &[f32; PARTIAL_SUMS]) -> f32 {
    let mut quarters = [0.0; PARTIAL_SUMS / 4];
    for i in 0..PARTIAL_SUMS / 4 {
        quarters[i] = (sums[i] + sums[i + 8]) + (sums[i + 4] + sums[i + 12]);
    }
    // Row by row: a compiler that sees several rows shuffles them into each other's vectors, which takes
    // longer than all the additions.
    let [a, b, c, d] = core::hint::black_box(quarters);
    (a + c) + (b + d)
}

/// Number of partial sums of a row.
const PARTIAL_SUMS: usize = 16;

/// Rows that share a loop over channels where there are no vectors.
const FOUR: usize = 4;

/// Negative when the sample is a missing one: without a decision, to be gathered over many samples by "or".
#[inline(always)]
fn room(x: f32) -> i32 {
    SAMPLE_LIMIT_UV.to_bits() as i32 - (x.to_bits() & 0x7fff_ffff) as i32
}

/// The references of [`FOUR`] rows of fewer than [`PARTIAL_SUMS`] channels when no sample is missing, as
/// nearly always. Whether that was so; nothing is written otherwise.
///
/// Code of its own: among all kernels its loops would run out of registers.
#[inline(never)]
fn reference_four_rows(channels: usize, input: &[f32], output: &mut [f32]) -> bool {
    if input.len() < FOUR * channels || output.len() < FOUR * channels {
        return false;
    }
    let (a, rest) = input.split_at(channels);
    let (b, rest) = rest.split_at(channels);
    let (c, rest) = rest.split_at(channels);
    let rows = [a, b, c, &rest[..channels]];
    let (mut sums, mut least_room) = ([0.0; FOUR], 0);
    for channel in 0..channels {
        for i in 0..FOUR {
            least_room |= room(rows[i][channel]);
            sums[i] += rows[i][channel];
        }
    }
    if least_room < 0 {
        return false;
    }
    let all = channels as f32;
    let rough = sums.map(|sum| sum / all);
    let mut rests = [0.0; FOUR];
    for channel in 0..channels {
        for i in 0..FOUR {
            rests[i] += rows[i][channel] - rough[i];
        }
    }
    let (a, rest) = output.split_at_mut(channels);
    let (b, rest) = rest.split_at_mut(channels);
    let (c, rest) = rest.split_at_mut(channels);
    let referenced = [a, b, c, &mut rest[..channels]];
    let mean: [f32; FOUR] = core::array::from_fn(|i| rough[i] + rests[i] / all);
    for channel in 0..channels {
        for i in 0..FOUR {
            referenced[i][channel] = rows[i][channel] - mean[i];
        }
    }
    true
}

/// The same for one row.
#[inline(always)]
fn reference_short_row(row: &[f32], referenced: &mut [f32]) -> bool {
    let all = row.len() as f32;
    let (mut sum, mut least_room) = (0.0, 0);
    for &x in row {
        least_room |= room(x);
        sum += x;
    }
    if least_room < 0 {
        return false;
    }
    let rough = sum / all;
    let mut rest = 0.0;
    for &x in row {
        rest += x - rough;
    }
    let mean = rough + rest / all;
    for (y, &x) in referenced.iter_mut().zip(row) {
        *y = x - mean;
    }
    true
}

/// Mean of `x - origin` over the valid samples, and their number; 0 without any.
#[cfg_attr(feature = "std", inline(always))]
fn mean_of_deviations(row: &[f32], origin: f32) -> (f32, u32) {
    let (mut sum, mut valid) = (0.0, 0);
    let (groups, rest) = row.as_chunks::<PARTIAL_SUMS>();
    if !groups.is_empty() {
        let mut sums = [0.0; PARTIAL_SUMS];
        let mut counts = [0; PARTIAL_SUMS];
        for group in groups {
            for lane in 0..PARTIAL_SUMS {
                let (deviation, one) = deviation(group[lane], origin);
                sums[lane] += deviation;
                counts[lane] += one;
            }
        }
        let mut half = PARTIAL_SUMS / 2;
        while half > 0 {
            for lane in 0..half {
                sums[lane] += sums[lane + half];
            }
            half /= 2;
        }
        sum = sums[0];
        valid = counts.iter().sum();
    }
    for &x in rest {
        let (deviation, one) = deviation(x, origin);
        sum += deviation;
        valid += one;
    }
    (if valid == 0 { 0.0 } else { sum / valid as f32 }, valid)
}

/// `x - origin` and 1, or zeros for a missing sample.
#[cfg_attr(feature = "std", inline(always))]
fn deviation(x: f32, origin: f32) -> (f32, u32) {
    let valid = rows::is_valid(x);
    (if valid { x - origin } else { 0.0 }, u32::from(valid))
}

/// Rows taken abreast where a row is shorter than a vector.
const ROWS_ABREAST: usize = 32;

/// The same for up to [`ROWS_ABREAST`] rows of fewer than [`PARTIAL_SUMS`] channels, one row a lane. Returns
/// the number of missing samples.
#[cfg_attr(feature = "std", inline(always))]
fn reference_rows(channels: usize, input: &[f32], output: &mut [f32]) -> u32 {
    let mut columns = [[f32::NAN; ROWS_ABREAST]; PARTIAL_SUMS];
    let columns = &mut columns[..channels];
    for (lane, row) in input.chunks_exact(channels).enumerate().take(ROWS_ABREAST) {
        for (column, &x) in columns.iter_mut().zip(row) {
            column[lane] = x;
        }
    }
    let mut mean = [0.0; ROWS_ABREAST];
    let mut valid = [0_u32; ROWS_ABREAST];
    for _ in 0..2 {
        let mut sums = [0.0; ROWS_ABREAST];
        valid = [0; ROWS_ABREAST];
        for column in &*columns {
            for lane in 0..ROWS_ABREAST {
                let there = rows::is_valid(column[lane]);
                sums[lane] += if there { column[lane] - mean[lane] } else { 0.0 };
                valid[lane] += u32::from(there);
            }
        }
        for lane in 0..ROWS_ABREAST {
            let rest = sums[lane] / valid[lane] as f32;
            mean[lane] += if valid[lane] == 0 { 0.0 } else { rest };
        }
    }
    let rows = input.chunks_exact(channels).zip(output.chunks_exact_mut(channels));
    for ((row, referenced), mean) in rows.zip(mean) {
        for (y, &x) in referenced.iter_mut().zip(row) {
            *y = if rows::is_valid(x) { x - mean } else { f32::NAN };
        }
    }
    input.len() as u32 - valid.iter().sum::<u32>()
}

/// The same for rows of one sample, many rows abreast: the mean is the sample itself. Returns the number of
/// missing samples.
#[cfg_attr(feature = "std", inline(always))]
fn reference_one_channel(input: &[f32], output: &mut [f32]) -> u32 {
    let mut missing = 0;
    for (y, &x) in output.iter_mut().zip(input) {
        let valid = rows::is_valid(x);
        let rough = 0.0 + x;
        let mean = rough + (0.0 + (x - rough));
        *y = if valid { x - mean } else { f32::NAN };
        missing += u32::from(!valid);
    }
    missing
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
