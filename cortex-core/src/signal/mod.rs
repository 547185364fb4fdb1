//! Generators: validated parameters → coefficients → blocks of samples.

mod spec;

pub use spec::{GeneratorVersion, Signal, SourceSpec, SpecError};

/// Samples per channel in one generated block: the unit of generation on every target.
pub const BLOCK_SAMPLES: usize = 64;
