//! The SVG around charts: document, style sheet, escaping, numbers.

/// Colours and line styles of all charts, by class. Okabe and Ito's palette (2008), which
/// stays apart under every common colour-vision deficiency.
pub const STYLE: &str = "\
.chart text{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',Arial,sans-serif;font-size:12px;fill:#24292f}
.chart .title{font-size:15px;font-weight:600}
.chart .note{fill:#57606a}
.chart .paper{fill:#ffffff}
.chart .plot{fill:#fafbfc;stroke:#8c959f;stroke-width:1}
.chart .grid{stroke:#d0d7de;stroke-width:1;fill:none}
.chart .minor{stroke:#eaeef2;stroke-width:1;fill:none}
.chart .line{fill:none;stroke-linejoin:round;stroke-linecap:round;stroke-width:1.6}
.chart .thin{stroke-width:1}
.chart path.dot{fill:none;stroke-width:5;stroke-linecap:round;stroke-dasharray:none}
.chart path.cross{fill:none;stroke-width:1.6;stroke-linecap:round;stroke-dasharray:none}
.chart .first{stroke:#0072b2}.chart .first-fill{fill:#0072b2;fill-opacity:.2;stroke:none}
.chart .second{stroke:#d55e00;stroke-dasharray:7 3}.chart .second-fill{fill:#d55e00;fill-opacity:.2;stroke:none}
.chart .third{stroke:#009e73;stroke-dasharray:2 3}.chart .third-fill{fill:#009e73;fill-opacity:.2;stroke:none}
.chart .s0{stroke:#0072b2}.chart .s1{stroke:#d55e00}.chart .s2{stroke:#009e73}.chart .s3{stroke:#aa4499}
.chart .s4{stroke:#b58900}.chart .s5{stroke:#24292f}.chart .s6{stroke:#3aa0d8}.chart .s7{stroke:#882255}
.chart .d1{stroke-dasharray:7 3}.chart .d2{stroke-dasharray:2 3}
.chart .muted{stroke:#57606a}.chart .muted-fill{fill:#57606a;fill-opacity:.15;stroke:none}
.chart .reference{stroke:#24292f;stroke-dasharray:5 4}.chart .reference-fill{fill:#24292f;fill-opacity:.1;stroke:none}
.chart .alarm{stroke:#b3261e;stroke-dasharray:9 3 2 3}.chart .alarm-fill{fill:#b3261e;fill-opacity:.75;stroke:none}
@media (prefers-color-scheme:dark){
.chart text{fill:#e6edf3}.chart .note{fill:#9da7b3}.chart .paper{fill:#0d1117}.chart .plot{fill:#11161d;stroke:#6e7681}
.chart .grid{stroke:#30363d}.chart .minor{stroke:#1f252d}
.chart .first{stroke:#56b4e9}.chart .first-fill{fill:#56b4e9}
.chart .second{stroke:#ff9e4a}.chart .second-fill{fill:#ff9e4a}
.chart .third{stroke:#2bd4a4}.chart .third-fill{fill:#2bd4a4}
.chart .s0{stroke:#56b4e9}.chart .s1{stroke:#ff9e4a}.chart .s2{stroke:#2bd4a4}.chart .s3{stroke:#e39ad8}
.chart .s4{stroke:#e3c341}.chart .s5{stroke:#e6edf3}.chart .s6{stroke:#8ccbff}.chart .s7{stroke:#ff8fab}
.chart .muted{stroke:#9da7b3}.chart .muted-fill{fill:#9da7b3}
.chart .reference{stroke:#e6edf3}.chart .reference-fill{fill:#e6edf3}
.chart .alarm{stroke:#ff7b72}.chart .alarm-fill{fill:#ff7b72}
}
@media print{
.chart text{fill:#000}.chart .paper,.chart .plot{fill:#fff}
.chart .grid{stroke:#bbb}.chart .minor{stroke:#ddd}
.chart .first{stroke:#0072b2}.chart .second{stroke:#d55e00}.chart .third{stroke:#007a59}
.chart .muted{stroke:#555}.chart .reference{stroke:#000}.chart .alarm{stroke:#b3261e}
}
";

/// A stand-alone SVG file of `width` × `height` pixels with `body` on a paper background.
/// `description` is what a screen reader says.
#[must_use]
pub fn document(width: f64, height: f64, description: &str, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{label}\">\n<style>{STYLE}</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n{body}</svg>\n",
        label = escape(description),
    )
}

/// `text` safe between tags and in attributes; characters that XML forbids become blanks.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => safe.push(' '),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

/// A coordinate with two decimals, without trailing zeros.
pub(super) fn coordinate(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        for (value, text) in
            [(1.0, "1"), (0.25, "0.25"), (-0.001, "0"), (100.0, "100"), (2.5, "2.5")]
        {
            assert_eq!(coordinate(value), text);
        }
    }

    #[test]
    fn nothing_breaks_out_of_a_label() {
        assert_eq!(escape("<a b=\"c\">&\u{1}"), "&lt;a b=&quot;c&quot;&gt;&amp; ");
    }
}
