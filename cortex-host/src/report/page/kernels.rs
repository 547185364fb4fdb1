//! The kernels of a run: the table of all, and a section with charts for each.

use std::fmt::{self, Write};

use super::elements::{FULL, HALF, Page};
use crate::plot::escape;
use crate::report::charts;
use crate::results::{
    KernelSummary, KernelWindows, Latency, SeededStats, Summary, bounds, duration, grouped, micros,
    missed, rate,
};

/// Five columns of the table of all kernels.
struct Group {
    title: String,
    of: fn(&KernelSummary) -> Option<Latency>,
    figure: fn(f64) -> String,
}

impl Group {
    fn instructions() -> Self {
        let title = "kernel, instructions".to_owned();
        Self { title, of: |kernel| kernel.kernel_instructions, figure: grouped }
    }

    fn kernel_time(summary: &Summary) -> Self {
        Self::time("kernel time", summary, |kernel| kernel.kernel_time_us)
    }

    fn end_to_end(summary: &Summary) -> Self {
        Self::time("end-to-end", summary, |kernel| kernel.end_to_end_us)
    }

    /// In milliseconds when microseconds would have seven digits.
    fn time(name: &str, summary: &Summary, of: fn(&KernelSummary) -> Option<Latency>) -> Self {
        let slow = summary.kernels.iter().filter_map(of).any(|latency| latency.max >= 1e6);
        let (unit, figure): (_, fn(f64) -> String) =
            if slow { ("ms", |us| micros(us / 1e3)) } else { ("µs", micros) };
        Self { title: format!("{name}, {unit}"), of, figure }
    }
}

impl Page {
    /// The table of all kernels.
    pub(super) fn figures(&mut self, summary: &Summary) -> fmt::Result {
        let seeded: Vec<(&KernelSummary, &SeededStats)> =
            summary.kernels.iter().filter_map(|k| Some((k, k.seeded.as_ref()?))).collect();
        if !seeded.is_empty() {
            return self.seeded_figures(&seeded);
        }
        let groups: [Group; 2] = if summary.emulated() {
            [Group::instructions(), Group::end_to_end(summary)]
        } else {
            [Group::kernel_time(summary), Group::end_to_end(summary)]
        };
        // Instructions have more digits than microseconds.
        let dense = if summary.emulated() { " dense" } else { "" };
        write!(
            self.out,
            "<div class=\"wide\"><table class=\"figures{dense}\">\n<thead>\n<tr class=\"group\"><th></th>\
             <th colspan=\"3\" class=\"first\"><span>windows</span></th>",
        )?;
        for group in &groups {
            let title = &group.title;
            write!(self.out, "<th colspan=\"5\" class=\"first\"><span>{title}</span></th>")?;
        }
        self.out.push_str(
            "</tr>\n<tr><th>kernel</th><th class=\"first\">measured</th><th>missed</th><th>failed</th>",
        );
        for _ in &groups {
            self.out.push_str(
                "<th class=\"first\">p50</th><th>95 %</th><th>p99</th><th>p99.9</th><th>max</th>",
            );
        }
        self.out.push_str("</tr>\n</thead>\n<tbody>\n");
        for kernel in &summary.kernels {
            let windows = kernel.windows;
            write!(
                self.out,
                "<tr><td>{}</td><td class=\"first\">{}</td>{}{}",
                escape(kernel.label()),
                windows.measured,
                count_cell(&missed(kernel), windows.deadline_missed),
                count_cell(&windows.failed.to_string(), windows.failed),
            )?;
            for group in &groups {
                self.latency_cells((group.of)(kernel), group.figure)?;
            }
            self.out.push_str("</tr>\n");
        }
        self.out.push_str("</tbody>\n</table></div>\n");
        let kernel = match summary.emulated() {
            true => "Instructions are counted",
            false => "Kernel time runs",
        };
        let release = match summary.pace.as_str() {
            "realtime" => "the instant a window’s last sample arrived by the sample clock",
            _ => "the end of the window before (nothing waits with <code>pace: max</code>)",
        };
        writeln!(
            self.out,
            "<p class=\"soft\">{kernel} from the kernel’s start to its return on the device, \
             end-to-end from {release} to its result. 95 % is the interval of the median, which \
             allows for windows depending on their neighbours. A p99 is of at least 100 windows, a \
             p99.9 of 1,000. Warm-up windows are in no figure; a failed window counts as missed. {}</p>",
            summary.cold_cache_note().unwrap_or_default()
        )
    }

