//! `sweep.html`: latency against what was varied, and the table of all runs.

use std::fmt::{self, Write};

use serde::{Serialize, Serializer};

use crate::plot::{Axis, Chart, Frame, Mark, STYLE, Style, escape};
use crate::results::RunRecord;
use crate::results::micros;

/// One kernel in one run of a sweep. Latencies are end-to-end in microseconds, or instructions of a
/// kernel call on an emulated device.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct SweepRow {
    /// Keys that vary, and their values.
    #[serde(serialize_with = "as_map")]
    #[schemars(with = "std::collections::BTreeMap<String, String>")]
    pub values: Vec<(String, String)>,
    /// The kernel's label.
    pub kernel: String,
    /// `us` or `instructions`.
    pub unit: &'static str,
    /// Median.
    pub p50: Option<f64>,
    /// 99th percentile, from 100 windows.
    pub p99: Option<f64>,
    /// Greatest.
    pub max: Option<f64>,
    /// Time from release to deadline in microseconds.
    pub deadline_us: f64,
    /// Windows measured.
    pub measured: u64,
    /// Of those, deadlines missed.
    pub missed: u64,
    /// The run's folder within the sweep's.
    pub run: String,
}

fn as_map<S: Serializer>(values: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(values.iter().map(|(key, value)| (key, value)))
}

