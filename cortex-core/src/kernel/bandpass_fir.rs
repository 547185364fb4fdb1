//! `bandpass_fir`: linear-phase band-pass, the filter of
//! `scipy.signal.firwin(taps, [low, high], pass_zero=False, fs=fs)` (Hamming window, unit gain
//! in the middle of the band).
//!
//! Source: the window method (Oppenheim and Schafer, "Discrete-Time Signal Processing", section 7.2):
//!
//! ```text
//! h[n] = (high sinc(high m) - low sinc(low m)) hamming[n],  m = n - (taps-1)/2,  low, high in units of Nyquist
//! hamming[n] = 0.54 - 0.46 cos(2 pi n/(taps-1)),  scaled so that sum h[n] cos(pi m (low+high)/2) = 1
//! ```
//!
//! The taps are symmetric, so half of them is kept (in the state, written by `reset`) and each is
//! multiplied with the sum of its two samples: half the multiplications. The delay is
//! (taps-1)/2 samples; the group delay of the output is not removed.
//!
//! Electrodes have offsets of tens of millivolts, a thousand times what is measured. So the filter runs on
//! `x - r` and the response to the constant r is added: `y[t] = sum h[n] (x[t-n] - r) + r (h[0] + ... + h[t])`,
//! where r is the channel's very first sample, rounded to a multiple of 256 uV (0 when it is missing).
//!
//! Expected error: u = 2^-24 per rounded tap, product and partial sum. Products are summed from the small
//! outer taps inwards; the rounding of about taps/2 sums of the output's size gives
//! sqrt(taps/2) u = 5e-7 of the output's scale at 129 taps; what the input has moved away from its first
//! sample, D, adds about u D. The answer to the step at the start, from 0 to r, is off by a few u r.
//!
//! A missing sample is replaced by the channel's previous one.

use super::lanes::{
    BASELINE_LANES, HAS_FPU, MAX_LANES, for_whole_groups, load, store, tile_channels,
};
use super::rows::Deviations;
use super::{Design, Info, Kernel, KernelError, KernelFault, KernelShape, Output, rows};
use crate::math;
use crate::parameter::{
    POSITIVE, below_nyquist, count, count_within, number, parameters, positive,
};

use core::f64::consts::PI;

/// Least number of taps.
pub const MIN_TAPS: usize = 3;

/// Greatest number of taps.
pub const MAX_TAPS: usize = 8_193;

parameters! {
    /// Parameters of [`BandpassFir`].
    #[derive(Copy)]
    #[serde(default)]
    pub struct BandpassFirParams {
        /// Lower band edge (-6 dB).
        pub low_hz: f64 = number(8.0, "Hz", POSITIVE, f64::INFINITY).limit("below high_hz"),
        /// Upper band edge (-6 dB).
        pub high_hz: f64 =
            number(30.0, "Hz", POSITIVE, f64::INFINITY).limit("below half the sample rate"),
        /// Number of taps.
        pub taps: usize = count(129, "taps", MIN_TAPS, MAX_TAPS),
    }
}

/// Linear-phase band-pass. Output: rows x channels, in microvolts.
#[derive(Clone, Copy, Debug)]
pub struct BandpassFir {
    pub(super) channels: usize,
    pub(super) taps: usize,
    /// Band edges in units of the Nyquist frequency.
    low: f64,
    high: f64,
    /// What the windowed ideal response is multiplied by.
    scale: f64,
    /// The sum of all taps: the response to a constant.
    constant_gain: f32,
}

impl Design for BandpassFir {
    const INFO: Info<'static> = Info {
        name: "bandpass_fir",
        summary: "linear-phase Hamming band-pass (scipy firwin)",
        output: Output::Rows { unit: "uV" },
        parameters: BandpassFirParams::PARAMETERS,
    };

    type Params = BandpassFirParams;

    fn design(params: &BandpassFirParams, shape: KernelShape) -> Result<Self, KernelError> {
        let rate = shape.sample_rate_hz;
        let low_hz = below_nyquist("low_hz", positive("low_hz", params.low_hz)?, rate)?;
        let high_hz = below_nyquist("high_hz", positive("high_hz", params.high_hz)?, rate)?;
        if low_hz >= high_hz {
            return Err(KernelError::EmptyBand { low_hz, high_hz });
        }
        let taps = count_within("taps", params.taps, MIN_TAPS, MAX_TAPS)?;
        let mut kernel = Self {
            channels: shape.channels,
            taps,
            low: low_hz / (rate / 2.0),
            high: high_hz / (rate / 2.0),
            scale: 1.0,
            constant_gain: 0.0,
        };
        let middle = PI * (kernel.low + kernel.high) / 2.0;
        let (mut gain, mut constant_gain) = (0.0, 0.0);
        for n in 0..taps {
            let tap = kernel.tap(n);
            gain += tap * math::cos(middle * kernel.distance(n));
            constant_gain += tap;
        }
        kernel.scale = 1.0 / gain;
        kernel.constant_gain = (constant_gain * kernel.scale) as f32;
        if !kernel.scale.is_finite() {
            return Err(KernelError::EmptyBand { low_hz, high_hz });
        }
        Ok(kernel)
    }

    fn state_values(&self) -> u64 {
        let history = self.channels as u64 * self.line() as u64 + SLACK as u64;
        history + 2 * self.channels as u64 + self.half() as u64 + 5
    }
}

