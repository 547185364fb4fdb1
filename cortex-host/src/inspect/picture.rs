//! The picture of an inspection: traces and spectrum, as SVG or in an HTML page.

use std::fmt::Write as _;

use cortex_core::math;

use super::{Inspection, Trace};
use crate::plot::{Axis, Chart, Frame, Mark, STYLE, Style, document, escape};
use crate::spectrum::{grid, thinned};

const WIDTH: f64 = 1000.0;
const TRACES_HEIGHT: f64 = 470.0;
const SPECTRUM_HEIGHT: f64 = 420.0;

/// Traces above the spectrum, as one SVG document.
#[must_use]
pub fn svg(inspection: &Inspection) -> String {
    let mut body =
        traces(inspection).render(Frame { x: 0.0, y: 0.0, width: WIDTH, height: TRACES_HEIGHT });
    let mut height = TRACES_HEIGHT;
    if let Some(chart) = spectrum(inspection) {
        body.push_str(&chart.render(Frame {
            x: 0.0,
            y: height,
            width: WIDTH,
            height: SPECTRUM_HEIGHT,
        }));
        height += SPECTRUM_HEIGHT;
    }
    document(WIDTH, height, &format!("Traces and spectrum of {}", inspection.file), &body)
}

/// A self-contained page: facts, picture and the table of all channels.
#[must_use]
pub fn html(inspection: &Inspection) -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\n",
    );
    let title = escape(&inspection.file);
    let _ = write!(
        page,
        "<title>{title}</title>\n<style>:root{{color-scheme:light dark}}\
         body{{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em}}\
         svg{{max-width:100%;height:auto}}table{{display:block;overflow-x:auto;border-collapse:collapse;font-variant-numeric:tabular-nums}}\
         td,th{{padding:.15em .8em;text-align:right;border-bottom:1px solid #8885}}td:first-child,th:first-child{{text-align:left}}\
         code{{overflow-wrap:anywhere}}{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    );
    let _ = writeln!(
        page,
        "<p>{} channels × {} samples at {} Hz, {:.3} s, {} bytes ({}).<br>SHA-256 <code>{}</code></p>",
        inspection.channels,
        inspection.samples,
        inspection.sample_rate_hz,
        inspection.duration_s,
        inspection.bytes,
        escape(&inspection.format),
        inspection.sha256
    );
    page.push_str(&svg(inspection));
    page.push_str("<h2>Channels</h2>\n<table><tr><th>channel</th><th>mean µV</th><th>RMS µV</th><th>min µV</th><th>max µV</th><th>NaN</th><th>slope</th><th>50 Hz dB</th><th>60 Hz dB</th></tr>\n");
    let cell = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
    };
    for channel in &inspection.channel_reports {
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&channel.name),
            cell(channel.mean_uv, 3),
            cell(channel.rms_uv, 3),
            cell(channel.min_uv.map(f64::from), 2),
            cell(channel.max_uv.map(f64::from), 2),
            channel.nan_count,
            cell(channel.slope, 2),
            cell(channel.line_50_db, 1),
            cell(channel.line_60_db, 1)
        );
    }
    page.push_str("</table>\n");
    known(inspection, &mut page);
    page.push_str("</body></html>\n");
    page
}

/// Tables of events and units, where there are any.
fn known(inspection: &Inspection, page: &mut String) {
    if !inspection.events.is_empty() {
        page.push_str("<h2>Events</h2>\n<table><tr><th>event</th><th>count</th><th>first s</th><th>last s</th><th>total s</th></tr>\n");
        for event in &inspection.events {
            let _ = writeln!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{:.3}</td><td>{:.3}</td><td>{:.3}</td></tr>",
                escape(&event.label),
                event.count,
                event.first_s,
                event.last_s,
                event.total_s
            );
        }
        page.push_str("</table>\n");
    }
    if !inspection.units.is_empty() {
        page.push_str("<h2>Units</h2>\n<table><tr><th>unit</th><th>channel</th><th>spikes</th><th>rate Hz</th><th>amplitude µV</th></tr>\n");
        for unit in &inspection.units {
            let _ = writeln!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.3}</td><td>{:.1}</td></tr>",
                unit.unit,
                escape(&unit.channel),
                unit.spikes,
                unit.rate_hz,
                unit.amplitude_uv
            );
        }
        page.push_str("</table>\n");
    }
}

