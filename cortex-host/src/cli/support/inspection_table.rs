//! What `inspect` prints: a table of channels, one of events and one of units.

use std::fmt::Write as _;

use crate::base::table::Columns;
use crate::inspect::{ChannelReport, Inspection};

/// Rows of a table unless all are asked for.
const ROWS: usize = 64;

/// The inspection for a terminal.
pub(crate) fn table(inspection: &Inspection, all: bool) -> String {
    let mut text = String::new();
    let reports = &inspection.channel_reports;
    let _ = writeln!(
        text,
        "{}: {}, {} channels × {} samples at {} Hz, {:.3} s, {} bytes",
        inspection.file,
        inspection.format,
        inspection.channels,
        inspection.samples,
        inspection.sample_rate_hz,
        inspection.duration_s,
        inspection.bytes
    );
    let _ = writeln!(text, "SHA-256 {}", inspection.sha256);
    match &inspection.spectrum {
        Some(facts) => {
            let _ = writeln!(
                text,
                "spectrum: Welch, {} samples ({:.4} Hz), slope fitted from {:.3} to {:.3} Hz",
                facts.segment_samples,
                facts.resolution_hz,
                facts.fit_range_hz.0,
                facts.fit_range_hz.1
            );
        }
        None => text.push_str("spectrum: none, the recording is too short\n"),
    }
    let shown = if all { reports.len() } else { reports.len().min(ROWS) };
    let head = [
        "channel", "mean µV", "RMS µV", "min µV", "max µV", "NaN", "slope", "50 Hz dB", "60 Hz dB",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(reports.iter().take(shown).map(row));
    if reports.len() > 1 {
        rows.push(row(&median(reports)));
    }
    let mut columns = Columns::of(rows.iter(), |column| column == 0);
    for report in reports {
        columns.widths[0] = columns.widths[0].max(report.name.chars().count());
    }
    // As wide as most recordings need, so that one table looks like another.
    for (width, least) in columns.widths.iter_mut().zip([7, 11, 11, 11, 11, 8, 7, 8, 8]) {
        *width = (*width).max(least);
    }
    text.push('\n');
    for (index, cells) in rows.iter().enumerate() {
        if index == shown + 1 && shown < reports.len() {
            let _ = writeln!(
                text,
                "... and {} more (--all-channels, or --json for scripts)",
                reports.len() - shown
            );
        }
        let _ = writeln!(text, "{}", columns.line(cells, " "));
    }
    known(inspection, all, &mut text);
    text
}

/// What is known to happen, below the channels.
fn known(inspection: &Inspection, all: bool, text: &mut String) {
    let head = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
    let events = inspection.events.iter().map(|event| {
        let seconds = [event.first_s, event.last_s, event.total_s];
        let seconds = seconds.map(|seconds| format!("{seconds:.3}"));
        [event.label.clone(), event.count.to_string()].into_iter().chain(seconds).collect()
    });
    list(head(&["event", "count", "first s", "last s", "total s"]), events.collect(), all, text);
    let units = inspection.units.iter().map(|unit| {
        vec![
            format!("unit {}", unit.unit),
            unit.channel.clone(),
            unit.spikes.to_string(),
            format!("{:.3}", unit.rate_hz),
            format!("{:.1}", unit.amplitude_uv),
        ]
    });
    let columns = head(&["unit", "channel", "spikes", "rate Hz", "amplitude µV"]);
    list(columns, units.collect(), all, text);
}

/// A table of its own; nothing without rows.
fn list(head: Vec<String>, rows: Vec<Vec<String>>, all: bool, text: &mut String) {
    if rows.is_empty() {
        return;
    }
    let shown = if all { rows.len() } else { rows.len().min(ROWS) };
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let columns = Columns::of(rows.iter(), |column| column == 0);
    text.push('\n');
    for row in rows.iter().take(shown + 1) {
        let _ = writeln!(text, "{}", columns.line(row, "  "));
    }
    if shown + 1 < rows.len() {
        let more = rows.len() - shown - 1;
        let _ = writeln!(text, "... and {more} more (--all-channels, or --json for scripts)");
    }
}

fn row(report: &ChannelReport) -> Vec<String> {
    let cell = |value: Option<f64>, digits: usize| match value {
        Some(value) => format!("{value:.digits$}"),
        None => "-".to_owned(),
    };
    vec![
        report.name.clone(),
        cell(report.mean_uv, 4),
        cell(report.rms_uv, 4),
        cell(report.min_uv.map(f64::from), 3),
        cell(report.max_uv.map(f64::from), 3),
        report.nan_count.to_string(),
        cell(report.slope, 3),
        cell(report.line_50_db, 1),
        cell(report.line_60_db, 1),
    ]
}

/// The median of each column; the sum of the NaN counts.
fn median(reports: &[ChannelReport]) -> ChannelReport {
    let of = |value: fn(&ChannelReport) -> Option<f64>| {
        let mut values: Vec<f64> = reports.iter().filter_map(value).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    ChannelReport {
        name: "median".to_owned(),
        mean_uv: of(|r| r.mean_uv),
        rms_uv: of(|r| r.rms_uv),
        min_uv: of(|r| r.min_uv.map(f64::from)).map(|value| value as f32),
        max_uv: of(|r| r.max_uv.map(f64::from)).map(|value| value as f32),
        nan_count: reports.iter().map(|r| r.nan_count).sum(),
        infinite_count: reports.iter().map(|r| r.infinite_count).sum(),
        slope: of(|r| r.slope),
        line_50_db: of(|r| r.line_50_db),
        line_60_db: of(|r| r.line_60_db),
    }
}
