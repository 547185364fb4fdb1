//! The charts of a run: what each window took, as distribution and over time.
//!
//! Beyond [`COLUMNS`] windows a chart over time shows, per column, the least, the median and the
//! greatest value: nothing that stands out is lost, and 10⁵ windows stay a small file.

use cortex_core::math;

use super::run::{KernelWindows, Window};
use crate::plot::{Axis, Chart, Ink, Mark};
use crate::results::{InputSpectrum, KernelSummary, Latency, ReferenceKind, Summary};

/// Windows, or columns of windows, drawn over time.
pub const COLUMNS: usize = 360;

/// Most points of a cumulative curve.
const CURVE_POINTS: usize = 240;

/// Latencies that differ by more than this factor are drawn on a logarithmic axis.
const LOG_RATIO: f64 = 5.0;

/// The share of windows that the axis of a distribution shows at least, and how many times beyond
/// it the rest may lie and still be shown.
const SHOWN_SHARE: f64 = 0.995;
const FAR: f64 = 4.0;

const KERNEL: &str = "kernel time";
const END_TO_END: &str = "end-to-end";

/// A kind of latency: its name, look and value, in microseconds.
struct Series {
    name: &'static str,
    ink: Ink,
    of: fn(&Window) -> Option<u64>,
}

const SERIES: [Series; 2] = [
    Series {
        name: KERNEL,
        ink: Ink::First,
        of: |window| window.kernel_ns.filter(|_| !window.emulated),
    },
    Series { name: END_TO_END, ink: Ink::Second, of: |window| window.end_to_end_ns },
];

