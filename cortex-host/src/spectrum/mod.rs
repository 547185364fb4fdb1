//! Power spectral density by Welch's method, and what is read off it.

mod slope;
mod welch;

pub(crate) use slope::{grid, thinned};
pub use slope::{line_peak_db, slope};
pub use welch::{Density, Scratch, Welch};