impl BandpassFir {
    /// Samples of one channel's delay line: what [`BLOCK`] outputs need.
    fn line(&self) -> usize {
        self.taps - 1 + BLOCK
    }

    /// Number of distinct taps.
    fn half(&self) -> usize {
        self.taps.div_ceil(2)
    }

    /// Distance of tap `n` from the middle, in samples.
    fn distance(&self, n: usize) -> f64 {
        n as f64 - (self.taps - 1) as f64 / 2.0
    }

    pub(super) fn tap(&self, n: usize) -> f64 {
        let m = self.distance(n);
        let ideal = if m == 0.0 {
            self.high - self.low
        } else {
            (math::sin(PI * self.high * m) - math::sin(PI * self.low * m)) / (PI * m)
        };
        let hamming = 0.54 - 0.46 * math::cos(2.0 * PI * n as f64 / (self.taps - 1) as f64);
        ideal * hamming * self.scale
    }
}

impl BandpassFir {
    /// The sum of taps and samples of a delay line that is used as a ring, its youngest sample at `at`:
    /// where operations are calls, wrapping costs nothing and the code is small.
    fn wrapped_sum(&self, half: &[f32], line: &[f32], at: usize) -> f32 {
        let (mut newer, mut older) = (at, at);
        let mut sum = 0.0;
        for &tap in half {
            older = if older + 1 == self.taps { 0 } else { older + 1 };
            let both = if newer == older { line[newer] } else { line[newer] + line[older] };
            sum += tap * both;
            newer = if newer == 0 { self.taps - 1 } else { newer - 1 };
        }
        sum
    }
}

impl Kernel for BandpassFir {
    fn state_len(&self) -> usize {
        self.state_values() as usize
    }

