//! A kernel's windows by what happened in them.

use std::cmp::Reverse;
use std::fmt::{self, Write};

use super::elements::Page;
use crate::plot::escape;
use crate::results::{KernelWindows, Window, grouped, micros};

/// Most labels shown: a table of more is one to be made from telemetry.
const MOST_LABELS: usize = 24;

/// The measured windows of one label.
#[derive(Clone, Debug, Default, PartialEq)]
struct Share {
    measured: u64,
    missed: u64,
    failed: u64,
    /// What the kernel took, in nanoseconds or instructions.
    costs: Vec<u64>,
}

impl Share {
    fn add(&mut self, window: &Window) {
        self.measured += 1;
        self.missed += u64::from(window.deadline_missed);
        match window.kernel_ns {
            None => self.failed += 1,
            Some(ns) => self.costs.push(window.instructions.unwrap_or(ns)),
        }
    }

    /// Median and greatest cost.
    fn costs(&mut self) -> Option<(f64, f64)> {
        self.costs.sort_unstable();
        let upper = *self.costs.get(self.costs.len() / 2)? as f64;
        let lower = *self.costs.get((self.costs.len() - 1) / 2)? as f64;
        Some((f64::midpoint(lower, upper), *self.costs.last()? as f64))
    }
}

/// The measured windows of `kernel` without a label, and those of each label, most first.
fn shares(kernel: &KernelWindows) -> (Share, Vec<(&str, Share)>) {
    let mut none = Share::default();
    let mut all: Vec<(&str, Share)> =
        kernel.labels.iter().map(|label| (label.as_str(), Share::default())).collect();
    for window in kernel.measured() {
        match window.label.and_then(|label| all.get_mut(label.get() as usize - 1)) {
            Some((_, share)) => share.add(window),
            None => none.add(window),
        }
    }
    all.retain(|(_, share)| share.measured > 0);
    all.sort_by_key(|(_, share)| Reverse(share.measured));
    (none, all)
}

impl Page {
    /// The table of labels; nothing for data without events.
    pub(super) fn labels(&mut self, kernel: &KernelWindows) -> fmt::Result {
        let (none, mut all) = shares(kernel);
        if all.is_empty() {
            return Ok(());
        }
        let hidden = all.len().saturating_sub(MOST_LABELS);
        all.truncate(MOST_LABELS);
        if none.measured > 0 {
            all.push(("none", none));
        }
        let (unit, figure): (_, fn(f64) -> String) = match kernel.emulated() {
            true => ("kernel, instructions", grouped),
            false => ("kernel time, µs", |ns| micros(ns / 1e3)),
        };
        write!(
            self.out,
            "<div class=\"wide\"><table class=\"figures labels\">\n<thead>\n\
             <tr class=\"group\"><th></th><th colspan=\"3\" class=\"first\"><span>windows</span></th>\
             <th colspan=\"2\" class=\"first\"><span>{unit}</span></th></tr>\n\
             <tr><th>label</th><th class=\"first\">measured</th><th>missed</th><th>failed</th>\
             <th class=\"first\">p50</th><th>max</th></tr>\n</thead>\n<tbody>\n"
        )?;
        for (label, mut share) in all {
            let costs = share.costs();
            let cell =
                |of: fn((f64, f64)) -> f64| costs.map(of).map_or_else(|| "–".to_owned(), figure);
            writeln!(
                self.out,
                "<tr><td>{}</td><td class=\"first\">{}</td><td>{}</td><td>{}</td>\
                 <td class=\"first\">{}</td><td>{}</td></tr>",
                escape(label),
                share.measured,
                share.missed,
                share.failed,
                cell(|(median, _)| median),
                cell(|(_, greatest)| greatest),
            )?;
        }
        self.out.push_str("</tbody>\n</table></div>\n");
        let more = match hidden {
            0 => String::new(),
            hidden => format!(" {hidden} more are in the telemetry."),
        };
        writeln!(
            self.out,
            "<p class=\"soft\">A window’s label is what began last of all that happened in it; \
             artefacts label nothing.{more}</p>"
        )
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn windows_are_counted_by_their_label() {
        let window = |label, kernel_ns: Option<u64>, warmup| Window {
            at_ns: 0,
            kernel_ns,
            end_to_end_ns: kernel_ns,
            deadline_missed: kernel_ns.is_none_or(|ns| ns > 25),
            warmup,
            instructions: None,
            label,
        };
        let windows = vec![
            window(NonZeroU32::new(1), Some(99), true),
            window(NonZeroU32::new(2), Some(10), false),
            window(NonZeroU32::new(2), Some(30), false),
            window(NonZeroU32::new(2), None, false),
            window(None, Some(20), false),
        ];
        let labels = vec!["left".to_owned(), "<right>".to_owned()];
        let kernel = KernelWindows { windows, labels, ..KernelWindows::default() };
        let (none, mut all) = shares(&kernel);
        assert_eq!((none.measured, none.missed, none.failed), (1, 0, 0));
        // The one window that is left is a warm-up one.
        assert_eq!(all.len(), 1);
        let (label, share) = &mut all[0];
        assert_eq!((*label, share.measured, share.missed, share.failed), ("<right>", 3, 2, 1));
        assert_eq!(share.costs(), Some((20.0, 30.0)));
        let mut page = Page { out: String::new(), charts: 0 };
        page.labels(&kernel).unwrap();
        let row = "<tr><td>&lt;right&gt;</td><td class=\"first\">3</td><td>2</td><td>1</td>";
        assert!(page.out.contains(row), "{}", page.out);
        assert!(page.out.contains("<td>none</td>"));
        let mut page = Page { out: String::new(), charts: 0 };
        page.labels(&KernelWindows { labels: Vec::new(), ..kernel }).unwrap();
        assert_eq!(page.out, "");
    }
}
