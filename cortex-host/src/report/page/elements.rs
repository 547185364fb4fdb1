//! What a page is made of: notices, tables of facts, charts.

use std::fmt::{self, Write};

use crate::plot::{Chart, Frame, escape};

/// How wide a chart's picture is, in pixels: across the page, and half of it, which is also what a
/// phone shows. A chart across the page is drawn twice, and the style sheet shows the one that fits:
/// shrunk to a phone its text could not be read.
pub(super) const FULL: f64 = 960.0;
pub(super) const HALF: f64 = 420.0;

/// Charts lie this far apart in a plane of their own, so that no two have the same place.
pub(super) const CHART_STEP: f64 = 1000.0;

/// A page as far as it is written.
pub(super) struct Page {
    pub(super) out: String,
    pub(super) charts: u32,
}

impl Page {
    pub(super) fn notice(&mut self, class: &str, text: &str) -> fmt::Result {
        writeln!(self.out, "<p class=\"notice {class}\">{}</p>", escape(text))
    }

    /// A table of facts.
    pub(super) fn about<N: AsRef<str>>(&mut self, facts: &[(N, String)]) -> fmt::Result {
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
    pub(super) fn chart(
        &mut self,
        chart: Option<Chart>,
        width: f64,
        height: f64,
        caption: &str,
    ) -> fmt::Result {
        self.chart_with_margin(chart, 0.0, width, height, caption)
    }

    /// The same with `margin` pixels on the left for what stands beside the axis.
    pub(super) fn chart_with_margin(
        &mut self,
        chart: Option<Chart>,
        margin: f64,
        width: f64,
        height: f64,
        caption: &str,
    ) -> fmt::Result {
        let Some(chart) = chart else { return Ok(()) };
        self.out.push_str("<figure>");
        let sizes: &[(&str, f64)] =
            if width > HALF { &[(" desk", width), (" phone", HALF)] } else { &[("", width)] };
        for (class, width) in sizes {
            let y = f64::from(self.charts) * CHART_STEP;
            self.charts += 1;
            writeln!(
                self.out,
                "<svg class=\"chart{class}\" viewBox=\"0 {y} {width} {height}\" role=\"img\" \
                 aria-label=\"{}\">\n{}</svg>",
                escape(&chart.title),
                chart.render(Frame { x: margin, y, width: width - margin, height })
            )?;
        }
        if !caption.is_empty() {
            writeln!(self.out, "<figcaption>{}</figcaption>", escape(caption))?;
        }
        writeln!(self.out, "</figure>")
    }
}

/// Seconds with three digits or so.
pub(super) fn seconds(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") }
}
