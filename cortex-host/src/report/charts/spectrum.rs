//! The input's spectrum beside what it should be.

use crate::plot::{Axis, Chart, Mark, Style};
use crate::results::{InputSpectrum, ReferenceKind};

/// The input's power spectral density and what it is compared with; none without points.
#[must_use]
pub fn spectrum(spectrum: &InputSpectrum) -> Option<Chart> {
    let points = &spectrum.points;
    let (first, last) = (points.first()?.frequency_hz, points.last()?.frequency_hz);
    let lows = points.iter().map(|point| point.min).fold(f64::INFINITY, f64::min);
    let highs = points.iter().map(|point| point.max).fold(0.0, f64::max);
    let mut marks = Vec::new();
    if spectrum.channels > 1 {
        marks.push(Mark::Band {
            label: Some("range of the channels".to_owned()),
            points: points.iter().map(|p| (p.frequency_hz, p.min, p.max)).collect(),
            ink: Style::First,
        });
    }
    marks.push(Mark::Line {
        label: Some(if spectrum.channels > 1 { "median" } else { "density" }.to_owned()),
        points: points.iter().map(|point| (point.frequency_hz, point.median)).collect(),
        ink: Style::First,
        thin: false,
    });
    if let Some(reference) = &spectrum.reference {
        let label = match reference.kind {
            ReferenceKind::Generator => "the generator's design",
            ReferenceKind::OneOverF => "1/f at this level",
        };
        marks.push(Mark::Line {
            label: Some(label.to_owned()),
            points: reference.points.clone(),
            ink: Style::Reference,
            thin: false,
        });
    }
    // A pure tone's floor is rounding, eighteen decades down: twelve are enough to see it.
    let floor = lows.max(highs * 1e-12);
    Some(Chart {
        title: "Power spectral density of the input".to_owned(),
        x: Axis::log10("frequency (Hz)", first, last),
        y: Axis::log10("density (µV²/Hz)", floor / 2.0, highs * 2.0),
        marks,
    })
}