    fn reset(&self, state: &mut [f32]) {
        let state = &mut state[..self.state_len()];
        state.fill(0.0);
        let taps = self.channels * (self.line() + 2) + SLACK;
        for (n, tap) in state[taps..][..self.half()].iter_mut().enumerate() {
            *tap = self.tap(n) as f32;
        }
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

    // On a board among all kernels its loop would run out of registers.
    #[cfg_attr(feature = "std", inline(always))]
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn process_abreast<const LANES: usize>(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        let channels = self.channels;
        let output = rows::check_stream(channels, input, state, self.state_len(), output)?;
        let (mut lines, rest) = state.split_at_mut(channels * self.line() + SLACK);
        let (mut helds, rest) = rest.split_at_mut(channels);
        let (mut origins, rest) = rest.split_at_mut(channels);
        let (half, rest) = rest.split_at_mut(self.half());
        let [age, step, excess, head, counter, ..] = rest else {
            return Err(KernelFault::StateLength);
        };
        let before = Start { age: *age as usize, step: *step, excess: *excess };
        if before.age == 0 {
            for (origin, &x) in origins.iter_mut().zip(input) {
                *origin = if rows::is_valid(x) { rows::coarse(x) } else { 0.0 };
            }
        }
        let mut after = before;
        if !HAS_FPU {
            let mut at = *head as usize;
            let rows = input.chunks_exact(channels).zip(output.chunks_exact_mut(channels));
            for (row, filtered) in rows {
                let gain = after.next(self, half);
                let lines =
                    lines.chunks_exact_mut(self.line()).zip(helds.iter_mut().zip(&*origins));
                for ((&x, y), (line, (held, origin))) in row.iter().zip(filtered).zip(lines) {
                    if rows::is_valid(x) {
                        *held = x;
                    } else {
                        rows::count(counter, 1);
                    }
                    line[at] = *held - origin;
                    *y = gain * origin + self.wrapped_sum(half, line, at);
                }
                at = if at + 1 == self.taps { 0 } else { at + 1 };
            }
            *head = at as f32;
            (*age, *step, *excess) = (after.age as f32, after.step, after.excess);
            return Ok(input.len());
        }
        let mut first = 0;
        while first < channels {
            let width = tile_channels(LANES).min(channels - first);
            let tile = Tile { channels, first, width, taps: self.taps, half };
            let (held, later) = core::mem::take(&mut helds).split_at_mut(width);
            let (origin, later_origins) = core::mem::take(&mut origins).split_at_mut(width);
            (helds, origins) = (later, later_origins);
            after = before;
            let outputs = output.chunks_mut(BLOCK * channels);
            for (rows, filtered) in input.chunks(BLOCK * channels).zip(outputs) {
                rows::count(counter, tile.take::<LANES>(lines, held, origin, rows));
                tile.filter::<LANES>(lines, rows.len() / channels, filtered);
                // No output is -0, so that adding 0 would change nothing; the last tile keeps the time.
                if origin.iter().any(|&origin| origin != 0.0) {
                    tile.restore(origin, || after.next(self, half), filtered);
                } else if first + width == channels {
                    after.skip(rows.len() / channels, self, half);
                }
                tile.advance(lines, rows.len() / channels);
            }
            lines = &mut core::mem::take(&mut lines)[width * self.line()..];
            first += width;
        }
        (*age, *step, *excess) = (after.age as f32, after.step, after.excess);
        Ok(input.len())
    }
}

/// Rows taken at once.
const BLOCK: usize = if cfg!(feature = "std") {
    96
} else if HAS_FPU {
    32
} else {
    1
};

/// Values that may be read, not used, behind the last delay line.
const SLACK: usize = if cfg!(feature = "std") { SUMS } else { 0 };

/// Outputs computed at once with the widest vectors; half as many with others.
const SUMS: usize = 128;

/// The response to a step from 0 to 1 at the very first row.
#[derive(Clone, Copy)]
struct Start {
    /// Rows since then, at most the number of taps.
    age: usize,
    /// The sum of the first `age` taps and, by Kahan's method, what it is too large by.
    step: f32,
    excess: f32,
}

impl Start {
    /// The response of the next row.
    #[cfg_attr(feature = "std", inline(always))]
    fn next(&mut self, kernel: &BandpassFir, half: &[f32]) -> f32 {
        if self.age == kernel.taps {
            return kernel.constant_gain;
        }
        let term = half[self.age.min(kernel.taps - 1 - self.age)] - self.excess;
        let next = self.step + term;
        self.excess = (next - self.step) - term;
        self.step = next;
        self.age += 1;
        next
    }

    /// Lets `rows` rows go by.
    #[cfg_attr(feature = "std", inline(always))]
    fn skip(&mut self, rows: usize, kernel: &BandpassFir, half: &[f32]) {
        for _ in 0..rows.min(kernel.taps - self.age) {
            self.next(kernel, half);
        }
    }
}

/// Some channels of the input and output, whose delay line has their rows one after the other.
#[derive(Clone, Copy)]
struct Tile<'t> {
    channels: usize,
    first: usize,
    width: usize,
    taps: usize,
    half: &'t [f32],
}

