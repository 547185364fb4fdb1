//! How much an electrode sees of what is elsewhere on the head.

use super::montage::{self, Position, dot};
use crate::math;

/// Shared sources of the background.
pub const SOURCES: usize = 24;
/// Width of a weight over the sphere: it falls by e where 1 - cos(angle) is this.
const SPREAD: f64 = 0.2;

/// Weight of what is at `site` at the electrode at `place`: 1 there, e^-1 where 1 - cos is SPREAD.
pub(super) fn topography(place: Position, site: &str) -> f64 {
    let centre = montage::channel(site).and_then(montage::position).unwrap_or([0.0, 0.0, 1.0]);
    math::exp((dot(place, centre) - 1.0) / SPREAD)
}

/// Row of G of `channel`: its weights of the sources, the sum of their squares 1.
pub(super) fn source_weights(channel: usize) -> [f64; SOURCES] {
    let place = montage::position(channel).unwrap_or([0.0, 0.0, 1.0]);
    let weights: [f64; SOURCES] =
        core::array::from_fn(|k| math::exp((dot(place, source_place(k)) - 1.0) / SPREAD));
    let length = math::sqrt(weights.iter().map(|w| w * w).sum());
    weights.map(|w| w / length)
}

/// Place of source `k`: a Fibonacci spiral over the cap from the top to 18 degrees below the
/// equator (Gonzalez, Math. Geosci. 42, 2010).
fn source_place(k: usize) -> Position {
    const GOLDEN_ANGLE: f64 = 2.399_963_229_728_653_3;
    // cos 0 to cos 108 degrees, in equal areas.
    let z = 1.0 - (1.0 + 0.309_016_994_374_947_4) * (k as f64 + 0.5) / SOURCES as f64;
    let radius = math::sqrt(1.0 - z * z);
    let angle = GOLDEN_ANGLE * k as f64;
    [radius * math::cos(angle), radius * math::sin(angle), z]
}
