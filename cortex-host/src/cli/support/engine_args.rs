//! How to generate, as the commands that generate take it.

use crate::base::Failure;
use crate::generate::{GenerateError, MOST_THREADS, Settings};
use crate::platform::simd::SimdChoice;

/// How to generate; the bytes are the same whatever is chosen.
#[derive(Debug, clap::Args)]
pub struct EngineArgs {
    /// Threads to generate with [default: one per processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_THREADS)))]
    pub threads: Option<u16>,
    /// Vector instructions: auto, scalar, sse2, avx2, avx512 or neon.
    #[arg(long, value_name = "LEVEL", default_value = "auto")]
    pub simd: SimdChoice,
}

impl EngineArgs {
    /// The settings chosen.
    ///
    /// # Errors
    /// The processor lacks the vector instructions asked for.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let automatic = Settings::automatic();
        Ok(Settings {
            threads: self.threads.map_or(automatic.threads, usize::from),
            path: self.simd.resolve().map_err(GenerateError::from)?,
            ..automatic
        })
    }
}
