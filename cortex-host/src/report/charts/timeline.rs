//! Latency over the time of a run.

use super::{COLUMNS, Series, micros, range, series_of};
use crate::plot::{Axis, Chart, Mark, Style};
use crate::results::{KernelWindows, Window};

/// Latency of every window over the run, with the deadline, missed and failed windows; none
/// without windows.
#[must_use]
pub fn timeline(kernel: &KernelWindows, deadline_us: Option<f64>) -> Option<Chart> {
    let last_s = kernel.windows.iter().map(|window| window.at_ns).max()? as f64 / 1e9;
    let values: Vec<f64> = series_of(kernel)
        .flat_map(|series| kernel.windows.iter().filter_map(series.of).map(micros))
        .chain(deadline_us.filter(|deadline| *deadline > 0.0))
        .collect();
    let (min, max) = range(&values);
    let y = Axis::log10("latency (µs)", min / 1.5, max * 1.8);
    let pad = (last_s * 0.01).max(1e-6);
    let x = Axis::linear("time since the first release (s)", -pad, last_s + pad);
    let columns = columns(&kernel.windows, last_s);

    let mut marks = vec![warm_up(&kernel.windows, y.max)];
    for series in series_of(kernel) {
        marks.extend(course(series, &columns));
    }
    if let Some(deadline_us) = deadline_us {
        marks.push(Mark::Line {
            label: Some("deadline".to_owned()),
            points: vec![(x.min, deadline_us), (x.max, deadline_us)],
            ink: Style::Alarm,
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
        marks.push(Mark::Line { label, points: failed, ink: Style::Reference, thin: true });
    }
    if !missed.is_empty() {
        let label = Some("missed".to_owned());
        marks.push(Mark::Crosses { label, points: missed, ink: Style::Alarm });
    }
    Some(Chart { title: "Latency over time".to_owned(), x, y, marks })
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
    Mark::Bars { label, bars, ink: Style::Muted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_slow_window_of_many_is_drawn() {
        let mut windows: Vec<Window> = (0..100_000)
            .map(|index| Window {
                at_ns: index * 1_000_000,
                kernel_ns: Some(10_000),
                instructions: None,
                end_to_end_ns: Some(20_000),
                deadline_missed: false,
                warmup: false,
                label: None,
            })
            .collect();
        windows[54_321].kernel_ns = Some(7_000_000);
        windows[54_321].end_to_end_ns = Some(8_000_000);
        windows[54_321].deadline_missed = true;
        let kernel = KernelWindows { name: "k".into(), windows, ..KernelWindows::default() };
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
