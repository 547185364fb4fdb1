//! The shape of a bare float32 file, from everything that claims to know it.
//!
//! A `.float32` file does not say how many channels it has. A configuration, the command
//! line, a BrainVision header or a generation manifest beside it do; when two of them
//! disagree, that is an error that names both.

use std::path::{Path, PathBuf};

use super::claim::{Claim, agree};
use super::{DatasetError, OpenOptions, ShapePart, brainvision};
use crate::primitive::Library;
use crate::synthetic::{MANIFEST_NAME, Manifest, manifest_beside};

/// A shape all sources agree on.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    /// Number of channels, at least 1.
    pub channels: usize,
    /// Sample rate in Hz, finite and positive.
    pub sample_rate_hz: f64,
    /// Samples per channel, at least 1.
    pub samples: u64,
    /// What to know of a file that is not as long as promised, where that is accepted.
    pub note: Option<String>,
}

/// What the generation manifest of `data` claims: `DATA.manifest.yaml`, or the
/// `generation_manifest.yaml` of its folder if it names the file.
///
/// # Errors
/// A manifest is there but cannot be read.
pub(super) fn manifest_claim(data: &Path) -> Result<Option<Claim>, DatasetError> {
    Ok(manifest_of(data)?.map(|(path, manifest)| Claim {
        origin: name_of(&path),
        channels: Some(manifest.dataset.channels),
        sample_rate_hz: Some(manifest.dataset.spec.sample_rate_hz),
        samples: Some(manifest.dataset.samples),
    }))
}

/// The generation manifest of `data`, and where it lies.
///
/// # Errors
/// As `manifest_claim`.
pub fn manifest_of(data: &Path) -> Result<Option<(PathBuf, Manifest)>, DatasetError> {
    let own = manifest_beside(data);
    for path in [own.clone(), data.with_file_name(MANIFEST_NAME)] {
        if !path.is_file() {
            continue;
        }
        let manifest = Manifest::read(&path, &Library::new(data.parent()))
            .map_err(|error| DatasetError::Request(error.to_string()))?;
        let named = manifest.file.as_deref().is_some_and(|name| data.ends_with(name));
        // The digests of a shard are not of the whole file, but its shape is.
        if named || path == own {
            return Ok(Some((path, manifest)));
        }
    }
    Ok(None)
}

/// The one shape that all `claims` about the float32 file `data` and its size in bytes agree on.
/// Earlier claims win where later ones say nothing.
///
/// Rates count as equal within 1e-9 of their value: a header stores an interval in
/// microseconds, whose reciprocal may differ in the last bit.
///
/// # Errors
/// Two sources disagree, none gives the number of channels or the rate, the file is empty, is no
/// whole number of samples, or has another number of them than promised and that is not accepted.
pub(super) fn settle<'a>(
    data: &Path,
    bytes: u64,
    options: &OpenOptions,
    claims: impl Iterator<Item = &'a Claim> + Clone,
) -> Result<Shape, DatasetError> {
    let agreed = agree(data, claims)?;
    let missing = |what: &str, option: &str| {
        DatasetError::Request(format!(
            "{} does not say {what}, and there is no {} beside it: give {option}",
            data.display(),
            name_of(&brainvision::header_paths(data).0)
        ))
    };
    let option_source = options.option_source;
    let channels = agreed
        .channels
        .ok_or_else(|| missing("how many channels it has", option_source.channels()))?;
    let sample_rate_hz =
        agreed.sample_rate_hz.ok_or_else(|| missing("its sample rate", option_source.rate()))?;
    if channels == 0 || !(sample_rate_hz.is_finite() && sample_rate_hz > 0.0) {
        return Err(DatasetError::Request(format!(
            "{}: {channels} channels at {sample_rate_hz} Hz is no shape",
            data.display()
        )));
    }
    let row_bytes = (channels as u64).saturating_mul(4);
    let cut = options.accept_truncated && bytes >= row_bytes;
    if bytes == 0 {
        return Err(DatasetError::format(data, "it is empty: it holds no samples"));
    }
    if !bytes.is_multiple_of(row_bytes) && !cut {
        return Err(DatasetError::Shape {
            path: data.to_owned(),
            part: ShapePart::Channels,
            problem: format!(
                "{bytes} bytes is no whole number of rows of {channels} channels of float32 ({row_bytes} bytes each); correct the number of channels, or the file"
            ),
        });
    }
    let samples = bytes / row_bytes;
    let mut note = None;
    if let Some((promised, origin)) = agreed.samples
        && promised != samples
    {
        if !options.accept_truncated {
            return Err(DatasetError::format(
                data,
                format!(
                    "{samples} samples per channel, but {origin} says {promised}; the file is not whole, make or fetch it again"
                ),
            ));
        }
        note = Some(format!(
            "{samples} whole samples per channel of the {promised} promised are taken"
        ));
    } else if !bytes.is_multiple_of(row_bytes) {
        note = Some(format!(
            "{} bytes at the end are no whole sample and are left out",
            bytes % row_bytes
        ));
    }
    Ok(Shape { channels, sample_rate_hz, samples, note })
}

/// The file's name, for a message about files of one folder.
pub(super) fn name_of(path: &Path) -> String {
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
        let settle = |claims: &[Claim]| settle(&data, 48, &OpenOptions::default(), claims.iter());

        let full = claim("a.vhdr", Some(3), Some(160.0));
        let shape = settle(&[claim("run.yaml", None, None), full.clone()]).unwrap();
        assert_eq!(shape, Shape { channels: 3, sample_rate_hz: 160.0, samples: 4, note: None });

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