/// The first seconds of up to a dozen channels, one above the other.
fn traces(inspection: &Inspection) -> Chart {
    // One scale for all: wide enough for the median channel's swing, so that one wild channel
    // does not flatten the others.
    let mut swings: Vec<f64> = inspection.traces.iter().filter_map(swing).collect();
    swings.sort_by(f64::total_cmp);
    let middle = swings.get(swings.len() / 2).copied();
    let step = middle.filter(|swing| *swing > 0.0).map_or(1.0, |swing| round_up(0.6 * swing));
    let shown = inspection.traces.len();
    let mut names = Vec::new();
    let mut marks = Vec::new();
    let (bottom, top) = (-0.8, shown as f64 - 0.2);
    let onsets = inspection.onsets_s.iter();
    let onsets: Vec<(f64, f64)> =
        onsets.flat_map(|&at| [(at, bottom), (at, top), (at, f64::NAN)]).collect();
    if !onsets.is_empty() {
        let label = Some("events".to_owned());
        marks.push(Mark::Line { label, points: onsets, ink: Style::Muted, thin: true });
    }
    for (index, trace) in inspection.traces.iter().enumerate() {
        let level = (shown - 1 - index) as f64;
        let name = inspection.channel_reports.get(trace.channel).map_or("", |r| r.name.as_str());
        names.push((level, shortened(name)));
        let middle = centre(trace);
        let place = |value: f32| level + (f64::from(value) - middle) / step;
        let seconds =
            |column: usize| (column as f64 + 0.5) / trace.columns.len() as f64 * trace.seconds;
        // Down and up in each column: the envelope where samples are dense, the line where not.
        let points = trace.columns.iter().enumerate().flat_map(|(column, range)| {
            let x = seconds(column);
            match range {
                Some((low, high)) if low == high => [(x, place(*low)), (x, place(*high))],
                Some((low, high)) => [(x, place(*high)), (x, place(*low))],
                None => [(x, f64::NAN), (x, f64::NAN)],
            }
        });
        marks.push(Mark::Line {
            label: None,
            points: points.collect(),
            ink: Style::First,
            thin: true,
        });
    }
    let seconds = inspection.traces.first().map_or(1.0, |trace| trace.seconds);
    let mut y = Axis::linear("", bottom, top);
    y.names = Some(names);
    let of = if shown < inspection.channels {
        format!("{shown} of {} channels", inspection.channels)
    } else {
        format!("{shown} {}", if shown == 1 { "channel" } else { "channels" })
    };
    Chart {
        title: format!(
            "First {} s of {of}, {} µV from line to line",
            trimmed(seconds),
            trimmed(step)
        ),
        x: Axis::linear("time (s)", 0.0, seconds),
        y,
        marks,
    }
}

