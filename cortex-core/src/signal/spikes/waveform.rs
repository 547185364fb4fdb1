//! The shape of a spike: a small parametric family that ends at zero.
//!
//! With `w = 1 - u²` on |u| < 1 (zero outside) and `u` the time in half-widths,
//!
//! ```text
//! v(u) = -w³ (w (1 - 11 u²) + a u (110 u² - 30))
//! ```
//!
//! is minus the second derivative of the bump `w⁶`, plus `a` times its third derivative, both
//! scaled to the second derivative's value at 0. A derivative of a compact bump has compact support
//! and no area, and its spectrum rises as f² (f³ for the third): there is nothing slow in it for a
//! high-pass to spread, and no edge to ring. After a zero-phase Butterworth band-pass of 300 to
//! 6,000 Hz and order 2 to 5 the response at the ends of the support is below 1 % of the peak for
//! every shape drawn here (tests/oracle).
//!
//! `a` > 0 moves the trough before the middle and makes the repolarisation the larger lobe. The
//! trough's place and depth follow from `v' = 0`; the time of a spike is that of its trough, and
//! the shape is scaled to a depth of 1.

/// Most samples that a spike may take: one block.
pub const SPIKE_SAMPLES: usize = 64;

/// Ticks of spike times in a sample: times are exact to 2^-16 of a sample.
pub const TICKS: i64 = 1 << 16;

/// One unit's shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waveform {
    /// Half-widths per tick.
    per_tick: f32,
    /// Asymmetry `a`.
    asymmetry: f32,
    /// Place of the trough, in half-widths from the middle; at most 0.
    trough: f32,
    /// One over the depth of the trough.
    scale: f32,
    /// Ticks from the first instant of the support to the trough, rounded up.
    lead: i32,
    /// Samples that the support can cover.
    samples: u32,
}

impl Waveform {
    /// None.
    #[cfg(not(feature = "std"))]
    pub(super) const NONE: Self =
        Self { per_tick: 0.0, asymmetry: 0.0, trough: 0.0, scale: 0.0, lead: 0, samples: 0 };

    /// A shape of `half_width` samples (2 to 31) and asymmetry 0 to 0.2.
    #[must_use]
    pub fn new(half_width: f64, asymmetry: f64) -> Self {
        let a = asymmetry;
        // Newton's iteration on v' = 0 from the root of its expansion at 0, u = -a. It converges
        // quadratically there: five steps are exact to f64 for a <= 0.2.
        let mut u = -a;
        for _ in 0..5 {
            let (slope, curvature) = derivatives(u, a);
            u -= slope / curvature;
        }
        let depth = -value(u, a);
        let ticks = half_width * TICKS as f64;
        Self {
            per_tick: (1.0 / ticks) as f32,
            asymmetry: a as f32,
            trough: u as f32,
            scale: (1.0 / depth) as f32,
            lead: ((1.0 + u) * ticks) as i32 + 1,
            samples: (2.0 * half_width) as u32 + 2,
        }
    }

    /// First sample of a spike whose trough is at `ticks`.
    #[inline(always)]
    #[must_use]
    pub fn first_sample(&self, ticks: i64) -> i64 {
        // Rounded up: the sample at or after the support's first instant.
        (ticks - i64::from(self.lead) + TICKS - 1) >> 16
    }

    /// Samples from the first on that can differ from zero, at most [`SPIKE_SAMPLES`].
    #[inline(always)]
    #[must_use]
    pub fn samples(&self) -> usize {
        (self.samples as usize).min(SPIKE_SAMPLES)
    }

    /// The shape at the samples from [`Waveform::first_sample`] on, of a spike whose trough is at
    /// `ticks`: -1 at the trough.
    ///
    /// Time differences are exact in `f32` (at most 2^22 ticks); the polynomial's fifteen
    /// operations leave a rounding error below 15 * 2^-24 = 9e-7 of the depth.
    #[inline(always)]
    pub fn evaluate(&self, ticks: i64, out: &mut [f32; SPIKE_SAMPLES]) {
        let first = (self.first_sample(ticks) * TICKS - ticks) as i32;
        for (i, slot) in out.iter_mut().enumerate() {
            let distance = first + ((i as i32) << 16);
            let u = distance as f32 * self.per_tick + self.trough;
            let square = u * u;
            let w = 1.0 - square;
            let w = if w > 0.0 { w } else { 0.0 };
            let even = w * (1.0 - 11.0 * square);
            let odd = self.asymmetry * (u * (110.0 * square - 30.0));
            *slot = -(self.scale * (w * w * w * (even + odd)));
        }
    }
}