impl SweepRow {
    /// The columns of [`Self::cells`] after the keys that vary.
    pub const COLUMNS: [&'static str; 9] =
        ["kernel", "unit", "p50", "p99", "max", "deadline_us", "measured", "missed", "run"];

    /// The kernels of a run that was made with `values`.
    #[must_use]
    pub fn of(run: &RunRecord, values: &[(String, String)]) -> Vec<Self> {
        let row = |kernel: &crate::results::KernelSummary| {
            let (unit, latency) = match kernel.kernel_instructions {
                Some(instructions) => ("instructions", Some(instructions)),
                None => ("us", kernel.end_to_end_us),
            };
            Self {
                values: values.to_vec(),
                kernel: kernel.label().to_owned(),
                unit,
                p50: latency.map(|latency| latency.p50),
                p99: latency.and_then(|latency| latency.p99),
                max: latency.map(|latency| latency.max),
                deadline_us: kernel.deadline_us,
                measured: kernel.windows.measured,
                missed: kernel.windows.deadline_missed,
                run: run.summary.run_id.clone(),
            }
        };
        run.summary.kernels.iter().map(row).collect()
    }

    /// The row as text, for a table of comma-separated values.
    #[must_use]
    pub fn cells(&self) -> Vec<String> {
        let figure = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let mut cells: Vec<String> = self.values.iter().map(|(_, value)| value.clone()).collect();
        cells.extend([
            self.kernel.clone(),
            self.unit.to_owned(),
            figure(self.p50),
            figure(self.p99),
            figure(self.max),
            self.deadline_us.to_string(),
            self.measured.to_string(),
            self.missed.to_string(),
            self.run.clone(),
        ]);
        cells
    }

    /// The first varied value as a number, or its place among the values when it is none.
    fn x(&self, values: &[String]) -> f64 {
        let value = self.values.first().map_or("", |(_, value)| value.as_str());
        let place = || values.iter().position(|known| known == value).unwrap_or(0) as f64;
        value.parse().unwrap_or_else(|_| place())
    }

    /// What tells the row's curve from others: its kernel and all values but the first.
    fn series(&self) -> String {
        let rest = self.values.iter().skip(1);
        let rest =
            rest.map(|(key, value)| format!(" {}={value}", key.rsplit('.').next().unwrap_or(key)));
        let name = self.kernel.split(' ').next().unwrap_or_default();
        format!("{name}{}", rest.collect::<String>())
    }
}

/// The chart: the median of every kernel against the first key that varies, the deadline, and
/// crosses where deadlines were missed. None without a latency.
fn chart(keys: &[&str], rows: &[SweepRow]) -> Option<Chart> {
    let mut values: Vec<String> = Vec::new();
    for row in rows {
        let value = row.values.first().map_or(String::new(), |(_, value)| value.clone());
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let instructions = rows.iter().any(|row| row.unit == "instructions");
    let mut series: Vec<String> = Vec::new();
    for row in rows {
        if !series.contains(&row.series()) {
            series.push(row.series());
        }
    }
    let (mut marks, mut xs, mut ys) = (Vec::new(), Vec::new(), Vec::new());
    let mut missed = Vec::new();
    for (name, index) in series.iter().zip(0_u8..) {
        let of: Vec<&SweepRow> = rows.iter().filter(|row| row.series() == *name).collect();
        let mut points: Vec<(f64, f64)> =
            of.iter().filter_map(|row| Some((row.x(&values), row.p50?.max(1e-3)))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        missed.extend(
            of.iter()
                .filter(|row| row.missed > 0)
                .filter_map(|row| Some((row.x(&values), row.p50?.max(1e-3)))),
        );
        xs.extend(points.iter().map(|point| point.0));
        ys.extend(points.iter().map(|point| point.1));
        let (ink, dots) = (Style::Series(index), points.clone());
        marks.push(Mark::Line { label: Some(name.clone()), points, ink, thin: false });
        marks.push(Mark::Dots { label: None, points: dots, ink });
    }
    let least = |values: &[f64]| values.iter().copied().reduce(f64::min);
    let most = |values: &[f64]| values.iter().copied().reduce(f64::max);
    let (left, right) = (least(&xs)?, most(&xs)?);
    if !instructions {
        let mut deadlines: Vec<(f64, f64)> =
            rows.iter().map(|row| (row.x(&values), row.deadline_us.max(1e-3))).collect();
        deadlines.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        deadlines.dedup();
        ys.extend(deadlines.iter().map(|point| point.1));
        let label = Some("deadline".to_owned());
        marks.push(Mark::Line { label, points: deadlines, ink: Style::Alarm, thin: false });
    }
    if !missed.is_empty() {
        let label = Some("deadlines missed".to_owned());
        marks.push(Mark::Crosses { label, points: missed, ink: Style::Alarm });
    }
    let numbers = values.iter().all(|value| value.parse::<f64>().is_ok());
    let key = keys.first().copied().unwrap_or_default();
    let mut x = if numbers && left > 0.0 && right / left >= 8.0 {
        Axis::log10(key, left / 1.1, right * 1.1)
    } else {
        let pad = ((right - left) * 0.05).max(0.5);
        Axis::linear(key, left - pad, right + pad)
    };
    if values.len() <= 12 {
        let names = values
            .iter()
            .enumerate()
            .map(|(index, value)| (value.parse().unwrap_or(index as f64), value.clone()));
        x.names = Some(names.collect());
    }
    let unit = if instructions { "instructions" } else { "end-to-end p50 (µs)" };
    let y = Axis::log10(unit, least(&ys)? / 1.5, most(&ys)? * 1.5);
    Some(Chart { title: "Sweep".to_owned(), x, y, marks })
}

/// The page of a sweep over `keys`.
#[must_use]
pub fn sweep_html(keys: &[&str], rows: &[SweepRow]) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut page, keys, rows);
    page
}

fn write(out: &mut String, keys: &[&str], rows: &[SweepRow]) -> fmt::Result {
    let title = format!("Sweep of {}", keys.join(", "));
    let missed: u64 = rows.iter().map(|row| row.missed).sum();
    let measured: u64 = rows.iter().map(|row| row.measured).sum();
    let class = if missed > 0 { "missed" } else { "complete" };
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>{title} – CORTEX</title>\n<style>\n{STYLE}{}</style>\n</head>\n<body>\n<header>\n\
         <p class=\"kind\">CORTEX sweep</p>\n<h1>{title}</h1>\n<p class=\"lead {class}\">{missed} of \
         {measured} deadlines missed</p>\n</header>",
        include_str!("page/page.css"),
        title = escape(&title),
    )?;
    if let Some(chart) = chart(keys, rows) {
        out.push_str("<figure>");
        for (class, y, width, height) in
            [("desk", 0.0, 960.0, 460.0), ("phone", 1000.0, 420.0, 420.0)]
        {
            writeln!(
                out,
                "<svg class=\"chart {class}\" viewBox=\"0 {y} {width} {height}\" role=\"img\" \
                 aria-label=\"Sweep\">\n{}</svg>",
                chart.render(Frame { x: 0.0, y, width, height })
            )?;
        }
        out.push_str("</figure>\n");
    }
    out.push_str("<h2>Runs</h2>\n<div class=\"wide\"><table class=\"figures\">\n<thead><tr>");
    for head in keys.iter().chain(&["kernel", "p50", "p99", "max", "deadline µs", "missed", "run"])
    {
        write!(out, "<th>{}</th>", escape(head))?;
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (_, value) in &row.values {
            write!(out, "<td>{}</td>", escape(value))?;
        }
        let figure = |value: Option<f64>| value.map_or("–".to_owned(), micros);
        let loud = if row.missed > 0 { " class=\"loud\"" } else { "" };
        let run = escape(&row.run);
        writeln!(
            out,
            "<td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td{loud}>{} of {}</td>\
             <td><a href=\"{run}/report.html\">report</a></td></tr>",
            escape(&row.kernel),
            figure(row.p50),
            figure(row.p99),
            figure(row.max),
            micros(row.deadline_us),
            row.missed,
            row.measured,
        )?;
    }
    writeln!(
        out,
        "</tbody>\n</table></div>\n<p class=\"soft\">Latencies are end-to-end in µs, or instructions of \
         a kernel call on an emulated board. A p99 is of at least 100 windows.</p>\n</body>\n</html>"
    )
}
