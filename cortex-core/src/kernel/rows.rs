//! What the kernels share about rows: slice checks, missing samples, the ring of a window.
//!
//! Every kernel that counts keeps its count in the last value of its state, a whole number in an
//! `f32`, exact up to 2^24, where it stays. Large arrays come first in a state, so that they begin at
//! whole vectors where the state does.

use super::lanes::{HAS_FPU, MAX_LANES, for_whole_groups, load, store, tile_channels};
use super::{KernelFault, SAMPLE_LIMIT_UV};

const MAX_COUNT: f32 = 16_777_216.0;

/// Whether `sample` is a measurement (finite and within [`SAMPLE_LIMIT_UV`]).
#[inline(always)]
pub(super) fn is_valid(sample: f32) -> bool {
    // As integers: NaN and infinity lie above the limit.
    sample.to_bits() & 0x7fff_ffff <= SAMPLE_LIMIT_UV.to_bits()
}

/// Checks the three slices of one call and returns the number of rows.
pub(super) fn check(
    channels: usize,
    input: &[f32],
    state: &[f32],
    state_len: usize,
    output: &[f32],
    output_len: impl FnOnce(usize) -> usize,
) -> Result<usize, KernelFault> {
    if input.is_empty() || !input.len().is_multiple_of(channels) {
        return Err(KernelFault::InputLength);
    }
    let rows = input.len() / channels;
    if state.len() < state_len {
        return Err(KernelFault::StateLength);
    }
    if output.len() < output_len(rows) {
        return Err(KernelFault::OutputLength);
    }
    Ok(rows)
}

/// Checks the three slices of one call of a streaming kernel, which puts out a row for a row.
pub(super) fn check_stream(
    channels: usize,
    input: &[f32],
    state: &[f32],
    state_len: usize,
    output: &[f32],
) -> Result<(), KernelFault> {
    check(channels, input, state, state_len, output, |rows| rows * channels).map(drop)
}

/// Takes the rows of N channels from `first` on, missing samples replaced by the channel's last valid one, which `held` (of those channels) keeps; hands every row to `put` and
/// returns the number of missing samples.
#[inline(always)]
pub(super) fn hold<const N: usize>(
    held: &mut [f32],
    input: &[f32],
    channels: usize,
    first: usize,
    mut put: impl FnMut(usize, &[f32; N]),
) -> u32 {
    let mut last = load::<N>(held, N);
    let mut missing = [0_u32; N];
    for (index, row) in input.chunks_exact(channels).enumerate() {
        let samples = load::<N>(&row[first..], N);
        for lane in 0..N {
            let valid = is_valid(samples[lane]);
            last[lane] = if valid { samples[lane] } else { last[lane] };
            missing[lane] += u32::from(!valid);
        }
        put(index, &last);
    }
    store(&last, held, N);
    missing.iter().sum()
}

/// `x` rounded to a multiple of 256 (from 2^31 on, of more): `x - coarse(x)` is exact.
#[inline(always)]
pub(super) fn coarse(x: f32) -> f32 {
    // 1.5 * 2^31: the sum's last bit is worth 256.
    const ROUNDER: f32 = 3_221_225_472.0;
    (x + ROUNDER) - ROUNDER
}

/// Adds `missing` to the counter.
#[inline(always)]
pub(super) fn count(counter: &mut f32, missing: u32) {
    if missing > 0 {
        *counter = (*counter + missing as f32).min(MAX_COUNT);
    }
}

/// Values behind the samples that may be read, not used, with the last of them.
const SLACK: usize = MAX_LANES - 1;

/// A windowed kernel's memory: scratch, the last `window` rows with missing samples replaced, and
/// the kernel's tables.
///
/// State: `scratch` values, `window * channels` samples in tiles (a tile's rows one after the other), slack,
/// `tables` values, `channels` held values, head, count. `head` is the index of the oldest row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    pub channels: usize,
    pub window: usize,
    /// Number of scratch values.
    pub scratch: usize,
    /// Number of the tables' values.
    pub tables: usize,
}

/// A windowed kernel's state during one call.
pub(super) struct Parts<'s> {
    pub scratch: &'s mut [f32],
    pub tables: &'s [f32],
    window: usize,
    channels: usize,
    head: usize,
    samples: &'s [f32],
}

/// The window of one tile of channels.
#[derive(Clone, Copy)]
pub(super) struct Tile<'s> {
    /// The tile's first channel.
    pub first: usize,
    /// Channels of the tile.
    pub width: usize,
    window: usize,
    head: usize,
    samples: &'s [f32],
}

impl Ring {
    pub fn state_len(self) -> u64 {
        let samples = self.channels as u64 * (self.window as u64 + 1);
        self.scratch as u64 + samples + SLACK as u64 + self.tables as u64 + 2
    }

    /// Puts a state to its start; returns the tables' place.
    pub fn reset(self, state: &mut [f32]) -> &mut [f32] {
        let state = &mut state[..self.state_len() as usize];
        state.fill(0.0);
        &mut state[self.scratch + self.channels * self.window + SLACK..][..self.tables]
    }