impl Tile<'_> {
    /// Puts the rows less the origins behind the delay line; returns the number of missing samples.
    #[cfg_attr(feature = "std", inline(always))]
    fn take<const LANES: usize>(
        self,
        line: &mut [f32],
        held: &mut [f32],
        origins: &[f32],
        input: &[f32],
    ) -> u32 {
        if LANES == 1 {
            let samples = input[self.first..].iter().step_by(self.channels);
            let line = &mut line[self.taps - 1..];
            return rows::hold_one(&mut held[0], samples, line, |sample| sample - origins[0]);
        }
        if self.channels == 1 {
            return rows::hold_line(&mut held[0], input, &mut line[self.taps - 1..], origins[0]);
        }
        let mut missing = 0;
        for_whole_groups!(LANES, 0..self.width, |N, lane| {
            let origin = load::<N>(&origins[lane..], N);
            let held = &mut held[lane..];
            let rows = &mut line[(self.taps - 1) * self.width..];
            let mut sink = Deviations::<N>::new(origin, rows, self.width, lane);
            missing += rows::hold(held, input, self.channels, self.first + lane, &mut sink);
        });
        missing
    }

    /// The sums of taps and samples for `rows` rows. Output i of the tile, counted along its rows, needs
    /// the samples i, i + width, ...: all outputs are alike, lanes over channels and time.
    #[cfg_attr(feature = "std", inline(always))]
    fn filter<const LANES: usize>(self, line: &[f32], rows: usize, output: &mut [f32]) {
        let Self { channels, first, width, .. } = self;
        if LANES == 1 {
            let mut outputs = output[first..].iter_mut().step_by(channels);
            for at in (0..rows).step_by(4) {
                for (sum, y) in self.sums_of_one::<4>(&line[at..]).into_iter().zip(&mut outputs) {
                    *y = sum;
                }
            }
        } else if LANES == 32 && width == 32 {
            let blocks = output[..rows * channels].chunks_mut(4 * channels);
            for (index, block) in blocks.enumerate() {
                let sums = self.sums_of_rows(line[index * SUMS..].as_chunks().0);
                for (row, sums) in block.chunks_exact_mut(channels).zip(&sums) {
                    store(sums, &mut row[first..], 32);
                }
            }
        } else if width == channels {
            self.flat::<LANES>(line, &mut output[..rows * width]);
        } else {
            let mut sums = Sums([0.0; tile_channels(MAX_LANES) * BLOCK]);
            self.flat::<LANES>(line, &mut sums.0[..rows * width]);
            for (row, sums) in output.chunks_exact_mut(channels).zip(sums.0.chunks_exact(width)) {
                row[first..first + width].copy_from_slice(sums);
            }
        }
    }

    #[cfg_attr(feature = "std", inline(always))]
    fn flat<const LANES: usize>(self, line: &[f32], sums: &mut [f32]) {
        let mut at = 0;
        while at < sums.len() {
            let left = sums.len() - at;
            // No more of the last ones than are wanted, to a vector.
            macro_rules! some {
                ($n:expr) => {{
                    store(&self.sums::<{ $n }>(&line[at..]), &mut sums[at..], left);
                    at += left.min($n);
                }};
            }
            if LANES == 32 && left > SUMS / 2 + SUMS / 4 {
                some!(SUMS);
            } else if left > SUMS / 4 {
                some!(SUMS / 2);
            } else if left > SUMS / 8 {
                some!(SUMS / 4);
            } else {
                some!(SUMS / 8);
            }
        }
    }

    /// N sums of taps and samples.
    #[inline(always)]
    fn sums<const N: usize>(self, line: &[f32]) -> [f32; N] {
        let Self { width, taps, half, .. } = self;
        let mut sums = [0.0; N];
        for (n, &tap) in half.iter().enumerate().take(taps / 2) {
            let newer = load::<N>(&line[(taps - 1 - n) * width..], N);
            let older = load::<N>(&line[n * width..], N);
            for i in 0..N {
                sums[i] += tap * (newer[i] + older[i]);
            }
        }
        if taps % 2 == 1 {
            let middle = load::<N>(&line[taps / 2 * width..], N);
            for i in 0..N {
                sums[i] += half[taps / 2] * middle[i];
            }
        }
        sums
    }

    /// The sums of four rows of 32 channels. Both windows of samples move by one row a tap and stay in
    /// registers, 24 of the widest with the sums: a load for each would take as long as the additions.
    #[inline(always)]
    fn sums_of_rows(self, rows: &[[f32; 32]]) -> [[f32; 32]; 4] {
        let (taps, half) = (self.taps, self.half);
        let pairs = taps / 2;
        let mut sums = [[0.0_f32; 32]; 4];
        let rows = &rows[..taps + 3];
        let (Some(newer), Some(older)) = (rows.last_chunk::<4>(), rows.first_chunk::<4>()) else {
            return sums;
        };
        let (mut newer, mut older) = (*newer, *older);
        // Where the four rows of either window are.
        macro_rules! add {
            ($tap:expr, $new:expr, $old:expr) => {
                let (tap, new, old): (f32, [usize; 4], [usize; 4]) = ($tap, $new, $old);
                for i in 0..32 {
                    for row in 0..4 {
                        sums[row][i] += tap * (newer[new[row]][i] + older[old[row]][i]);
                    }
                }
            };
        }
        let entering_newer = rows[..taps - 1].as_rchunks::<4>().1.iter().rev();
        let entering = entering_newer.zip(rows[4..].as_chunks::<4>().0);
        for (taps, (new, old)) in half[..pairs].as_chunks::<4>().0.iter().zip(entering) {
            add!(taps[0], [0, 1, 2, 3], [0, 1, 2, 3]);
            (newer[3], older[0]) = (new[3], old[0]);
            add!(taps[1], [3, 0, 1, 2], [1, 2, 3, 0]);
            (newer[2], older[1]) = (new[2], old[1]);
            add!(taps[2], [2, 3, 0, 1], [2, 3, 0, 1]);
            (newer[1], older[2]) = (new[1], old[2]);
            add!(taps[3], [1, 2, 3, 0], [3, 0, 1, 2]);
            (newer[0], older[3]) = (new[0], old[3]);
        }
        for n in pairs / 4 * 4..pairs {
            for i in 0..32 {
                for row in 0..4 {
                    sums[row][i] += half[n] * (rows[taps - 1 - n + row][i] + rows[n + row][i]);
                }
            }
        }
        if taps % 2 == 1 {
            for i in 0..32 {
                for row in 0..4 {
                    sums[row][i] += half[pairs] * rows[pairs + row][i];
                }
            }
        }
        sums
    }

    /// N sums of one channel. Both windows of samples move by one a tap and stay in registers: with N = 4
    /// they do, with 8 the compiler runs out of a Cortex-M4F's 32.
    #[inline(always)]
    fn sums_of_one<const N: usize>(self, line: &[f32]) -> [f32; N] {
        let (taps, half) = (self.taps, self.half);
        let pairs = taps / 2;
        let mut sums = [0.0_f32; N];
        let line = &line[..taps + N - 1];
        let ends = (line.last_chunk::<N>(), line.first_chunk::<N>());
        let (Some(&(mut newer)), Some(&(mut older))) = ends else {
            return sums;
        };
        let mut add = |tap: f32, entering_newer: f32, entering_older: f32| {
            for i in 0..N {
                sums[i] += tap * (newer[i] + older[i]);
            }
            newer = core::array::from_fn(|i| if i == 0 { entering_newer } else { newer[i - 1] });
            older = core::array::from_fn(|i| older.get(i + 1).copied().unwrap_or(entering_older));
        };
        let entering_newer = line[..taps - 1].as_rchunks::<8>().1.iter().rev();
        let entering = entering_newer.zip(line[N..].as_chunks::<8>().0);
        for (taps_now, (new, old)) in half[..pairs].as_chunks::<8>().0.iter().zip(entering) {
            for i in 0..8 {
                add(taps_now[i], new[7 - i], old[i]);
            }
        }
        for n in pairs / 8 * 8..pairs {
            add(half[n], line[taps - 2 - n], line[n + N]);
        }
        if taps % 2 == 1 {
            for i in 0..N {
                sums[i] += half[pairs] * older[i];
            }
        }
        sums
    }

    /// Adds what the constants that were taken off the input give; `next_gain` is of row after row.
    #[cfg_attr(feature = "std", inline(always))]
    fn restore(self, origins: &[f32], mut next_gain: impl FnMut() -> f32, output: &mut [f32]) {
        for row in output.chunks_exact_mut(self.channels) {
            let gain = next_gain();
            for (y, origin) in row[self.first..].iter_mut().zip(origins) {
                *y += gain * origin;
            }
        }
    }

    /// Lets `rows` rows leave the delay line.
    #[cfg_attr(feature = "std", inline(always))]
    fn advance(self, line: &mut [f32], rows: usize) {
        rows::advance(&mut line[..(self.taps - 1 + rows) * self.width], rows * self.width);
    }
}

