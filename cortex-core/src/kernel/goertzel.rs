//! `goertzel`: power of each window in frequency bands, by Goertzel's algorithm.
//!
//! For a band from `low_hz` to `high_hz` the output is the sum of `|X[k]|^2` over the bins
//! `k = round(low_hz W/fs) ..= round(high_hz W/fs)` (halves round up, both ends belong to the band), where
//! `X[k] = sum x[n] exp(-2 pi i k n/W)`: equal to summing `abs(numpy.fft.rfft(window))**2`. No window
//! function and no scaling, in uV^2; the default bands are alpha (8-13 Hz) and beta (13-30 Hz).
//!
//! Source: Goertzel, "An algorithm for the evaluation of finite trigonometric series", Amer. Math.
//! Monthly 65 (1958), in Reinsch's form (Stoer and Bulirsch, "Introduction to Numerical Analysis", section 2.3).
//! The textbook recurrence `s = x + 2 cos(w) s1 - s2` loses u/sin(w) per step, 4e-5 for 8 Hz
//! at 1 kHz. Reinsch carries the difference `d = s - s1` and `K = 4 sin^2(w/2)`:
//!
//! ```text
//! d += x - K s;  s += d;     |X|^2 = (d - K s/2)^2 + K (1 - K/4) s^2
//! ```
//!
//! For w above pi/2 the samples alternate in sign, which mirrors w to pi - w. Now each rounding is worth
//! u of |X| in the result: expected error about u sqrt(W) of a band's amplitude, 2 u sqrt(W) of its
//! power: 2e-6 at W = 160, 4e-6 at W = 1,000, for bands that are not far below the rest of
//! the signal.
//!
//! A constant is orthogonal to every bin but the first, so each window is taken relative to its oldest
//! sample, rounded to a multiple of 256 uV: an electrode's offset of tens of millivolts would otherwise add its own
//! rounding errors to bands a millionth of its power.
//!
//! A missing sample is replaced by the channel's previous one.

use super::lanes::{BASELINE_LANES, HAS_FPU, for_groups, load, store};
use super::ring::{Ring, Tile};
use super::rows::coarse;
use super::{Design, Info, Kernel, KernelError, KernelFault, KernelShape, Output};
use crate::math;
use crate::parameter::{ParameterError, below_nyquist, list, parameters, required_number};
use heapless::Vec;

/// Greatest number of bands.
pub const MAX_BANDS: usize = 8;

/// Alpha and beta.
const DEFAULT_BANDS: [Band; 2] =
    [Band { low_hz: 8.0, high_hz: 13.0 }, Band { low_hz: 13.0, high_hz: 30.0 }];

parameters! {
    /// A frequency band, both ends included.
    #[derive(Copy)]
    pub struct Band {
        /// Lower edge.
        pub low_hz: f64 = required_number("Hz", 0.0, f64::INFINITY),
        /// Upper edge; equal to the lower one, it means the one nearest bin.
        pub high_hz: f64 = required_number("Hz", 0.0, f64::INFINITY)
            .limit("at least low_hz, below half the sample rate"),
    }
}

parameters! {
    /// Parameters of [`Goertzel`].
    #[serde(default)]
    pub struct GoertzelParams {
        /// The bands.
        pub bands: Vec<Band, MAX_BANDS> =
            list(&DEFAULT_BANDS, "8-13 Hz and 13-30 Hz", 1, MAX_BANDS, Band::PARAMETERS),
    }
}

/// Band power of each window. Output per call: bands x channels, in uV^2.
#[derive(Clone, Debug)]
pub struct Goertzel {
    pub(super) ring: Ring,
    /// First and last bin of each band.
    pub(super) bands: Vec<(u32, u32), MAX_BANDS>,
}

