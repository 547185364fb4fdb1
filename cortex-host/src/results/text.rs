//! Numbers and tables for people, the same on a terminal, in Markdown and in the report.

use super::kernel_summary::KernelSummary;
use super::statistics::Bounds;
use super::summary::Summary;

/// Missed deadlines, with their share when there are any; a dash where none was timed.
pub(crate) fn missed(kernel: &KernelSummary) -> String {
    let windows = kernel.windows;
    match windows.deadline_missed {
        _ if kernel.seeded.is_some() => dash(),
        0 => "0".to_owned(),
        missed => {
            format!("{missed} ({:.1} %)", missed as f64 * 100.0 / windows.measured.max(1) as f64)
        }
    }
}

/// "3 of 700 deadlines missed", over all kernels; none when nothing was measured.
pub(crate) fn deadlines(summary: &Summary) -> Option<String> {
    let (missed, measured) = summary.deadlines();
    (measured > 0).then(|| {
        let plural = if measured == 1 { "" } else { "s" };
        format!(
            "{} of {} deadline{plural} missed",
            grouped(missed as f64),
            grouped(measured as f64)
        )
    })
}

/// The ends of a quantile's interval, `12.1–13.4`; an end that is not bounded is left open.
pub(crate) fn bounds(bounds: Option<Bounds>, figure: fn(f64) -> String) -> String {
    match bounds {
        None | Some((None, None)) => dash(),
        Some((low, high)) => {
            let end = |end: Option<f64>| end.map_or(String::new(), figure);
            format!("{}–{}", end(low), end(high))
        }
    }
}

pub(super) fn dash() -> String {
    "–".to_owned()
}

/// Microseconds with three digits or more, and a nanosecond at the finest.
pub(crate) fn micros(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else if value < 1000.0 {
        format!("{value:.1}")
    } else {
        grouped(value)
    }
}

/// A rate with about three digits.
pub(crate) fn rate(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        grouped(value)
    }
}

/// A whole number with its thousands apart: 1 234 567 (narrow no-break spaces).
pub(crate) fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Microseconds in the unit that needs the fewest digits: `250 µs`, `80 ms`, `1.5 s`.
pub(crate) fn duration(us: f64) -> String {
    let (value, unit) = match us {
        us if us < 1e3 => (us, "µs"),
        us if us < 1e6 => (us / 1e3, "ms"),
        us => (us / 1e6, "s"),
    };
    let text = format!("{value:.3}");
    format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_in_the_unit_that_suits_them() {
        let shown = [62.5, 999.0, 80_000.0, 1_500_000.0].map(duration);
        assert_eq!(shown, ["62.5 µs", "999 µs", "80 ms", "1.5 s"]);
    }

    #[test]
    fn figures_keep_their_digits_at_every_size() {
        let shown: Vec<String> =
            [0.042, 9.994, 57.25, 999.9, 1234.0, 1_234_567.8].map(micros).into();
        assert_eq!(
            shown,
            ["0.04", "9.99", "57.2", "999.9", "1\u{202f}234", "1\u{202f}234\u{202f}568"]
        );
    }
}
