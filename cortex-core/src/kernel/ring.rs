//! The memory of windowed kernels: the last `window` rows of every channel.

use super::KernelFault;
use super::lanes::{HAS_FPU, MAX_LANES, for_whole_groups, load, tile_channels};
use super::rows::{
    Deviations, Passing, advance, check, count, hold, hold_line, hold_one, is_valid,
};

/// Whether a channel's samples lie in order of time from the front of their line, and not in a ring: a
/// single channel's are moved at less cost than every reader's look for the ring's end.
pub(super) const fn in_order(lanes: usize) -> bool {
    lanes == 1 && HAS_FPU
}

/// Values behind the samples that may be read, not used, with the last of them.
const SLACK: usize = MAX_LANES - 1;

/// A windowed kernel's memory: scratch, the last `window` rows with missing samples replaced, and
/// the kernel's tables.
///
/// State: `scratch` values, `window * channels` samples in tiles (a tile's rows one after the other), slack,
/// `tables` values, `channels` held values, head, count. `head` is the index of the oldest row, 0 where samples
/// lie in order.
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
    pub tiles: Tiles<'s>,
}

/// The windows of all channels, tile by tile. Each takes its new rows when its turn comes, so that they are
/// still in a near cache when they are looked at.
pub(super) struct Tiles<'s> {
    channels: usize,
    window: usize,
    /// First channel of the next tile.
    next: usize,
    /// The head before the new rows.
    before: usize,
    /// The head after them.
    head: usize,
    samples: &'s mut [f32],
    held: &'s mut [f32],
    counter: &'s mut f32,
    input: &'s [f32],
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

    /// One call of a windowed kernel: checks the slices and splits the state.
    #[cfg_attr(feature = "std", inline(always))]
    pub fn take<'s, const LANES: usize>(
        self,
        state: &'s mut [f32],
        input: &'s [f32],
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
        let before = *head as usize;
        let mut after = if in_order(LANES) { 0 } else { before + rows };
        while after >= self.window {
            after -= self.window;
        }
        *head = after as f32;
        let Self { channels, window, .. } = self;
        let head = after;
        let mut tiles =
            Tiles { channels, window, next: 0, before, head, samples, held, counter, input };
        if !HAS_FPU {
            tiles.push_all();
        }
        Ok(Parts { scratch, tables, tiles })
    }
}

impl Tiles<'_> {
    /// The next tile; none after the last.
    #[cfg_attr(feature = "std", inline(always))]
    pub fn next_tile<const LANES: usize>(&mut self) -> Option<Tile<'_>> {
        let Self { channels, window, .. } = *self;
        let first = self.next;
        if first >= channels {
            return None;
        }
        let width = tile_channels(LANES).min(channels - first);
        self.next += width;
        if in_order(LANES) {
            self.push_in_order(first);
        } else if HAS_FPU {
            self.push::<LANES>(first, width);
        }
        let samples = &self.samples[first * window..][..width * window + SLACK];
        Some(Tile { first, width, window, head: self.head, samples })
    }

    /// Takes the new rows of all channels, in little code.
    fn push_all(&mut self) {
        let Self { channels, window, .. } = *self;
        let mut missing = 0;
        let mut at = self.before;
        for row in self.input.chunks_exact(channels) {
            let lines = self.samples.chunks_exact_mut(window).zip(&mut *self.held);
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
        count(self.counter, missing);
    }

    /// Takes the new rows of the channels from `first` on (`width` of them).
    #[cfg_attr(feature = "std", inline(always))]
    fn push<const LANES: usize>(&mut self, first: usize, width: usize) {
        let Self { channels, window, .. } = *self;
        let samples = &mut self.samples[first * window..][..width * window];
        let held = &mut self.held[first..][..width];
        let mut missing = 0;
        for_whole_groups!(LANES, 0..width, |N, lane| {
            let (mut at, mut rest) = (self.before, self.input);
            // Up to the ring's end, and on from its beginning.
            while !rest.is_empty() {
                let until = rest.len().min((window - at) * channels);
                let (now, later) = rest.split_at(until);
                let (rows, held) = (&mut samples[at * width..], &mut held[lane..]);
                if N == 1 && channels == 1 {
                    missing += hold_line(&mut held[0], now, rows, 0.0);
                } else {
                    let mut sink = Deviations::<N>::new([0.0; N], rows, width, lane);
                    missing += hold(held, now, channels, first + lane, &mut sink);
                }
                (at, rest) = (0, later);
            }
        });
        count(self.counter, missing);
    }

    /// Takes the new rows of one channel, whose samples lie in order.
    #[cfg_attr(feature = "std", inline(always))]
    fn push_in_order(&mut self, channel: usize) {
        let Self { channels, window, .. } = *self;
        let line = &mut self.samples[channel * window..][..window];
        let held = &mut self.held[channel..];
        let rows = self.input.len() / channels;
        let new = rows.min(window);
        let (passing, staying) = self.input.split_at((rows - new) * channels);
        let mut missing = hold::<1>(held, passing, channels, channel, &mut Passing);
        advance(line, new);
        let samples = staying[channel..].iter().step_by(channels);
        missing += hold_one(&mut held[0], samples, &mut line[window - new..], |sample| sample);
        count(self.counter, missing);
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
        [
            self.row(age, lane, width),
            self.row(age + 1, lane, width),
            self.row(age + 2, lane, width),
            self.row(age + 3, lane, width),
        ]
    }

    /// All samples of the one channel, where they lie in order.
    #[inline(always)]
    pub fn line<const LANES: usize>(&self) -> Option<&'s [f32]> {
        if in_order(LANES) { Some(&self.samples[..self.window]) } else { None }
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
