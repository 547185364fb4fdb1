//! A dataset file with everything that belongs beside it.

use std::path::Path;

use super::manifest::Manifest;
use super::output::{FileOptions, Watch, refuse_taken, write_staged};
use super::{FileDigest, FileDigester, GenerateError, Recipe};
use crate::dataset::brainvision::{Header, header_paths, remove_header, write_header};
use crate::dataset::labels::synthetic_names;
use crate::dataset::place::{place_text, remove_if_present};
use crate::plan::GeneratedDataset;

/// Writes the samples of `dataset` to `target`, a BrainVision header beside them, and last the
/// manifest to `manifest_path`. What belongs to an older file of the same name goes before the
/// new samples get the name, so that at no moment a manifest or header describes other samples.
///
/// # Errors
/// [`GenerateError`]; a failure before the samples are whole leaves everything as it was.
pub fn produce(
    dataset: &GeneratedDataset,
    target: &Path,
    manifest_path: &Path,
    options: &FileOptions,
    watch: Watch<'_>,
) -> Result<Manifest, GenerateError> {
    refuse_taken(target, options.replace)?;
    if target.file_name().and_then(|name| name.to_str()).is_none() {
        return Err(GenerateError::Request(format!(
            "{} has no name in UTF-8, which manifest and header need; choose another name",
            target.display()
        )));
    }
    let (vhdr, vmrk) = header_paths(target);
    if target == vhdr || target == vmrk {
        return Err(GenerateError::Request(format!(
            "{} is the name of a header; end the name in .float32",
            target.display()
        )));
    }
    let recipe = Recipe::of(dataset);
    let mut digester = FileDigester::default();
    let staged = write_staged(&recipe, target, options, Some(&mut digester), watch)?;
    let place = || Ok(staged.place_with(options.placing()).map(|_| ())?);
    complete(dataset, target, manifest_path, digester.finish(), place)
}

/// Gives finished samples their name by `place`, and puts header and manifest beside them.
pub(super) fn complete(
    dataset: &GeneratedDataset,
    target: &Path,
    manifest_path: &Path,
    digest: FileDigest,
    place: impl FnOnce() -> Result<(), GenerateError>,
) -> Result<Manifest, GenerateError> {
    remove_if_present(manifest_path)?;
    remove_header(target)?;
    place()?;
    write_header(
        target,
        &Header {
            channel_names: &synthetic_names(dataset.channels),
            sample_rate_hz: dataset.spec.sample_rate_hz,
            samples: dataset.samples,
            markers: &[],
            start: None,
        },
    )?;
    let beside = manifest_path.parent() == target.parent();
    let name = target.file_name().and_then(|name| name.to_str()).filter(|_| beside);
    let manifest = Manifest::now(dataset, name.map(str::to_owned), digest)?;
    place_text(manifest_path, &manifest.to_yaml())?;
    Ok(manifest)
}
