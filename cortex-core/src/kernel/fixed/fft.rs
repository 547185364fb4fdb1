//! `fft` in fixed point. Output steps have 32 bits: the spectrum of the steps, shifted by the bits
//! that are free ([`shift_of`]).

use super::super::Fft as Single;
use super::rfft::{rfft, shift_of, sines_len, write_sines};
use super::ring::{Counters, Ring};
use super::word::{Word, shifted};
use core::marker::PhantomData;

/// The spectrum of samples of type `W`.
#[derive(Clone, Debug)]
pub(super) struct Fft<W> {
    ring: Ring<W>,
    nfft: usize,
}

impl<W: Word> Fft<W> {
    pub fn of(single: &Single) -> Self {
        let (channels, window, nfft) = (single.ring.channels, single.ring.window, single.nfft);
        let (scratch, tables) = (nfft, sines_len(nfft));
        Self { ring: Ring { channels, window, scratch, tables, word: PhantomData }, nfft }
    }

    /// Output steps are this power of two of the input's steps.
    pub fn shift(&self) -> i32 {
        shift_of::<W>(self.nfft)
    }

    pub fn state_len(&self) -> u64 {
        self.ring.state_len()
    }

    pub fn reset(&self, state: &mut [i32]) {
        write_sines::<W>(self.nfft, self.ring.tables(state));
    }

    pub fn output_len(&self) -> usize {
        (self.nfft / 2 + 1) * self.ring.channels * 2
    }

    pub fn process(
        &self,
        state: &mut [i32],
        input: &[i32],
        output: &mut [i32],
        counters: &mut Counters,
    ) {
        let Ring { channels, window, .. } = self.ring;
        let shift = self.shift();
        let Some(parts) = self.ring.take(state, input, counters) else { return };
        let lines = parts.lines();
        let z = parts.scratch.as_chunks_mut::<2>().0;
        for (channel, line) in lines.enumerate() {
            let sample = |t| if t < window { shifted(line.sample(t), shift) } else { 0 };
            rfft::<W>(z, parts.tables, sample, |bin, re, im| {
                let place = (bin * channels + channel) * 2;
                output[place] = re;
                output[place + 1] = im;
            });
        }
    }
}
