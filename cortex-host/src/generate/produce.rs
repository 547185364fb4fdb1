//! A dataset file with everything that belongs beside it.

use std::path::{Path, PathBuf};

use super::output::{FileOptions, write_staged};
use super::{GenerateError, Recipe, truth};
use crate::base::Progress;
use crate::base::atomic_file::{
    PersistOptions, Staged, hold_folder_of, refuse_taken, remove_if_present, stage_text,
    sync_folder_of,
};
use crate::base::digest::{FileDigest, FileDigester};
use crate::recording::brainvision::{Header, remove_header, stage_header};
use crate::recording::events::to_markers;
use crate::recording::{check_raw_name, dataset_files};
use crate::synthetic::manifest::Manifest;
use crate::synthetic::{GeneratedDataset, TruthKind};

/// Writes the samples of `dataset` to `target`, a BrainVision header beside them, and last the
/// manifest to `manifest_path`, then `more` files that are written already. What belongs to an older file of the same name goes before the
/// new samples get the name, so that at no moment a manifest or header describes other samples.
///
/// # Errors
/// [`GenerateError`]; a failure before the samples are whole leaves everything as it was.
pub(super) fn produce(
    dataset: &GeneratedDataset,
    target: &Path,
    manifest_path: &Path,
    mut more: Vec<Staged>,
    options: &FileOptions,
    progress: &Progress,
) -> Result<Manifest, GenerateError> {
    check_raw_name(target)?;
    let files = dataset_files(target);
    refuse_taken(files.iter().map(PathBuf::as_path).chain([manifest_path]), options.replace)?;
    if target.file_name().and_then(|name| name.to_str()).is_none() {
        return Err(GenerateError::Request(format!(
            "{} has no name in UTF-8, which manifest and header need; choose another name",
            target.display()
        )));
    }
    let recipe = Recipe::of(dataset);
    let mut digester = FileDigester::new(options.digest);
    let mut staged = write_staged(&recipe, target, options, Some(&mut digester), progress)?;
    staged.settle(options.durable)?;
    for staged in &mut more {
        staged.settle(options.durable)?;
    }
    let digest = digester.finish();
    let place = || -> Result<(), GenerateError> {
        for staged in more.iter().rev() {
            remove_if_present(staged.target())?;
        }
        Ok(staged.place_with(options.placing()).map(|_| ())?)
    };
    let manifest =
        complete(dataset, target, manifest_path, digest, options.durable, progress, place)?;
    for staged in more {
        staged.place_with(PersistOptions { replace: true, durable: options.durable })?;
    }
    Ok(manifest)
}

/// Gives finished samples their name by `place`, and puts header and manifest beside them. All is
/// written before, so that a kill has only a few renames to fall between.
pub(super) fn complete(
    dataset: &GeneratedDataset,
    target: &Path,
    manifest_path: &Path,
    digest: FileDigest,
    durable: bool,
    progress: &Progress,
    place: impl FnOnce() -> Result<(), GenerateError>,
) -> Result<Manifest, GenerateError> {
    let beside = manifest_path.parent() == target.parent();
    let name = target.file_name().and_then(|name| name.to_str()).filter(|_| beside);
    let truth = truth::stage(dataset, target, progress)?;
    let mut manifest = Manifest::now(dataset, name.map(str::to_owned), digest)?;
    manifest.truth = truth.iter().map(|(digest, _)| digest.clone()).collect();
    let rate_hz = dataset.spec.sample_rate_hz;
    let [mut markers, mut header] = stage_header(
        target,
        &Header {
            channel_names: &truth::channel_names(dataset),
            sample_rate_hz: rate_hz,
            samples: dataset.samples,
            markers: &to_markers(&truth::events(dataset), rate_hz, dataset.samples),
            start: None,
        },
    )?;
    let mut described = stage_text(manifest_path, &manifest.to_yaml())?;
    let mut truth: Vec<Staged> = truth.into_iter().map(|(_, staged)| staged).collect();
    for staged in truth.iter_mut().chain([&mut markers, &mut header, &mut described]) {
        staged.settle(durable)?;
    }
    let _held = hold_folder_of(target);
    remove_if_present(manifest_path)?;
    remove_header(target)?;
    for kind in TruthKind::ALL {
        remove_if_present(&kind.path(target))?;
    }
    place()?;
    for staged in truth.into_iter().chain([markers, header, described]) {
        staged.place_with(PersistOptions { replace: true, durable: false })?;
    }
    if durable {
        sync_folder_of(target)?;
    }
    Ok(manifest)
}
