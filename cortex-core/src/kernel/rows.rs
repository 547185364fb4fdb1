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

/// Takes one row into `held`, which keeps each channel's last valid sample; returns the number
/// of missing samples in the row.
#[inline(always)]
pub(super) fn hold_row(held: &mut [f32], row: &[f32]) -> u32 {
    let mut missing = 0;
    for (last, &sample) in held.iter_mut().zip(row) {
        let valid = is_valid(sample);
        *last = if valid { sample } else { *last };
        missing += u32::from(!valid);
    }
    missing
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

    /// Takes rows (length checked by the caller).
    pub fn push(self, state: &mut [f32], input: &[f32]) {
        let Some(([counter, head], rest)) = state.split_first_chunk_mut() else { return };
        let (held, ring) = rest.split_at_mut(self.channels);
        let mut at = *head as usize;
        for row in input.chunks_exact(self.channels) {
            count(counter, hold_row(held, row));
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