/// Latency against deadline, one line per kernel; none without a measured latency.
#[must_use]
pub fn overview(summary: &Summary) -> Option<Chart> {
    let kernels = &summary.kernels;
    let level = |index: usize| (kernels.len() - 1 - index) as f64;
    let mut marks = Vec::new();
    let mut all = Vec::new();
    type Kind = (&'static str, Ink, f64, fn(&KernelSummary) -> Option<Latency>);
    let kinds: [Kind; 2] = [
        (KERNEL, Ink::First, 0.16, |kernel| kernel.kernel_time_us),
        (END_TO_END, Ink::Second, -0.16, |kernel| kernel.end_to_end_us),
    ];
    for (name, ink, offset, latency) in kinds {
        let (mut lines, mut dots) = (Vec::new(), Vec::new());
        for (index, kernel) in kernels.iter().enumerate() {
            let Some(latency) = latency(kernel) else { continue };
            let y = level(index) + offset;
            let [min, p50, p99, max] =
                [latency.min, latency.p50, latency.p99, latency.max].map(at_least_a_tick);
            lines.extend([(min, y), (max, y), (f64::NAN, y)]);
            dots.push((p50, y));
            lines.extend([(p99, y - 0.13), (p99, y + 0.13), (f64::NAN, y)]);
            all.extend([min, max]);
        }
        marks.push(Mark::Line { label: Some(name.to_owned()), points: lines, ink, thin: false });
        marks.push(Mark::Dots { label: None, points: dots, ink });
    }
    if all.is_empty() {
        return None;
    }
    let deadlines = kernels.iter().enumerate().flat_map(|(index, kernel)| {
        let (x, y) = (at_least_a_tick(kernel.deadline_us), level(index));
        [(x, y - 0.42), (x, y + 0.42), (f64::NAN, y)]
    });
    let deadlines: Vec<(f64, f64)> = deadlines.collect();
    all.extend(deadlines.iter().map(|(x, _)| *x).filter(|x| x.is_finite()));
    marks.push(Mark::Line {
        label: Some("deadline".to_owned()),
        points: deadlines,
        ink: Ink::Alarm,
        thin: false,
    });
    let (min, max) = range(&all);
    let mut y = Axis::linear("", -0.6, kernels.len() as f64 - 0.4);
    let names = kernels.iter().enumerate().map(|(index, k)| (level(index), shortened(&k.name)));
    y.names = Some(names.collect());
    Some(Chart {
        title: "Latency and deadline: least to greatest, ● p50, | p99".to_owned(),
        x: Axis::log10("latency (µs)", min / 1.6, max * 1.6),
        y,
        marks,
    })
}

/// How many windows took how long; none without a measured latency.
#[must_use]
pub fn histogram(kernel: &KernelWindows) -> Option<Chart> {
    let values = SERIES.map(|series| sorted_us(kernel, &series));
    let axis = latency_axis(&values)?;
    let count = values.iter().map(Vec::len).max().unwrap_or(0);
    let bins = ((2.0 * math::sqrt(count as f64)) as usize).clamp(16, 56);
    let edge = |index: usize| value_at(&axis, index as f64 / bins as f64);
    let mut marks = Vec::new();
    let mut highest = 1_u64;
    for (series, values) in SERIES.iter().zip(&values) {
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
    let values = SERIES.map(|series| sorted_us(kernel, &series));
    let axis = latency_axis(&values)?;
    let slow =
        values.iter().map(|values| values.iter().filter(|v| **v > axis.max).count()).max()?;
    let greatest = values.iter().filter_map(|values| values.last()).copied().reduce(f64::max)?;
    (slow > 0).then_some((slow, greatest))
}

/// The share of windows that took no longer than; none without a measured latency.
#[must_use]
pub fn cumulative(kernel: &KernelWindows) -> Option<Chart> {
    let values = SERIES.map(|series| sorted_us(kernel, &series));
    let axis = latency_axis(&values)?;
    let mut marks = Vec::new();
    for (series, values) in SERIES.iter().zip(&values) {
        let mut points = Vec::new();
        let mut before = 0.0;
        for index in steps(values.len()) {
            let Some(value) = values.get(index) else { continue };
            let share = (index + 1) as f64 * 100.0 / values.len() as f64;
            points.extend([(*value, before), (*value, share)]);
            before = share;
        }
        if before > 0.0 {
            points.push((value_at(&axis, 1.0), before));
        }
        marks.push(Mark::Line {
            label: Some(series.name.to_owned()),
            points,
            ink: series.ink,
            thin: false,
        });
    }
    for (series, values) in SERIES.iter().zip(&values) {
        let points = [0.50, 0.95, 0.99].iter().filter_map(|share| {
            let rank = (share * values.len() as f64).ceil() as usize;
            Some((*values.get(rank.max(1) - 1)?, share * 100.0))
        });
        marks.push(Mark::Dots { label: None, points: points.collect(), ink: series.ink });
    }
    let mut y = Axis::linear("share of windows (%)", 0.0, 104.0);
    let ticks = [(0.0, "0"), (25.0, "25"), (50.0, "50"), (75.0, "75"), (100.0, "100")];
    y.names = Some(ticks.map(|(value, name)| (value, name.to_owned())).to_vec());
    let title = "Cumulative distribution, ● p50 p95 p99".to_owned();
    Some(Chart { title, x: axis, y, marks })
}

/// Latency of every window over the run, with the deadline, missed and failed windows; none
/// without windows.
#[must_use]
pub fn timeline(kernel: &KernelWindows, deadline_us: Option<f64>) -> Option<Chart> {
    let last_s = kernel.windows.iter().map(|window| window.at_ns).max()? as f64 / 1e9;
    let values: Vec<f64> = SERIES
        .iter()
        .flat_map(|series| kernel.windows.iter().filter_map(series.of).map(micros))
        .chain(deadline_us.filter(|deadline| *deadline > 0.0))
        .collect();
    let (min, max) = range(&values);
    let y = Axis::log10("latency (µs)", min / 1.5, max * 1.8);
    let pad = (last_s * 0.01).max(1e-6);
    let x = Axis::linear("time since the first release (s)", -pad, last_s + pad);
    let columns = columns(&kernel.windows, last_s);

    let mut marks = vec![warm_up(&kernel.windows, y.max)];
    for series in &SERIES {
        marks.extend(course(series, &columns));
    }
    if let Some(deadline_us) = deadline_us {
        marks.push(Mark::Line {
            label: Some("deadline".to_owned()),
            points: vec![(x.min, deadline_us), (x.max, deadline_us)],
            ink: Ink::Alarm,
            thin: false,
        });
    }
    // In each column the worst of them, so that a mark stands where a miss was.
    let missed: Vec<(f64, f64)> = columns
        .iter()
        .filter_map(|column| {
            let late = column.windows.iter().filter(|w| w.deadline_missed && !w.warmup);
            let worst = late.filter_map(|w| w.end_to_end_ns).max()?;
            Some((column.at_s, micros(worst)))
        })
        .collect();
    let failed = columns
        .iter()
        .filter(|column| column.windows.iter().any(|window| window.kernel_ns.is_none()))
        .flat_map(|column| [(column.at_s, y.min), (column.at_s, y.max), (column.at_s, f64::NAN)]);
    let failed: Vec<(f64, f64)> = failed.collect();
    if !failed.is_empty() {
        let label = Some("failed".to_owned());
        marks.push(Mark::Line { label, points: failed, ink: Ink::Reference, thin: true });
    }
    if !missed.is_empty() {
        let label = Some("missed".to_owned());
        marks.push(Mark::Crosses { label, points: missed, ink: Ink::Alarm });
    }
    Some(Chart { title: "Latency over time".to_owned(), x, y, marks })
}

/// The input's power spectral density and what it is compared with; none without points.
#[must_use]
pub fn spectrum(spectrum: &InputSpectrum) -> Option<Chart> {
    let points = &spectrum.points;
    let (first, last) = (points.first()?.frequency_hz, points.last()?.frequency_hz);
    let lows = points.iter().map(|point| point.min).fold(f64::INFINITY, f64::min);
    let highs = points.iter().map(|point| point.max).fold(0.0, f64::max);
    let mut marks = Vec::new();
    if spectrum.channels > 1 {
        marks.push(Mark::Band {
            label: Some("range of the channels".to_owned()),
            points: points.iter().map(|p| (p.frequency_hz, p.min, p.max)).collect(),
            ink: Ink::First,
        });
    }
    marks.push(Mark::Line {
        label: Some(if spectrum.channels > 1 { "median" } else { "density" }.to_owned()),
        points: points.iter().map(|point| (point.frequency_hz, point.median)).collect(),
        ink: Ink::First,
        thin: false,
    });
    if let Some(reference) = &spectrum.reference {
        let label = match reference.kind {
            ReferenceKind::Generator => "the generator's design",
            ReferenceKind::OneOverF => "1/f at this level",
        };
        marks.push(Mark::Line {
            label: Some(label.to_owned()),
            points: reference.points.clone(),
            ink: Ink::Reference,
            thin: false,
        });
    }
    // A pure tone's floor is rounding, eighteen decades down: twelve are enough to see it.
    let floor = lows.max(highs * 1e-12);
    Some(Chart {
        title: "Power spectral density of the input".to_owned(),
        x: Axis::log10("frequency (Hz)", first, last),
        y: Axis::log10("density (µV²/Hz)", floor / 2.0, highs * 2.0),
        marks,
    })
}

/// Neighbouring windows drawn at one place.
struct Column<'a> {
    /// First release in it, and in the next one.
    from_s: f64,
    to_s: f64,
    at_s: f64,
    windows: &'a [Window],
}

/// Every window by itself while they are few, else equal numbers of them together, repeats and
/// pauses included.
fn columns(windows: &[Window], last_s: f64) -> Vec<Column<'_>> {
    let size = windows.len().div_ceil(COLUMNS).max(1);
    let at_s = |index: usize| windows.get(index).map_or(last_s, |w| w.at_ns as f64 / 1e9);
    windows
        .chunks(size)
        .enumerate()
        .map(|(column, windows)| {
            let first = column * size;
            Column {
                from_s: at_s(first),
                to_s: at_s(first + size),
                at_s: at_s(first + windows.len() / 2),
                windows,
            }
        })
        .collect()
}