/// `v(u)` within the support.
fn value(u: f64, a: f64) -> f64 {
    let w = 1.0 - u * u;
    -w * w * w * (w * (1.0 - 11.0 * u * u) + a * u * (110.0 * u * u - 30.0))
}

/// First and second derivative of `-v` within the support.
fn derivatives(u: f64, a: f64) -> (f64, f64) {
    // -v = w³ p with p = (1 - u²)(1 - 11 u²) + a (110 u³ - 30 u) = 1 - 12 u² + 11 u⁴ + a (...).
    let w = 1.0 - u * u;
    let p = 1.0 - 12.0 * u * u + 11.0 * u * u * u * u + a * (110.0 * u * u * u - 30.0 * u);
    let p1 = -24.0 * u + 44.0 * u * u * u + a * (330.0 * u * u - 30.0);
    let p2 = -24.0 + 132.0 * u * u + a * 660.0 * u;
    let (w1, w2) = (-6.0 * u * w * w, -6.0 * w * w + 24.0 * u * u * w);
    let w3 = w * w * w;
    (w1 * p + w3 * p1, w2 * p + 2.0 * w1 * p1 + w3 * p2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The trough is where and as deep as promised, for trough times on and between samples.
    #[test]
    fn the_trough_is_minus_one_at_its_time() {
        for half_width in [6.0, 12.5, 18.0, 25.5, 31.0] {
            for asymmetry in [0.0, 0.05, 0.1, 0.2] {
                let waveform = Waveform::new(half_width, asymmetry);
                let mut shape = [0.0; SPIKE_SAMPLES];
                let ticks = 1_000 * TICKS;
                waveform.evaluate(ticks, &mut shape);
                let at = (1_000 - waveform.first_sample(ticks)) as usize;
                // Fifteen roundings, as derived at `evaluate`.
                assert!((shape[at] + 1.0).abs() < 9e-7, "{half_width} {asymmetry}: {}", shape[at]);
                let least = shape.iter().copied().fold(0.0, f32::min);
                assert!(least >= -1.0 - 9e-7);
                for fraction in [1, 9_000, 32_768, 65_535] {
                    waveform.evaluate(ticks + fraction, &mut shape);
                    let least = shape.iter().enumerate().min_by(|x, y| x.1.total_cmp(y.1));
                    let at = least.map_or(0, |(i, _)| i as i64)
                        + waveform.first_sample(ticks + fraction);
                    assert!((at * TICKS - ticks - fraction).abs() <= TICKS / 2 + TICKS / 16);
                }
            }
        }
    }

    /// Every shape begins and ends at zero within its samples, and has no area. The sum of the
    /// samples is its integral by the trapezoid rule; by Euler and Maclaurin's formula it is off by
    /// the jump of the third derivative at an end, 48 (80 a) / W³ for a half-width of W samples,
    /// over 720, and by the rounding of 64 terms.
    #[test]
    fn a_shape_begins_and_ends_at_zero_and_has_no_area() {
        for half_width in [12.5, 18.0, 25.5, 30.0] {
            for (asymmetry, fraction) in [(0.0, 0), (0.1, 12_345), (0.2, 40_000)] {
                let waveform = Waveform::new(half_width, asymmetry);
                let mut shape = [0.0; SPIKE_SAMPLES];
                waveform.evaluate(fraction, &mut shape);
                assert!(shape[waveform.samples()..].iter().all(|&y| y == 0.0));
                assert!(shape[0].abs() < 0.02, "{}", shape[0]);
                let area: f64 = shape.iter().map(|&y| f64::from(y)).sum();
                let cubed = half_width * half_width * half_width;
                let bound = 48.0 * 80.0 * asymmetry / (720.0 * cubed) + 2e-5;
                assert!(area.abs() < bound, "{half_width} {asymmetry}: {area:e}");
            }
        }
    }
}
