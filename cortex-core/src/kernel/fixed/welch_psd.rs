//! `welch_psd` in fixed point. A segment's samples enter as in [`rfft`](super::rfft), their mean is
//! rounded in those finer steps, and each is weighed once. The power of a bin is a whole number of
//! up to 60 bits, rounded once to single precision; the average over segments is that of the
//! single-precision form, in its order, and the output is in its unit.

use super::super::WelchPsd as Single;
use super::rfft::{rfft, shift_of, sines_len, write_sines};
use super::ring::{Counters, Ring};
use super::word::{Word, in_units, shifted};
use crate::math;
use core::marker::PhantomData;

/// Power spectral density of samples of type `W`.
#[derive(Clone, Debug)]
pub(super) struct WelchPsd<W> {
    ring: Ring<W>,
    nperseg: usize,
    step: usize,
    nfft: usize,
    /// What one unit of a bin's power is, in uV^2/Hz.
    scale: f32,
}

impl<W: Word> WelchPsd<W> {
    pub fn of(single: &Single, scale_uv: f64) -> Self {
        let Single { nperseg, step, nfft, .. } = *single;
        let (channels, window) = (single.ring.channels, single.ring.window);
        let tables = single.half() + sines_len(nfft);
        let ring = Ring { channels, window, scratch: nfft, tables, word: PhantomData };
        let step_uv = scale_uv / super::power_of_two(shift_of::<W>(nfft));
        let scale = f64::from(single.scale) * step_uv * step_uv;
        Self { ring, nperseg, step, nfft, scale: scale as f32 }
    }

    pub fn state_len(&self) -> u64 {
        self.ring.state_len()
    }

    pub fn reset(&self, state: &mut [i32]) {
        let (hann, sines) = self.ring.tables(state).split_at_mut(self.nperseg / 2 + 1);
        write_sines::<W>(self.nfft, sines);
        for (n, weight) in hann.iter_mut().enumerate() {
            let sine = math::sin(core::f64::consts::PI * n as f64 / self.nperseg as f64);
            *weight = in_units::<W>(sine * sine);
        }
    }

    pub fn output_len(&self) -> usize {
        (self.nfft / 2 + 1) * self.ring.channels
    }

    pub fn process(
        &self,
        state: &mut [i32],
        input: &[i32],
        output: &mut [f32],
        counters: &mut Counters,
    ) {
        let Self { nperseg, nfft, scale, .. } = *self;
        let channels = self.ring.channels;
        let shift = shift_of::<W>(nfft);
        let Some(parts) = self.ring.take(state, input, counters) else { return };
        let (hann, sines) = parts.tables.split_at(nperseg / 2 + 1);
        let segments = (self.ring.window - nperseg) / self.step + 1;
        let lines = parts.lines();
        let z = parts.scratch.as_chunks_mut::<2>().0;
        for (channel, line) in lines.enumerate() {
            for segment in 0..segments {
                let start = segment * self.step;
                let sample = |t| shifted(line.sample(start + t), shift);
                // Below 2^29.
                let sum: i32 = (0..nperseg).map(sample).sum();
                let mean = super::word::Q15::mean(sum, nperseg as u32);
                let tapered = |t| {
                    if t < nperseg {
                        W::weigh(sample(t) - mean, hann[t.min(nperseg - t)])
                    } else {
                        0
                    }
                };
                rfft::<W>(z, sines, tapered, |bin, re, im| {
                    let power = super::squared(re) + super::squared(im);
                    let one_sided = if bin == 0 || bin == nfft / 2 { scale } else { 2.0 * scale };
                    let density = &mut output[bin * channels + channel];
                    let before = if segment == 0 { 0.0 } else { *density };
                    *density = before + one_sided * power as f32;
                    if segment + 1 == segments && segments > 1 {
                        *density /= segments as f32;
                    }
                });
            }
        }
    }
}