/// Median density of all channels, the range of the middle 90 %, and 1/f through its middle.
fn spectrum(inspection: &Inspection) -> Option<Chart> {
    let facts = inspection.spectrum?;
    let highest = inspection.sample_rate_hz / 2.0;
    let lowest = facts.resolution_hz;
    let grid = grid(facts.segment_samples / 2);
    let curves: Vec<Vec<f64>> = inspection
        .densities
        .iter()
        .filter(|density| !density.is_empty())
        .map(|density| thinned(density, &grid))
        .collect();
    if curves.is_empty() {
        return None;
    }
    let mut median = Vec::new();
    let mut middle = Vec::new();
    for (point, bins) in grid.iter().enumerate() {
        let mut values: Vec<f64> = curves
            .iter()
            .filter_map(|curve| curve.get(point).copied())
            .filter(|v| *v > 0.0)
            .collect();
        if values.is_empty() {
            continue;
        }
        values.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let index = (part * (values.len() - 1) as f64).round() as usize;
            values.get(index).copied().unwrap_or(f64::NAN)
        };
        // The middle of the bins taken together; the first bin is at the resolution.
        let frequency = (bins.start + bins.end + 1) as f64 / 2.0 * lowest;
        median.push((frequency, at(0.5)));
        middle.push((frequency, at(0.05), at(0.95)));
    }
    // 1/f with the median's own level in the fit range: the mean of log(f · density).
    let inside =
        median.iter().filter(|(f, _)| (facts.fit_range_hz.0..=facts.fit_range_hz.1).contains(f));
    let levels: Vec<f64> = inside.map(|(f, power)| math::log10(f * power)).collect();
    let level = levels.iter().sum::<f64>() / levels.len().max(1) as f64;
    let reference: Vec<(f64, f64)> = [facts.fit_range_hz.0, facts.fit_range_hz.1]
        .iter()
        .map(|f| (*f, math::pow(10.0, level) / f))
        .collect();
    let lows = middle.iter().map(|(_, low, _)| *low);
    let highs = middle.iter().map(|(_, _, high)| *high);
    let (low, high) = (lows.fold(f64::INFINITY, f64::min), highs.fold(0.0, f64::max));
    let mut slopes: Vec<f64> = inspection.channel_reports.iter().filter_map(|r| r.slope).collect();
    slopes.sort_by(f64::total_cmp);
    let slope = slopes.get(slopes.len() / 2);
    let title = match slope {
        Some(slope) => format!(
            "Power spectral density: slope {slope:.2} from {} to {} Hz",
            trimmed(facts.fit_range_hz.0),
            trimmed(facts.fit_range_hz.1)
        )
        .replace("slope -", "slope \u{2212}"),
        None => "Power spectral density".to_owned(),
    };
    let many = curves.len() > 1;
    let mut marks = Vec::new();
    if many {
        let label = Some("5 to 95 % of channels".to_owned());
        marks.push(Mark::Band { label, points: middle, ink: Style::First });
    }
    let label = Some(if many { "median" } else { "density" }.to_owned());
    marks.push(Mark::Line { label, points: median, ink: Style::First, thin: false });
    let label = Some("1/f".to_owned());
    marks.push(Mark::Line { label, points: reference, ink: Style::Reference, thin: false });
    Some(Chart {
        title,
        x: Axis::log10("frequency (Hz)", lowest, highest),
        y: Axis::log10("density (µV²/Hz)", low / 2.0, high * 2.0),
        marks,
    })
}

fn swing(trace: &Trace) -> Option<f64> {
    let known = || trace.columns.iter().flatten();
    let low = known().map(|(low, _)| *low).fold(f32::INFINITY, f32::min);
    let high = known().map(|(_, high)| *high).fold(f32::NEG_INFINITY, f32::max);
    (low <= high).then(|| f64::from(high) - f64::from(low))
}

fn centre(trace: &Trace) -> f64 {
    let known = || trace.columns.iter().flatten();
    let count = known().count().max(1) as f64;
    known().map(|(low, high)| (f64::from(*low) + f64::from(*high)) / 2.0).sum::<f64>() / count
}

/// The next round number: 1, 1.5, 2, 3, 5 or 7.5 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = math::pow(10.0, math::log10(value).floor());
    let factor = [1.0, 1.5, 2.0, 3.0, 5.0, 7.5].into_iter().find(|factor| factor * power >= value);
    factor.unwrap_or(10.0) * power
}

/// At most 9 characters of a name: what fits beside the axis.
fn shortened(name: &str) -> String {
    if name.chars().count() <= 9 {
        name.to_owned()
    } else {
        name.chars().take(8).chain(['…']).collect()
    }
}

/// Three significant digits at most, without trailing zeros.
fn trimmed(value: f64) -> String {
    if value >= 1e6 || (value > 0.0 && value < 1e-3) {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
