//! The shape of a bare float32 file, from everything that claims to know it.
//!
//! A `.float32` file does not say how many channels it has. A configuration, the command
//! line, a BrainVision header or a generation manifest beside it do; when two of them
//! disagree, that is an error that names both.

use std::path::Path;

use super::{DatasetError, brainvision};
use crate::primitive::Library;
use crate::synthetic::{MANIFEST_NAME, Manifest, manifest_beside};

/// What one source says about a file's shape; `None` where it says nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Who says so, as it stands in a sentence: "run.yaml", "S001R03.vhdr".
    pub origin: String,
    /// Number of channels.
    pub channels: Option<usize>,
    /// Sample rate in Hz.
    pub sample_rate_hz: Option<f64>,
    /// Samples per channel.
    pub samples: Option<u64>,
}

/// A shape all sources agree on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Number of channels, at least 1.
    pub channels: usize,
    /// Sample rate in Hz, finite and positive.
    pub sample_rate_hz: f64,
    /// Samples per channel, at least 1.
    pub samples: u64,
}

/// What lies beside a float32 file.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Shapes claimed by a `.vhdr` or a manifest.
    pub claims: Vec<Claim>,
    /// Channel names of the `.vhdr`, if there is one.
    pub channel_names: Option<Vec<String>>,
}

/// Reads what lies beside `data`: `NAME.vhdr`, if it points at this very file, and its
/// generation manifest, `DATA.manifest.yaml` or the `generation_manifest.yaml` that names it.
///
/// # Errors
/// One of them is there but cannot be read.
pub fn beside(data: &Path) -> Result<Beside, DatasetError> {
    let (vhdr, _) = brainvision::header_paths(data);
    let mut beside = Beside::default();
    if vhdr.is_file() {
        let header = brainvision::Description::read(&vhdr)?;
        if header.data_path.file_name() == data.file_name() {
            beside.claims.push(Claim {
                origin: name_of(&vhdr),
                channels: Some(header.channel_names.len()),
                sample_rate_hz: Some(header.sample_rate_hz),
                samples: header.samples,
            });
            beside.channel_names = Some(header.channel_names);
        }
    }
    for path in [manifest_beside(data), data.with_file_name(MANIFEST_NAME)] {
        if !path.is_file() {
            continue;
        }
        let manifest = Manifest::read(&path, &Library::new(data.parent()))
            .map_err(|error| DatasetError::Request(error.to_string()))?;
        if manifest.file.as_deref().is_some_and(|name| data.ends_with(name)) {
            beside.claims.push(Claim {
                origin: name_of(&path),
                channels: Some(manifest.dataset.channels),
                sample_rate_hz: Some(manifest.dataset.spec.sample_rate_hz),
                samples: Some(manifest.dataset.samples),
            });
        }
    }
    Ok(beside)
}

/// The one shape that all `claims` about the float32 file `data` and its size agree on.
/// Earlier claims win where later ones say nothing.
///
/// Rates count as equal within 1e-9 of their value: a header stores an interval in
/// microseconds, whose reciprocal may differ in the last bit.
///
/// # Errors
/// Two sources disagree, none gives the number of channels or the rate, the file cannot be
/// read, is empty, or is no whole number of samples.
pub fn settle<'a>(
    data: &Path,
    claims: impl Iterator<Item = &'a Claim> + Clone,
) -> Result<Shape, DatasetError> {
    let bytes = std::fs::metadata(data).map_err(DatasetError::io("read", data))?.len();
    let agreed = agree(data, claims)?;
    let missing = |what: &str, option: &str| {
        DatasetError::Request(format!(
            "{} does not say {what}, and there is no {} beside it: give {option}",
            data.display(),
            name_of(&brainvision::header_paths(data).0)
        ))
    };
    let channels =
        agreed.channels.ok_or_else(|| missing("how many channels it has", "--channels"))?;
    let sample_rate_hz =
        agreed.sample_rate_hz.ok_or_else(|| missing("its sample rate", "--rate"))?;
    if channels == 0 || !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
        return Err(DatasetError::Request(format!(
            "{}: {channels} channels at {sample_rate_hz} Hz is no shape",
            data.display()
        )));
    }
    let row_bytes = (channels as u64).saturating_mul(4);
    if bytes == 0 || bytes % row_bytes != 0 {
        return Err(DatasetError::format(
            data,
            format!(
                "{bytes} bytes is no whole number of samples of {channels} channels ({row_bytes} bytes each)"
            ),
        ));
    }
    let samples = bytes / row_bytes;
    if let Some((promised, origin)) = agreed.samples
        && promised != samples
    {
        return Err(DatasetError::format(
            data,
            format!(
                "{samples} samples per channel, but {origin} says {promised}; the file is not whole, make or fetch it again"
            ),
        ));
    }
    Ok(Shape { channels, sample_rate_hz, samples })
}

/// What all claims about a file agree on; `None` where none says anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreed<'a> {
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
pub fn agree<'a>(
    data: &Path,
    claims: impl Iterator<Item = &'a Claim> + Clone,
) -> Result<Agreed<'a>, DatasetError> {
    let channels = agreed(data, "channels", claims.clone(), |c| c.channels, |a, b| a == b)?;
    let rate = agreed(
        data,
        "Hz",
        claims.clone(),
        |c| c.sample_rate_hz,
        |a, b| (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
    )?;
    let samples = agreed(data, "samples per channel", claims, |c| c.samples, |a, b| a == b)?;
    Ok(Agreed {
        channels: channels.map(|(channels, _)| channels),
        sample_rate_hz: rate.map(|(rate, _)| rate),
        samples,
    })
}

/// The first value claimed, after checking that every other claim equals it.
fn agreed<'a, T: Copy + std::fmt::Display>(
    data: &Path,
    unit: &str,
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
                return Err(DatasetError::Request(format!(
                    "{}: {origin} says {known} {unit}, but {} says {value}; correct the wrong one",
                    data.display(),
                    claim.origin
                )));
            }
            Some(_) => {}
        }
    }
    Ok(first)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(origin: &str, channels: Option<usize>, rate: Option<f64>) -> Claim {
        Claim { origin: origin.into(), channels, sample_rate_hz: rate, samples: None }
    }

    #[test]
    fn claims_must_agree_and_fit_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("a.float32");
        std::fs::write(&data, [0; 48]).unwrap();
        let settle = |claims: &[Claim]| settle(&data, claims.iter());

        let full = claim("a.vhdr", Some(3), Some(160.0));
        let shape = settle(&[claim("run.yaml", None, None), full.clone()]).unwrap();
        assert_eq!(shape, Shape { channels: 3, sample_rate_hz: 160.0, samples: 4 });

        let error = settle(&[claim("run.yaml", Some(4), None), full.clone()]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("run.yaml says 4 channels, but a.vhdr says 3"), "{text}");
        let error = settle(&[claim("run.yaml", None, Some(250.0)), full.clone()]).unwrap_err();
        assert!(error.to_string().contains("run.yaml says 250 Hz, but a.vhdr says 160"));
        let error = settle(&[claim("run.yaml", Some(5), Some(1.0))]).unwrap_err();
        assert!(error.to_string().contains("48 bytes is no whole number"));
        let error = settle(&[claim("run.yaml", Some(3), None)]).unwrap_err();
        assert!(error.to_string().contains("--rate"), "{error}");
        let short = Claim { samples: Some(5), ..full };
        assert!(settle(&[short]).unwrap_err().to_string().contains("a.vhdr says 5"));
    }
}
