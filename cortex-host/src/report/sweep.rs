//! `sweep.html`: latency against what was varied, and the table of all runs.

use std::fmt::{self, Write};

use serde::{Serialize, Serializer};

use crate::plot::{Axis, Chart, Frame, Mark, STYLE, Style, escape};
use crate::results::{RunRecord, Window, duration, grouped, micros};

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
    /// The same in `unit`.
    pub deadline: f64,
    /// Windows measured.
    pub measured: u64,
    /// Of those, deadlines missed; on an emulated device windows that took more instructions than
    /// the deadline has time for.
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

    /// The kernels of a run that was made with `values`. An emulated device is taken to run
    /// `instructions_per_s`, or when none is given as many as its emulator does.
    #[must_use]
    pub fn of(
        run: &RunRecord,
        values: &[(String, String)],
        instructions_per_s: Option<f64>,
    ) -> Vec<Self> {
        let clock = run.summary.device_facts.as_ref().map(|facts| &facts.clock);
        let emulated_ns = clock.and_then(|clock| clock.instruction_ns);
        let rate = emulated_ns.map(|ns| instructions_per_s.unwrap_or(1e9 / ns.max(1) as f64));
        let row = |kernel: &crate::results::KernelSummary| {
            let (unit, latency) = match rate {
                Some(_) => ("instructions", kernel.kernel_instructions),
                None => ("us", kernel.end_to_end_us),
            };
            let deadline = kernel.deadline_us * rate.map_or(1.0, |rate| rate / 1e6);
            let seeded = kernel.seeded.as_ref();
            let windows = run.kernels.iter().find(|known| known.name == kernel.name);
            let missed = match (rate, seeded) {
                (None, None) => kernel.windows.deadline_missed,
                (_, Some(seeded)) => u64::from(seeded.kernel_max > deadline),
                (Some(_), None) => {
                    let late = |window: &&Window| {
                        window.instructions.is_none_or(|count| count as f64 > deadline)
                    };
                    windows.map_or(0, |known| known.measured().filter(late).count() as u64)
                }
            };
            Self {
                values: values.to_vec(),
                kernel: kernel.label().to_owned(),
                unit,
                p50: latency.map(|latency| latency.p50),
                p99: latency.and_then(|latency| latency.p99),
                max: latency.map(|latency| latency.max).or(seeded.map(|seeded| seeded.kernel_max)),
                deadline_us: kernel.deadline_us,
                deadline,
                measured: kernel.windows.measured,
                missed,
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

    /// What tells the row's curve from others: its kernel and all values but the first that are
    /// not another kernel's.
    fn series(&self) -> String {
        let name = self.kernel.split(' ').next().unwrap_or_default();
        let concerns = |key: &str| match key.strip_prefix("kernels.").map(|key| key.split_once('.'))
        {
            Some(Some((kernel, _))) => kernel == name,
            _ => true,
        };
        let rest = self.values.iter().skip(1).filter(|(key, _)| concerns(key));
        let rest =
            rest.map(|(key, value)| format!(" {}={value}", key.rsplit('.').next().unwrap_or(key)));
        format!("{}{}", self.kernel, rest.collect::<String>())
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
        let mut points: Vec<(f64, f64)> = of
            .iter()
            .filter_map(|row| Some((row.x(&values), row.p50.or(row.max)?.max(1e-3))))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Runs that differ in what is another kernel's: one of them stands for all.
        points.dedup_by(|a, b| a.0 == b.0);
        missed.extend(
            of.iter()
                .filter(|row| row.missed > 0)
                .filter_map(|row| Some((row.x(&values), row.p50.or(row.max)?.max(1e-3)))),
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
    // Kernels may have deadlines of their own; those that agree are drawn once.
    let mut deadlines: Vec<Vec<(f64, f64)>> = Vec::new();
    for name in &series {
        let of = rows.iter().filter(|row| row.series() == *name);
        let mut points: Vec<(f64, f64)> =
            of.map(|row| (row.x(&values), row.deadline.max(1e-3))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points.dedup();
        if !deadlines.contains(&points) {
            deadlines.push(points);
        }
    }
    for (points, index) in deadlines.into_iter().zip(0..) {
        ys.extend(points.iter().map(|point| point.1));
        let label = (index == 0).then(|| "deadline".to_owned());
        marks.push(Mark::Line { label, points, ink: Style::Alarm, thin: false });
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
    let unit = if instructions { "instructions of a call, p50" } else { "end-to-end p50 (µs)" };
    let y = Axis::log10(unit, least(&ys)? / 1.5, most(&ys)? * 1.5);
    Some(Chart { title: String::new(), x, y, marks })
}

/// The page with this title of runs at values of `keys`. What a search found stands before them in
/// `answers`: a head and one line for each kernel; a sweep has none.
#[must_use]
pub fn sweep_html(
    title: &str,
    keys: &[&str],
    rows: &[SweepRow],
    answers: &[[String; 4]],
) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut page, title, keys, rows, answers);
    page
}

/// The lines of `answers` as a table.
fn write_answers(out: &mut String, answers: &[[String; 4]]) -> fmt::Result {
    let Some(([kernel, holds, fails, why], lines)) = answers.split_first() else { return Ok(()) };
    let head = [kernel, holds, fails, why].map(|text| escape(text));
    let [kernel, holds, fails, why] = head;
    writeln!(
        out,
        "<div class=\"wide\"><table class=\"figures answers\">\n<thead><tr><th>{kernel}</th>\
         <th>{holds}</th><th>{fails}</th><th>{why}</th></tr></thead>\n<tbody>"
    )?;
    for line in lines {
        let [kernel, holds, fails, why] = line.each_ref().map(|text| escape(text));
        writeln!(
            out,
            "<tr><td>{kernel}</td><td><strong>{holds}</strong></td><td>{fails}</td><td>{why}</td></tr>"
        )?;
    }
    out.push_str("</tbody>\n</table></div>\n");
    Ok(())
}

fn write(
    out: &mut String,
    title: &str,
    keys: &[&str],
    rows: &[SweepRow],
    answers: &[[String; 4]],
) -> fmt::Result {
    let missed: u64 = rows.iter().map(|row| row.missed).sum();
    let measured: u64 = rows.iter().map(|row| row.measured).sum();
    // A search goes where deadlines are missed: that is no news.
    let class = if missed > 0 && answers.is_empty() { "missed" } else { "complete" };
    let kind = if answers.is_empty() { "sweep" } else { "capacity" };
    let badge = if answers.is_empty() { "badge" } else { "soft" };
    let runs = rows.iter().map(|row| &row.run).collect::<std::collections::BTreeSet<_>>().len();
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>{title} – CORTEX</title>\n<style>\n{STYLE}{}</style>\n</head>\n<body>\n<header>\n\
         <p class=\"kind\">CORTEX {kind}</p>\n<h1>{title}</h1>\n<p class=\"lead {class}\">{runs} run{} · \
         <span class=\"{badge}\">{} of {} deadlines missed</span></p>\n</header>",
        include_str!("page/page.css"),
        if runs == 1 { "" } else { "s" },
        grouped(missed as f64),
        grouped(measured as f64),
        title = escape(title),
    )?;
    write_answers(out, answers)?;
    if let Some(chart) = chart(keys, rows) {
        out.push_str("<figure>");
        // The legend takes a row for every two names on a phone, for every five on a desktop.
        let names = chart.marks.len() as f64 / 2.0;
        for (class, y, width, height) in [
            ("desk", 0.0, 960.0, 400.0 + names * 4.0),
            ("phone", 1000.0, 420.0, 330.0 + names * 10.0),
        ] {
            writeln!(
                out,
                "<svg class=\"chart {class}\" viewBox=\"0 {y} {width} {height}\" role=\"img\" \
                 aria-label=\"{}\">\n{}</svg>",
                escape(title),
                chart.render(Frame { x: 0.0, y, width, height })
            )?;
        }
        out.push_str("</figure>\n");
    }
    let instructions = rows.iter().any(|row| row.unit == "instructions");
    let unit = if instructions { "instructions of a call" } else { "end-to-end, µs" };
    write!(
        out,
        "<h2>Runs</h2>\n<div class=\"wide\"><table class=\"figures\">\n<thead><tr class=\"group\">\
         <th colspan=\"{}\"></th><th colspan=\"3\" class=\"first\"><span>{unit}</span></th>\
         <th colspan=\"2\"></th></tr>\n<tr><th>kernel</th>",
        keys.len() + 2
    )?;
    for key in keys {
        // The column of kernels says whose it is.
        write!(out, "<th>{}</th>", escape(key.rsplit('.').next().unwrap_or(key)))?;
    }
    out.push_str(
        "<th>missed</th><th class=\"first\">p50</th><th>p99</th><th>max</th>\
         <th class=\"first\">deadline</th><th></th></tr></thead>\n<tbody>\n",
    );
    for row in rows {
        write!(out, "<tr><td>{}</td>", escape(&row.kernel))?;
        for (_, value) in &row.values {
            write!(out, "<td>{}</td>", escape(value))?;
        }
        let in_unit = |value: f64| if instructions { grouped(value) } else { micros(value) };
        let figure = |value: Option<f64>| value.map_or("–".to_owned(), in_unit);
        let deadline = if instructions { grouped(row.deadline) } else { duration(row.deadline_us) };
        let loud = if row.missed > 0 { " class=\"loud\"" } else { "" };
        writeln!(
            out,
            "<td{loud}>{} of {}</td><td class=\"first\">{}</td><td>{}</td><td>{}</td>\
             <td class=\"first\">{deadline}</td><td><a href=\"{}/report.html\">report</a></td></tr>",
            grouped(row.missed as f64),
            grouped(row.measured as f64),
            figure(row.p50),
            figure(row.p99),
            figure(row.max),
            escape(&percent_encoded(&row.run)),
        )?;
    }
    let figures = if instructions {
        "The device is emulated: instructions of a kernel call are exact; the deadline is the number \
         that it has time for."
    } else {
        "Latencies are from a window’s release to its result."
    };
    writeln!(
        out,
        "</tbody>\n</table></div>\n<p class=\"soft\">{figures} A p99 is of at least 100 windows. The \
         table is also in the CSV file beside this page.</p>\n</body>\n</html>"
    )
}

/// A folder's name as a part of a relative address.
fn percent_encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'=' | b',' => {
                text.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            _ => drop(write!(text, "%{byte:02X}")),
        }
    }
    text
}
