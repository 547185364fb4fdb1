//! How latencies spread: histogram and cumulative distribution.

use cortex_core::math;

use super::{Series, micros, range, series_of};
use crate::plot::{Axis, AxisScale, Chart, Mark, Style};
use crate::results::{KernelWindows, Window};
use crate::statistics::least_windows;

/// Most points of a cumulative curve.
const CURVE_POINTS: usize = 240;

/// Latencies that differ by more than this factor are drawn on a logarithmic axis.
const LOG_RATIO: f64 = 5.0;

/// The share of windows that the axis of a distribution shows at least, and how many times beyond
/// it the rest may lie and still be shown.
const SHOWN_SHARE: f64 = 0.995;
const FAR: f64 = 4.0;

/// How many windows took how long; none without a measured latency.
#[must_use]
pub fn histogram(kernel: &KernelWindows) -> Option<Chart> {
    let series: Vec<&Series> = series_of(kernel).collect();
    let values: Vec<Vec<f64>> = series.iter().map(|series| sorted_us(kernel, series)).collect();
    let axis = latency_axis(&values)?;
    let count = values.iter().map(Vec::len).max().unwrap_or(0);
    let bins = ((2.0 * math::sqrt(count as f64)) as usize).clamp(16, 56);
    let edge = |index: usize| value_at(&axis, index as f64 / bins as f64);
    let mut marks = Vec::new();
    let mut highest = 1_u64;
    for (series, values) in series.iter().zip(&values) {
        let mut counts = vec![0_u64; bins];
        for value in values {
            let bin = (axis.position(*value) * bins as f64) as usize;
            if *value <= axis.max
                && let Some(count) = counts.get_mut(bin.min(bins - 1))
            {
                *count += 1;
            }
        }
        highest = highest.max(counts.iter().copied().max().unwrap_or(0));
        let known = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        marks.push(Mark::Bars {
            label: None,
            bars: known.map(|(bin, n)| (edge(bin), edge(bin + 1), *n as f64)).collect(),
            ink: series.ink,
        });
        // The outline tells the two apart without colours.
        let steps = counts
            .iter()
            .enumerate()
            .flat_map(|(bin, count)| [(edge(bin), *count as f64), (edge(bin + 1), *count as f64)]);
        marks.push(Mark::Line {
            label: Some(series.name.to_owned()),
            points: steps.collect(),
            ink: series.ink,
            thin: false,
        });
    }
    Some(Chart {
        title: "Latency distribution".to_owned(),
        x: axis,
        y: Axis::linear("windows", 0.0, highest as f64 * 1.08),
        marks,
    })
}

/// Windows too slow for the axis of the distributions, with the greatest end-to-end latency in
/// microseconds; none when all are on it.
#[must_use]
pub fn beyond(kernel: &KernelWindows) -> Option<(usize, f64)> {
    let series: Vec<&Series> = series_of(kernel).collect();
    let values: Vec<Vec<f64>> = series.iter().map(|series| sorted_us(kernel, series)).collect();
    let axis = latency_axis(&values)?;
    let slow =
        values.iter().map(|values| values.iter().filter(|v| **v > axis.max).count()).max()?;
    let greatest = values.iter().filter_map(|values| values.last()).copied().reduce(f64::max)?;
    (slow > 0).then_some((slow, greatest))
}

/// The share of windows that took no longer than; none without a measured latency.
#[must_use]
pub fn cumulative(kernel: &KernelWindows) -> Option<Chart> {
    let series: Vec<&Series> = series_of(kernel).collect();
    let values: Vec<Vec<f64>> = series.iter().map(|series| sorted_us(kernel, series)).collect();
    let axis = latency_axis(&values)?;
    let mut marks = Vec::new();
    for (series, values) in series.iter().zip(&values) {
        marks.push(Mark::Line {
            label: Some(series.name.to_owned()),
            points: curve(values, value_at(&axis, 1.0)),
            ink: series.ink,
            thin: false,
        });
    }
    for (series, values) in series.iter().zip(&values) {
        let points = [0.50, 0.95, 0.99].iter().filter_map(|share| {
            (values.len() as u64 >= least_windows(*share)).then_some(())?;
            let rank = (share * values.len() as f64).ceil() as usize;
            Some((*values.get(rank.max(1) - 1)?, share * 100.0))
        });
        marks.push(Mark::Dots { label: None, points: points.collect(), ink: series.ink });
    }
    let y = share_axis();
    let title = "Cumulative distribution, ● p50 p95 p99".to_owned();
    Some(Chart { title, x: axis, y, marks })
}

/// Most kernels in one chart.
const MOST_KERNELS: usize = 24;

