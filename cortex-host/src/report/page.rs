//! The page: HTML around tables and charts.
//!
//! No scripts, nothing to fetch, and no text from a file without [`escape`].

use std::fmt::{self, Write};

use super::charts;
use super::run::{KernelWindows, RunRecord};
use crate::plot::{Chart, Frame, STYLE, escape};
use crate::results::{
    InputSpectrum, KernelSummary, Latency, ReferenceKind, RunStatus, Summary, headline, micros,
    missed, rate,
};

/// Where a chart begins and how wide the picture is, in pixels: across the page, half of it, and
/// across with room for names beside the axis.
const FULL: (f64, f64) = (0.0, 960.0);
const HALF: (f64, f64) = (0.0, 474.0);
const OVERVIEW: (f64, f64) = (36.0, 960.0);

/// Charts lie this far apart in a plane of their own, so that no two have the same place.
const CHART_STEP: f64 = 1000.0;

/// A configuration longer than this is left out, in bytes.
const MOST_CONFIG_BYTES: usize = 64 << 10;

/// The report of a run.
#[must_use]
pub fn html(record: &RunRecord) -> String {
    let mut page = Page { out: String::new(), charts: 0 };
    // Writing to a String cannot fail.
    let _ = page.write(record);
    page.out
}

struct Page {
    out: String,
    charts: u32,
}

impl Page {
    fn write(&mut self, record: &RunRecord) -> fmt::Result {
        let summary = &record.summary;
        let title = escape(&summary.run_id);
        write!(
            self.out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{title} – CORTEX</title>\n\
             <style>\n{STYLE}{}</style>\n</head>\n<body>\n",
            include_str!("page.css")
        )?;
        self.head(summary)?;
        self.notices(record)?;
        if !summary.kernels.is_empty() {
            self.out.push_str("<h2>Summary</h2>\n");
            self.figures(summary)?;
            self.chart(charts::overview(summary), OVERVIEW, overview_height(summary), "")?;
        }
        if !record.kernels.is_empty() {
            self.out.push_str("<h2>Kernels</h2>\n");
        }
        for kernel in &record.kernels {
            let known = summary.kernels.iter().find(|known| known.name == kernel.name);
            self.kernel(kernel, known)?;
        }
        self.input(summary, record.spectrum.as_ref())?;
        self.out.push_str("<h2>Device and machine</h2>\n");
        self.about(&machine(summary))?;
        self.about(&record.device)?;
        self.reproduce(record)?;
        let tool = &summary.tool;
        writeln!(
            self.out,
            "<footer>Made by {} {} from the files in this folder. Times are in <code>kernel-data/\
             </code>, figures for programs in <code>summary.json</code>. <code>cortex-host report \
             FOLDER</code> makes this page again.</footer>\n</body>\n</html>",
            escape(&tool.name),
            escape(&tool.version)
        )
    }

    fn head(&mut self, summary: &Summary) -> fmt::Result {
        let (class, sign) = match summary.status {
            RunStatus::Complete => ("complete", "✓"),
            RunStatus::Failed => ("failed", "✕"),
            RunStatus::Interrupted => ("interrupted", "■"),
            RunStatus::Running => ("running", "…"),
        };
        let headline = headline(summary);
        let (status, rest) = headline.split_once(": ").unwrap_or((&headline, ""));
        writeln!(
            self.out,
            "<header>\n<p class=\"kind\">CORTEX benchmark report</p>\n<h1>{}</h1>\n\
             <p class=\"lead\"><span class=\"badge {class}\">{sign} {status}</span> · {rest}</p>\n\
             <p class=\"soft\">{} · {} s · {} · {} pace</p>\n</header>",
            escape(&summary.run_id),
            escape(&summary.started_at.replace('T', " ").replace('Z', " UTC")),
            seconds(summary.elapsed_s),
            escape(&summary.device),
            escape(&summary.pace),
        )
    }

    fn notices(&mut self, record: &RunRecord) -> fmt::Result {
        let summary = &record.summary;
        if let Some(error) = &summary.error {
            self.notice("error", error)?;
        }
        match summary.status {
            RunStatus::Interrupted => self.notice(
                "",
                "This run was interrupted. Every window up to then is here; kernels after it were \
                 not run.",
            )?,
            RunStatus::Running => self.notice(
                "error",
                "This run never said how it ended: it was killed, or is still going. What stands \
                 here is what it had written when this page was made.",
            )?,
            RunStatus::Complete | RunStatus::Failed => {}
        }
        for kernel in record.kernels.iter().filter(|kernel| kernel.cut_off) {
            let name = &kernel.name;
            self.notice(
                "",
                &format!("The last telemetry row of {name} is cut off; it is left out."),
            )?;
        }
        for warning in &summary.realtime.warnings {
            self.notice("", warning)?;
        }
        if !summary.tool.optimized {
            self.notice(
                "",
                "Made by a build without optimisation: these latencies mean little. Use cargo run \
                 --release.",
            )?;
        }
        Ok(())
    }

