//! What the kernels share about rows: slice checks, missing samples, lines of samples that move on.
//!
//! Every kernel that counts keeps its count in the last value of its state, a whole number in an
//! `f32`, exact up to 2^24, where it stays. Large arrays come first in a state, so that they begin at
//! whole vectors where the state does.

use core::slice::ChunksExactMut;

use super::lanes::{load, store};
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

/// Checks the three slices of one call of a streaming kernel, which puts out a row for a row; returns the
/// output's front, as long as the input. What a caller's buffer has behind it is not the kernel's.
pub(super) fn check_stream<'o>(
    channels: usize,
    input: &[f32],
    state: &[f32],
    state_len: usize,
    output: &'o mut [f32],
) -> Result<&'o mut [f32], KernelFault> {
    check(channels, input, state, state_len, output, |rows| rows * channels)?;
    output.get_mut(..input.len()).ok_or(KernelFault::OutputLength)
}

/// Takes row after row of N channels.
///
/// A trait and no closure, as all that is hot in a kernel: a closure cannot be `#[inline(always)]`, and one that
/// the compiler leaves a function of its own is compiled for the baseline's vectors.
pub(super) trait TakeRow<const N: usize> {
    /// Takes the next row.
    fn take(&mut self, row: &[f32; N]);
}

/// Takes the rows of N channels from `first` on, missing samples replaced by the channel's last valid one, which `held` (of those channels) keeps; hands every row to `sink` and
/// returns the number of missing samples.
#[inline(always)]
pub(super) fn hold<const N: usize>(
    held: &mut [f32],
    input: &[f32],
    channels: usize,
    first: usize,
    sink: &mut impl TakeRow<N>,
) -> u32 {
    let mut last = load::<N>(held, N);
    let mut missing = [0_u32; N];
    for row in input.chunks_exact(channels) {
        let samples = load::<N>(&row[first..], N);
        for lane in 0..N {
            let valid = is_valid(samples[lane]);
            last[lane] = if valid { samples[lane] } else { last[lane] };
            missing[lane] += u32::from(!valid);
        }
        sink.take(&last);
    }
    store(&last, held, N);
    missing.iter().sum()
}

/// Rows less their channels' origins, to the rows of a tile.
pub(super) struct Deviations<'t, const N: usize> {
    origins: [f32; N],
    places: ChunksExactMut<'t, f32>,
    lane: usize,
}

impl<'t, const N: usize> Deviations<'t, N> {
    /// To the tile's channels from `lane` on, in `rows` of `width` channels.
    #[inline(always)]
    pub fn new(origins: [f32; N], rows: &'t mut [f32], width: usize, lane: usize) -> Self {
        Self { origins, places: rows.chunks_exact_mut(width), lane }
    }
}

impl<const N: usize> TakeRow<N> for Deviations<'_, N> {
    #[inline(always)]
    fn take(&mut self, row: &[f32; N]) {
        let mut deviations = [0.0; N];
        for i in 0..N {
            deviations[i] = row[i] - self.origins[i];
        }
        if let Some(place) = self.places.next() {
            store(&deviations, &mut place[self.lane..], N);
        }
    }
}

/// Rows of which nothing but the last values is wanted.
pub(super) struct Passing;

impl<const N: usize> TakeRow<N> for Passing {
    #[inline(always)]
    fn take(&mut self, _row: &[f32; N]) {}
}

/// [`hold`] of the samples of one channel, which become `change` of themselves in `line`, one after the other.
#[cfg_attr(feature = "std", inline(always))]
pub(super) fn hold_one<'s>(
    held: &mut f32,
    samples: impl Iterator<Item = &'s f32>,
    line: &mut [f32],
    change: impl Fn(f32) -> f32,
) -> u32 {
    let (mut last, mut missing) = (*held, 0);
    for (place, &sample) in line.iter_mut().zip(samples) {
        let valid = is_valid(sample);
        last = if valid { sample } else { last };
        missing += u32::from(!valid);
        *place = change(last);
    }
    *held = last;
    missing
}

/// [`hold_one`] of samples that lie one after the other, which become `x - origin`: vectors where none is missing, as
/// nearly always.
#[inline(always)]
pub(super) fn hold_line(held: &mut f32, samples: &[f32], line: &mut [f32], origin: f32) -> u32 {
    let mut missing = 0;
    for &sample in samples {
        missing += u32::from(!is_valid(sample));
    }
    if missing > 0 {
        return hold_one(held, samples.iter(), line, |sample| sample - origin);
    }
    for (place, &sample) in line.iter_mut().zip(samples) {
        *place = sample - origin;
    }
    if let Some(&last) = samples.last() {
        *held = last;
    }
    0
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

/// Lets the first `gone` values of a line leave it: the others move to its front.
#[cfg_attr(feature = "std", inline(always))]
pub(super) fn advance<T: Copy>(line: &mut [T], gone: usize) {
    if cfg!(feature = "std") {
        line.copy_within(gone.., 0);
        return;
    }
    // A board's memmove takes words one by one and a kilobyte of flash; pieces of more than four are its calls.
    let mut at = 0;
    while let Some(&four) = line[at + gone..].first_chunk::<4>()
        && let Some(place) = line[at..].first_chunk_mut()
    {
        *place = four;
        at += 4;
    }
    for at in at..line.len() - gone {
        line[at] = line[at + gone];
    }
}
