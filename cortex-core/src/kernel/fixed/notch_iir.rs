//! `notch_iir` in fixed point: the state-variable filter of the [single-precision
//! form](super::super::NotchIir), on half the band-pass output, so that no coefficient reaches 1:
//!
//! ```text
//! v = x - b;  w = c1 a + c2 v;  y = x - k w;  a' = 2 w - a;  b' = b + 2 (c2 a + c3 v)
//! ```
//!
//! At the notch's frequency both states are Q times the input. So samples enter shifted by as many bits
//! as leave every sum below 2^29: the response of a state to any input of magnitude 1 stays below
//! 4/pi Q + 2 (a resonance driven by a square wave, and what is left at its sides). The output is the
//! input less a rounded step count, and saturates.

use super::super::{KernelError, KernelShape, NotchIir as Single, NotchIirParams};
use super::FixedType;
use super::ring::Counters;
use super::word::{Factor, Word, shifted};
use core::marker::PhantomData;

/// Bits that hold every sum of the filter.
const SUM_BITS: i32 = 29;

/// Most bits that a sample may lose at the filter's input, so that at least 12 are left.
const LEAST_SHIFT_Q15: i32 = -3;

/// A notch of samples of type `W`. State: the last valid sample and both states of each channel.
#[derive(Clone, Debug)]
pub(super) struct NotchIir<W> {
    channels: usize,
    /// c1, c2, c3.
    factors: [Factor; 3],
    /// k is this times 2^gain.
    depth: Factor,
    gain: u32,
    /// Samples enter times 2^shift.
    shift: i32,
    word: PhantomData<W>,
}

impl<W: Word> NotchIir<W> {
    pub fn of(
        params: &NotchIirParams,
        shape: KernelShape,
        dtype: FixedType,
    ) -> Result<Self, KernelError> {
        let [c1, c2, c3, k] = Single::coefficients(params, shape)?;
        let q = params.q;
        let mut shift = SUM_BITS - W::BITS as i32;
        let mut bound = 2.0 * (core::f64::consts::FRAC_2_PI * 2.0 * q + 2.0);
        while bound > 1.0 {
            bound /= 2.0;
            shift -= 1;
        }
        let least = LEAST_SHIFT_Q15 - (W::BITS as i32 - 15);
        let (mut depth, mut gain) = (k, 0);
        while depth >= 1.0 {
            depth /= 2.0;
            gain += 1;
        }
        if shift < least || gain > 8 {
            return Err(KernelError::FixedPointRange { parameter: "q", value: q, dtype });
        }
        Ok(Self {
            channels: shape.channels,
            factors: [c1, c2, c3].map(Factor::of::<W>),
            depth: Factor::of::<W>(depth),
            gain,
            shift,
            word: PhantomData,
        })
    }

    pub fn state_len(&self) -> u64 {
        3 * self.channels as u64
    }

    pub fn process(
        &self,
        state: &mut [i32],
        input: &[i32],
        output: &mut [i32],
        counters: &mut Counters,
    ) {
        let Self { factors: [c1, c2, c3], depth, gain, shift, .. } = *self;
        for (channel, line) in state.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let [mut held, mut a, mut b] = *line;
            let samples = input.iter().skip(channel).step_by(self.channels);
            for (&x, y) in samples.zip(output.iter_mut().skip(channel).step_by(self.channels)) {
                if W::is_valid(x) {
                    held = x;
                } else {
                    counters.missing += 1;
                }
                let v = shifted(held, shift) - b;
                let w = W::times(a, c1) + W::times(v, c2);
                b += 2 * (W::times(a, c2) + W::times(v, c3));
                a = 2 * w - a;
                let removed = shifted(W::times(w, depth) << gain, -shift);
                let (filtered, over) = W::difference(held, removed);
                counters.saturated += u32::from(over);
                *y = filtered;
            }
            *line = [held, a, b];
        }
    }
}
