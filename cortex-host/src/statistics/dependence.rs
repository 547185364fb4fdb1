//! How much less a series of dependent windows tells than as many independent ones.
//!
//! The variance of a quantile depends on how long windows stay on one side of it: it is that of
//! independent windows times V = 1 + 2 Σ corr(1{x₀ > c}, 1{x_k > c}), c the quantile. Few windows
//! lie beyond a p99, too few to estimate V from them, so V is estimated twice; the second counts
//! where it is greater beyond its own error:
//!
//! - from all windows: the autocorrelations of their normal scores, up to where Geyer's initial
//!   positive sequence ends (Geyer 1992, "Practical Markov chain Monte Carlo"), turned into those
//!   of the indicators by the bivariate normal distribution;
//! - from the indicators alone: the mean of the first B squared cosine transforms (Lazarus, Lewis,
//!   Stock and Watson 2018, "HAR inference: recommendations for practice"), which also sees bursts
//!   of slow windows among independent ones. B = ½ (N / τ)^⅔, τ the integrated
//!   autocorrelation time.

use core::f64::consts::PI;

use cortex_core::math;
use statrs::distribution::{ContinuousCDF, Normal};

use super::products::LaggedProducts;

/// Most cosine transforms.
const MOST_TRANSFORMS: usize = 64;

/// Windows whose cosines are looked up.
const BLOCK: usize = 1024;

/// Nodes and weights of Gauss and Legendre's quadrature of order 8 on −1 to 1, the positive half.
const QUADRATURE: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_3),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_5),
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_3),
];

/// What dependence does to the variance of a quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dependence {
    /// The variance over that of as many independent windows; at least 1.
    pub inflation: f64,
    /// Degrees of freedom of this estimate.
    pub degrees_of_freedom: f64,
}

/// Autocorrelations, from lag 1 on, of the normal scores of `series` (in the order of time), up
/// to the end of the initial positive sequence: empty for independent windows, as for constant
/// ones. Takes O(N log N) time, however long the dependence is.
#[must_use]
pub fn correlations(series: &[u64]) -> Vec<f64> {
    let mut products = LaggedProducts::new(normal_scores(series));
    let variance = products.at(0);
    let mut found = Vec::new();
    if variance <= 0.0 {
        return found;
    }
    // Pairs of lags (2k, 2k + 1): for a reversible process their sums are positive, and the
    // first within the standard error that independent windows have is noise.
    let noise = math::sqrt(2.0 / series.len() as f64);
    let (mut even, mut lag) = (1.0, 1);
    while lag < series.len() / 2 {
        let odd = products.at(lag) / variance;
        if even + odd <= noise {
            found.pop();
            break;
        }
        let next = products.at(lag + 1) / variance;
        found.extend([odd, next]);
        (even, lag) = (next, lag + 2);
    }
    found
}

/// The dependence of `series` at its quantile `q`, the value `threshold`, given its
/// [`correlations`].
#[must_use]
pub fn dependence(series: &[u64], correlations: &[f64], q: f64, threshold: u64) -> Dependence {
    let count = series.len() as f64;
    let time = (1.0 + 2.0 * correlations.iter().sum::<f64>()).max(1.0);
    let transforms = 0.5 * math::pow(count / time, 2.0 / 3.0);
    let transforms = (transforms as usize).min(series.len() / 4).clamp(4, MOST_TRANSFORMS);
    let z = Normal::standard().inverse_cdf(q);
    let covariance: f64 = correlations.iter().map(|rho| indicator_covariance(z, *rho)).sum();
    let of_all = 1.0 + 2.0 * covariance / (q * (1.0 - q));
    // The mean of B powers has a relative standard deviation of √(2/B): below two of them more
    // than V of all windows it says nothing new.
    let bursts = of_indicators(series, threshold, transforms);
    let new = bursts > of_all * (1.0 + 2.0 * math::sqrt(2.0 / transforms as f64));
    let inflation = (if new { bursts } else { of_all }).max(1.0);
    Dependence { inflation, degrees_of_freedom: 2.0 * transforms as f64 }
}

/// Covariance of "above z" of two standard normal values with correlation `rho`: the integral
/// of their density at (z, z) over the correlation, 1/(2π) ∫ exp(−z² / (1 + sin t)) dt from 0 to
/// asin ρ.
fn indicator_covariance(z: f64, rho: f64) -> f64 {
    let end = math::atan2(rho, math::sqrt((1.0 - rho * rho).max(0.0)));
    let density = |t: f64| math::exp(-z * z / (1.0 + math::sin(t)));
    let middle = end / 2.0;
    let sum: f64 = QUADRATURE
        .iter()
        .map(|(x, weight)| weight * (density(middle * (1.0 + x)) + density(middle * (1.0 - x))))
        .sum();
    middle * sum / (2.0 * PI)
}