impl Design for Goertzel {
    const INFO: Info<'static> = Info {
        name: "goertzel",
        summary: "band power by Goertzel's algorithm",
        output: Output::Window { shape: "bands x channels", unit: "uV^2" },
        parameters: GoertzelParams::PARAMETERS,
    };

    type Params = GoertzelParams;

    fn design(params: &GoertzelParams, shape: KernelShape) -> Result<Self, KernelError> {
        if params.bands.is_empty() {
            return Err(KernelError::NoBands);
        }
        let rate = shape.sample_rate_hz;
        let mut bands = Vec::new();
        for band in &params.bands {
            if !(band.low_hz >= 0.0 && band.low_hz.is_finite()) {
                let (value, max) = (band.low_hz, rate / 2.0);
                let error =
                    ParameterError::OutOfRange { parameter: "low_hz", value, min: 0.0, max };
                return Err(error.into());
            }
            below_nyquist("high_hz", band.high_hz, rate)?;
            if band.low_hz > band.high_hz {
                let Band { low_hz, high_hz } = *band;
                return Err(KernelError::EmptyBand { low_hz, high_hz });
            }
            let bin = |frequency_hz: f64| (frequency_hz * shape.window as f64 / rate + 0.5) as u32;
            // Cannot be full: the parameters hold as many.
            let _ = bands.push((bin(band.low_hz), bin(band.high_hz)));
        }
        let ring = Ring { channels: shape.channels, window: shape.window, scratch: 0, tables: 0 };
        let mut kernel = Self { ring, bands };
        kernel.ring.tables = kernel.bins().count();
        Ok(kernel)
    }

    fn state_values(&self) -> u64 {
        self.ring.state_len()
    }
}

impl Goertzel {
    /// The bins of all bands, one after the other.
    pub(super) fn bins(&self) -> impl Iterator<Item = u32> {
        self.bands.iter().flat_map(|&(first, last)| first..=last)
    }

    /// Whether bin `k` lies above a quarter of the sample rate.
    fn is_upper(&self, k: u32) -> bool {
        4 * u64::from(k) > self.ring.window as u64
    }
}

/// The sign of a number.
const SIGN: u32 = 1 << 31;

/// Bins of one channel that share one pass over the samples.
const BINS_ABREAST: usize = 32;

/// Bins of many channels, or of one in a board's registers, that share one pass over the samples: with six
/// the widest vectors, of which there are 32, were slower.
const BINS_A_PASS: usize = 4;

impl Goertzel {
    /// The powers of N channels (`width` of them). Bins of one band or of several share a pass: with few of
    /// them it would wait for their sums.
    #[cfg_attr(feature = "std", inline(always))]
    fn channels_abreast<const N: usize, const LANES: usize>(
        &self,
        tile: &Tile<'_>,
        lane: usize,
        width: usize,
        mut factors: &[f32],
        mut output: &mut [f32],
    ) {
        let origin = tile.row::<N>(0, lane, width).map(coarse);
        let window = Window { tile, line: None, lane, width, origin };
        let (mut bands, mut power) = (self.bands.iter(), [0.0; N]);
        let Some(mut band) = bands.next() else { return };
        let mut k = band.0;
        while !factors.is_empty() {
            // Bins of one pass lie on one side of a quarter of the sample rate.
            let upper = self.is_upper(k);
            let (mut pass, mut ends) = ([k; BINS_A_PASS], [false; BINS_A_PASS]);
            let mut count = 0;
            while count < BINS_A_PASS.min(factors.len()) && self.is_upper(k) == upper {
                (pass[count], ends[count]) = (k, k == band.1);
                if k < band.1 {
                    k += 1;
                } else if let Some(next) = bands.next() {
                    (band, k) = (next, next.0);
                }
                count += 1;
            }
            let turn = if upper { SIGN } else { 0 };
            let mut powers = [[0.0; N]; BINS_A_PASS];
            macro_rules! fill {
                ($n:expr) => {
                    if let (Some(&bins), Some(&factors)) =
                        (pass.first_chunk(), factors.first_chunk())
                    {
                        let filled = window.powers::<{ $n }>(bins, factors, turn);
                        powers[..$n].copy_from_slice(&filled);
                    }
                };
            }
            match count {
                4 => fill!(4),
                3 => fill!(3),
                2 => fill!(2),
                _ => fill!(1),
            }
            factors = &factors[count..];
            for (bin, ends) in powers[..count].iter().zip(ends) {
                for i in 0..N {
                    power[i] += bin[i];
                }
                if ends {
                    let (powers, rest) =
                        core::mem::take(&mut output).split_at_mut(self.ring.channels);
                    store(&power, &mut powers[tile.first + lane..], width);
                    (output, power) = (rest, [0.0; N]);
                }
            }
        }
    }

