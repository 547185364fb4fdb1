//! What different sources claim about a file's shape, and whether they agree.

use std::path::Path;

use super::{DatasetError, ShapePart};

/// What one source says about a file's shape; `None` where it says nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claim {
    /// Who says so, as it stands in a sentence: "run.yaml", "S001R03.vhdr".
    pub origin: String,
    /// Number of channels.
    pub channels: Option<usize>,
    /// Sample rate in Hz.
    pub sample_rate_hz: Option<f64>,
    /// Samples per channel.
    pub samples: Option<u64>,
}

/// What all claims about a file agree on; `None` where none says anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Agreed<'a> {
    /// Number of channels.
    pub channels: Option<usize>,
    /// Sample rate in Hz.
    pub sample_rate_hz: Option<f64>,
    /// Samples per channel, and who says so first.
    pub samples: Option<(u64, &'a str)>,
}

/// What `claims` about `data` agree on.
///
/// # Errors
/// Two sources disagree; the message names both.
pub(super) fn agree<'a>(
    data: &Path,
    claims: impl Iterator<Item = &'a Claim> + Clone,
) -> Result<Agreed<'a>, DatasetError> {
    use ShapePart::{Channels, SampleRate, Samples};
    let channels = agreed(data, Channels, claims.clone(), |c| c.channels, |a, b| a == b)?;
    let rate = agreed(
        data,
        SampleRate,
        claims.clone(),
        |c| c.sample_rate_hz,
        |a, b| (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
    )?;
    let samples = agreed(data, Samples, claims, |c| c.samples, |a, b| a == b)?;
    Ok(Agreed {
        channels: channels.map(|(channels, _)| channels),
        sample_rate_hz: rate.map(|(rate, _)| rate),
        samples,
    })
}

/// The first value claimed, after checking that every other claim equals it.
fn agreed<'a, T: Copy + std::fmt::Display>(
    data: &Path,
    part: ShapePart,
    claims: impl Iterator<Item = &'a Claim>,
    value_of: impl Fn(&Claim) -> Option<T>,
    equal: impl Fn(T, T) -> bool,
) -> Result<Option<(T, &'a str)>, DatasetError> {
    let mut first: Option<(T, &str)> = None;
    for claim in claims {
        let Some(value) = value_of(claim) else { continue };
        match first {
            None => first = Some((value, &claim.origin)),
            Some((known, origin)) if !equal(known, value) => {
                let unit = match part {
                    ShapePart::Channels => "channels",
                    ShapePart::SampleRate => "Hz",
                    ShapePart::Samples => "samples per channel",
                };
                return Err(DatasetError::Shape {
                    path: data.to_owned(),
                    part,
                    problem: format!(
                        "{origin} says {known} {unit}, but {} says {value}; correct the wrong one",
                        claim.origin
                    ),
                });
            }
            Some(_) => {}
        }
    }
    Ok(first)
}
