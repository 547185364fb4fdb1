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
//! A missing sample is replaced by the channel's previous one.

use super::rows::Ring;
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
    ring: Ring,
    /// First and last bin of each band.
    bands: Vec<(u32, u32), MAX_BANDS>,
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
        let ring = Ring { channels: shape.channels, window: shape.window };
        Ok(Self { ring, bands })
    }

    fn state_values(&self) -> u64 {
        self.ring.state_len() + 2 * self.ring.channels as u64 + self.bins().count() as u64
    }
}

impl Goertzel {
    /// The bins of all bands, one after the other.
    fn bins(&self) -> impl Iterator<Item = u32> {
        self.bands.iter().flat_map(|&(first, last)| first..=last)
    }

    /// Whether bin `k` lies above a quarter of the sample rate.
    fn is_upper(&self, k: u32) -> bool {
        4 * u64::from(k) > self.ring.window as u64
    }
}

impl Kernel for Goertzel {
    fn state_len(&self) -> usize {
        self.state_values() as usize
    }

    fn reset(&self, state: &mut [f32]) {
        let tables = self.ring.reset(state, self.state_len());
        for (factor, k) in tables[2 * self.ring.channels..].iter_mut().zip(self.bins()) {
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
        let channels = self.ring.channels;
        let (history, rest) =
            self.ring.take(state, self.state_len(), input, output, self.output_len(1))?;
        let (sums, rest) = rest.split_at_mut(channels);
        let (differences, factors) = rest.split_at_mut(channels);
        let mut factors = factors.iter();
        for (&(first, last), powers) in self.bands.iter().zip(output.chunks_exact_mut(channels)) {
            powers.fill(0.0);
            for (k, &factor) in (first..=last).zip(&mut factors) {
                sums.fill(0.0);
                differences.fill(0.0);
                let turn = if self.is_upper(k) { -1.0 } else { 1.0 };
                let mut sign = 1.0;
                for row in self.ring.rows(history) {
                    let lanes = sums.iter_mut().zip(differences.iter_mut());
                    for ((s, d), &x) in lanes.zip(row) {
                        *d += sign * x - factor * *s;
                        *s += *d;
                    }
                    sign *= turn;
                }
                for ((power, &s), &d) in powers.iter_mut().zip(sums.iter()).zip(differences.iter())
                {
                    let real = d - 0.5 * factor * s;
                    *power += real * real + factor * (1.0 - 0.25 * factor) * s * s;
                }
            }
        }
        Ok(self.output_len(1))
    }
}
