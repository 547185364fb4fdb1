//! `bandpass_fir` in fixed point: taps of as many bits as keep every sum of products, in whatever
//! order, from overflowing (32 bits for q15, 64 for q31): b fractional bits, the most with which the
//! magnitudes of the rounded taps add up to no more than 2^16 (2^31 - 1). One rounding per output.
//!
//! Unlike the single-precision form it runs on the samples themselves: sums of integers lose nothing
//! beside a large offset.

use super::super::{BandpassFir as Single, rows::advance};
use super::ring::Counters;
use super::word::{Word, rounded};
use core::marker::PhantomData;

/// Rows taken at once. The delay line is moved once a block.
const BLOCK: usize = 16;

/// A band-pass of samples of type `W`. State: each channel's delay line (its last `taps - 1` samples and
/// room for a block), half of the taps, which are symmetric.
#[derive(Clone, Debug)]
pub(super) struct BandpassFir<W> {
    single: Single,
    /// Fractional bits of the taps.
    bits: u32,
    word: PhantomData<W>,
}

impl<W: Word> BandpassFir<W> {
    pub fn of(single: Single) -> Self {
        let sum: f64 = (0..single.taps).map(|n| single.tap(n).abs()).sum();
        // Rounding adds at most a half to each. The gain is 1 in the band: the sum is 1 at least.
        let room = W::TAP_SUM - 0.5 * single.taps as f64;
        let mut bits = W::BITS + 1;
        while bits > 1 && sum * (1_i64 << bits) as f64 > room {
            bits -= 1;
        }
        Self { single, bits, word: PhantomData }
    }

    fn tap(&self, n: usize) -> i32 {
        rounded(self.single.tap(n) * (1_i64 << self.bits) as f64)
    }

    /// Samples of one channel's delay line.
    fn line(&self) -> usize {
        self.single.taps - 1 + BLOCK
    }

    /// Number of distinct taps.
    fn half(&self) -> usize {
        self.single.taps.div_ceil(2)
    }

    pub fn state_len(&self) -> u64 {
        self.single.channels as u64 * self.line() as u64 + self.half() as u64
    }

    pub fn reset(&self, state: &mut [i32]) {
        let taps = &mut state[self.single.channels * self.line()..][..self.half()];
        for (n, tap) in taps.iter_mut().enumerate() {
            *tap = self.tap(n);
        }
    }

    pub fn process(
        &self,
        state: &mut [i32],
        input: &[i32],
        output: &mut [i32],
        counters: &mut Counters,
    ) {
        let channels = self.single.channels;
        let (lines, rest) = state.split_at_mut(channels * self.line());
        let half = &rest[..self.half()];
        let blocks = output.chunks_mut(BLOCK * channels);
        for (rows, filtered) in input.chunks(BLOCK * channels).zip(blocks) {
            let count = rows.len() / channels;
            for (channel, line) in lines.chunks_exact_mut(self.line()).enumerate() {
                let kept = self.single.taps - 1;
                let mut held = line[kept - 1];
                let samples = rows.iter().skip(channel).step_by(channels);
                for (place, &x) in line[kept..].iter_mut().zip(samples) {
                    if W::is_valid(x) {
                        held = x;
                    } else {
                        counters.missing += 1;
                    }
                    *place = held;
                }
                let places = filtered.iter_mut().skip(channel).step_by(channels);
                for (window, y) in line.windows(self.single.taps).zip(places) {
                    let (sample, over) = W::narrow(products::<W>(half, window), self.bits);
                    counters.saturated += u32::from(over);
                    *y = sample;
                }
                advance(&mut line[..count + kept], count);
            }
        }
    }
}

/// The sum of taps and samples: `window` is as long as the taps are many.
#[inline(always)]
fn products<W: Word>(half: &[i32], window: &[i32]) -> W::Sum {
    let mut sum = W::Sum::default();
    let (old, new) = window.split_at(window.len() / 2);
    let mut half = half;
    let mut new = new;
    if old.len() < new.len()
        && let (Some((&middle, outer)), Some((&x, younger))) =
            (half.split_last(), new.split_first())
    {
        sum = W::add_product(sum, middle, x);
        (half, new) = (outer, younger);
    }
    // Four at a time, written out: an image built for size gets no loop unrolled.
    let ((taps, half), (older, old)) = (half.as_chunks::<4>(), old.as_chunks::<4>());
    let (new, newer) = new.as_rchunks::<4>();
    for ((tap, x), y) in taps.iter().zip(older).zip(newer.iter().rev()) {
        sum = W::add_pair(sum, tap[0], x[0], y[3]);
        sum = W::add_pair(sum, tap[1], x[1], y[2]);
        sum = W::add_pair(sum, tap[2], x[2], y[1]);
        sum = W::add_pair(sum, tap[3], x[3], y[0]);
    }
    for ((&tap, &x), &y) in half.iter().zip(old).zip(new.iter().rev()) {
        sum = W::add_pair(sum, tap, x, y);
    }
    sum
}