/// V from the indicators "above the quantile" alone: the mean power of their first cosine
/// transforms over their variance.
fn of_indicators(series: &[u64], threshold: u64, transforms: usize) -> f64 {
    let count = series.len();
    let above: Vec<usize> = (0..count)
        .filter(|index| series.get(*index).is_some_and(|ticks| *ticks > threshold))
        .collect();
    let share = above.len() as f64 / count as f64;
    if above.is_empty() {
        return 1.0;
    }
    // cos(π j t) of t = (i + ½) / N; over all i it sums to nothing, so that the mean drops out.
    // Each block of windows is summed by itself and turned to its place.
    let power: f64 = (1..=transforms)
        .map(|j| {
            let step = PI * j as f64 / count as f64;
            let at = |index: f64| (math::cos(step * index), math::sin(step * index));
            let near: Vec<(f64, f64)> =
                (0..BLOCK.min(count)).map(|index| at(index as f64 + 0.5)).collect();
            let blocks = above.chunk_by(|a, b| a / BLOCK == b / BLOCK);
            let sum: f64 = blocks
                .map(|block| {
                    let places = block.iter().filter_map(|index| near.get(index % BLOCK));
                    let (re, im) =
                        places.fold((0.0, 0.0), |(re, im), (cos, sin)| (re + cos, im + sin));
                    let start = block.first().map_or(0, |index| index - index % BLOCK);
                    let (cos, sin) = at(start as f64);
                    re * cos - im * sin
                })
                .sum();
            2.0 / count as f64 * sum * sum
        })
        .sum();
    power / transforms as f64 / (share * (1.0 - share))
}

/// Φ⁻¹((rank − ½) / N) of each value; equal values share the mean of their ranks.
fn normal_scores(series: &[u64]) -> Vec<f64> {
    let count = series.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_unstable_by_key(|index| series.get(*index));
    let normal = Normal::standard();
    let mut scores = vec![0.0; count];
    let mut start = 0;
    for equal in order.chunk_by(|a, b| series.get(*a) == series.get(*b)) {
        let rank = start as f64 + equal.len() as f64 / 2.0;
        start += equal.len();
        let score = normal.inverse_cdf(rank / count as f64);
        for index in equal {
            if let Some(slot) = scores.get_mut(*index) {
                *slot = score;
            }
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_score_and_constant_ones_have_no_dependence() {
        let scores = normal_scores(&[5, 7, 5, 9]);
        assert_eq!(scores[0], scores[2]);
        // Ranks 1 and 2 share Φ⁻¹(1/4); 9 is Φ⁻¹(7/8).
        assert!((scores[0] + 0.674_489_750_2).abs() < 1e-9, "{scores:?}");
        assert!((scores[3] - 1.150_349_380_4).abs() < 1e-9, "{scores:?}");
        assert!(correlations(&[7; 50]).is_empty());
        assert_eq!(dependence(&[7; 50], &[], 0.5, 7).inflation, 1.0);
        assert!(correlations(&[]).is_empty());
        assert_eq!(dependence(&[], &[], 0.99, 0).inflation, 1.0);
    }

    /// Blocks turned to their places are the sum over all windows; two roundings of 2e-16 an angle
    /// and of 1e-16 a product, here in a sum of 4,000: 1e-12.
    #[test]
    fn powers_of_indicators_are_those_of_every_window() {
        // About half of them above, in no regular order.
        let series: Vec<u64> = (0..8000).map(|i| i * i % 16_001 / 8_001).collect();
        let above: Vec<f64> =
            (0..8000).filter(|i| series[*i] > 0).map(|i| i as f64 + 0.5).collect();
        let (count, share) = (8000.0, above.len() as f64 / 8000.0);
        let direct: f64 = (1..=16)
            .map(|j| {
                let step = PI * f64::from(j) / count;
                let sum: f64 = above.iter().map(|t| math::cos(step * t)).sum();
                2.0 / count * sum * sum
            })
            .sum();
        let expected = direct / 16.0 / (share * (1.0 - share));
        let found = of_indicators(&series, 0, 16);
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    }

    /// At the median the covariance is asin(ρ) / 2π (Sheppard 1899); with ρ = 1 at any quantile
    /// it is the variance q (1 − q).
    #[test]
    fn covariances_of_indicators_are_the_known_ones() {
        for rho in [-0.5, 0.0, 0.3, 0.9] {
            let exact = math::atan2(rho, math::sqrt(1.0 - rho * rho)) / (2.0 * PI);
            assert!((indicator_covariance(0.0, rho) - exact).abs() < 1e-12);
        }
        // The order 8 of the quadrature: 1e-6 where the integrand is steepest.
        let z = Normal::standard().inverse_cdf(0.99);
        assert!((indicator_covariance(z, 1.0) - 0.0099).abs() < 1e-6);
    }
}