    /// The powers of one channel, some bins at a time, in a board's registers.
    #[cfg_attr(feature = "std", inline(always))]
    fn bins_in_registers<const N: usize, const LANES: usize>(
        &self,
        tile: &Tile<'_>,
        lane: usize,
        width: usize,
        mut factors: &[f32],
        output: &mut [f32],
    ) {
        let (line, origin) = (tile.line::<LANES>(), tile.row::<N>(0, lane, width).map(coarse));
        let window = Window { tile, line, lane, width, origin };
        for (&(first, last), powers) in
            self.bands.iter().zip(output.chunks_exact_mut(self.ring.channels))
        {
            let mut power = [0.0; N];
            let mut k = first;
            while k <= last {
                // Bins of one pass lie on one side of a quarter of the sample rate.
                let upper = self.is_upper(k);
                let mut count = 1;
                while HAS_FPU
                    && count < BINS_A_PASS as u32
                    && k + count <= last
                    && self.is_upper(k + count) == upper
                {
                    count += 1;
                }
                let turn = if upper { SIGN } else { 0 };
                if !HAS_FPU {
                    // One bin a pass: its operations are calls, and registers count for nothing.
                    let Some((factor, rest)) = factors.split_first() else { break };
                    factors = rest;
                    window.add_powers(k, [*factor], turn, &mut power);
                    k += 1;
                    continue;
                }
                let (now, rest) = factors.split_at(count as usize);
                factors = rest;
                match now {
                    [a, b, c, d] => window.add_powers(k, [*a, *b, *c, *d], turn, &mut power),
                    [a, b, c] => window.add_powers(k, [*a, *b, *c], turn, &mut power),
                    [a, b] => window.add_powers(k, [*a, *b], turn, &mut power),
                    [a] => window.add_powers(k, [*a], turn, &mut power),
                    _ => {}
                }
                k += count;
            }
            store(&power, &mut powers[tile.first + lane..], width);
        }
    }

    /// The powers of one channel, N bins at a time.
    #[cfg_attr(feature = "std", inline(always))]
    fn bins_abreast<const N: usize>(
        &self,
        tile: &Tile<'_>,
        lane: usize,
        factors: &[f32],
        output: &mut [f32],
    ) {
        let [origin] = tile.row::<1>(0, lane, 1).map(coarse);
        let constant = origin * self.ring.window as f32;
        // Mostly all bins are alike: above 0 Hz and not above a quarter of the sample rate.
        let alike = self.bands.iter().all(|&(first, last)| first > 0 && !self.is_upper(last));
        let mut bins = self.bins();
        let (mut band, mut left, mut power) = (0, 0, 0.0);
        for factors in factors.chunks(N) {
            let (mut turn, mut offset) = ([1.0; N], [0.0; N]);
            if !alike {
                for (i, k) in bins.by_ref().take(factors.len()).enumerate() {
                    turn[i] = if self.is_upper(k) { -1.0 } else { 1.0 };
                    offset[i] = if k == 0 { constant } else { 0.0 };
                }
            }
            let factor = load::<N>(factors, factors.len());
            let (mut s, mut d, mut sign) = ([0.0; N], [0.0; N], [1.0; N]);
            // Loops, not iterators' methods: a closure is compiled without the caller's vectors.
            for piece in tile.pieces() {
                for row in piece.chunks_exact(tile.width) {
                    let x = row[lane] - origin;
                    for i in 0..N {
                        d[i] += sign[i] * x - factor[i] * s[i];
                        s[i] += d[i];
                        sign[i] *= turn[i];
                    }
                }
            }
            let mut powers = [0.0; N];
            for i in 0..N {
                powers[i] = bin_power(s[i], d[i] + offset[i], factor[i]);
            }
            for &bin in &powers[..factors.len()] {
                if left == 0 {
                    let (first, last) = self.bands[band];
                    (left, power) = (last - first + 1, 0.0);
                }
                power += bin;
                left -= 1;
                if left == 0 {
                    output[band * self.ring.channels + tile.first + lane] = power;
                    band += 1;
                }
            }
        }
    }
}

/// The window of N channels.
struct Window<'t, 's, const N: usize> {
    tile: &'t Tile<'s>,
    /// All samples of one channel, where they lie in order.
    line: Option<&'s [f32]>,
    lane: usize,
    width: usize,
    /// What is taken off every sample.
    origin: [f32; N],
}

impl<const N: usize> Window<'_, '_, N> {
    /// Adds the powers of bins `k`, `k + 1`, ..., one after the other. `turn` holds the sign bit when the
    /// samples' signs alternate.
    #[cfg_attr(feature = "std", inline(always))]
    fn add_powers<const B: usize>(
        &self,
        k: u32,
        factors: [f32; B],
        turn: u32,
        power: &mut [f32; N],
    ) {
        let [s, d] = self.recur(factors, turn);
        for b in 0..B {
            for i in 0..N {
                let constant =
                    if k == 0 && b == 0 { self.origin[i] * self.tile.window() as f32 } else { 0.0 };
                power[i] += bin_power(s[b][i], d[b][i] + constant, factors[b]);
            }
        }
    }