/// Sums of a block on their way to the output.
#[repr(C, align(64))]
struct Sums([f32; tile_channels(MAX_LANES) * BLOCK]);

#[cfg(test)]
mod tests {
    use super::*;

    /// An impulse plays the taps back: symmetric, and of unit gain at 19 Hz (by construction),
    /// of no gain at 0 Hz (Hamming side lobes: below -50 dB).
    #[test]
    #[cfg_attr(miri, ignore = "minutes: every sample computes every tap")]
    fn impulse_response_is_the_design() {
        let shape = KernelShape { channels: 1, window: 160, hop: 80, sample_rate_hz: 160.0 };
        for taps in [129, 64] {
            let params = BandpassFirParams { taps, ..BandpassFirParams::default() };
            let kernel = BandpassFir::design(&params, shape).expect("valid");
            let mut state = [0.0; 600];
            kernel.reset(&mut state);
            let mut input = [0.0; 200];
            input[0] = 1.0;
            let mut h = [0.0; 200];
            kernel.process(&mut state, &input, &mut h).expect("lengths are right");
            assert!(h[taps..].iter().all(|&y| y == 0.0));
            assert!((0..taps).all(|n| h[n] == h[taps - 1 - n]));
            let gain = |hz: f64| -> f64 {
                (0..taps)
                    .map(|n| {
                        f64::from(h[n]) * math::cos(2.0 * PI * hz / 160.0 * kernel.distance(n))
                    })
                    .sum()
            };
            assert!((gain(19.0) - 1.0).abs() < 1e-6);
            assert!(gain(0.0).abs() < 0.003, "{}", gain(0.0));
        }
    }
}
