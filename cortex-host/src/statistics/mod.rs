//! Quantiles of latencies with intervals that keep their promise on dependent windows.
//!
//! A window's latency depends on those before it (caches, frequency, a busy neighbour): 1,000
//! windows tell less than 1,000 independent ones would. [`Sample::positions`] says how much
//! less, and gives the order statistics between which a quantile lies.
//!
//! Everything here is a pure function of a series of ticks (nanoseconds or instructions) in the
//! order of time; the same series gives the same interval.

mod dependence;
mod products;
mod proportion;
mod quantile;

pub use dependence::{Dependence, correlations, dependence};
pub use proportion::{least_without, rate_bounds};
pub use quantile::{at_position, least_windows, positions, quantile};

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Confidence of the intervals that are shown.
pub const CONFIDENCE: f64 = 0.95;

/// Most windows whose order in time is looked at: 8 MiB of ticks.
pub const MOST_ORDERED: usize = 1 << 20;

/// A series of ticks, sorted, with what its order in time says of its dependence.
#[derive(Clone, Debug)]
pub struct Sample<'a> {
    series: &'a [u64],
    sorted: Vec<u64>,
    correlations: Vec<f64>,
}

impl<'a> Sample<'a> {
    /// Sorts `series`, ticks in the order of time.
    #[must_use]
    pub fn new(series: &'a [u64]) -> Self {
        let ordered = series.get(..MOST_ORDERED).unwrap_or(series);
        // First: it needs the most memory by far.
        let correlations = correlations(ordered);
        let mut sorted = series.to_vec();
        sorted.sort_unstable();
        Self { series: ordered, sorted, correlations }
    }

    /// The values in ascending order.
    #[must_use]
    pub fn sorted(&self) -> &[u64] {
        &self.sorted
    }

    /// How far windows on the two sides of the quantile `q` (0 to 1) depend on each other.
    #[must_use]
    pub fn dependence(&self, q: f64) -> Dependence {
        let rank = (q * self.sorted.len() as f64).ceil() as usize;
        let threshold = self.sorted.get(rank.max(1) - 1).copied().unwrap_or(0);
        dependence(self.series, &self.correlations, q, threshold)
    }

    /// Where, from 0 to 1 of all `count` values in ascending order, the ends of the interval of
    /// the quantile `q` lie; none for an end that so few values cannot bound.
    #[must_use]
    pub fn positions(&self, q: f64, count: u64, confidence: f64) -> (Option<f64>, Option<f64>) {
        let dependence = self.dependence(q);
        // Student's t in place of the normal: the dependence is itself an estimate.
        let widening =
            two_sided_t(confidence, dependence.degrees_of_freedom) / two_sided_z(confidence);
        let effective = count as f64 / (dependence.inflation * widening * widening);
        positions(q, effective, confidence)
    }

    /// The quantile `q` in ticks, and the ends of its interval; none without windows.
    #[must_use]
    pub fn estimate(&self, q: f64, confidence: f64) -> Option<Estimate> {
        let value = quantile(&self.sorted, q)?;
        let (low, high) = self.positions(q, self.sorted.len() as u64, confidence);
        let at = |position: Option<f64>| at_position(&self.sorted, position?);
        Some(Estimate { value, low: at(low), high: at(high) })
    }
}

/// A quantile and its interval, in ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The quantile of the windows that were measured.
    pub value: f64,
    /// Lower end; none when so few windows bound nothing from below.
    pub low: Option<f64>,
    /// Upper end; none when so few windows bound nothing from above.
    pub high: Option<f64>,
}

/// The factor of a standard error with which a two-sided interval of `confidence` is made.
#[must_use]
pub fn two_sided_z(confidence: f64) -> f64 {
    Normal::standard().inverse_cdf(0.5 + confidence / 2.0)
}

/// The same for an error that was itself estimated with `degrees_of_freedom` (at least 1).
#[must_use]
pub fn two_sided_t(confidence: f64, degrees_of_freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, degrees_of_freedom.max(1.0))
        .map_or(f64::INFINITY, |t| t.inverse_cdf(0.5 + confidence / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cortex_core::random::{StreamKey, normals};
    use cortex_core::signal::BLOCK_SAMPLES;

    /// `count` windows of an AR(1) process with lag-one correlation `phi`, mean 10⁶ and standard
    /// deviation 10⁴ ticks.
    fn ar1(phi: f64, count: usize, stream: u32) -> Vec<u64> {
        let key = StreamKey::new(7, "cortex/test/ar1");
        let (mut words, mut noise) = ([[0; 1]; BLOCK_SAMPLES], [[0.0; 1]; BLOCK_SAMPLES]);
        let (gain, mut x, mut series) = ((1.0 - phi * phi).sqrt(), 0.0, Vec::new());
        // The first block lets the process forget its start.
        for block in 0..=count.div_ceil(BLOCK_SAMPLES) as u64 {
            key.words(stream, block, &mut words);
            normals(&words, &mut noise);
            for [e] in &noise {
                x = phi * x + gain * f64::from(*e);
                if block > 0 {
                    series.push((1e6 + 1e4 * x) as u64);
                }
            }
        }
        series.truncate(count);
        series
    }

    /// Share of `trials` series whose 95 % interval of the quantile `q` covers the truth.
    fn coverage(phi: f64, count: usize, q: f64, trials: u32) -> f64 {
        let truth = 1e6 + 1e4 * Normal::standard().inverse_cdf(q);
        let covered = (0..trials)
            .filter(|trial| {
                let series = ar1(phi, count, *trial);
                let estimate = Sample::new(&series).estimate(q, CONFIDENCE).unwrap();
                // An open end bounds nothing, and so covers everything.
                estimate.low.is_none_or(|low| low <= truth)
                    && estimate.high.is_none_or(|high| truth <= high)
            })
            .count();
        covered as f64 / f64::from(trials)
    }

    /// The short form of [`coverage_is_95_percent`]: with a true coverage of 95 %, 400 series show
    /// one outside 0.92 to 0.98 for once in 150 choices of the seed, and a bootstrap of single
    /// windows (64 % at φ = 0.9) is always found out.
    #[test]
    fn intervals_cover_the_truth_on_dependent_windows() {
        for (phi, count, q) in [(0.0, 1000, 0.5), (0.9, 1000, 0.5), (0.9, 3000, 0.99)] {
            let share = coverage(phi, count, q, 400);
            assert!((0.92..=0.98).contains(&share), "phi {phi}, q {q}: {share}");
        }
    }

    /// 95 ± 1.5 %, of 4,000 series each: the standard error of a share is 0.34 %.
    #[test]
    #[ignore = "takes minutes: tests/slow.sh runs it"]
    fn coverage_is_95_percent() {
        let mut worst: f64 = 0.0;
        for (q, count) in [(0.5, 500), (0.5, 1000), (0.5, 3000), (0.95, 1000), (0.99, 3000)] {
            for phi in [0.0, 0.6, 0.9] {
                let share = coverage(phi, count, q, 4000);
                println!("q {q}, {count} windows, phi {phi}: {share}");
                worst = worst.max((share - 0.95).abs());
            }
        }
        assert!(worst <= 0.015, "{worst}");
    }
}
