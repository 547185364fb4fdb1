//! The arithmetic of the two sample types: products of 32-bit states with coefficients, sums that
//! cannot overflow, and rounding. Every rounding is half up: `floor(x + 1/2)`.

/// `mantissa / 2^shift`: a coefficient with as many bits as products of its sample type leave it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Factor {
    pub mantissa: i32,
    pub shift: u32,
}

/// A type of samples, which are kept in 32 bits.
pub(super) trait Word: Copy {
    /// Bits of a sample without its sign.
    const BITS: u32;
    /// Greatest sample; the least is its negative.
    const LIMIT: i32;
    /// The step of a missing sample.
    const MISSING: i32 = -Self::LIMIT - 1;
    /// What 1 is in tables of numbers from -1 to 1, as a power of two.
    const UNIT_BITS: u32;
    /// Bits of a [`Factor`]'s mantissa without its sign.
    const MANTISSA_BITS: u32;
    /// Greatest sum of the magnitudes of a filter's taps: with it no sum of products overflows.
    const TAP_SUM: f64;
    /// A sum of products of taps and samples, or of samples.
    type Sum: Copy + Default;

    /// Whether a step is a measurement.
    fn is_valid(step: i32) -> bool;

    /// `x` times a number from -1 to 1 of a table, for |x| <= 2^30.
    fn weigh(x: i32, weight: i32) -> i32;

    /// `z exp(-i angle)` for (cos, sin) of the angle from a table, for |z| <= 2^30.5.
    fn turn(z: [i32; 2], turn: [i32; 2]) -> [i32; 2];

    /// `x` times `factor`, for |x| <= 2^29.
    fn times(x: i32, factor: Factor) -> i32;

    /// `sum + tap x`.
    fn add_product(sum: Self::Sum, tap: i32, x: i32) -> Self::Sum;

    /// `sum + tap (x + y)`.
    fn add_pair(sum: Self::Sum, tap: i32, x: i32, y: i32) -> Self::Sum;

    /// `sum / 2^shift` as a sample, and whether it lay beyond the range.
    fn narrow(sum: Self::Sum, shift: u32) -> (i32, bool);

    /// `sum + x`.
    fn add(sum: Self::Sum, x: i32) -> Self::Sum;

    /// `x - y` within the range, and whether it lay beyond.
    fn difference(x: i32, y: i32) -> (i32, bool);

    /// `sum / count`.
    fn mean(sum: Self::Sum, count: u32) -> i32;
}

/// 16-bit samples. Products are of 32-bit states and 15-bit coefficients.
#[derive(Clone, Copy, Debug)]
pub(super) struct Q15;

/// 32-bit samples. Products have 64 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Q31;

/// Whether 64-bit products are instructions. The others are put together from two products of 32
/// bits each: the same number.
const WIDE: bool = cfg!(target_pointer_width = "64");

/// `floor((x a + y b) / 2^bits)` of numbers below 2^31 in magnitude, a and b below 2^bits, where
/// the result fits.
#[inline(always)]
fn split_products<const BITS: u32>(x: i32, a: i32, y: i32, b: i32, half: i32) -> i32 {
    let mask = (1 << BITS) - 1;
    let high = (x >> BITS) * a + (y >> BITS) * b;
    let low = (x & mask) * a + (y & mask) * b;
    high + ((low + half) >> BITS)
}

#[inline(always)]
fn wide_products<const BITS: u32>(x: i32, a: i32, y: i32, b: i32, half: i32) -> i32 {
    let sum = i64::from(x) * i64::from(a) + i64::from(y) * i64::from(b);
    ((sum + i64::from(half)) >> BITS) as i32
}

#[inline(always)]
fn products<const BITS: u32>(x: i32, a: i32, y: i32, b: i32, half: i32) -> i32 {
    if WIDE {
        wide_products::<BITS>(x, a, y, b, half)
    } else {
        split_products::<BITS>(x, a, y, b, half)
    }
}

/// `sum / count`, half up.
macro_rules! rounded_mean {
    ($sum:expr, $count:expr) => {{
        let (sum, count) = ($sum, $count);
        let quotient = sum.div_euclid(count);
        let rest = sum - quotient * count;
        (quotient + if rest >= count - rest { 1 } else { 0 }) as i32
    }};
}

