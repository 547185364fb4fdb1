//! What a disturbed line does, and how often: `ber=1e-5,drop=0.01`.

use std::fmt;
use std::str::FromStr;

use crate::base::nearest;

/// What goes wrong, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FaultSpec {
    /// Probability that a bit is flipped.
    pub bit_error_rate: f64,
    /// Probability that a byte is dropped.
    pub drop_byte: f64,
    /// Probability that a frame is dropped.
    pub drop_frame: f64,
    /// Probability that a frame comes twice.
    pub duplicate: f64,
    /// Probability that a frame is held back and comes after the next one.
    pub reorder: f64,
    /// Probability that a frame is cut short at a random place.
    pub truncate: f64,
    /// Probability that up to 64 random bytes come before a frame.
    pub noise: f64,
    /// Probability that up to 64 bytes 0x00 come before a frame.
    pub zeros: f64,
    /// Probability that 5,000 bytes without 0x00 come before a frame.
    pub oversize: f64,
}

impl FaultSpec {
    /// Names of the rates, as [`FaultSpec::from_str`] takes them.
    pub const NAMES: [&'static str; 9] =
        ["ber", "drop-byte", "drop", "dup", "reorder", "truncate", "noise", "zeros", "oversize"];

    fn rate_mut(&mut self, name: &str) -> Option<&mut f64> {
        Some(match name {
            "ber" => &mut self.bit_error_rate,
            "drop-byte" => &mut self.drop_byte,
            "drop" => &mut self.drop_frame,
            "dup" => &mut self.duplicate,
            "reorder" => &mut self.reorder,
            "truncate" => &mut self.truncate,
            "noise" => &mut self.noise,
            "zeros" => &mut self.zeros,
            "oversize" => &mut self.oversize,
            _ => return None,
        })
    }
}

/// Why a fault specification was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultSpecError {
    /// Not `name=rate`.
    #[error("fault \"{0}\" is not NAME=RATE, such as ber=1e-5 or drop=0.01")]
    Form(String),
    /// No such fault.
    #[error(
        "unknown fault \"{0}\"{hint}; use ber, drop-byte, drop, dup, reorder, truncate, noise, zeros or oversize",
        hint = meant(.0)
    )]
    Name(String),
    /// Not a probability.
    #[error("fault rate \"{0}\" is not a number from 0 to 1")]
    Rate(String),
}

fn meant(name: &str) -> String {
    nearest(name, FaultSpec::NAMES)
        .map_or(String::new(), |name| format!(" (did you mean \"{name}\"?)"))
}

impl fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut spec = *self;
        let mut first = true;
        for name in Self::NAMES {
            let Some(rate) = spec.rate_mut(name).filter(|rate| **rate > 0.0) else { continue };
            write!(f, "{}{name}={rate:?}", if first { "" } else { "," })?;
            first = false;
        }
        Ok(())
    }
}

impl FromStr for FaultSpec {
    type Err = FaultSpecError;

    /// Reads `NAME=RATE[,NAME=RATE...]` with the names of [`FaultSpec::NAMES`].
    fn from_str(text: &str) -> Result<Self, FaultSpecError> {
        let mut spec = FaultSpec::default();
        for part in text.split(',') {
            let (name, rate) =
                part.split_once('=').ok_or_else(|| FaultSpecError::Form(part.to_owned()))?;
            let slot = spec
                .rate_mut(name.trim())
                .ok_or_else(|| FaultSpecError::Name(name.trim().to_owned()))?;
            *slot = rate
                .trim()
                .parse::<f64>()
                .ok()
                .filter(|rate| (0.0..=1.0).contains(rate))
                .ok_or_else(|| FaultSpecError::Rate(rate.trim().to_owned()))?;
        }
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_is_read_and_mistakes_are_named() {
        let spec: FaultSpec = "ber=1e-5,drop=0.25".parse().expect("valid");
        assert_eq!(
            spec,
            FaultSpec { bit_error_rate: 1e-5, drop_frame: 0.25, ..FaultSpec::default() }
        );
        for (text, word) in
            [("ber", "NAME=RATE"), ("bre=1", "did you mean \"ber\"?"), ("drop=2", "\"2\"")]
        {
            let error = text.parse::<FaultSpec>().expect_err("wrong");
            assert!(error.to_string().contains(word), "{error}");
        }
        assert_eq!(spec.to_string(), "ber=1e-5,drop=0.25");
        let names = FaultSpec::NAMES.map(|name| format!("{name}=0.5")).join(",");
        assert!(names.parse::<FaultSpec>().is_ok());
    }
}
