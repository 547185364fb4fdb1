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
//! v = x - b;  u = 2 c1 a + 2 c2 v;  y = x - (k/2) u        u is twice the band-pass output
//! a' = u - a;  b' = b + (2 c2 a + 2 c3 v);      c1 = 1/(1 + g(g+k)), c2 = g c1, c3 = g c2
//! ```
//!
//! Every coefficient depends smoothly on g, so rounding it moves the notch by at most about 2 u w0,
//! a share 4 Q u of the half-width whatever the sample rate: a response error of 7e-6 at Q = 30 at the
//! band edge only, below 1e-6 of a broad-band signal's RMS. Rounding the states injects u|x| per
//! sample, which rings for about 2Q/w0 samples but only inside the notch's own band, a share w0/(pi Q) of
//! the spectrum; the two cancel and leave about u times the input's size. Expected error: 1e-6 of the
//! output's RMS while the removed line is no more than ten times the rest.
//!
//! A missing sample is replaced by the channel's previous one. Once a sample and both states are below
//! 2^-95, both states become zero: a silent channel must not run the recursion on subnormal numbers, which cost a
//! desktop processor a hundred cycles each.

use core::slice::ChunksExactMut;

use super::lanes::{BASELINE_LANES, load, store};
use super::{Design, Info, Kernel, KernelError, KernelFault, KernelShape, Output, rows};
use crate::math;
use crate::parameter::{POSITIVE, ParameterError, below_nyquist, number, parameters, positive};

/// The bits of 2^-95. A power of two, so that numbers below it are still below it when their bits are
/// or-ed.
const SILENCE_BITS: u32 = 32 << 23;

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
    /// 2 c1, 2 c2, 2 c3 and k/2.
    coefficients: [f32; 4],
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
        let [c1, c2, c3, k] = Self::coefficients(params, shape)?;
        let coefficients = [2.0 * c1, 2.0 * c2, 2.0 * c3, 0.5 * k];
        Ok(Self { channels: shape.channels, coefficients: coefficients.map(|c| c as f32) })
    }
}

impl NotchIir {
    /// c1, c2, c3 and k.
    pub(super) fn coefficients(
        params: &NotchIirParams,
        shape: KernelShape,
    ) -> Result<[f64; 4], KernelError> {
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
        Ok([c1, g * c1, g * g * c1, k])
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
        self.process_abreast::<BASELINE_LANES>(state, input, output)
    }

    #[cfg_attr(feature = "std", inline(always))]
    fn process_abreast<const LANES: usize>(
        &self,
        state: &mut [f32],
        input: &[f32],
        output: &mut [f32],
    ) -> Result<usize, KernelFault> {
        let channels = self.channels;
        let output = rows::check_stream(channels, input, state, self.state_len(), output)?;
        let (held, rest) = state.split_at_mut(channels);
        let (band_states, rest) = rest.split_at_mut(channels);
        let (low_states, rest) = rest.split_at_mut(channels);
        let mut first = 0;
        while first < channels {
            let left = channels - first;
            let mut part = Part { kernel: self, first, held, band_states, low_states };
            let (done, missing) = if LANES == 32 && left >= 64 {
                // The widest registers are many: every step waits for the one before, and more channels wait
                // together.
                (64, part.filter::<64>(input, output))
            } else if LANES > 1 && left >= 32 {
                (32, part.filter::<32>(input, output))
            } else if LANES > 1 && left == 4 {
                (4, part.filter::<4>(input, output))
            } else if LANES > 1 && left > 1 {
                (left, part.filter_rest(input, output))
            } else {
                (1, part.filter::<1>(input, output))
            };
            first += done;
            rows::count(&mut rest[0], missing);
        }
        Ok(input.len())
    }
}

/// The channels from `first` on.
struct Part<'s> {
    kernel: &'s NotchIir,
    first: usize,
    held: &'s mut [f32],
    band_states: &'s mut [f32],
    low_states: &'s mut [f32],
}