impl Word for Q15 {
    const BITS: u32 = 15;
    const LIMIT: i32 = 32_767;
    const UNIT_BITS: u32 = 15;
    const MANTISSA_BITS: u32 = 15;
    const TAP_SUM: f64 = 65_536.0;
    type Sum = i32;

    #[inline(always)]
    fn is_valid(step: i32) -> bool {
        (step.wrapping_add(Self::LIMIT)) as u32 <= 2 * Self::LIMIT as u32
    }

    #[inline(always)]
    fn weigh(x: i32, weight: i32) -> i32 {
        products::<15>(x, weight, 0, 0, 1 << 14)
    }

    #[inline(always)]
    fn turn([re, im]: [i32; 2], [cos, sin]: [i32; 2]) -> [i32; 2] {
        [products::<15>(re, cos, im, sin, 1 << 14), products::<15>(im, cos, re, -sin, 1 << 14)]
    }

    #[inline(always)]
    fn times(x: i32, factor: Factor) -> i32 {
        // floor(floor(x m / 2^14 + 2^e / 2) / 2^e) is x m / 2^(14 + e), rounded once.
        let more = factor.shift - 14;
        let product = products::<14>(x, factor.mantissa, 0, 0, 0);
        (product + (1 << (more - 1))) >> more
    }

    #[inline(always)]
    fn add_product(sum: i32, tap: i32, x: i32) -> i32 {
        sum + tap * x
    }

    #[inline(always)]
    fn add_pair(sum: i32, tap: i32, x: i32, y: i32) -> i32 {
        sum + tap * (x + y)
    }

    #[inline(always)]
    fn narrow(sum: i32, shift: u32) -> (i32, bool) {
        // |sum| < 2^31 - 2^15: see `TAP_SUM`.
        let value = (sum >> shift) + ((sum >> (shift - 1)) & 1);
        let within = value.clamp(-Self::LIMIT, Self::LIMIT);
        (within, within != value)
    }

    #[inline(always)]
    fn add(sum: i32, x: i32) -> i32 {
        sum + x
    }

    #[inline(always)]
    fn difference(x: i32, y: i32) -> (i32, bool) {
        let value = x - y;
        let within = value.clamp(-Self::LIMIT, Self::LIMIT);
        (within, within != value)
    }

    #[inline(always)]
    fn mean(sum: i32, count: u32) -> i32 {
        rounded_mean!(sum, count as i32)
    }
}

impl Word for Q31 {
    const BITS: u32 = 31;
    const LIMIT: i32 = i32::MAX;
    const UNIT_BITS: u32 = 30;
    const MANTISSA_BITS: u32 = 31;
    const TAP_SUM: f64 = 2_147_483_647.0;
    type Sum = i64;

    #[inline(always)]
    fn is_valid(step: i32) -> bool {
        step != Self::MISSING
    }

    #[inline(always)]
    fn weigh(x: i32, weight: i32) -> i32 {
        wide_products::<30>(x, weight, 0, 0, 1 << 29)
    }

    #[inline(always)]
    fn turn([re, im]: [i32; 2], [cos, sin]: [i32; 2]) -> [i32; 2] {
        [
            wide_products::<30>(re, cos, im, sin, 1 << 29),
            wide_products::<30>(im, cos, re, -sin, 1 << 29),
        ]
    }

    #[inline(always)]
    fn times(x: i32, factor: Factor) -> i32 {
        let product = i64::from(x) * i64::from(factor.mantissa);
        ((product + (1 << (factor.shift - 1))) >> factor.shift) as i32
    }

    #[inline(always)]
    fn add_product(sum: i64, tap: i32, x: i32) -> i64 {
        sum + i64::from(tap) * i64::from(x)
    }

    #[inline(always)]
    fn add_pair(sum: i64, tap: i32, x: i32, y: i32) -> i64 {
        sum + i64::from(tap) * i64::from(x) + i64::from(tap) * i64::from(y)
    }

    #[inline(always)]
    fn narrow(sum: i64, shift: u32) -> (i32, bool) {
        let value = (sum >> shift) + ((sum >> (shift - 1)) & 1);
        let limit = i64::from(Self::LIMIT);
        let within = value.clamp(-limit, limit);
        (within as i32, within != value)
    }

