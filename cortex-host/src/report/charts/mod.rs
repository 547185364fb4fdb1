//! The charts of a run: what each window took, as distribution and over time.
//!
//! Beyond [`COLUMNS`] windows a chart over time shows, per column, the least, the median and the
//! greatest value: nothing that stands out is lost, and 10⁵ windows stay a small file.

mod distribution;
mod spectrum;
mod timeline;

pub use distribution::{all_cumulative, beyond, cumulative, histogram};
pub use spectrum::spectrum;
pub use timeline::timeline;

use crate::plot::{Axis, Chart, Mark, Style, shortened};
use crate::results::{KernelSummary, Latency, Summary};
use crate::results::{KernelWindows, Window};

/// Windows, or columns of windows, drawn over time.
pub const COLUMNS: usize = 360;

/// Most characters of a label beside an axis.
const LABEL_CHARACTERS: usize = 24;

const KERNEL: &str = "kernel time";
const END_TO_END: &str = "end-to-end";

/// A kind of latency: its name, look and value, in microseconds.
struct Series {
    name: &'static str,
    ink: Style,
    of: fn(&Window) -> Option<u64>,
}

const SERIES: [Series; 2] = [
    Series {
        name: KERNEL,
        ink: Style::First,
        of: |window| window.kernel_ns.filter(|_| window.instructions.is_none()),
    },
    Series { name: END_TO_END, ink: Style::Second, of: |window| window.end_to_end_ns },
];

/// The kinds of latency that a kernel's windows have.
fn series_of(kernel: &KernelWindows) -> impl Iterator<Item = &'static Series> {
    SERIES.iter().filter(|series| kernel.windows.iter().any(|window| (series.of)(window).is_some()))
}

/// Latency against deadline, one line per kernel; none without a measured latency.
#[must_use]
pub fn overview(summary: &Summary) -> Option<Chart> {
    let kernels = &summary.kernels;
    let level = |index: usize| (kernels.len() - 1 - index) as f64;
    let mut marks = Vec::new();
    let mut all = Vec::new();
    type Kind = (&'static str, Style, f64, fn(&KernelSummary) -> Option<Latency>);
    let kinds: [Kind; 2] = [
        (KERNEL, Style::First, 0.16, |kernel| kernel.kernel_time_us),
        (END_TO_END, Style::Second, -0.16, |kernel| kernel.end_to_end_us),
    ];
    for (name, ink, offset, latency) in kinds {
        let (mut lines, mut dots) = (Vec::new(), Vec::new());
        for (index, kernel) in kernels.iter().enumerate() {
            let Some(latency) = latency(kernel) else { continue };
            let y = level(index) + offset;
            let [min, p50, max] = [latency.min, latency.p50, latency.max].map(at_least_a_tick);
            lines.extend([(min, y), (max, y), (f64::NAN, y)]);
            dots.push((p50, y));
            if let Some(p99) = latency.p99.map(at_least_a_tick) {
                lines.extend([(p99, y - 0.13), (p99, y + 0.13), (f64::NAN, y)]);
            }
            all.extend([min, max]);
        }
        if dots.is_empty() {
            continue;
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
        ink: Style::Alarm,
        thin: false,
    });
    let (min, max) = range(&all);
    let mut y = Axis::linear("", -0.6, kernels.len() as f64 - 0.4);
    let names = kernels
        .iter()
        .enumerate()
        .map(|(index, k)| (level(index), shortened(k.label(), LABEL_CHARACTERS)));
    y.names = Some(names.collect());
    Some(Chart {
        title: "Latency and deadline".to_owned(),
        x: Axis::log10("latency (µs)", min / 1.6, max * 1.6),
        y,
        marks,
    })
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

/// Pixels that the labels of the overview need beside what a chart has anyway.
#[must_use]
pub fn overview_margin(summary: &Summary) -> f64 {
    let labels = summary.kernels.iter().map(|kernel| kernel.label().chars().count());
    (labels.max().unwrap_or(0).min(LABEL_CHARACTERS) as f64 * 7.0 - 66.0).max(0.0)
}
