//! Axes: from values to positions, and where the ticks go.

use cortex_core::math;

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisScale {
    /// Equal steps.
    Linear,
    /// Equal ratios; values must be positive.
    Log10,
}

/// One axis of a chart.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Its title, with the unit.
    pub label: String,
    /// Spread.
    pub scale: AxisScale,
    /// Value at the left or bottom end.
    pub min: f64,
    /// Value at the right or top end, above `min`.
    pub max: f64,
    /// Named ticks in place of numbers (channel names).
    pub names: Option<Vec<(f64, String)>>,
}

/// A tick: value, label (empty for a minor one).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub value: f64,
    pub label: String,
}

impl Axis {
    /// A linear axis. An empty or non-finite range is widened to something drawable.
    #[must_use]
    pub fn linear(label: &str, min: f64, max: f64) -> Self {
        let (min, max) = match (min.is_finite() && max.is_finite(), min < max) {
            (true, true) => (min, max),
            (true, false) => (min - 1.0, min + 1.0),
            _ => (0.0, 1.0),
        };
        Self { label: label.to_owned(), scale: AxisScale::Linear, min, max, names: None }
    }

    /// A logarithmic axis over a positive range, widened like a linear one.
    #[must_use]
    pub fn log10(label: &str, min: f64, max: f64) -> Self {
        let usable = min.is_finite() && max.is_finite() && min > 0.0 && max > 0.0;
        let (min, max) = match (usable, min < max) {
            (true, true) => (min, max),
            (true, false) => (min / 2.0, min * 2.0),
            _ => (0.1, 10.0),
        };
        Self { label: label.to_owned(), scale: AxisScale::Log10, min, max, names: None }
    }

    /// Where `value` lies between the ends, 0 to 1 (outside beyond them); NaN where a
    /// logarithm has no value.
    #[must_use]
    pub fn position(&self, value: f64) -> f64 {
        match self.scale {
            AxisScale::Linear => (value - self.min) / (self.max - self.min),
            AxisScale::Log10 if value > 0.0 => {
                let low = math::log10(self.min);
                (math::log10(value) - low) / (math::log10(self.max) - low)
            }
            AxisScale::Log10 => f64::NAN,
        }
    }

    /// The ticks inside the range, about `wanted` of them with a label.
    pub(super) fn ticks(&self, wanted: usize) -> Vec<Tick> {
        if let Some(names) = &self.names {
            return names
                .iter()
                .map(|(value, label)| Tick { value: *value, label: label.clone() })
                .collect();
        }
        match self.scale {
            AxisScale::Linear => linear_ticks(self.min, self.max, wanted),
            AxisScale::Log10 => log_ticks(self.min, self.max, wanted),
        }
    }
}

/// Multiples of 1, 2 or 5 times a power of ten, written as such from 100,000 on.
fn linear_ticks(min: f64, max: f64, wanted: usize) -> Vec<Tick> {
    let rough = (max - min) / wanted.max(1) as f64;
    let decade = math::log10(rough).floor() as i32;
    let power = math::pow(10.0, f64::from(decade));
    let factor = [1, 2, 5, 10]
        .into_iter()
        .find(|factor| f64::from(*factor) * power >= rough * 0.999)
        .unwrap_or(10);
    let step = f64::from(factor) * power;
    let decimals = if step >= 1.0 { 0 } else { (-math::log10(step)).ceil() as usize };
    let first = (min / step).ceil() as i64;
    let last = (max / step + 1e-9).floor() as i64;
    (first..=last)
        .take(100)
        .map(|index| {
            let value = index as f64 * step;
            let label = match i32::try_from(index) {
                Ok(index) if index != 0 && decade >= 5 => power_label(index * factor, decade),
                _ => format!("{value:.decimals$}"),
            };
            Tick { value, label: label.replace('-', "\u{2212}") }
        })
        .collect()
}

