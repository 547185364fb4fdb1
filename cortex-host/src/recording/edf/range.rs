//! The physical range of a channel as the eight characters of its limits say it, and the number that
//! stands for a sample in it.

/// Longest number in a header.
pub(super) const NUMBER_CHARS: usize = 8;
/// What a number of no decimals, of one, of two and so on is counted in, as its reciprocal.
const UNITS: [f64; 7] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
/// How much wider a range may become in eight characters before an exponent is looked at.
const MOST_WIDENING: f64 = 1.01;

/// The range of one channel in µV, as its fields have it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Range {
    pub low: f64,
    pub high: f64,
    pub fields: [String; 2],
}

impl Range {
    /// The range of samples from `low` to `high`, or none when eight characters cannot say it. A
    /// range of one value is made wider, one of a small value only to 0.
    pub(super) fn new(low: f32, high: f32) -> Option<Self> {
        let (mut low, mut high) = (f64::from(low), f64::from(high));
        if low == high {
            (low, high) = match low {
                0.0 => (0.0, 1.0),
                small if small.abs() <= 1.0 => (small.min(0.0), small.max(0.0)),
                _ => (low - 1.0, high + 1.0),
            };
        }
        let plain = Self::between(decimal(low, false)?, decimal(high, true)?)?;
        if plain.high - plain.low <= MOST_WIDENING * (high - low) {
            return Some(plain);
        }
        let nearer = |value: f64, up: bool, than: f64| {
            let text = exponent(value, up)?;
            let limit: f64 = text.parse().ok()?;
            ((limit - value).abs() < (than - value).abs()).then_some(text)
        };
        let [lowest, highest] = plain.fields;
        Self::between(
            nearer(low, false, plain.low).unwrap_or(lowest),
            nearer(high, true, plain.high).unwrap_or(highest),
        )
    }

    fn between(low: String, high: String) -> Option<Self> {
        Some(Self { low: low.parse().ok()?, high: high.parse().ok()?, fields: [low, high] })
    }

    /// The number that stands for `sample`.
    pub(super) fn stored(&self, sample: f32, width: usize) -> i32 {
        let steps = f64::from((1_i32 << (8 * width)) - 1);
        let least = -f64::from(1_i32 << (8 * width - 1));
        let step = ((f64::from(sample) - self.low) / (self.high - self.low) * steps).round();
        (step.clamp(0.0, steps) + least) as i32
    }
}

/// `value` with as many decimals as eight characters hold, rounded down or `up`.
fn decimal(value: f64, up: bool) -> Option<String> {
    UNITS.into_iter().enumerate().rev().find_map(|(decimals, unit)| {
        let scaled = value * unit;
        let rounded = if up { scaled.ceil() } else { scaled.floor() };
        // The product or the quotient may have rounded to the wrong side: one unit further then.
        let outwards = if up { 1.0 } else { -1.0 };
        [rounded, rounded + outwards].into_iter().find_map(|count| {
            let text = shortest(count / unit, decimals);
            limit(if text == "-0" { "0".to_owned() } else { text }, value, up)
        })
    })
}

/// `value` with an exponent, in eight characters, rounded down or `up`: `-1.2e-12`. Other readers
/// take it too (MNE, edfio, EDFlib).
fn exponent(value: f64, up: bool) -> Option<String> {
    UNITS.into_iter().enumerate().rev().find_map(|(decimals, unit)| {
        let nearest = format!("{value:.decimals$e}");
        let (mantissa, exponent) = nearest.split_once('e')?;
        let count: i32 = mantissa.replace('.', "").parse().ok()?;
        let outwards = if up { 1 } else { -1 };
        [count, count + outwards].into_iter().find_map(|count| {
            let mantissa = shortest(f64::from(count) / unit, decimals);
            limit(format!("{mantissa}e{exponent}"), value, up)
        })
    })
}

/// `value` with `decimals` decimals, zeros at the end left out.
fn shortest(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// `text` when it fits the field and does not lie within `value`.
fn limit(text: String, value: f64, up: bool) -> Option<String> {
    let read: f64 = text.parse().ok()?;
    let outside = if up { read >= value } else { read <= value };
    (text.len() <= NUMBER_CHARS && outside).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_rounded_outwards_to_eight_characters() {
        for (value, down, up) in [
            (0.0, "0", "0"),
            (1.5, "1.5", "1.5"),
            (-0.1_f64, "-0.1", "-0.1"),
            (100.0 / 3.0, "33.33333", "33.33334"),
            (-100.0 / 3.0, "-33.3334", "-33.3333"),
            (12_345_678.0, "12345678", "12345678"),
            (-1_234_567.25, "-1234568", "-1234567"),
            (1e-9, "0", "0.000001"),
            (-1e-9, "-0.00001", "0"),
        ] {
            assert_eq!(decimal(value, false).as_deref(), Some(down), "{value}");
            assert_eq!(decimal(value, true).as_deref(), Some(up), "{value}");
        }
        assert_eq!(decimal(1e9, true), None);
        for (value, down, up) in [
            (1e-9, "1e-9", "1e-9"),
            (-1e-12, "-1e-12", "-1e-12"),
            (1.0 / 3e9, "3.33e-10", "3.34e-10"),
            (-1.0 / 3e9, "-3.4e-10", "-3.3e-10"),
            (9.999_999e-10, "0.999e-9", "10e-10"),
        ] {
            let texts = [exponent(value, false), exponent(value, true)].map(Option::unwrap);
            assert!(texts.iter().all(|text| text.len() <= NUMBER_CHARS), "{texts:?}");
            assert_eq!(texts, [down, up], "{value}");
        }
    }

    #[test]
    fn tiny_ranges_keep_their_steps() {
        for peak in [1e-4_f32, 1.234e-6, 1e-9, 7.77e-12, 1e-30] {
            let range = Range::new(-peak, peak).unwrap();
            let wider = (range.high - range.low) / (2.0 * f64::from(peak));
            assert!((1.0..1.1).contains(&wider), "{peak}: {:?}", range.fields);
            // A constant is a limit, so that the step is as tiny.
            let range = Range::new(peak, peak).unwrap();
            assert_eq!(range.low, 0.0);
            assert!(range.high <= 1.02 * f64::from(peak), "{:?}", range.fields);
        }
        // Where decimals do, no reader meets an exponent.
        for (low, high) in [(-0.01, 0.02), (-100.0, 33.3), (1.0, 1.000_000_1), (0.0, 0.0)] {
            let range = Range::new(low, high).unwrap();
            assert!(!range.fields.concat().contains('e'), "{:?}", range.fields);
        }
    }

    #[test]
    fn every_sample_of_a_range_is_within_half_a_step() {
        for (low, high) in [(-200.0_f32, 150.5), (0.0, 1e-3), (1e6, 1e6), (-3e5, 2e6)] {
            for width in [2, 3] {
                let range = Range::new(low, high).unwrap();
                assert!(range.low <= f64::from(low) && range.high >= f64::from(high));
                let steps = f64::from((1_i32 << (8 * width)) - 1);
                let gain = (range.high - range.low) / steps;
                let offset = range.high / gain - (steps - 1.0) / 2.0;
                for part in 0..=100 {
                    let sample = low + (high - low) * part as f32 / 100.0;
                    let read = (f64::from(range.stored(sample, width)) + offset) * gain;
                    let error = (read - f64::from(sample)).abs();
                    let rounding = 4.0 * f64::EPSILON * range.high.abs().max(range.low.abs());
                    assert!(error <= gain / 2.0 + rounding * steps, "{sample}: {error} of {gain}");
                }
            }
        }
    }
}