    /// The powers of `bins`. `turn` as in [`Window::add_powers`].
    #[inline(always)]
    fn powers<const B: usize>(
        &self,
        bins: [u32; B],
        factors: [f32; B],
        turn: u32,
    ) -> [[f32; N]; B] {
        let [s, d] = self.recur(factors, turn);
        let mut powers = [[0.0; N]; B];
        for b in 0..B {
            for i in 0..N {
                let constant =
                    if bins[b] == 0 { self.origin[i] * self.tile.window() as f32 } else { 0.0 };
                powers[b][i] = bin_power(s[b][i], d[b][i] + constant, factors[b]);
            }
        }
        powers
    }

    /// The last sums and differences of B bins.
    #[inline(always)]
    fn recur<const B: usize>(&self, factors: [f32; B], turn: u32) -> [[[f32; N]; B]; 2] {
        let mut s = [[0.0; N]; B];
        let mut d = [[0.0; N]; B];
        let mut sign = 0;
        macro_rules! take {
            ($row:expr, $i:ident) => {
                // Nothing to take off, as mostly: no call where operations are calls.
                let x = match self.origin[$i].to_bits() {
                    0 if N == 1 && !HAS_FPU => $row[$i],
                    _ => $row[$i] - self.origin[$i],
                };
                let x = f32::from_bits(x.to_bits() ^ sign);
                for b in 0..B {
                    d[b][$i] += x - factors[b] * s[b][$i];
                    s[b][$i] += d[b][$i];
                }
            };
        }
        if N == 1
            && turn == 0
            && let Some(line) = self.line
        {
            // A board's loop: a sample, its origin, the bins.
            for row in line.as_chunks::<1>().0 {
                let i = 0;
                take!(row, i);
            }
        } else {
            for places in self.tile.places() {
                for place in places {
                    let row = self.tile.at::<N>(place, self.lane, self.width);
                    for i in 0..N {
                        take!(row, i);
                    }
                    sign ^= turn;
                }
            }
        }
        [s, d]
    }
}

/// |X|^2 from the last sum and difference.
#[inline(always)]
fn bin_power(s: f32, d: f32, factor: f32) -> f32 {
    let real = d - 0.5 * factor * s;
    real * real + factor * (1.0 - 0.25 * factor) * s * s
}

/// Up to so many channels are faster one by one.
const FEW_CHANNELS: usize = 6;

impl Kernel for Goertzel {
    fn state_len(&self) -> usize {
        self.state_values() as usize
    }

    fn reset(&self, state: &mut [f32]) {
        let factors = self.ring.reset(state);
        for (factor, k) in factors.iter_mut().zip(self.bins()) {
            let half = core::f64::consts::PI * f64::from(k) / self.ring.window as f64;
            let chord = 2.0 * if self.is_upper(k) { math::cos(half) } else { math::sin(half) };
            *factor = (chord * chord) as f32;
        }
    }

    fn output_len(&self, _rows: usize) -> usize {
        self.bands.len() * self.ring.channels
    }

    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        self.process_abreast::<BASELINE_LANES>(state, input, output)
    }

    // On a board among all kernels its loops would run out of registers.
    #[cfg_attr(feature = "std", inline(always))]
    #[cfg_attr(all(target_abi = "eabihf", not(feature = "std")), inline(never))]
    fn process_abreast<const LANES: usize>(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        let output_len = self.output_len(1);
        let mut parts = self.ring.take::<LANES>(state, input, output, output_len)?;
        while let Some(tile) = parts.tiles.next_tile::<LANES>() {
            for_groups!(LANES, FEW_CHANNELS, 0..tile.width, |N, lane, width| {
                if N == 1 && LANES > 1 {
                    self.bins_abreast::<BINS_ABREAST>(&tile, lane, parts.tables, output);
                } else if LANES > 1 {
                    self.channels_abreast::<N, LANES>(&tile, lane, width, parts.tables, output);
                } else {
                    self.bins_in_registers::<N, LANES>(&tile, lane, width, parts.tables, output);
                }
            });
        }
        Ok(output_len)
    }
}