/// Powers of ten with a label, the other digits as minor ticks; over less than two decades
/// also 2 and 5 get one.
fn log_ticks(min: f64, max: f64, wanted: usize) -> Vec<Tick> {
    let (low, high) = (math::log10(min).floor() as i32, math::log10(max).ceil() as i32);
    let decades = math::log10(max) - math::log10(min);
    let every = ((decades / wanted.max(1) as f64).ceil() as i32).max(1);
    // Of the decades, every so-manieth: those that give the most labels, even powers first.
    let inside = |decade: &i32| {
        let power = math::pow(10.0, f64::from(*decade));
        power >= min * (1.0 - 1e-9) && power <= max * (1.0 + 1e-9)
    };
    let labels = |phase: i32| {
        (low..=high).filter(inside).filter(|decade| decade.rem_euclid(every) == phase).count()
    };
    let phase = (0..every).rev().max_by_key(|phase| labels(*phase)).unwrap_or(0);
    let mut ticks = Vec::new();
    for decade in low..=high {
        let power = math::pow(10.0, f64::from(decade));
        for digit in 1..=9 {
            let value = f64::from(digit) * power;
            if value < min * (1.0 - 1e-9) || value > max * (1.0 + 1e-9) {
                continue;
            }
            let labelled = match digit {
                1 => decade.rem_euclid(every) == phase,
                2 | 5 => decades < 2.0,
                _ => false,
            };
            // Minor lines of many decades are only grey.
            if labelled || digit == 1 || decades <= 6.0 {
                ticks.push(Tick {
                    value,
                    label: if labelled { power_label(digit, decade) } else { String::new() },
                });
            }
        }
    }
    ticks
}

/// 0.01 to 1000 in digits, beyond that as a power of ten.
fn power_label(digit: i32, decade: i32) -> String {
    match decade {
        -2..=-1 => format!(
            "{:.1$}",
            f64::from(digit) * math::pow(10.0, f64::from(decade)),
            (-decade) as usize
        ),
        0..=3 => format!("{digit}{}", "0".repeat(decade as usize)),
        _ => {
            let exponent: String = decade
                .to_string()
                .chars()
                .map(|c| match c {
                    '-' => '\u{207b}',
                    '1' => '\u{b9}',
                    '2' => '\u{b2}',
                    '3' => '\u{b3}',
                    '0' | '4'..='9' => char::from_u32(0x2070 + c as u32 - 0x30).unwrap_or(c),
                    other => other,
                })
                .collect();
            let mantissa = if digit == 1 { String::new() } else { format!("{digit}·") };
            format!("{mantissa}10{exponent}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).filter(|label| !label.is_empty()).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(&linear_ticks(0.0, 5.0, 5)), ["0", "1", "2", "3", "4", "5"]);
        assert_eq!(labels(&linear_ticks(-0.3, 0.3, 4)), ["−0.2", "0.0", "0.2"]);
        assert_eq!(labels(&linear_ticks(0.0, 4.2e6, 4)), ["0", "2·10⁶", "4·10⁶"]);
        assert_eq!(labels(&log_ticks(0.5, 80.0, 5)), ["1", "10"]);
        assert_eq!(
            labels(&log_ticks(1e-5, 10.0, 9)),
            ["10⁻⁵", "10⁻⁴", "10⁻³", "0.01", "0.1", "1", "10"]
        );
        assert_eq!(labels(&log_ticks(4.0, 60.0, 5)), ["5", "10", "20", "50"]);
        // Not "100" alone.
        assert_eq!(labels(&log_ticks(3.0, 3000.0, 2)), ["10", "1000"]);
        assert_eq!(labels(&log_ticks(0.5, 2000.0, 2)), ["1", "100"]);
    }

    #[test]
    fn positions_run_from_0_to_1() {
        let axis = Axis::log10("f", 1.0, 100.0);
        assert_eq!(axis.position(10.0), 0.5);
        assert!(axis.position(-1.0).is_nan());
        // Degenerate ranges still draw.
        for axis in
            [Axis::linear("", 3.0, 3.0), Axis::linear("", f64::NAN, 1.0), Axis::log10("", 0.0, 0.0)]
        {
            assert!(axis.min < axis.max);
        }
    }
}
