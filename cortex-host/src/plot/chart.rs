//! One chart: axes, grid, marks and a legend in a rectangle.

use std::fmt::Write as _;

use super::axis::{Axis, Tick};
use super::svg::{coordinate, escape};

/// Where a chart is drawn, in pixels of the document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width, axis labels included.
    pub width: f64,
    /// Height, title and axis labels included.
    pub height: f64,
}

/// How a mark looks: a colour and a dash of the style sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// First series: blue, solid.
    First,
    /// Second series: orange, dashed.
    Second,
    /// Third series: green, dotted.
    Third,
    /// One of many series: eight colours, and after them the same with other dashes.
    Series(u8),
    /// Background data: grey, solid.
    Muted,
    /// What the data is compared with: dashed.
    Reference,
    /// What must not happen: red, dash-dotted.
    Alarm,
}

/// Something drawn in a chart. Points that are not finite interrupt lines and are left out
/// elsewhere.
#[derive(Clone, Debug)]
pub enum Mark {
    /// A line through points.
    Line {
        /// Name in the legend, if it is to stand there.
        label: Option<String>,
        /// x and y in axis values.
        points: Vec<(f64, f64)>,
        /// Look.
        ink: Style,
        /// Drawn thinner, for many lines at once.
        thin: bool,
    },
    /// The area between two curves.
    Band {
        /// Name in the legend.
        label: Option<String>,
        /// x, lower y, upper y.
        points: Vec<(f64, f64, f64)>,
        /// Look.
        ink: Style,
    },
    /// Bars from the bottom of the chart.
    Bars {
        /// Name in the legend.
        label: Option<String>,
        /// Left x, right x, height.
        bars: Vec<(f64, f64, f64)>,
        /// Look.
        ink: Style,
    },
    /// Single points.
    Dots {
        /// Name in the legend.
        label: Option<String>,
        /// x and y in axis values.
        points: Vec<(f64, f64)>,
        /// Look.
        ink: Style,
    },
    /// Single points that must be seen: diagonal crosses.
    Crosses {
        /// Name in the legend.
        label: Option<String>,
        /// x and y in axis values.
        points: Vec<(f64, f64)>,
        /// Look.
        ink: Style,
    },
}

/// Half the width of a cross in pixels.
const CROSS: f64 = 3.5;

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// What is drawn, in order.
    pub marks: Vec<Mark>,
}

/// Room around the plot area in pixels.
const LEFT: f64 = 78.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 46.0;
const BOTTOM: f64 = 48.0;

/// Height of a row of the legend, the mean width of a character, and what a mark takes besides its
/// name, in pixels.
const LEGEND_ROW: f64 = 18.0;
const CHARACTER: f64 = 6.9;
const LEGEND_MARK: f64 = 52.0;

impl Chart {
    /// The chart as an SVG group in `frame`.
    #[must_use]
    pub fn render(&self, frame: Frame) -> String {
        let rows = self.legend_rows(frame.width - RIGHT);
        let top = TOP + LEGEND_ROW * (rows.len().max(1) - 1) as f64;
        let plot = Frame {
            x: frame.x + LEFT,
            y: frame.y + top,
            width: (frame.width - LEFT - RIGHT).max(1.0),
            height: (frame.height - top - BOTTOM).max(1.0),
        };
        let mut svg = String::new();
        let _ = writeln!(
            svg,
            "<g>\n<text class=\"title\" x=\"{}\" y=\"{}\">{}</text>",
            coordinate(frame.x + 16.0),
            coordinate(frame.y + 20.0),
            escape(&self.title)
        );
        for (row, marks) in rows.iter().enumerate() {
            legend_row(&mut svg, marks, frame, frame.y + 34.0 + LEGEND_ROW * row as f64);
        }
        let _ = writeln!(svg, "<rect class=\"plot\" {}/>", rectangle(plot));
        self.grid(&mut svg, plot);
        // A clip path of its own position: charts in one document never share one by mistake.
        let clip = format!("clip-{}-{}", frame.x.round(), frame.y.round());
        let _ = writeln!(svg, "<clipPath id=\"{clip}\"><rect {}/></clipPath>", rectangle(plot));
        let _ = writeln!(svg, "<g clip-path=\"url(#{clip})\">");
        for mark in &self.marks {
            self.mark(&mut svg, plot, mark);
        }
        svg.push_str("</g>\n");
        self.axis_titles(&mut svg, plot);
        svg.push_str("</g>\n");
        svg
    }

