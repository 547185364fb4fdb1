//! What a page is made of: notices, tables of facts, charts.

use std::fmt::{self, Write};

use crate::plot::{Chart, Frame, escape};

/// Where a chart begins and how wide the picture is, in pixels: across the page, half of it, and
/// across with room for names beside the axis.
pub(super) const FULL: (f64, f64) = (0.0, 960.0);
pub(super) const HALF: (f64, f64) = (0.0, 474.0);
pub(super) const OVERVIEW: (f64, f64) = (36.0, 960.0);

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

/// Seconds with three digits or so.
pub(super) fn seconds(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") }
}