/// The cumulative distributions of all kernels in one chart: kernel times, or instructions of an
/// emulated device. None for fewer than two kernels.
#[must_use]
pub fn all_cumulative(kernels: &[(&str, &KernelWindows)]) -> Option<Chart> {
    let emulated = kernels.iter().any(|(_, kernel)| kernel.emulated());
    let curves: Vec<(&str, Vec<f64>)> = kernels
        .iter()
        .take(MOST_KERNELS)
        .map(|(label, kernel)| {
            let of = |window: &Window| match emulated {
                true => window.instructions.map(|count| count.max(1) as f64),
                false => window.kernel_ns.map(micros),
            };
            let mut values: Vec<f64> = kernel.measured().filter_map(of).collect();
            values.sort_by(f64::total_cmp);
            (*label, values)
        })
        .filter(|(_, values)| !values.is_empty())
        .collect();
    if curves.len() < 2 {
        return None;
    }
    let ends: Vec<f64> = curves
        .iter()
        .flat_map(|(_, values)| values.first().into_iter().chain(values.last()))
        .copied()
        .collect();
    let (min, max) = range(&ends);
    let unit = if emulated { "instructions" } else { "kernel time (µs)" };
    let x = Axis::log10(unit, min / 1.15, max * 1.15);
    let marks = curves.iter().zip(0_u8..).map(|((label, values), index)| Mark::Line {
        label: Some((*label).to_owned()),
        points: curve(values, x.max),
        ink: Style::Series(index),
        thin: false,
    });
    let marks = marks.collect();
    let title = "Cumulative distributions, all kernels".to_owned();
    Some(Chart { title, x, y: share_axis(), marks })
}

/// The points of a cumulative curve of sorted values, up to `right`.
fn curve(values: &[f64], right: f64) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    let mut before = 0.0;
    for index in steps(values.len()) {
        let Some(value) = values.get(index) else { continue };
        let share = (index + 1) as f64 * 100.0 / values.len() as f64;
        points.extend([(*value, before), (*value, share)]);
        before = share;
    }
    if before > 0.0 {
        points.push((right, before));
    }
    points
}

fn share_axis() -> Axis {
    let mut y = Axis::linear("share of windows (%)", 0.0, 104.0);
    let ticks = [(0.0, "0"), (25.0, "25"), (50.0, "50"), (75.0, "75"), (100.0, "100")];
    y.names = Some(ticks.map(|(value, name)| (value, name.to_owned())).to_vec());
    y
}

/// The measured latencies in ascending order, in microseconds.
fn sorted_us(kernel: &KernelWindows, series: &Series) -> Vec<f64> {
    let mut values: Vec<u64> = kernel.measured().filter_map(series.of).collect();
    values.sort_unstable();
    values.into_iter().map(micros).collect()
}

/// An axis that shows how values spread: logarithmic when they do, and without the few that lie
/// far beyond all others (see [`beyond`]).
fn latency_axis(values: &[Vec<f64>]) -> Option<Axis> {
    let ends = values.iter().filter_map(|values| {
        let high = *values.get((values.len() as f64 * SHOWN_SHARE) as usize)?;
        let (first, last) = (*values.first()?, *values.last()?);
        Some([first, if last > FAR * high { high * 1.5 } else { last }])
    });
    let ends: Vec<f64> = ends.flatten().collect();
    if ends.is_empty() {
        return None;
    }
    let (min, max) = range(&ends);
    let label = "latency (µs)";
    if max / min >= LOG_RATIO {
        return Some(Axis::log10(label, min / 1.1, max * 1.1));
    }
    let pad = ((max - min) * 0.05).max(max * 0.005);
    Some(Axis::linear(label, (min - pad).max(0.0), max + pad))
}

/// The value at a position from 0 to 1 on an axis.
fn value_at(axis: &Axis, position: f64) -> f64 {
    match axis.scale {
        AxisScale::Linear => axis.min + position * (axis.max - axis.min),
        AxisScale::Log10 => {
            let (low, high) = (math::log10(axis.min), math::log10(axis.max));
            math::pow(10.0, low + position * (high - low))
        }
    }
}

/// Which of `count` sorted values make up a curve: all while they are few, else evenly spread
/// ones and the last twentieth more densely.
fn steps(count: usize) -> Vec<usize> {
    if count <= CURVE_POINTS {
        return (0..count).collect();
    }
    let half = CURVE_POINTS / 2;
    let tail = count - (count / 20).max(half).min(count);
    let spread =
        |from: usize, to: usize| (1..=half).map(move |step| from + (to - from) * step / half - 1);
    spread(0, tail).chain(spread(tail, count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_of_many_values_keeps_its_tail() {
        assert_eq!(steps(3), [0, 1, 2]);
        let steps = steps(100_000);
        assert!(steps.len() <= CURVE_POINTS);
        assert!(steps.is_sorted());
        assert_eq!(steps.last(), Some(&99_999));
        // p99.9 and what lies above has points of its own.
        assert!(steps.iter().filter(|step| **step >= 99_900).count() >= 2);
    }
}
