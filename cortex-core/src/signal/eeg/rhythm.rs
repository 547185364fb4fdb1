//! Rhythms: narrow-band Gaussian noise with a peak and a bandwidth.
//!
//! A two-pole resonator on white Gaussian noise (Box, Jenkins and Reinsel, "Time Series Analysis",
//! section 3.2.4: an AR(2) process with complex roots):
//!
//! ```text
//! x[n] = a1 x[n-1] + a2 x[n-2] + b w[n],  a1 = 2 r cos(2 pi f/fs),  a2 = -r²,  r = exp(-pi B/fs)
//! variance = b² (1 - a2) / ((1 + a2) ((1 - a2)² - a1²)),  correlation at lag 1 = a1 / (1 - a2)
//! ```
//!
//! with the power at f ± B/2 half of that at f, for B well below f. `b` follows from the
//! coefficients as `f32` holds them, so that the variance is 1 to the rounding of `b`.

use crate::math;

/// Rhythms: mu and beta over each hemisphere, alpha at the back.
pub(super) const RHYTHMS: usize = 5;
/// Lanes in which they are computed: whole vectors where there are some.
pub(super) const RHYTHM_LANES: usize = if cfg!(feature = "std") { 8 } else { RHYTHMS };

/// Coefficients of a rhythm of unit variance.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Resonator {
    a1: f32,
    a2: f32,
    b: f32,
    /// Correlation of neighbouring samples, and what the next owes to chance.
    start: [f32; 2],
}

/// All rhythms, one a lane; lanes beyond the last are silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythms {
    a1: [f32; RHYTHM_LANES],
    a2: [f32; RHYTHM_LANES],
    b: [f32; RHYTHM_LANES],
}

/// The last two samples of all rhythms, newest first.
#[derive(Clone, Copy, Debug)]
pub(super) struct RhythmState([[f32; RHYTHM_LANES]; 2]);

impl RhythmState {
    pub(super) const SILENT: Self = Self([[0.0; RHYTHM_LANES]; 2]);

    /// Rhythm `j` is at these samples.
    pub(super) fn set(&mut self, j: usize, samples: [f32; 2]) {
        for (lanes, sample) in self.0.iter_mut().zip(samples) {
            lanes[j] = sample;
        }
    }
}

impl Rhythms {
    /// The rhythms of `resonators`.
    pub(super) fn of(resonators: &[Resonator; RHYTHMS]) -> Self {
        let lanes = |value: fn(&Resonator) -> f32| {
            core::array::from_fn(|j| resonators.get(j).map_or(0.0, value))
        };
        Self { a1: lanes(|one| one.a1), a2: lanes(|one| one.a2), b: lanes(|one| one.b) }
    }

    /// Makes rows of standard normal numbers, one a rhythm, their next samples; what is in the
    /// lanes beyond, finite, becomes 0.
    #[inline(always)]
    pub(super) fn run<'r>(
        &self,
        state: &mut RhythmState,
        rows: impl Iterator<Item = &'r mut [f32; RHYTHM_LANES]>,
    ) {
        let [mut newest, mut before] = state.0;
        for row in rows {
            for j in 0..RHYTHM_LANES {
                let x = self.a1[j] * newest[j] + self.a2[j] * before[j] + self.b[j] * row[j];
                before[j] = newest[j];
                newest[j] = x;
                row[j] = x;
            }
        }
        state.0 = [newest, before];
    }
}

impl Resonator {
    pub(super) const SILENT: Self = Self { a1: 0.0, a2: 0.0, b: 0.0, start: [0.0; 2] };

    /// A rhythm at `peak` and of `bandwidth`, both as fractions of the sample rate.
    pub(super) fn new(peak: f64, bandwidth: f64) -> Self {
        let r = math::exp(-core::f64::consts::PI * bandwidth);
        let a1 = (2.0 * r * math::cos(core::f64::consts::TAU * peak)) as f32;
        let a2 = -(r * r) as f32;
        let (h1, h2) = (f64::from(a1), f64::from(a2));
        let variance = (1.0 - h2) / ((1.0 + h2) * ((1.0 - h2) * (1.0 - h2) - h1 * h1));
        let correlation = h1 / (1.0 - h2);
        Self {
            a1,
            a2,
            b: (1.0 / math::sqrt(variance)) as f32,
            start: [
                correlation as f32,
                math::sqrt((1.0 - correlation * correlation).max(0.0)) as f32,
            ],
        }
    }

    /// A draw from the stationary process, from two standard normal numbers.
    pub(super) fn start(&self, normals: [f32; 2]) -> [f32; 2] {
        let [correlation, rest] = self.start;
        [normals[0], correlation * normals[0] + rest * normals[1]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variance and correlation from the impulse response, in f64: an independent way.
    #[test]
    fn the_variance_is_one() {
        for (peak, bandwidth) in [(0.044, 0.008), (0.011, 0.002), (0.1, 0.05), (0.4, 0.01)] {
            let resonator = Resonator::new(peak, bandwidth);
            let (a1, a2) = (f64::from(resonator.a1), f64::from(resonator.a2));
            let (mut h, mut before) = (f64::from(resonator.b), 0.0);
            let (mut variance, mut lagged) = (0.0, 0.0);
            for _ in 0..100_000 {
                variance += h * h;
                lagged += h * before;
                (h, before) = (a1 * h + a2 * before, h);
            }
            assert!((variance - 1.0).abs() < 1e-6, "{variance}");
            assert!((lagged - f64::from(resonator.start[0])).abs() < 1e-6);
        }
    }
}