    fn notice(&mut self, class: &str, text: &str) -> fmt::Result {
        writeln!(self.out, "<p class=\"notice {class}\">{}</p>", escape(text))
    }

    /// The table of all kernels.
    fn figures(&mut self, summary: &Summary) -> fmt::Result {
        self.out.push_str(
            "<div class=\"wide\"><table class=\"figures\">\n<thead>\n<tr class=\"group\"><th></th>\
             <th colspan=\"3\" class=\"first\"><span>windows</span></th>\
             <th colspan=\"5\" class=\"first\"><span>kernel time, µs</span></th>\
             <th colspan=\"5\" class=\"first\"><span>end-to-end, µs</span></th></tr>\n<tr><th>kernel</th>\
             <th class=\"first\">measured</th><th>missed</th><th>failed</th>",
        );
        for _ in 0..2 {
            self.out.push_str(
                "<th class=\"first\">p50</th><th>p95</th><th>p99</th><th>max</th><th>jitter</th>",
            );
        }
        self.out.push_str("</tr>\n</thead>\n<tbody>\n");
        for kernel in &summary.kernels {
            let windows = kernel.windows;
            write!(
                self.out,
                "<tr><td>{}</td><td class=\"first\">{}</td>{}{}",
                escape(&kernel.name),
                windows.measured,
                count_cell(&missed(kernel), windows.deadline_missed),
                count_cell(&windows.failed.to_string(), windows.failed),
            )?;
            for latency in [kernel.kernel_time_us, kernel.end_to_end_us] {
                self.latency_cells(latency)?;
            }
            self.out.push_str("</tr>\n");
        }
        self.out.push_str("</tbody>\n</table></div>\n");
        let release = match summary.pace.as_str() {
            "realtime" => "the instant a window’s last sample arrived by the sample clock",
            _ => "the end of the window before (nothing waits with <code>pace: max</code>)",
        };
        writeln!(
            self.out,
            "<p class=\"soft\">Kernel time runs from the kernel’s start to its return on the device, \
             end-to-end from {release} to its result. Jitter is p99 − p50. Quantiles are within \
             0.1 %. Warm-up windows are in no figure; a failed window counts as missed.</p>"
        )
    }

    fn latency_cells(&mut self, latency: Option<Latency>) -> fmt::Result {
        let Some(latency) = latency else {
            self.out.push_str("<td class=\"first\">–</td><td>–</td><td>–</td><td>–</td><td>–</td>");
            return Ok(());
        };
        let Latency { p50, p95, p99, max, jitter_p99_minus_p50, .. } = latency;
        write!(
            self.out,
            "<td class=\"first\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>",
            micros(p50),
            micros(p95),
            micros(p99),
            micros(max),
            micros(jitter_p99_minus_p50)
        )
    }

    fn kernel(&mut self, kernel: &KernelWindows, known: Option<&KernelSummary>) -> fmt::Result {
        writeln!(self.out, "<section class=\"kernel\">\n<h3>{}</h3>", escape(&kernel.name))?;
        let facts = match known {
            Some(known) => kernel_facts(known),
            None => format!(
                "{} windows in the telemetry; the run ended before this kernel had a summary",
                kernel.windows.len()
            ),
        };
        writeln!(self.out, "<p class=\"facts\">{facts}</p>")?;
        if kernel.windows.is_empty() {
            let seeded = known.is_some_and(|known| known.seeded.is_some());
            let text = if seeded {
                "The device generated its own input and kept its own times: SUMMARY.md has them."
            } else {
                "No window was run."
            };
            writeln!(self.out, "<p>{text}</p>\n</section>")?;
            return Ok(());
        }
        let (histogram, cumulative) = (charts::histogram(kernel), charts::cumulative(kernel));
        if histogram.is_some() {
            self.out.push_str("<div class=\"pair\">\n");
            self.chart(histogram, HALF, 260.0, "")?;
            self.chart(cumulative, HALF, 260.0, "")?;
            self.out.push_str("</div>\n");
            if let Some((count, greatest_us)) = charts::beyond(kernel) {
                writeln!(
                    self.out,
                    "<p class=\"facts\">Beyond the right end: {count} window{}, the slowest {} µs.</p>",
                    if count == 1 { "" } else { "s" },
                    micros(greatest_us)
                )?;
            }
        } else {
            self.out.push_str("<p>No measured window has a result.</p>\n");
        }
        let count = kernel.windows.len();
        let caption = if count > charts::COLUMNS {
            format!(
                "{count} windows drawn in {} columns: the band is from the least to the greatest \
                 of a column, the line its median. A column with a missed or failed window is \
                 marked; the distributions above are of every measured window.",
                count.div_ceil(count.div_ceil(charts::COLUMNS))
            )
        } else {
            String::new()
        };
        let deadline_us = known.map(|known| known.deadline_us);
        self.chart(charts::timeline(kernel, deadline_us), FULL, 320.0, &caption)?;
        self.out.push_str("</section>\n");
        Ok(())
    }