    fn at(&self, plot: Frame, x: f64, y: f64) -> Option<(f64, f64)> {
        let across = self.x.position(x);
        let up = self.y.position(y);
        // Far outside is as good as the edge of the paper, and keeps numbers short.
        let bounded = |position: f64| position.is_finite().then(|| position.clamp(-5.0, 6.0));
        Some((
            plot.x + bounded(across)? * plot.width,
            plot.y + plot.height - bounded(up)? * plot.height,
        ))
    }

    fn grid(&self, svg: &mut String, plot: Frame) {
        let (right, bottom) = (plot.x + plot.width, plot.y + plot.height);
        let across = self.x.ticks((plot.width / 90.0) as usize);
        let up = self.y.ticks((plot.height / 48.0) as usize);
        let class = |tick: &Tick| if tick.label.is_empty() { "minor" } else { "grid" };
        // Minor lines first, so that major ones lie above them.
        for major in [false, true] {
            for tick in across.iter().filter(|tick| tick.label.is_empty() != major) {
                let x = coordinate(plot.x + self.x.position(tick.value) * plot.width);
                let _ = writeln!(
                    svg,
                    "<path class=\"{}\" d=\"M{x} {}V{}\"/>",
                    class(tick),
                    coordinate(plot.y),
                    coordinate(bottom)
                );
            }
            for tick in up.iter().filter(|tick| tick.label.is_empty() != major) {
                let y = coordinate(bottom - self.y.position(tick.value) * plot.height);
                let _ = writeln!(
                    svg,
                    "<path class=\"{}\" d=\"M{} {y}H{}\"/>",
                    class(tick),
                    coordinate(plot.x),
                    coordinate(right)
                );
            }
        }
        for tick in &across {
            let x = coordinate(plot.x + self.x.position(tick.value) * plot.width);
            text(svg, "", &x, &coordinate(bottom + 17.0), "middle", &tick.label);
        }
        for tick in &up {
            let y = coordinate(bottom - self.y.position(tick.value) * plot.height + 4.0);
            text(svg, "", &coordinate(plot.x - 7.0), &y, "end", &tick.label);
        }
    }

    fn axis_titles(&self, svg: &mut String, plot: Frame) {
        let middle = plot.x + plot.width / 2.0;
        let below = plot.y + plot.height + 38.0;
        text(svg, "note", &coordinate(middle), &coordinate(below), "middle", &self.x.label);
        let (x, y) = (coordinate(plot.x - 60.0), coordinate(plot.y + plot.height / 2.0));
        let _ = writeln!(
            svg,
            "<text class=\"note\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\" transform=\"rotate(-90 {x} {y})\">{}</text>",
            escape(&self.y.label)
        );
    }

    /// The named marks in rows of the legend, each at most `room` pixels wide; a name that is
    /// longer loses its beginning.
    fn legend_rows(&self, room: f64) -> Vec<Vec<(String, &Mark)>> {
        let most = ((room - LEGEND_MARK) / CHARACTER) as usize;
        let mut rows: Vec<Vec<(String, &Mark)>> = Vec::new();
        let mut left = 0.0;
        for mark in &self.marks {
            let Some(label) = mark.look().0 else { continue };
            let label = shortened(label, most);
            let width = label.chars().count() as f64 * CHARACTER + LEGEND_MARK;
            match rows.last_mut() {
                Some(row) if width <= left => row.push((label, mark)),
                _ => {
                    rows.push(vec![(label, mark)]);
                    left = room;
                }
            }
            left -= width;
        }
        rows
    }

