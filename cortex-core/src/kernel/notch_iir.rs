//! `notch_iir`: second-order notch, the filter of `scipy.signal.iirnotch(f0, Q, fs)`.
//!
//! SciPy's design (Orfanidis, "Introduction to Signal Processing", 1996, section 11.3) is the bilinear
//! transform of `(s^2 + 1) / (s^2 + k s + 1)` with `g = tan(w0/2)`, `w0 = 2 pi f0/fs`,
//! `k = 2 tan(w0/(2Q)) / sin(w0)`. The direct form that `lfilter` runs in double precision is badly
//! conditioned in single: rounding `cos w0` moves the notch by u/sin(w0) radians (u = 2^-24),
//! which at 1 kHz and above is no longer small against its half-width w0/(2Q).
//!
//! So the same transfer function is run as a trapezoidal state-variable filter (Zavalishin, "The Art
//! of VA Filter Design", 2012, chapter 4): two integrators `a` (band-pass) and `b` (low-pass),
//!
//! ```text
//! v = x - b;  band = c1 a + c2 v;  low = b + c2 a + c3 v;  y = x - k band
//! a' = 2 band - a;  b' = 2 low - b;      c1 = 1/(1 + g(g+k)), c2 = g c1, c3 = g c2
//! ```
//!
//! Every coefficient depends smoothly on g, so rounding it moves the notch by at most about 2 u w0,
//! a share 4 Q u of the half-width whatever the sample rate: a response error of 7e-6 at Q = 30 at the
//! band edge only, below 1e-6 of a broad-band signal's RMS. Rounding the states injects u|x| per
//! sample, which rings for about 2Q/w0 samples but only inside the notch's own band, a share w0/(pi Q) of
//! the spectrum; the two cancel and leave about u times the input's size. Expected error: 1e-6 of the
//! output's RMS while the removed line is no more than ten times the rest.
//!
//! A missing sample is replaced by the channel's previous one. A state below 1e-30 becomes zero: a
//! silent channel must not run the recursion on subnormal numbers, which cost a desktop
//! processor a hundred cycles each.

use super::{Design, Info, Kernel, KernelError, KernelFault, KernelShape, Output, rows};
use crate::math;
use crate::parameter::{POSITIVE, ParameterError, below_nyquist, number, parameters, positive};

/// States smaller than this are zero (in microvolts).
const SILENCE_UV: f32 = 1e-30;

parameters! {
    /// Parameters of [`NotchIir`].
    #[derive(Copy)]
    #[serde(default)]
    pub struct NotchIirParams {
        /// Frequency removed.
        pub f0_hz: f64 =
            number(60.0, "Hz", POSITIVE, f64::INFINITY).limit("below half the sample rate"),
        /// Quality factor: f0_hz over the width between the -3 dB points.
        pub q: f64 =
            number(30.0, "", POSITIVE, f64::INFINITY).limit("above f0_hz over half the sample rate"),
    }
}

/// Second-order notch. Output: rows x channels, in microvolts.
#[derive(Clone, Copy, Debug)]
pub struct NotchIir {
    channels: usize,
    c1: f32,
    c2: f32,
    c3: f32,
    k: f32,
}

impl Design for NotchIir {
    const INFO: Info<'static> = Info {
        name: "notch_iir",
        summary: "second-order notch against the power line (scipy iirnotch)",
        output: Output::Rows { unit: "uV" },
        parameters: NotchIirParams::PARAMETERS,
    };

    type Params = NotchIirParams;

    fn design(params: &NotchIirParams, shape: KernelShape) -> Result<Self, KernelError> {
        let rate = shape.sample_rate_hz;
        let f0 = below_nyquist("f0_hz", positive("f0_hz", params.f0_hz)?, rate)?;
        let q = positive("q", params.q)?;
        if f0 / q >= rate / 2.0 {
            return Err(KernelError::NotchTooWide { q, above: 2.0 * f0 / rate });
        }
        let half = core::f64::consts::PI * f0 / rate;
        let g = math::sin(half) / math::cos(half);
        let beta = math::sin(half / q) / math::cos(half / q);
        // 2 beta / sin(w0), with sin(w0) = 2 g / (1 + g^2)
        let k = beta * (1.0 + g * g) / g;
        if !k.is_finite() {
            return Err(ParameterError::NotPositive { parameter: "f0_hz", value: f0 }.into());
        }
        let c1 = 1.0 / (1.0 + g * (g + k));
        Ok(Self {
            channels: shape.channels,
            c1: c1 as f32,
            c2: (g * c1) as f32,
            c3: (g * g * c1) as f32,
            k: k as f32,
        })
    }
}

impl Kernel for NotchIir {
    fn state_len(&self) -> usize {
        1 + 3 * self.channels
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
        rows::check_stream(self.channels, input, state, self.state_len(), output)?;
        let (counter, rest) = state.split_at_mut(1);
        let (held, rest) = rest.split_at_mut(self.channels);
        let (band_states, rest) = rest.split_at_mut(self.channels);
        let low_states = &mut rest[..self.channels];
        for (row, filtered) in rows::pairs(self.channels, input, output) {
            rows::hold(&mut counter[0], held, row);
            let states = band_states.iter_mut().zip(low_states.iter_mut());
            for ((y, &x), (a, b)) in filtered.iter_mut().zip(held.iter()).zip(states) {
                let v = x - *b;
                let band = self.c1 * *a + self.c2 * v;
                let low = *b + (self.c2 * *a + self.c3 * v);
                *a = audible(2.0 * band - *a);
                *b = audible(2.0 * low - *b);
                *y = x - self.k * band;
            }
        }
        Ok(input.len())
    }
}

#[inline(always)]
fn audible(state: f32) -> f32 {
    if state.abs() < SILENCE_UV { 0.0 } else { state }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: KernelShape =
        KernelShape { channels: 1, window: 160, hop: 80, sample_rate_hz: 160.0 };

    /// The reason this kernel exists, seen without SciPy: the line dies away (time constant
    /// Q/(pi f0) = 0.16 s, so e^-60 after 10 s), a constant passes unchanged.
    #[test]
    fn the_line_is_removed_and_a_constant_passes() {
        let kernel = NotchIir::design(&NotchIirParams::default(), SHAPE).expect("valid");
        let mut state = [0.0; 4];
        kernel.reset(&mut state);
        let mut last = [0.0f32; 8];
        for n in 0..1_600u32 {
            let angle = 2.0 * core::f64::consts::PI * 60.0 * f64::from(n % 8) / 160.0;
            let x = 50.0 + 100.0 * math::sin(angle) as f32;
            let mut y = [0.0];
            kernel.process(&mut state, &[x], &mut y).expect("lengths are right");
            last[n as usize % 8] = y[0];
        }
        assert!(last.iter().all(|y| (y - 50.0).abs() < 1e-4), "{last:?}");
    }

    #[test]
    #[cfg_attr(miri, ignore = "minutes: 8,000 samples")]
    fn silence_leaves_no_subnormal_state() {
        let kernel = NotchIir::design(&NotchIirParams::default(), SHAPE).expect("valid");
        let mut state = [0.0; 4];
        kernel.reset(&mut state);
        let mut input = [0.0; 8_000];
        input[0] = 100.0;
        let mut output = [1.0; 8_000];
        kernel.process(&mut state, &input, &mut output).expect("lengths are right");
        assert_eq!(&state[2..], [0.0, 0.0]);
        assert_eq!(output[7_999], 0.0);
    }
}