/// The line of a latency over time, with its envelope when windows share columns.
fn course(series: &Series, columns: &[Column<'_>]) -> Vec<Mark> {
    let (mut line, mut band) = (Vec::new(), Vec::new());
    let mut values = Vec::new();
    for column in columns {
        values.clear();
        values.extend(column.windows.iter().filter_map(series.of));
        values.sort_unstable();
        let at = |index: usize| values.get(index).map_or(f64::NAN, |ns| micros(*ns));
        line.push((column.at_s, at(values.len() / 2)));
        let (least, greatest) = (at(0), at(values.len().saturating_sub(1)));
        band.extend([(column.from_s, least, greatest), (column.to_s, least, greatest)]);
    }
    let together = columns.iter().any(|column| column.windows.len() > 1);
    let dots = if !together && columns.len() <= COLUMNS / 2 { line.clone() } else { Vec::new() };
    let mut marks = Vec::new();
    if together {
        marks.push(Mark::Band { label: None, points: band, ink: series.ink });
    }
    let label = Some(series.name.to_owned());
    marks.push(Mark::Line { label, points: line, ink: series.ink, thin: true });
    if !dots.is_empty() {
        marks.push(Mark::Dots { label: None, points: dots, ink: series.ink });
    }
    marks
}

/// The stretches of warm-up windows.
fn warm_up(windows: &[Window], top: f64) -> Mark {
    let mut bars: Vec<(f64, f64, f64)> = Vec::new();
    let mut began = None;
    for window in windows {
        let at_s = window.at_ns as f64 / 1e9;
        match (window.warmup, began) {
            (true, None) => began = Some(at_s),
            (false, Some(left)) => {
                bars.push((left, at_s, top));
                began = None;
            }
            _ => {}
        }
    }
    let label = (!bars.is_empty()).then(|| "warm-up".to_owned());
    Mark::Bars { label, bars, ink: Ink::Muted }
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
        crate::plot::Scale::Linear => axis.min + position * (axis.max - axis.min),
        crate::plot::Scale::Log10 => {
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

fn range(values: &[f64]) -> (f64, f64) {
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    let max = values.iter().copied().fold(0.0, f64::max);
    (min, max)
}

/// Nanoseconds as microseconds; below a tick of the clock is a tick, so that logarithms exist.
fn micros(ns: u64) -> f64 {
    ns.max(1) as f64 / 1e3
}

fn at_least_a_tick(us: f64) -> f64 {
    us.max(1e-3)
}

/// At most 11 characters of a name: what fits beside an axis.
fn shortened(name: &str) -> String {
    if name.chars().count() <= 12 {
        name.to_owned()
    } else {
        name.chars().take(11).chain(['…']).collect()
    }
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

    #[test]
    fn the_one_slow_window_of_many_is_drawn() {
        let mut windows: Vec<Window> = (0..100_000)
            .map(|index| Window {
                at_ns: index * 1_000_000,
                kernel_ns: Some(10_000),
                emulated: false,
                end_to_end_ns: Some(20_000),
                deadline_missed: false,
                warmup: false,
            })
            .collect();
        windows[54_321].kernel_ns = Some(7_000_000);
        windows[54_321].end_to_end_ns = Some(8_000_000);
        windows[54_321].deadline_missed = true;
        let kernel = KernelWindows { name: "k".into(), windows, cut_off: false };
        let chart = timeline(&kernel, Some(1000.0)).unwrap();
        let crosses = chart.marks.iter().find_map(|mark| match mark {
            Mark::Crosses { points, .. } => Some(points.clone()),
            _ => None,
        });
        let crosses = crosses.unwrap();
        assert_eq!(crosses.len(), 1);
        assert_eq!(crosses[0].1, 8000.0);
        assert!((crosses[0].0 - 54.321).abs() < 0.3, "{crosses:?}");
        let highest = chart.marks.iter().filter_map(|mark| match mark {
            Mark::Band { points, .. } => points.iter().map(|(_, _, high)| *high).reduce(f64::max),
            _ => None,
        });
        assert_eq!(highest.reduce(f64::max), Some(8000.0));
    }
}