    fn input(&mut self, summary: &Summary, spectrum: Option<&InputSpectrum>) -> fmt::Result {
        self.out.push_str("<h2>Input</h2>\n");
        let data = &summary.dataset;
        let mut facts = vec![match (&data.signal_type, data.seed) {
            (Some(signal), Some(seed)) => {
                ("signal", format!("{signal}, seed {seed}, from {}", data.path))
            }
            _ => ("recording", data.path.clone()),
        }];
        let duration_s = data.samples_per_channel as f64 / data.sample_rate_hz;
        facts.push((
            "shape",
            format!(
                "{} channels × {} samples at {} Hz, {} s",
                data.channels,
                data.samples_per_channel,
                data.sample_rate_hz,
                seconds(duration_s)
            ),
        ));
        if data.samples_used != data.samples_per_channel {
            facts.push(("used", format!("the first {} samples", data.samples_used)));
        }
        facts.push(("SHA-256", data.sha256.clone()));
        if let Some(manifest) = &data.manifest {
            facts.push(("manifest", manifest.clone()));
        }
        if let Some(slope) = spectrum.and_then(|spectrum| spectrum.slope.map(|s| (s, spectrum))) {
            let (slope, spectrum) = slope;
            let (low, high) = spectrum.fit_range_hz;
            facts.push((
                "power law",
                format!("slope {slope:.2} from {low:.1} to {high:.1} Hz (pink noise has -1)")
                    .replace('-', "\u{2212}"),
            ));
        }
        self.about(&facts)?;
        match spectrum {
            Some(spectrum) => self.chart(
                charts::spectrum(spectrum),
                FULL,
                380.0,
                &spectrum_caption(spectrum, data.channels),
            ),
            None => writeln!(
                self.out,
                "<p class=\"soft\">There is no spectrum: the data have fewer than 128 samples or \
                 none but missing ones, or the run was killed before it was taken.</p>"
            ),
        }
    }

    fn reproduce(&mut self, record: &RunRecord) -> fmt::Result {
        let summary = &record.summary;
        writeln!(
            self.out,
            "<h2>Reproduce</h2>\n<p>From the folder the run was started in:</p>\n<pre>{}</pre>",
            escape(&summary.reproduce)
        )?;
        self.about(&[("configuration SHA-256", summary.plan_sha256.clone())])?;
        match &record.config {
            Some(config) if config.len() <= MOST_CONFIG_BYTES => {
                let lines = config.trim_end().lines().map(escape).collect::<Vec<_>>().join("\n");
                writeln!(
                    self.out,
                    "<p class=\"soft\">config.yaml, every default filled in:</p>\n<pre class=\"config\">{lines}</pre>"
                )
            }
            _ => Ok(()),
        }
    }

    /// A table of facts.
    fn about<N: AsRef<str>>(&mut self, facts: &[(N, String)]) -> fmt::Result {
        if facts.is_empty() {
            return Ok(());
        }
        self.out.push_str("<table class=\"about\">\n");
        for (name, value) in facts {
            writeln!(
                self.out,
                "<tr><th>{}</th><td>{}</td></tr>",
                escape(name.as_ref()),
                escape(value)
            )?;
        }
        self.out.push_str("</table>\n");
        Ok(())
    }

    /// A chart with a caption, which is plain text and may be empty.
    fn chart(
        &mut self,
        chart: Option<Chart>,
        (x, width): (f64, f64),
        height: f64,
        caption: &str,
    ) -> fmt::Result {
        let Some(chart) = chart else { return Ok(()) };
        let y = f64::from(self.charts) * CHART_STEP;
        self.charts += 1;
        writeln!(
            self.out,
            "<figure><svg class=\"chart\" viewBox=\"0 {y} {width} {height}\" role=\"img\" \
             aria-label=\"{}\">\n{}</svg>",
            escape(&chart.title),
            chart.render(Frame { x, y, width: width - x, height })
        )?;
        if !caption.is_empty() {
            writeln!(self.out, "<figcaption>{}</figcaption>", escape(caption))?;
        }
        writeln!(self.out, "</figure>")
    }
}

