//! Physical units of stored samples and their way to microvolts.

use std::fmt;
use std::str::FromStr;

/// A unit of electric potential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Volts.
    Volt,
    /// Millivolts.
    Millivolt,
    /// Microvolts: what every dataset here holds.
    Microvolt,
    /// Nanovolts.
    Nanovolt,
}

impl Unit {
    /// The unit written as `text` in a file header: `V`, `mV`, `uV` or `nV`, the micro sign
    /// (or the Greek letter mu) for `u`, in any case but `MV`, which may be mega. `None` for
    /// everything else.
    #[must_use]
    pub fn from_header(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.to_lowercase().as_str() {
            _ if text.starts_with("MV") => None,
            "v" => Some(Self::Volt),
            "mv" => Some(Self::Millivolt),
            "uv" | "\u{b5}v" | "\u{3bc}v" => Some(Self::Microvolt),
            "nv" => Some(Self::Nanovolt),
            _ => None,
        }
    }

    /// `value` of this unit in microvolts: one correctly rounded multiplication or division
    /// (a division for nanovolts, since 0.001 is no double); nothing for microvolts.
    #[inline]
    #[must_use]
    pub fn to_microvolts(self, value: f64) -> f64 {
        match self {
            Self::Volt => value * 1e6,
            Self::Millivolt => value * 1e3,
            Self::Microvolt => value,
            Self::Nanovolt => value / 1e3,
        }
    }
}

impl FromStr for Unit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::from_header(text).ok_or_else(|| "must be one of V, mV, uV, nV".to_owned())
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Volt => "V",
            Self::Millivolt => "mV",
            Self::Microvolt => "uV",
            Self::Nanovolt => "nV",
        })
    }
}
