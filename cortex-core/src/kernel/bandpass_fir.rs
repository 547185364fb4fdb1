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
//! Expected error: u = 2^-24 per rounded tap, product and partial sum. Products are summed from the small
//! outer taps inwards; the rounding of about taps/2 sums of the output's size gives
//! sqrt(taps/2) u = 5e-7 of the output's scale at 129 taps; a constant offset D in the input, which
//! the filter removes, adds about u D.
//!
//! A missing sample is replaced by the channel's previous one.

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
    channels: usize,
    taps: usize,
    /// Band edges in units of the Nyquist frequency.
    low: f64,
    high: f64,
    /// What the windowed ideal response is multiplied by.
    scale: f64,
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
        };
        let middle = PI * (kernel.low + kernel.high) / 2.0;
        let gain: f64 =
            (0..taps).map(|n| kernel.tap(n) * math::cos(middle * kernel.distance(n))).sum();
        kernel.scale = 1.0 / gain;
        if !kernel.scale.is_finite() {
            return Err(KernelError::EmptyBand { low_hz, high_hz });
        }
        Ok(kernel)
    }

    fn state_values(&self) -> u64 {
        2 + self.half() as u64 + self.channels as u64 * (self.taps as u64 + 1)
    }
}

impl BandpassFir {
    /// Number of distinct taps.
    fn half(&self) -> usize {
        self.taps.div_ceil(2)
    }

    /// Distance of tap `n` from the middle, in samples.
    fn distance(&self, n: usize) -> f64 {
        n as f64 - (self.taps - 1) as f64 / 2.0
    }

    fn tap(&self, n: usize) -> f64 {
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

impl Kernel for BandpassFir {
    fn state_len(&self) -> usize {
        self.state_values() as usize
    }

    fn reset(&self, state: &mut [f32]) {
        let state = &mut state[..self.state_len()];
        state.fill(0.0);
        for (n, tap) in state[2..][..self.half()].iter_mut().enumerate() {
            *tap = self.tap(n) as f32;
        }
    }

    fn output_len(&self, rows: usize) -> usize {
        rows * self.channels
    }

    /// Not inlined: among all kernels its loop would run out of registers.
    #[inline(never)]
    fn process(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        let (channels, taps) = (self.channels, self.taps);
        rows::check_stream(channels, input, state, self.state_len(), output)?;
        let Some(([counter, head], rest)) = state.split_first_chunk_mut() else {
            return Err(KernelFault::StateLength);
        };
        let (half, rest) = rest.split_at_mut(self.half());
        let (held, rest) = rest.split_at_mut(channels);
        let ring = &mut rest[..taps * channels];
        let mut at = *head as usize;
        for (row, filtered) in rows::pairs(channels, input, output) {
            rows::hold(counter, held, row);
            ring[at * channels..][..channels].copy_from_slice(held);
            let (mut newer, mut older) = (at, next(at, taps));
            at = older;
            filtered.fill(0.0);
            for &tap in half.iter() {
                let new = &ring[newer * channels..][..channels];
                if newer == older {
                    accumulate(filtered, new.iter().map(|x| tap * x));
                } else {
                    let old = &ring[older * channels..][..channels];
                    accumulate(filtered, new.iter().zip(old).map(|(x, y)| tap * (x + y)));
                }
                newer = if newer == 0 { taps - 1 } else { newer - 1 };
                older = next(older, taps);
            }
        }
        *head = at as f32;
        Ok(input.len())
    }
}

#[inline(always)]
fn next(at: usize, len: usize) -> usize {
    if at + 1 == len { 0 } else { at + 1 }
}

#[inline(always)]
fn accumulate(sums: &mut [f32], terms: impl Iterator<Item = f32>) {
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum += term;
    }
}

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
            let mut state = [0.0; 300];
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