fn overview_height(summary: &Summary) -> f64 {
    110.0 + 34.0 * summary.kernels.len().min(24) as f64
}

/// A count that is loud when it is not 0.
fn count_cell(text: &str, count: u64) -> String {
    if count > 0 {
        format!("<td class=\"loud\">{}</td>", escape(text))
    } else {
        format!("<td>{}</td>", escape(text))
    }
}

/// One line about a kernel, as HTML (it holds numbers only).
fn kernel_facts(kernel: &KernelSummary) -> String {
    let windows = kernel.windows;
    let mut text = format!(
        "window {} / hop {} samples · {} channels at {} Hz · deadline {} ms · {} windows",
        kernel.window,
        kernel.hop,
        kernel.channels,
        kernel.sample_rate_hz,
        milliseconds(kernel.deadline_us),
        windows.run,
    );
    let _ = write!(text, " ({} warm-up)", windows.warmup);
    if windows.run < windows.planned {
        let _ = write!(text, " of {} planned", windows.planned);
    }
    if kernel.repeats > 1 {
        let _ = write!(text, " in {} repeats", kernel.repeats);
    }
    if let Some(factor) = kernel.throughput.and_then(|throughput| throughput.realtime_factor) {
        let _ = write!(text, " · {}× faster than real time", rate(factor));
    }
    if let Some(instructions) = kernel.kernel_instructions {
        let _ = write!(text, " · {} instructions a window (p50)", micros(instructions.p50));
    }
    match (&kernel.error, &kernel.outputs) {
        (Some(error), _) => {
            let _ = write!(text, " · {}", escape(error));
        }
        (None, Some(outputs)) => {
            let _ = write!(text, " · {}", outputs.sentence());
        }
        (None, None) => {}
    }
    if let Some(missing @ 1..) = kernel.missing_samples {
        let _ = write!(text, " · met {missing} missing samples in a repeat");
    }
    text
}

fn machine(summary: &Summary) -> Vec<(&'static str, String)> {
    let (host, realtime, tool) = (&summary.host, &summary.realtime, &summary.tool);
    let mut facts = vec![("device", summary.device.clone())];
    if summary.device == "native" {
        facts.push(("clock", "CLOCK_MONOTONIC, in nanoseconds".to_owned()));
    }
    let mut scheduler = realtime.scheduler.clone();
    if let Some(priority) = realtime.priority {
        let _ = write!(scheduler, ", priority {priority}");
    }
    if realtime.scheduler != realtime.scheduler_requested {
        let _ = write!(scheduler, " ({} was refused)", realtime.scheduler_requested);
    }
    if !realtime.cpu_affinity.is_empty() {
        let _ = write!(scheduler, ", bound to cores {:?}", realtime.cpu_affinity);
    }
    if !scheduler.is_empty() {
        facts.push(("scheduler", scheduler));
    }
    facts.push(("processor", host.cpu.clone().unwrap_or_else(|| "unknown".to_owned())));
    let memory = host.memory_mib.map_or(String::new(), |mib| format!(", {mib} MiB of memory"));
    facts.push(("cores", format!("{}{memory}", host.cores)));
    let governor = host.governor.clone();
    facts.push(("frequency governor", governor.unwrap_or_else(|| "unknown".to_owned())));
    facts.push(("system", host.os.clone()));
    facts.push(("tool", format!("{} {} for {}", tool.name, tool.version, tool.target)));
    facts
}

fn spectrum_caption(spectrum: &InputSpectrum, channels: usize) -> String {
    let of = if spectrum.channels < channels {
        format!("{} of {channels} channels, evenly spread", spectrum.channels)
    } else {
        format!("{channels} channel{}", if channels == 1 { "" } else { "s" })
    };
    let reference = match spectrum.reference.as_ref().map(|reference| reference.kind) {
        Some(ReferenceKind::Generator) => {
            " The dashed line is the generator’s own response before effects, not a fit."
        }
        Some(ReferenceKind::OneOverF) => " The dashed line is 1/f at the data’s level.",
        None => "",
    };
    format!(
        "Welch’s method over the first {} samples of {of}: Hann windows of {} samples, half \
         overlapping, {:.3} Hz apart; bins are averaged where they are dense.{reference}",
        spectrum.samples, spectrum.segment_samples, spectrum.resolution_hz
    )
}

/// Seconds with three digits or so.
fn seconds(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") }
}

/// Microseconds as milliseconds, without trailing zeros.
fn milliseconds(us: f64) -> String {
    let text = format!("{:.3}", us / 1e3);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