    fn mark(&self, svg: &mut String, plot: Frame, mark: &Mark) {
        match mark {
            Mark::Line { points, ink, thin, .. } => {
                let path = self.path(plot, points.iter().copied());
                if !path.is_empty() {
                    let thin = if *thin { " thin" } else { "" };
                    let _ =
                        writeln!(svg, "<path class=\"line{thin} {}\" d=\"{path}\"/>", ink.class());
                }
            }
            Mark::Band { points, ink, .. } => {
                let known = || {
                    points.iter().filter(|(x, low, high)| {
                        self.at(plot, *x, *low).is_some() && self.at(plot, *x, *high).is_some()
                    })
                };
                let upper = known().map(|(x, _, high)| (*x, *high));
                let lower = known().rev().map(|(x, low, _)| (*x, *low));
                let path = self.path(plot, upper.chain(lower));
                if !path.is_empty() {
                    let _ = writeln!(svg, "<path class=\"{}-fill\" d=\"{path}Z\"/>", ink.class());
                }
            }
            Mark::Bars { bars, ink, .. } => {
                let mut path = String::new();
                for (left, right, height) in bars {
                    let ends = (self.at(plot, *left, *height), self.at(plot, *right, *height));
                    if let (Some((left, top)), Some((right, _))) = ends {
                        let bottom = coordinate(plot.y + plot.height);
                        let (left, right) = (coordinate(left), coordinate(right));
                        let _ =
                            write!(path, "M{left} {bottom}V{}H{right}V{bottom}Z", coordinate(top));
                    }
                }
                if !path.is_empty() {
                    let _ = writeln!(svg, "<path class=\"{}-fill\" d=\"{path}\"/>", ink.class());
                }
            }
            Mark::Dots { points, ink, .. } => {
                // A dot is the round cap of a line without length: one path for all.
                let mut path = String::new();
                for (x, y) in points.iter().filter_map(|(x, y)| self.at(plot, *x, *y)) {
                    let _ = write!(path, "M{} {}h0", coordinate(x), coordinate(y));
                }
                if !path.is_empty() {
                    let _ = writeln!(svg, "<path class=\"dot {}\" d=\"{path}\"/>", ink.class());
                }
            }
            Mark::Crosses { points, ink, .. } => {
                let mut path = String::new();
                for (x, y) in points.iter().filter_map(|(x, y)| self.at(plot, *x, *y)) {
                    path.push_str(&cross(x, y));
                }
                if !path.is_empty() {
                    let _ = writeln!(svg, "<path class=\"cross {}\" d=\"{path}\"/>", ink.class());
                }
            }
        }
    }

    /// Path data through `points`, broken where one has no position.
    fn path(&self, plot: Frame, points: impl Iterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        let mut pen_down = false;
        for (x, y) in points {
            match self.at(plot, x, y) {
                Some((x, y)) => {
                    let letter = if pen_down { 'L' } else { 'M' };
                    let _ = write!(path, "{letter}{} {}", coordinate(x), coordinate(y));
                    pen_down = true;
                }
                None => pen_down = false,
            }
        }
        path
    }
}

impl Mark {
    /// Its name in the legend, and its look.
    fn look(&self) -> (Option<&str>, Style) {
        let (Self::Line { label, ink, .. }
        | Self::Band { label, ink, .. }
        | Self::Bars { label, ink, .. }
        | Self::Dots { label, ink, .. }
        | Self::Crosses { label, ink, .. }) = self;
        (label.as_deref(), *ink)
    }
}

/// `name` with at most `most` characters: of a longer one the end, where names of a kind differ.
#[must_use]
pub fn shortened(name: &str, most: usize) -> String {
    let count = name.chars().count();
    if count <= most {
        name.to_owned()
    } else {
        ['…'].into_iter().chain(name.chars().skip((count + 1).saturating_sub(most))).collect()
    }
}

/// One row of the legend, right-aligned, with its middle at `y`.
fn legend_row(svg: &mut String, marks: &[(String, &Mark)], frame: Frame, y: f64) {
    let mut x = frame.x + frame.width - RIGHT;
    for (label, mark) in marks.iter().rev() {
        let ink = mark.look().1.class();
        x -= label.chars().count() as f64 * CHARACTER;
        text(svg, "", &coordinate(x), &coordinate(y + 4.0), "start", label);
        x -= 8.0;
        let (left, middle, level) = (coordinate(x - 26.0), coordinate(x - 13.0), coordinate(y));
        let _ = match mark {
            Mark::Line { .. } => {
                writeln!(svg, "<path class=\"line {ink}\" d=\"M{left} {level}h26\"/>")
            }
            Mark::Band { .. } | Mark::Bars { .. } => writeln!(
                svg,
                "<rect class=\"{ink}-fill\" x=\"{left}\" y=\"{}\" width=\"26\" height=\"10\"/>",
                coordinate(y - 5.0)
            ),
            Mark::Dots { .. } => {
                writeln!(svg, "<path class=\"dot {ink}\" d=\"M{middle} {level}h0\"/>")
            }
            Mark::Crosses { .. } => {
                writeln!(svg, "<path class=\"cross {ink}\" d=\"{}\"/>", cross(x - 13.0, y))
            }
        };
        x -= LEGEND_MARK - 8.0;
    }
}

