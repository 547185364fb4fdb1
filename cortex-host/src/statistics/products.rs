//! Sums of products of values some places apart, for all distances at once.

use core::f64::consts::TAU;

use cortex_core::math;

/// Below this distance products are summed one by one: that takes as long as the transforms for
/// about so many distances, and most series need no more.
const ONE_BY_ONE: usize = 64;

/// `Σ x[t] x[t + lag]` of a series, for every lag up to half its length.
#[derive(Debug)]
pub(super) struct LaggedProducts {
    values: Vec<f64>,
    /// The sum of lag j in the real part of number j, once it is asked for.
    transformed: Vec<Complex>,
}

type Complex = [f64; 2];

impl LaggedProducts {
    pub fn new(values: Vec<f64>) -> Self {
        Self { values, transformed: Vec::new() }
    }

    /// The sum of `lag`, at most half the length; 0 beyond. Lags are asked for in ascending order: the
    /// values are gone once all are transformed.
    pub fn at(&mut self, lag: usize) -> f64 {
        if lag < ONE_BY_ONE {
            let later = self.values.iter().skip(lag);
            return self.values.iter().zip(later).map(|(a, b)| a * b).sum();
        }
        if self.transformed.is_empty() {
            self.transformed = all_products(core::mem::take(&mut self.values));
        }
        self.transformed.get(lag).map_or(0.0, |[sum, _]| *sum)
    }
}

/// The sums of all lags up to half the length, in the real parts.
///
/// The values are the coefficients of a real polynomial P. With M = 2 H at least one and a half
/// times their number, P(x) P(1/x) modulo x^M + 1 has the sum of lag k as its coefficient k: what
/// wraps round from lag k - M is zero. x^M + 1 = (x^H - i) (x^H + i), and a real polynomial modulo
/// the first factor, p[j] + i p[j + H], tells it modulo the second. At the roots of that factor
/// |x| = 1, hence P(1/x) is the conjugate of P(x).
///
/// Error: a transform of 2^t points is off by at most 1e-15 t of its norm (Higham 2002, "Accuracy and
/// Stability of Numerical Algorithms", theorem 24.2, factors off by 3e-16), and the norm of the sums
/// is at most √N of the greatest, that of lag 0. So the sums are off by at most 1e-15 t √N of that
/// of lag 0: 2e-11 for a million values, whose correlations are noise below 1e-3.
fn all_products(values: Vec<f64>) -> Vec<Complex> {
    let half = (values.len() + values.len() / 2).next_power_of_two().max(2) / 2;
    let mut points = vec![[0.0; 2]; half];
    for (index, value) in values.iter().enumerate() {
        if let Some([re, im]) = points.get_mut(index % half) {
            *if index < half { re } else { im } = *value;
        }
    }
    drop(values);
    evaluate(&mut points, 0.25);
    for [re, im] in &mut points {
        [*re, *im] = [(*re * *re + *im * *im) / half as f64, 0.0];
    }
    interpolate(&mut points, 0.25);
    points
}

/// Values of a polynomial of `points.len()` coefficients, a power of two, at the roots of
/// x^len = exp(2πi `turn`): modulo x^(len/2) ± exp(πi `turn`), and so on. Depth first, so that what
/// fits a cache is finished in it.
fn evaluate(points: &mut [Complex], turn: f64) {
    if points.len() < 2 {
        return;
    }
    let (low, high) = points.split_at_mut(points.len() / 2);
    let [cos, sin] = unit(turn / 2.0);
    for (a, b) in low.iter_mut().zip(&mut *high) {
        let [re, im] = [b[0] * cos - b[1] * sin, b[0] * sin + b[1] * cos];
        (*a, *b) = ([a[0] + re, a[1] + im], [a[0] - re, a[1] - im]);
    }
    evaluate(low, turn / 2.0);
    evaluate(high, turn / 2.0 + 0.5);
}

/// What [`evaluate`] was given, times `points.len()`.
fn interpolate(points: &mut [Complex], turn: f64) {
    if points.len() < 2 {
        return;
    }
    let (low, high) = points.split_at_mut(points.len() / 2);
    interpolate(low, turn / 2.0);
    interpolate(high, turn / 2.0 + 0.5);
    let [cos, sin] = unit(turn / 2.0);
    for (a, b) in low.iter_mut().zip(high) {
        let [re, im] = [a[0] - b[0], a[1] - b[1]];
        *a = [a[0] + b[0], a[1] + b[1]];
        *b = [re * cos + im * sin, im * cos - re * sin];
    }
}

/// exp(2πi `turn`); turns are exact in binary.
fn unit(turn: f64) -> Complex {
    [math::cos(TAU * turn), math::sin(TAU * turn)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against sums of each lag by itself, within the bound of [`all_products`]: 1e-15 · 12 · √3000
    /// = 6.6e-13 of lag 0 at most. Lengths about powers of two, and values that hang together.
    #[test]
    fn sums_are_those_of_each_lag() {
        for count in [1, 2, 3, 5, 127, 128, 129, 170, 171, 1365, 1366, 3000] {
            let mut x = 0.0;
            let values: Vec<f64> = (0..count)
                .map(|t| {
                    x = 0.99 * x + math::sin(f64::from(t * t % 1009));
                    x
                })
                .collect();
            let direct = |lag: usize| {
                values.iter().zip(values.iter().skip(lag)).map(|(a, b)| a * b).sum::<f64>()
            };
            let (all, bound) = (all_products(values.clone()), 6.6e-13 * direct(0));
            let mut products = LaggedProducts::new(values.clone());
            for lag in 0..=values.len() / 2 {
                assert!((all[lag][0] - direct(lag)).abs() <= bound, "{count} {lag}");
                assert!((products.at(lag) - direct(lag)).abs() <= bound, "{count} {lag}");
            }
        }
    }
}
