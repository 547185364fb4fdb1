//! Tolerances that say something: wide enough for every case, and not ten times wider.

use std::fmt::Display;

/// Asserts that `worst`, the greatest error over all cases of a suite, is within `tolerance`, and
/// that it is more than a tenth of it: behind a wider tolerance an error could grow tenfold unseen.
///
/// # Panics
/// The error is too large (or NaN), or the tolerance is stale.
#[track_caller]
pub fn assert_tight(what: impl Display, worst: f64, tolerance: f64) {
    assert!(worst <= tolerance, "{what}: {worst:.2e} is more than {tolerance:.2e}");
    assert!(
        worst > tolerance / 10.0,
        "{what}: the tolerance of {tolerance:.2e} is stale, the worst case is {worst:.2e}"
    );
}

/// The greater of two errors; NaN is the greatest of all.
#[must_use]
pub fn worse(a: f64, b: f64) -> f64 {
    if a.is_nan() || b <= a { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::{assert_tight, worse};

    #[test]
    fn nan_is_the_worst() {
        assert_eq!(worse(1.0, 2.0), 2.0);
        assert_eq!(worse(2.0, 1.0), 2.0);
        assert!(worse(f64::NAN, 1.0).is_nan() && worse(1.0, f64::NAN).is_nan());
    }

    #[test]
    fn a_tolerance_is_neither_exceeded_nor_stale() {
        assert_tight("a quarter", 0.25, 1.0);
        for worst in [1.1, f64::NAN, 0.09] {
            let outcome = std::panic::catch_unwind(|| assert_tight("wrong", worst, 1.0));
            assert!(outcome.is_err(), "{worst}");
        }
    }
}
