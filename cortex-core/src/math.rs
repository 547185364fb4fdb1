//! The one door to elementary functions.
//!
//! With `std` loaded anywhere in a program, `f32::sin` and its kin resolve to the platform's
//! maths library, whose last bits differ between platforms. Everything here is plain
//! additions, multiplications and `libm` (pure Rust), so the bits are the same everywhere.

/// Sine of `x` radians.
#[must_use]
pub fn sin(x: f64) -> f64 {
    libm::sin(x)
}

/// Cosine of `x` radians.
#[must_use]
pub fn cos(x: f64) -> f64 {
    libm::cos(x)
}

/// Tangent of `x` radians.
#[must_use]
pub fn tan(x: f64) -> f64 {
    libm::tan(x)
}

/// e to the power `x`.
#[must_use]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// e to the power `x`, minus one, exact near zero.
#[must_use]
pub fn expm1(x: f64) -> f64 {
    libm::expm1(x)
}

/// Natural logarithm.
#[must_use]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// Natural logarithm of `1 + x`, exact near zero.
#[must_use]
pub fn ln_1p(x: f64) -> f64 {
    libm::log1p(x)
}

/// Logarithm to base ten.
#[must_use]
pub fn log10(x: f64) -> f64 {
    libm::log10(x)
}

/// `x` to the power `y`.
#[must_use]
pub fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// Angle of the point (`x`, `y`) in radians.
#[must_use]
pub fn atan2(y: f64, x: f64) -> f64 {
    libm::atan2(y, x)
}

/// Largest integer not above `x`.
#[must_use]
pub fn floor(x: f64) -> f64 {
    libm::floor(x)
}

/// Nearest integer, halves away from zero.
#[must_use]
pub fn round(x: f64) -> f64 {
    libm::round(x)
}

/// Square root, correctly rounded.
#[must_use]
pub fn sqrt(x: f64) -> f64 {
    libm::sqrt(x)
}

/// Square root in single precision, correctly rounded.
///
/// IEEE 754 asks one result of every implementation, so the processor's instruction (feature
/// `std`, vectorised) and `libm` (elsewhere) give the same bits.
#[inline(always)]
#[must_use]
pub fn sqrtf(x: f32) -> f32 {
    #[cfg(feature = "std")]
    return x.sqrt();
    #[cfg(not(feature = "std"))]
    return libm::sqrtf(x);
}

/// [`sqrtf`] of every number.
pub fn square_roots(values: &mut [f32]) {
    for value in values {
        *value = sqrtf(*value);
    }
}

/// Natural logarithm of a positive normal number, in plain `f32` arithmetic.
///
/// `x = 2^k (1 + t)` with `1 + t` in [sqrt(1/2), sqrt(2)); `ln(1 + t) = t - t²/2 + t³ P(t)`
/// with P the degree-6 minimax polynomial (relative error 3.2e-8, fitted by Lawson's
/// iteration). Rounding of the five leading operations adds at most 2.5 ulp: the relative
/// error stays below 4e-7, and exactly 0 at `x = 1`.
#[inline(always)]
#[must_use]
pub fn lnf(x: f32) -> f32 {
    const SQRT_HALF_BITS: u32 = 0x3f35_04f3;
    let bits = x.to_bits();
    let k = (bits.wrapping_sub(SQRT_HALF_BITS) as i32) >> 23;
    let t = f32::from_bits(bits.wrapping_sub((k << 23) as u32)) - 1.0;
    let t2 = t * t;
    let mut p = 0.087_004_386;
    p = p * t - 0.142_674_92;
    p = p * t + 0.149_147_69;
    p = p * t - 0.165_775_84;
    p = p * t + 0.199_630_63;
    p = p * t - 0.250_013_38;
    p = p * t + 0.333_339_1;
    let ln_1p = t + (t2 * t * p - t2 * 0.5);
    ln_1p + k as f32 * core::f32::consts::LN_2
}

/// Sine and cosine of an angle given as a fraction of a turn: `phase / 2^32`.
///
/// The nearest quarter turn is taken off exactly in integers; what remains, within an eighth
/// of a turn, goes through minimax polynomials of degree 7 (sine, relative error 3.8e-9) and
/// 8 (cosine, 1e-10). Rounding leaves an absolute error below 1.5e-7.
#[inline(always)]
#[must_use]
pub fn sin_cos_turn(phase: u32) -> (f32, f32) {
    const RADIANS: f32 = (core::f64::consts::TAU / 4_294_967_296.0) as f32;
    let quarter = phase.wrapping_add(0x2000_0000) >> 30;
    let x = phase.wrapping_sub(quarter << 30) as i32 as f32 * RADIANS;
    let z = x * x;
    let s = x + x * z * (-0.166_666_55 + z * (0.008_332_16 - z * 0.000_195_152_82));
    let c =
        1.0 - 0.5 * z + z * z * (0.041_666_646 + z * (-0.001_388_736_8 + z * 0.000_024_438_452));
    let swap = quarter & 1 != 0;
    let (sin, cos) = if swap { (c, s) } else { (s, c) };
    // The signs by quarter: sine is negative in 2 and 3, cosine in 1 and 2.
    let sin_sign = (quarter & 2) << 30;
    let cos_sign = (quarter.wrapping_add(1) & 2) << 30;
    (f32::from_bits(sin.to_bits() ^ sin_sign), f32::from_bits(cos.to_bits() ^ cos_sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Miri takes a sample of the samples.
    const MIRI_STRIDE: u32 = if cfg!(miri) { 5_000 } else { 1 };

    /// Every 3,001st positive normal float: the documented bound of `lnf` against f64.
    #[test]
    fn lnf_is_within_its_error_budget() {
        let mut bits = 0x0080_0000_u32;
        while bits < 0x7f80_0000 {
            let x = f32::from_bits(bits);
            let exact = ln(f64::from(x));
            let error = (f64::from(lnf(x)) - exact).abs();
            assert!(error <= 4e-7 * exact.abs(), "ln {x}: {error:e}");
            bits += 3001 * MIRI_STRIDE;
        }
        assert_eq!(lnf(1.0), 0.0);
    }

    /// The processor's square root against libm's, over the range of Box-Muller and far beyond.
    #[test]
    fn square_roots_have_the_bits_of_libm() {
        let mut bits = 0_u32;
        while bits < 0x7f80_0000 {
            let x = f32::from_bits(bits);
            assert_eq!(sqrtf(x).to_bits(), libm::sqrtf(x).to_bits(), "sqrt {x}");
            bits += 1009 * MIRI_STRIDE;
        }
    }

    #[test]
    fn sin_cos_turn_is_within_its_error_budget() {
        for step in (0..1_431_656_u32).step_by(MIRI_STRIDE as usize) {
            let phase = step.wrapping_mul(3000);
            let angle = f64::from(phase) / 4_294_967_296.0 * core::f64::consts::TAU;
            let (s, c) = sin_cos_turn(phase);
            assert!((f64::from(s) - sin(angle)).abs() < 1.5e-7, "sin of {phase}");
            assert!((f64::from(c) - cos(angle)).abs() < 1.5e-7, "cos of {phase}");
        }
        assert_eq!(sin_cos_turn(0), (0.0, 1.0));
        assert_eq!(sin_cos_turn(1 << 30).0, 1.0);
    }
}
