//! Charts as inline SVG: no scripts, no fonts to fetch, legible in light and dark, on paper
//! and in black and white (series differ by dash as well as by colour).
//!
//! A [`Chart`] has two [`Axis`]es and [`Mark`]s and renders into a rectangle; [`document`]
//! makes a file of one or more of them, [`STYLE`] belongs once into every page that holds any.

mod axis;
mod chart;
mod svg;

pub use axis::{Axis, AxisScale};
pub use chart::{Chart, Frame, Mark, Style, shortened};
pub use svg::{STYLE, document, escape};
