//! Quantiles of sorted values, and the order statistics that bound them.

use cortex_core::math;
use statrs::function::beta::beta_reg;

use super::two_sided_z;

/// Above this many independent values the incomplete beta function's continued fraction
/// converges too slowly; its normal approximation is then within two ranks.
const MOST_EXACT: f64 = 10_000.0;

/// Values with which the quantile `q` (0 to 1) is shown: with fewer, not one is expected beyond
/// it. 100 for p99, 1,000 for p99.9; the median has 1.
#[must_use]
pub fn least_windows(q: f64) -> u64 {
    if q <= 0.5 { 1 } else { math::round(1.0 / (1.0 - q)) as u64 }
}

/// The quantile `q` (0 to 1) of `sorted`: the least value with at least that share at or below
/// it, and where the share is met exactly the mean of that value and the next, so that the
/// median of an even count is the mean of the two middle values (Hyndman and Fan 1996,
/// definition 2). None for an empty slice.
#[must_use]
pub fn quantile(sorted: &[u64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let below = q.clamp(0.0, 1.0) * sorted.len() as f64;
    let whole = math::round(below);
    let at = |index: usize| sorted.get(index.min(last)).map(|ticks| *ticks as f64);
    // 0.99 · 100 is not exactly 99 in binary.
    if (below - whole).abs() < 1e-9 * below.max(1.0) {
        let above = whole as usize;
        return Some((at(above.max(1) - 1)? + at(above)?) / 2.0);
    }
    at(below as usize)
}

/// The value at a fractional position `u` (0 to 1) among `n` sorted ones: rank `u (n + 1)`, values
/// between two ranks interpolated. None beyond the least or the greatest.
#[must_use]
pub fn at_position(sorted: &[u64], u: f64) -> Option<f64> {
    let rank = u * (sorted.len() as f64 + 1.0);
    if rank < 1.0 || rank > sorted.len() as f64 {
        return None;
    }
    let below = rank as usize;
    let low = *sorted.get(below - 1)? as f64;
    let high = sorted.get(below).map_or(low, |ticks| *ticks as f64);
    Some(low + (high - low) * (rank - below as f64))
}

/// Positions of the ends of an equal-tailed interval of the quantile `q` from `n` independent
/// values (`n` need not be whole): the fractional order statistics of Hutson 1999, "Calculating
/// nonparametric confidence intervals for quantiles using fractional order statistics". The
/// order statistic at position u is distributed as Beta((n+1)u, (n+1)(1−u)); the lower end is
/// the u whose upper tail beyond `q` is `(1 - confidence) / 2`. None for an end beyond the first
/// or last value.
#[must_use]
pub fn positions(q: f64, n: f64, confidence: f64) -> (Option<f64>, Option<f64>) {
    let inside = |u: f64| {
        let rank = u * (n + 1.0);
        (rank >= 1.0 && rank <= n).then_some(u)
    };
    if n > MOST_EXACT {
        // Beta(·) has mean u and variance u (1 − u) / (n + 2): Wilson's interval.
        let z2 = two_sided_z(confidence) * two_sided_z(confidence);
        let m = n + 2.0;
        let half = math::sqrt(z2 * (q * (1.0 - q) / m + z2 / (4.0 * m * m)));
        let [low, high] = [-half, half].map(|half| (q + z2 / (2.0 * m) + half) / (1.0 + z2 / m));
        return (inside(low), inside(high));
    }
    if n < 1.0 {
        return (None, None);
    }
    let tail = (1.0 - confidence) / 2.0;
    (inside(position_of(q, n, 1.0 - tail)), inside(position_of(q, n, tail)))
}

/// The position u at which Beta((n+1)u, (n+1)(1−u)) is below `q` with `probability`, which falls
/// as u grows.
fn position_of(q: f64, n: f64, probability: f64) -> f64 {
    let (mut low, mut high) = (1e-12, 1.0 - 1e-12);
    for _ in 0..52 {
        let u = (low + high) / 2.0;
        if beta_reg((n + 1.0) * u, (n + 1.0) * (1.0 - u), q) > probability {
            low = u;
        } else {
            high = u;
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_a_textbook() {
        let to = |n: u64| (1..=n).collect::<Vec<_>>();
        assert_eq!(quantile(&to(100), 0.5), Some(50.5));
        assert_eq!(quantile(&to(101), 0.5), Some(51.0));
        assert_eq!(quantile(&to(2), 0.5), Some(1.5));
        assert_eq!(quantile(&to(150), 0.99), Some(149.0));
        // 99 of 100 are at or below anything from 99 to 100.
        assert_eq!(quantile(&to(100), 0.99), Some(99.5));
        assert_eq!((quantile(&to(7), 0.0), quantile(&to(7), 1.0)), (Some(1.0), Some(7.0)));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!([0.5, 0.95, 0.99, 0.999].map(least_windows), [1, 20, 100, 1000]);
    }

    /// SciPy 1.17: `scipy.optimize.brentq(lambda u: scipy.stats.beta.cdf(q, (n+1)*u,
    /// (n+1)*(1-u)) - p, 1e-9, 1 - 1e-9)` for p = 0.975 and 0.025.
    #[test]
    fn positions_are_scipys() {
        for (q, n, low, high) in SCIPY {
            let (got_low, got_high) = positions(q, n, 0.95);
            assert!((got_low.unwrap() - low).abs() < 1e-9, "{q} {n}: {got_low:?}");
            assert!((got_high.unwrap() - high).abs() < 1e-9, "{q} {n}: {got_high:?}");
        }
        // 0.99^100 = 0.37: the greatest of 100 is often below p99. With 368 it is not in 2.5 %
        // (0.99^367 = 0.025), and the fractional order statistics agree to a few windows.
        assert!(positions(0.99, 100.0, 0.95).1.is_none());
        assert!(positions(0.99, 350.0, 0.95).1.is_none());
        assert!(positions(0.99, 380.0, 0.95).1.is_some());
        // Where the two formulas meet they agree to two ranks, a fifth of a standard deviation.
        let (exact, normal) = (positions(0.99, 10_000.0, 0.95), positions(0.99, 10_001.0, 0.95));
        assert!((exact.0.unwrap() - normal.0.unwrap()).abs() * 1e4 < 2.0);
        assert!((exact.1.unwrap() - normal.1.unwrap()).abs() * 1e4 < 2.0);
    }

    const SCIPY: [(f64, f64, f64, f64); 5] = [
        (0.5, 100.0, 0.403202199924, 0.596797800076),
        (0.5, 37.5, 0.345114401904, 0.654885598096),
        (0.95, 300.0, 0.922628222119, 0.971520422406),
        (0.99, 1000.0, 0.982930184636, 0.995149977652),
        (0.999, 5000.0, 0.997941774238, 0.999664374651),
    ];
}