    fn latency_cells(
        &mut self,
        latency: Option<Latency>,
        figure: fn(f64) -> String,
    ) -> fmt::Result {
        let Some(latency) = latency else {
            self.out.push_str("<td class=\"first\">–</td>");
            self.out.push_str(&"<td>–</td>".repeat(4));
            return Ok(());
        };
        let Latency { p50, p50_interval, p99, p99_9, max, .. } = latency;
        let known = |value: Option<f64>| value.map_or("–".to_owned(), figure);
        write!(
            self.out,
            "<td class=\"first\">{}</td><td class=\"soft\">{}</td><td>{}</td><td>{}</td><td>{}</td>",
            figure(p50),
            bounds(p50_interval, figure),
            known(p99),
            known(p99_9),
            figure(max),
        )
    }

    /// The table of kernels on a device that generated its own input.
    fn seeded_figures(&mut self, kernels: &[(&KernelSummary, &SeededStats)]) -> fmt::Result {
        let instructions = kernels.iter().any(|(_, seeded)| seeded.unit != "us");
        let unit = if instructions { "instructions" } else { "µs" };
        write!(
            self.out,
            "<div class=\"wide\"><table class=\"figures\">\n<thead>\n<tr class=\"group\"><th></th><th></th>\
             <th colspan=\"3\" class=\"first\"><span>kernel call, {unit}</span></th><th></th></tr>\n\
             <tr><th>kernel</th><th>windows</th><th class=\"first\">least</th><th>mean</th>\
             <th>greatest</th><th class=\"first\">generator a sample</th></tr>\n</thead>\n<tbody>\n"
        )?;
        for (kernel, seeded) in kernels {
            writeln!(
                self.out,
                "<tr><td>{}</td><td>{}</td><td class=\"first\">{}</td><td>{}</td><td>{}</td>\
                 <td class=\"first\">{}</td></tr>",
                escape(kernel.label()),
                kernel.windows.measured,
                micros(seeded.kernel_min),
                micros(seeded.kernel_mean),
                micros(seeded.kernel_max),
                micros(seeded.generator_per_sample),
            )?;
        }
        writeln!(
            self.out,
            "</tbody>\n</table></div>\n<p class=\"soft\">The device generated its own input and told of \
             no single window: there are no latencies and no deadlines. Warm-up windows are in no \
             figure.</p>"
        )
    }

    /// What a device found that generated its own input: there are no rows of telemetry.
    fn seeded(&mut self, figures: &SeededStats) -> fmt::Result {
        let unit =
            if figures.unit == "us" { "µs of the device’s clock" } else { "instructions" };
        writeln!(
            self.out,
            "<p class=\"facts\">The device generated its own input; only parameters and digests \
             crossed the link. Figures are {unit}.</p>"
        )?;
        self.about(&[
            ("kernel call, least", micros(figures.kernel_min)),
            ("kernel call, mean", micros(figures.kernel_mean)),
            ("kernel call, greatest", micros(figures.kernel_max)),
            ("generating a sample of one channel", micros(figures.generator_per_sample)),
            ("CRC-32 of the input", figures.input_crc32.clone()),
            ("CRC-32 of the output", figures.output_crc32.clone()),
        ])
    }

    pub(super) fn kernel(
        &mut self,
        kernel: &KernelWindows,
        known: Option<&KernelSummary>,
    ) -> fmt::Result {
        let label = known.map_or(kernel.name.as_str(), KernelSummary::label);
        writeln!(self.out, "<section class=\"kernel\">\n<h3>{}</h3>", escape(label))?;
        if let Some(parameters) = known.map(KernelSummary::parameters_text)
            && !parameters.is_empty()
        {
            writeln!(self.out, "<p class=\"facts\">{}</p>", escape(&parameters))?;
        }
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
            match known.and_then(|known| known.seeded.as_ref()).filter(|_| seeded) {
                Some(figures) => self.seeded(figures)?,
                None => self.out.push_str("<p>No window was run.</p>\n"),
            }
            self.out.push_str("</section>\n");
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
        self.labels(kernel)?;
        self.out.push_str("</section>\n");
        Ok(())
    }
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
        "window {} / hop {} samples · {} channels at {} Hz · deadline {} · {} windows",
        kernel.window,
        kernel.hop,
        kernel.channels,
        kernel.sample_rate_hz,
        duration(kernel.deadline_us),
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
    if let Some(facts) = &kernel.fixed_point {
        let _ = write!(text, " · {}", escape(&facts.line()));
    }
    if let Some(missing @ 1..) = kernel.missing_samples {
        let _ = write!(text, " · met {missing} missing samples in a repeat");
    }
    text
}