    #[inline(always)]
    fn add(sum: i64, x: i32) -> i64 {
        sum + i64::from(x)
    }

    #[inline(always)]
    fn difference(x: i32, y: i32) -> (i32, bool) {
        let value = x.saturating_sub(y).max(-Self::LIMIT);
        (value, i64::from(value) != i64::from(x) - i64::from(y))
    }

    #[inline(always)]
    fn mean(sum: i64, count: u32) -> i32 {
        rounded_mean!(sum, i64::from(count))
    }
}

impl Factor {
    /// The nearest number to `value`, which lies between 0 and 1.
    pub fn of<W: Word>(value: f64) -> Self {
        // The mantissa fills its bits: doubled as often as that takes.
        let end = (1_u64 << W::MANTISSA_BITS) as f64;
        let (mut scaled, mut shift) = (value * end, W::MANTISSA_BITS);
        while scaled < end / 2.0 && shift < W::MANTISSA_BITS + MOST_DOUBLINGS {
            scaled *= 2.0;
            shift += 1;
        }
        Self { mantissa: (scaled + 0.5).min(end - 1.0) as i32, shift }
    }
}

/// A smaller coefficient than 2^-30 loses bits.
const MOST_DOUBLINGS: u32 = 29;

/// A number from -1 to 1 as tables hold it.
pub(super) fn in_units<W: Word>(value: f64) -> i32 {
    rounded(value * (1_i64 << W::UNIT_BITS) as f64)
}

/// `value` to the nearest whole number, half up; it lies within 32 bits.
pub(super) fn rounded(value: f64) -> i32 {
    // A cast cuts towards 0.
    if value < 0.0 { -((0.5 - value) as i64 as i32) } else { (value + 0.5) as i64 as i32 }
}

/// `x 2^shift`, half up where bits are lost.
#[inline(always)]
pub(super) fn shifted(x: i32, shift: i32) -> i32 {
    if shift >= 0 {
        x << shift
    } else {
        let by = shift.unsigned_abs();
        // Without overflow at the end of the range.
        (x >> by) + ((x >> (by - 1)) & 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Boards put 64-bit products together from 32-bit ones: floor and halves as they should be.
    #[test]
    fn split_products_are_the_wide_ones() {
        let mut word = 1_u32;
        let mut next = |bits: u32| {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (word as i32) >> (32 - bits)
        };
        for _ in 0..100_000 {
            let (x, a) = (next(31), next(16));
            for half in [0, 1 << 14] {
                assert_eq!(
                    split_products::<15>(x, a, 0, 0, half),
                    wide_products::<15>(x, a, 0, 0, half)
                );
            }
            let (x, y) = (next(30), next(30));
            assert_eq!(
                split_products::<15>(x, 23_170, y, -23_170, 1 << 14),
                wide_products::<15>(x, 23_170, y, -23_170, 1 << 14)
            );
            let (x, m) = (next(30), next(16));
            assert_eq!(split_products::<14>(x, m, 0, 0, 0), wide_products::<14>(x, m, 0, 0, 0));
        }
    }

    #[test]
    fn factors_keep_their_bits_and_products_are_rounded_once() {
        for value in [0.999_99, 0.5, 0.3, 2e-5, 3e-8] {
            let q15 = Factor::of::<Q15>(value);
            let exact = f64::from(q15.mantissa) / (1_u64 << q15.shift) as f64;
            assert!((exact / value - 1.0).abs() < 3.1e-5, "{value} {exact}");
            let x = 123_456_789;
            let product = f64::from(x) * exact;
            assert_eq!(f64::from(Q15::times(x, q15)), (product + 0.5).floor(), "{value}");
            let q31 = Factor::of::<Q31>(value);
            let exact = f64::from(q31.mantissa) / (1_u64 << q31.shift) as f64;
            assert!((exact / value - 1.0).abs() < 1e-9, "{value} {exact}");
        }
    }

    #[test]
    fn means_are_rounded_half_up_on_both_sides_of_zero() {
        assert_eq!([5, 6, 7, -5, -6, -7].map(|sum| Q15::mean(sum, 4)), [1, 2, 2, -1, -1, -2]);
        assert_eq!([5, 6, 7, -5, -6, -7].map(|sum| Q31::mean(sum, 4)), [1, 2, 2, -1, -1, -2]);
    }
}
