//! Bounds of a rate from a count.

use cortex_core::math;
use statrs::function::beta::inv_beta_reg;

/// One-sided bounds of the rate of which `count` of `of` were seen, each with `confidence`: Clopper
/// and Pearson 1934, "The use of confidence or fiducial limits illustrated in the case of the
/// binomial". From 0 to 1; of nothing nothing is known.
#[must_use]
pub fn rate_bounds(count: u64, of: u64, confidence: f64) -> (f64, f64) {
    let (m, n) = (count as f64, of as f64);
    let lower = if count == 0 { 0.0 } else { inv_beta_reg(m, n - m + 1.0, 1.0 - confidence) };
    let upper = if count >= of { 1.0 } else { inv_beta_reg(m + 1.0, n - m, confidence) };
    (lower, upper)
}

/// How many there must be, none of them counted, for the upper of [`rate_bounds`] to be at most
/// `rate` (above 0): the least n with (1 − rate)ⁿ ≤ 1 − confidence.
#[must_use]
pub fn least_without(rate: f64, confidence: f64) -> u64 {
    if rate >= 1.0 {
        return 1;
    }
    (math::ln(1.0 - confidence) / math::ln(1.0 - rate)).ceil().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0 of n: 1 − 0.05^(1/n). SciPy: `scipy.stats.beta.ppf(0.95, 4, 97)` is 0.0757..., its lower
    /// `beta.ppf(0.05, 3, 98)` 0.00823...
    #[test]
    fn bounds_are_exact() {
        let (low, high) = rate_bounds(0, 299, 0.95);
        assert!(low == 0.0 && (high - 0.009_969).abs() < 1e-6, "{high}");
        assert_eq!(rate_bounds(5, 5, 0.95).1, 1.0);
        assert_eq!(rate_bounds(0, 0, 0.95), (0.0, 1.0));
        assert_eq!(least_without(0.01, 0.95), 299);
        assert_eq!(least_without(1.0, 0.95), 1);
        for rate in [0.001, 0.02, 0.5] {
            let n = least_without(rate, 0.95);
            assert!(rate_bounds(0, n, 0.95).1 <= rate + 1e-12);
            assert!(rate_bounds(0, n - 1, 0.95).1 > rate);
        }
    }
}