impl Style {
    fn class(self) -> &'static str {
        const SERIES: [&str; 24] = [
            "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s0 d1", "s1 d1", "s2 d1", "s3 d1",
            "s4 d1", "s5 d1", "s6 d1", "s7 d1", "s0 d2", "s1 d2", "s2 d2", "s3 d2", "s4 d2",
            "s5 d2", "s6 d2", "s7 d2",
        ];
        match self {
            Self::First => "first",
            Self::Second => "second",
            Self::Third => "third",
            Self::Series(index) => {
                SERIES.get(usize::from(index) % SERIES.len()).copied().unwrap_or("s0")
            }
            Self::Muted => "muted",
            Self::Reference => "reference",
            Self::Alarm => "alarm",
        }
    }
}

/// Path data of a cross around a point.
fn cross(x: f64, y: f64) -> String {
    let (left, top, bottom) = (coordinate(x - CROSS), coordinate(y - CROSS), coordinate(y + CROSS));
    let width = 2.0 * CROSS;
    format!("M{left} {top}l{width} {width}M{left} {bottom}l{width} -{width}")
}

fn rectangle(frame: Frame) -> String {
    format!(
        "x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
        coordinate(frame.x),
        coordinate(frame.y),
        coordinate(frame.width),
        coordinate(frame.height)
    )
}

fn text(svg: &mut String, class: &str, x: &str, y: &str, anchor: &str, content: &str) {
    if content.is_empty() {
        return;
    }
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    let _ = writeln!(
        svg,
        "<text{class} x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>",
        escape(content)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_gaps_and_stay_in_the_frame() {
        let chart = Chart {
            title: "<T>".into(),
            x: Axis::linear("x", 0.0, 4.0),
            y: Axis::log10("y", 1.0, 100.0),
            marks: vec![Mark::Line {
                label: Some("a & b".into()),
                points: vec![(0.0, 1.0), (1.0, 10.0), (2.0, f64::NAN), (3.0, 0.0), (4.0, 100.0)],
                ink: Style::First,
                thin: false,
            }],
        };
        let frame =
            Frame { x: 0.0, y: 0.0, width: LEFT + RIGHT + 400.0, height: TOP + BOTTOM + 200.0 };
        let svg = chart.render(frame);
        // Plot area: 78..478 across, 46..246 down; the y axis has two decades.
        assert!(svg.contains("d=\"M78 246L178 146M478 46\""), "{svg}");
        assert!(svg.contains("&lt;T&gt;") && svg.contains("a &amp; b"));
    }

    #[test]
    fn a_name_wider_than_the_chart_keeps_its_end() {
        let line = |label: String| Mark::Line {
            label: Some(label),
            points: Vec::new(),
            ink: Style::First,
            thin: false,
        };
        let chart = Chart {
            title: String::new(),
            x: Axis::linear("x", 0.0, 4.0),
            y: Axis::linear("y", 0.0, 4.0),
            marks: vec![line(format!("{}end", "x".repeat(90))), line("b".into())],
        };
        let rows = chart.legend_rows(300.0);
        let width = |label: &str| label.chars().count() as f64 * CHARACTER + LEGEND_MARK;
        let labels: Vec<&str> = rows.iter().flatten().map(|(label, _)| label.as_str()).collect();
        assert!(labels[0].starts_with("…x") && labels[0].ends_with("xend"), "{labels:?}");
        assert!(labels[1] == "b" && labels.iter().all(|label| width(label) <= 300.0));
    }
}