    /// One call of a windowed kernel: checks the slices, takes the rows, and splits the state.
    #[cfg_attr(feature = "std", inline(always))]
    pub fn take<'s, const LANES: usize>(
        self,
        state: &'s mut [f32],
        input: &[f32],
        output: &[f32],
        output_len: usize,
    ) -> Result<Parts<'s>, KernelFault> {
        let state_len = self.state_len() as usize;
        let rows = check(self.channels, input, state, state_len, output, |_| output_len)?;
        let (scratch, rest) = state.split_at_mut(self.scratch);
        let (samples, rest) = rest.split_at_mut(self.channels * self.window + SLACK);
        let (tables, rest) = rest.split_at_mut(self.tables);
        let (held, rest) = rest.split_at_mut(self.channels);
        let [head, counter, ..] = rest else { return Err(KernelFault::StateLength) };
        let at = *head as usize;
        count(counter, self.push::<LANES>(samples, held, at, input));
        let mut head_now = at + rows;
        while head_now >= self.window {
            head_now -= self.window;
        }
        *head = head_now as f32;
        let (window, channels) = (self.window, self.channels);
        Ok(Parts { scratch, tables, window, channels, head: head_now, samples })
    }

    #[cfg_attr(feature = "std", inline(always))]
    fn push<const LANES: usize>(
        self,
        samples: &mut [f32],
        held: &mut [f32],
        head: usize,
        input: &[f32],
    ) -> u32 {
        let (channels, window) = (self.channels, self.window);
        let mut missing = 0;
        if !HAS_FPU {
            // The same in less code.
            let mut at = head;
            for row in input.chunks_exact(channels) {
                let lines = samples.chunks_exact_mut(window).zip(&mut *held);
                for (&sample, (line, last)) in row.iter().zip(lines) {
                    if is_valid(sample) {
                        *last = sample;
                    } else {
                        missing += 1;
                    }
                    line[at] = *last;
                }
                at = if at + 1 == window { 0 } else { at + 1 };
            }
            return missing;
        }
        let samples = &mut samples[..channels * window];
        let tiles = samples.chunks_mut(tile_channels(LANES) * window);
        let helds = held.chunks_mut(tile_channels(LANES));
        let mut base = 0;
        for (samples, held) in tiles.zip(helds) {
            let width = held.len();
            for_whole_groups!(LANES, 0..width, |N, first| {
                let mut at = head;
                let held = &mut held[first..];
                missing += hold::<N>(held, input, channels, base + first, |_, row| {
                    store(row, &mut samples[at * width + first..], N);
                    at = if at + 1 == window { 0 } else { at + 1 };
                });
            });
            base += width;
        }
        missing
    }
}

impl<'s> Parts<'s> {
    /// The window, tile by tile.
    #[inline(always)]
    pub fn tiles<const LANES: usize>(&self) -> impl Iterator<Item = Tile<'s>> + use<'s, LANES> {
        let Self { window, channels, head, samples, .. } = *self;
        (0..channels).step_by(tile_channels(LANES)).map(move |first| {
            let width = tile_channels(LANES).min(channels - first);
            let samples = &samples[first * window..][..width * window + SLACK];
            Tile { first, width, window, head, samples }
        })
    }
}

impl<'s> Tile<'s> {
    /// N channels from the tile's channel `lane` on (`width` of them) of the row that is `age` rows
    /// younger than the oldest.
    #[inline(always)]
    pub fn row<const N: usize>(&self, age: usize, lane: usize, width: usize) -> [f32; N] {
        let at = self.head + age;
        let at = if at >= self.window { at - self.window } else { at };
        load(&self.samples[at * self.width + lane..], width)
    }

    /// [`Tile::row`] of four rows, the first of them `age` rows younger than the oldest.
    #[inline(always)]
    pub fn four_rows<const N: usize>(
        &self,
        age: usize,
        lane: usize,
        width: usize,
    ) -> [[f32; N]; 4] {
        let at = self.head + age;
        let at = if at >= self.window { at - self.window } else { at };
        // One channel's samples lie one after the other.
        if N == 1
            && HAS_FPU
            && self.width == 1
            && let Some(four) = self.samples[..self.window][at..].first_chunk::<4>()
        {
            return four.map(|sample| [sample; N]);
        }
        [0, 1, 2, 3].map(|more| self.row(age + more, lane, width))
    }

    /// Number of rows.
    pub fn window(&self) -> usize {
        self.window
    }

    /// All rows from the oldest on, in two pieces.
    #[inline(always)]
    pub fn pieces(&self) -> [&'s [f32]; 2] {
        let samples = &self.samples[..self.window * self.width];
        let (newer, older) = samples.split_at(self.head * self.width);
        [older, newer]
    }

    /// The places of all rows from the oldest on.
    #[inline(always)]
    pub fn places(&self) -> [core::ops::Range<usize>; 2] {
        [self.head..self.window, 0..self.head]
    }

    /// The row at a place of [`Tile::places`], from the tile's channel `lane` on.
    #[inline(always)]
    pub fn at<const N: usize>(&self, place: usize, lane: usize, width: usize) -> [f32; N] {
        load(&self.samples[place * self.width + lane..], width)
    }
}
