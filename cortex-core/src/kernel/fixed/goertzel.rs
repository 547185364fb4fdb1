//! `goertzel` in fixed point: Reinsch's recurrence of the [single-precision
//! form](super::super::Goertzel) in 32-bit sums, relative to the window's oldest sample.
//!
//! ```text
//! d += x - K s;  s += d;     re = d - K s/2,  im = s sin w
//! ```
//!
//! s stays below `2 W / sin w` times the largest sample (below `W (W + 1)` times at bin 0), so samples enter
//! shifted by as many bits as keep that of every bin below 2^30. Where a long window leaves a bin near 0
//! or half the sample rate fewer than four bits of a sample, the kernel is refused. K has 29 fractional
//! bits, sin w 30; each product is rounded once. A bin's power is a whole number of up to 62 bits; a
//! band's is their sum, rounded once to single precision, times the unit.

use super::super::{Goertzel as Single, KernelError, goertzel::MAX_BANDS};
use super::FixedType;
use super::ring::{Counters, Line, Ring};
use super::word::{Word, rounded, shifted};
use crate::math;
use core::marker::PhantomData;
use heapless::Vec;

/// Fractional bits of K, which is at most 2.
const FACTOR_BITS: u32 = 29;
/// Fractional bits of sines.
const SINE_BITS: u32 = 30;

/// The power of samples of type `W` in bands. Tables: K of every bin, then its sine.
#[derive(Clone, Debug)]
pub(super) struct Goertzel<W> {
    ring: Ring<W>,
    bands: Vec<(u32, u32), MAX_BANDS>,
    /// Samples enter times 2^shift.
    shift: i32,
    /// What one unit of power is, in uV^2.
    unit: f32,
}

impl<W: Word> Goertzel<W> {
    pub fn of(single: &Single, scale_uv: f64, dtype: FixedType) -> Result<Self, KernelError> {
        let (channels, window) = (single.ring.channels, single.ring.window);
        let length = window as f64;
        // Differences of samples are twice as large as these.
        let mut bound = 2.0 * length * core::f64::consts::SQRT_2;
        for k in single.bins() {
            let sine = math::sin(2.0 * core::f64::consts::PI * f64::from(k) / length);
            let growth = 2.0 * length / sine.abs().max(2.0 / (length + 1.0));
            bound = if growth > bound { growth } else { bound };
        }
        let mut shift = 30 - W::BITS as i32;
        while bound > 1.0 {
            bound /= 2.0;
            shift -= 1;
        }
        if shift < -11 - (W::BITS as i32 - 15) {
            let value = length;
            return Err(KernelError::FixedPointRange { parameter: "window", value, dtype });
        }
        let step_uv = scale_uv / super::power_of_two(shift);
        let tables = 2 * single.ring.tables;
        let ring = Ring { channels, window, scratch: 0, tables, word: PhantomData };
        let unit = (step_uv * step_uv) as f32;
        Ok(Self { ring, bands: single.bands.clone(), shift, unit })
    }

    pub fn state_len(&self) -> u64 {
        self.ring.state_len()
    }

    pub fn reset(&self, state: &mut [i32]) {
        let window = self.ring.window;
        let tables = self.ring.tables(state);
        let (factors, sines) = tables.split_at_mut(tables.len() / 2);
        let bins = self.bands.iter().flat_map(|&(first, last)| first..=last);
        for ((factor, sine), k) in factors.iter_mut().zip(sines).zip(bins) {
            let half = core::f64::consts::PI * f64::from(k) / window as f64;
            let (near, far) = (math::sin(half), math::cos(half));
            let chord = if is_upper(k, window) { far } else { near };
            *factor = rounded(4.0 * chord * chord * (1_u32 << FACTOR_BITS) as f64);
            *sine = rounded(2.0 * near * far * (1_u32 << SINE_BITS) as f64);
        }
    }

    pub fn output_len(&self) -> usize {
        self.bands.len() * self.ring.channels
    }

    pub fn process(
        &self,
        state: &mut [i32],
        input: &[i32],
        output: &mut [f32],
        counters: &mut Counters,
    ) {
        let channels = self.ring.channels;
        let Some(parts) = self.ring.take(state, input, counters) else { return };
        let (factors, sines) = parts.tables.split_at(parts.tables.len() / 2);
        for (channel, line) in parts.lines().enumerate() {
            let mut tables = factors.iter().zip(sines);
            for (band, &(first, last)) in self.bands.iter().enumerate() {
                let mut power = 0;
                for (k, (&factor, &sine)) in (first..=last).zip(&mut tables) {
                    power += self.power(&line, k, factor, sine);
                }
                output[band * channels + channel] = power as f32 * self.unit;
            }
        }
    }

    /// |X|^2 of bin k.
    fn power(&self, line: &Line<'_>, k: u32, factor: i32, sine: i32) -> u64 {
        let window = self.ring.window;
        let origin = shifted(line.sample(0), self.shift);
        let (mut s, mut d) = (0_i32, 0_i32);
        // Above a quarter of the sample rate the samples alternate in sign: -1 then.
        let turn = -i32::from(is_upper(k, window));
        let mut sign = 0;
        for piece in line.pieces() {
            for &x in piece {
                let x = shifted(x, self.shift) - origin;
                // Negated where `sign` is -1.
                let x = (x ^ sign) - sign;
                d += x - product(s, factor, FACTOR_BITS);
                s += d;
                sign ^= turn;
            }
        }
        if k == 0 {
            d += origin * window as i32;
        }
        let real = d - product(s, factor, FACTOR_BITS + 1);
        let imaginary = product(s, sine, SINE_BITS);
        super::squared(real) + super::squared(imaginary)
    }
}

/// Whether bin `k` lies above a quarter of the sample rate.
fn is_upper(k: u32, window: usize) -> bool {
    4 * u64::from(k) > window as u64
}

/// `x y / 2^bits`, half up.
#[inline(always)]
fn product(x: i32, y: i32, bits: u32) -> i32 {
    ((i64::from(x) * i64::from(y) + (1 << (bits - 1))) >> bits) as i32
}
