//! What the kernels share about rows: slice checks, missing samples, the ring of a window.
//!
//! Every kernel that counts keeps its count in `state[0]`, a whole number in an `f32`, exact up
//! to 2^24, where it stays.

use super::{KernelFault, SAMPLE_LIMIT_UV};

const MAX_COUNT: f32 = 16_777_216.0;

/// Whether `sample` is a measurement (finite and within [`SAMPLE_LIMIT_UV`]).
#[inline(always)]
pub(super) fn is_valid(sample: f32) -> bool {
    // False for NaN.
    sample.abs() <= SAMPLE_LIMIT_UV
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

/// Each row of the input with its row of the output.
#[inline(always)]
pub(super) fn pairs<'r>(
    channels: usize,
    input: &'r [f32],
    output: &'r mut [f32],
) -> impl Iterator<Item = (&'r [f32], &'r mut [f32])> {
    input.chunks_exact(channels).zip(output.chunks_exact_mut(channels))
}

/// Takes one row into `held`, which keeps each channel's last valid sample, and counts the missing
/// samples.
#[inline(always)]
pub(super) fn hold(counter: &mut f32, held: &mut [f32], row: &[f32]) {
    let mut missing = 0;
    for (last, &sample) in held.iter_mut().zip(row) {
        let valid = is_valid(sample);
        *last = if valid { sample } else { *last };
        missing += u32::from(!valid);
    }
    count(counter, missing);
}

/// Adds `missing` (at most 2^24) to the counter.
#[inline(always)]
pub(super) fn count(counter: &mut f32, missing: u32) {
    if missing > 0 {
        *counter = (*counter + missing as f32).min(MAX_COUNT);
    }
}

/// The last `window` rows of a channel set, with missing samples replaced.
///
/// State: count, head, `channels` held values, `window * channels` samples. `head` is the index
/// of the oldest row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ring {
    pub channels: usize,
    pub window: usize,
}

impl Ring {
    pub fn state_len(self) -> u64 {
        2 + self.channels as u64 * (self.window as u64 + 1)
    }

    /// Puts a state of `state_len` values to its start; returns what lies behind the ring.
    pub fn reset(self, state: &mut [f32], state_len: usize) -> &mut [f32] {
        let state = &mut state[..state_len];
        state.fill(0.0);
        &mut state[self.state_len() as usize..]
    }

    /// One call of a windowed kernel: checks the slices, takes the rows, and splits the state
    /// into the ring and what lies behind it.
    pub fn take<'s>(
        self,
        state: &'s mut [f32],
        state_len: usize,
        input: &[f32],
        output: &[f32],
        output_len: usize,
    ) -> Result<(&'s [f32], &'s mut [f32]), KernelFault> {
        check(self.channels, input, state, state_len, output, |_| output_len)?;
        self.push(state, input);
        let (ring, rest) = state.split_at_mut(self.state_len() as usize);
        Ok((ring, rest))
    }

    fn push(self, state: &mut [f32], input: &[f32]) {
        let Some(([counter, head], rest)) = state.split_first_chunk_mut() else { return };
        let (held, ring) = rest.split_at_mut(self.channels);
        let mut at = *head as usize;
        for row in input.chunks_exact(self.channels) {
            hold(counter, held, row);
            ring[at * self.channels..][..self.channels].copy_from_slice(held);
            at = if at + 1 == self.window { 0 } else { at + 1 };
        }
        *head = at as f32;
    }

    /// The rows, oldest first.
    pub fn rows(self, state: &[f32]) -> impl Iterator<Item = &[f32]> {
        let (head, ring) = self.split(state);
        let (newer, older) = ring.split_at(head * self.channels);
        older.chunks_exact(self.channels).chain(newer.chunks_exact(self.channels))
    }

    /// Copies `samples.len()` samples of one channel, from the `start`-th oldest on.
    pub fn copy_channel(self, state: &[f32], channel: usize, start: usize, samples: &mut [f32]) {
        let (head, ring) = self.split(state);
        let mut at = head + start;
        if at >= self.window {
            at -= self.window;
        }
        for sample in samples {
            *sample = ring[at * self.channels + channel];
            at = if at + 1 == self.window { 0 } else { at + 1 };
        }
    }

    fn split(self, state: &[f32]) -> (usize, &[f32]) {
        let ring = &state[2 + self.channels..][..self.channels * self.window];
        (state[1] as usize, ring)
    }
}