impl Part<'_> {
    /// Filters N channels, their states in registers from row to row; returns the number of missing
    /// samples.
    #[cfg_attr(feature = "std", inline(always))]
    fn filter<const N: usize>(&mut self, input: &[f32], output: &mut [f32]) -> u32 {
        let first = self.first;
        let NotchIir { channels, coefficients } = self.kernel;
        let mut band = load::<N>(&self.band_states[first..], N);
        let mut low = load::<N>(&self.low_states[first..], N);
        let rows = output.chunks_exact_mut(*channels);
        // Arrays of their own: as parts of one value they do not become registers.
        let (states, held) = ((&mut band, &mut low), &mut self.held[first..]);
        let mut filter = Filter { coefficients, states, rows, first };
        let missing = rows::hold(held, input, *channels, first, &mut filter);
        store(&band, &mut self.band_states[first..], N);
        store(&low, &mut self.low_states[first..], N);
        missing
    }

    /// Filters all channels from the first on, row after row; returns the number of missing samples.
    #[cfg_attr(feature = "std", inline(always))]
    fn filter_rest(&mut self, input: &[f32], output: &mut [f32]) -> u32 {
        let first = self.first;
        let NotchIir { channels, coefficients } = *self.kernel;
        let held = &mut self.held[first..channels];
        let mut missing = 0;
        for (row, filtered) in input.chunks_exact(channels).zip(output.chunks_exact_mut(channels)) {
            for (&sample, x) in row[first..].iter().zip(&mut *held) {
                let valid = rows::is_valid(sample);
                *x = if valid { sample } else { *x };
                missing += u32::from(!valid);
            }
            let states = self.band_states[first..].iter_mut().zip(&mut self.low_states[first..]);
            for ((y, &x), (band, low)) in filtered[first..].iter_mut().zip(&*held).zip(states) {
                [*y, *band, *low] = step::<BASELINE_LANES>(coefficients, x, *band, *low);
            }
        }
        missing
    }
}

/// N channels from `first` on, row after row.
struct Filter<'f, const N: usize> {
    coefficients: &'f [f32; 4],
    states: (&'f mut [f32; N], &'f mut [f32; N]),
    /// The rows of the output that are not yet written.
    rows: ChunksExactMut<'f, f32>,
    first: usize,
}

impl<const N: usize> rows::TakeRow<N> for Filter<'_, N> {
    #[inline(always)]
    fn take(&mut self, samples: &[f32; N]) {
        // By values: what is behind a reference would be gathered, as lanes decide whether they need it.
        let coefficients = *self.coefficients;
        let (band, low) = &mut self.states;
        let mut filtered = [0.0; N];
        for lane in 0..N {
            let [y, a, b] = step::<N>(coefficients, samples[lane], band[lane], low[lane]);
            (filtered[lane], band[lane], low[lane]) = (y, a, b);
        }
        if let Some(row) = self.rows.next() {
            store(&filtered, &mut row[self.first..], N);
        }
    }
}

/// One sample of one of N channels abreast and its old states: the output and the new states.
#[inline(always)]
fn step<const N: usize>([c1, c2, c3, k]: [f32; 4], x: f32, a: f32, b: f32) -> [f32; 3] {
    // Decided by the old states, so that no step of the recursion waits for the decision.
    let silent = if N == 1 && cfg!(feature = "std") {
        // A desktop's single numbers would wait for their way to the whole ones' registers and back.
        let limit = f32::from_bits(SILENCE_BITS);
        x.abs() < limit && a.abs() < limit && b.abs() < limit
    } else {
        (x.to_bits() | a.to_bits() | b.to_bits()) & 0x7fff_ffff < SILENCE_BITS
    };
    let v = x - b;
    let u = c1 * a + c2 * v;
    let band = if silent { 0.0 } else { u - a };
    let low = if silent { 0.0 } else { b + (c2 * a + c3 * v) };
    [x - k * u, band, low]
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
        assert_eq!(&state[1..3], [0.0, 0.0]);
        assert_eq!(output[7_999], 0.0);
    }
}
