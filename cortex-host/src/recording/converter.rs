//! What a front end's converter has made the samples of a recording.

use cortex_core::signal::front_end::FrontEndParams;
use serde::{Deserialize, Serialize};

/// What the samples of a recording are whole multiples of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Codes {
    /// Bits of a code.
    pub bits: u32,
    /// Gain of the amplifier in front, where the converter has one that can be set.
    pub gain: Option<f64>,
    /// Microvolts of a step.
    pub step_uv: f64,
}

impl Codes {
    /// The codes of a front end.
    #[must_use]
    pub fn of(front_end: &FrontEndParams) -> Self {
        let converter = front_end.converter();
        Self { bits: converter.bits, gain: front_end.amplifier_gain(), step_uv: converter.step_uv }
    }
}
