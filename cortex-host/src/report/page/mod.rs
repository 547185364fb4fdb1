//! The page: HTML around tables and charts.
//!
//! No scripts, nothing to fetch, and no text from a file without [`escape`].

use std::fmt::{self, Write};

mod conditions;
mod elements;
mod kernels;
mod labels;

use elements::{FULL, Page, seconds};

use super::charts;
use crate::plot::{STYLE, escape};
use crate::results::{KernelSummary, KernelWindows, RunRecord, RunStatus, Summary, headline};

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
            let margin = charts::overview_margin(summary);
            let height = overview_height(summary);
            let caption = "From the least to the greatest latency; ● p50, | p99.";
            self.chart_with_margin(charts::overview(summary), margin, FULL, height, caption)?;
            let labelled: Vec<(&str, &KernelWindows)> = record
                .kernels
                .iter()
                .map(|kernel| {
                    let known = summary.kernels.iter().find(|known| known.name == kernel.name);
                    (known.map_or(kernel.name.as_str(), KernelSummary::label), kernel)
                })
                .collect();
            self.chart(charts::all_cumulative(&labelled), FULL, 380.0, "")?;
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
        self.about(&conditions::machine(summary))?;
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
            // A run that misses deadlines came to its end, but nothing to be pleased with.
            RunStatus::Complete if summary.deadlines().0 > 0 => ("missed", "!"),
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
             <p class=\"lead {class}\"><span class=\"badge\">{sign} {status}</span> · {rest}</p>\n\
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
        if summary.emulated() {
            self.notice(
                "",
                "The device is emulated: instructions are exact, latencies and missed deadlines are \
                 the emulator’s and say nothing of real hardware.",
            )?;
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

    fn reproduce(&mut self, record: &RunRecord) -> fmt::Result {
        let summary = &record.summary;
        writeln!(self.out, "<h2>Cite</h2>\n<p>{}</p>", escape(&summary.citation()))?;
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
}

fn overview_height(summary: &Summary) -> f64 {
    110.0 + 34.0 * summary.kernels.len().min(24) as f64
}
