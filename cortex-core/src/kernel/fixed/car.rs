//! `car` in fixed point: the mean over the valid channels, rounded to a step, is taken off each.
//!
//! The sum of 65,536 q15 samples fits 32 bits; q31 samples are added up in 64. A difference beyond
//! the range saturates. A missing sample stays missing.

use super::ring::Counters;
use super::word::Word;

/// Takes the mean off every row of `channels` steps.
pub(super) fn reference<W: Word>(
    channels: usize,
    input: &[i32],
    output: &mut [i32],
    counters: &mut Counters,
) {
    for (row, referenced) in input.chunks_exact(channels).zip(output.chunks_exact_mut(channels)) {
        let (mut sum, mut valid) = (W::Sum::default(), 0);
        for &x in row {
            if W::is_valid(x) {
                sum = W::add(sum, x);
                valid += 1;
            }
        }
        counters.missing += channels as u32 - valid;
        let mean = if valid == 0 { 0 } else { W::mean(sum, valid) };
        for (y, &x) in referenced.iter_mut().zip(row) {
            *y = if W::is_valid(x) {
                let (difference, over) = W::difference(x, mean);
                counters.saturated += u32::from(over);
                difference
            } else {
                W::MISSING
            };
        }
    }
}
