//! Datasets made in parts: each process generates a range of channels, `merge` joins them.
//!
//! A shard writes its columns of one *shared* file, `OUT.shards`, or a file of its own
//! (*separate*), `OUT.shard-K-of-N`; last comes its manifest, `OUT.shard-K-of-N.manifest.yaml`. So
//! a manifest stands for finished data, and a shard without one is simply made again: the bytes
//! are the same whoever writes them, so that even two processes on the same shard do no harm.

use std::fs::{File, OpenOptions};
use std::path::Path;

use super::engine::PassError;
use super::output::{Columns, FileOptions, allocate_shared, fill_file, read_rows, write_file};
use super::{GenerateError, Recipe};
use crate::base::Progress;
use crate::base::atomic_file::{place_text, refuse_taken, remove_if_present};
use crate::base::digest::FileDigester;
use crate::primitive::Library;
use crate::synthetic::GeneratedDataset;
use crate::synthetic::manifest::{Manifest, manifest_beside};
use crate::synthetic::{Shard, ShardLayout, shared_file};

/// What became of a shard.
#[derive(Clone, Debug, PartialEq)]
pub enum Sharded {
    /// It was made now.
    Made(Manifest),
    /// An earlier process had finished it.
    Already(Manifest),
}

/// Makes `shard` of `dataset`, which will be `target` once merged. One that is finished already
/// is left as it is, unless `options.replace`.
///
/// # Errors
/// [`GenerateError`]; the shard can be made again then, by the same call.
pub fn produce_shard(
    dataset: &GeneratedDataset,
    target: &Path,
    shard: Shard,
    layout: ShardLayout,
    options: &FileOptions,
    progress: &Progress,
) -> Result<Sharded, GenerateError> {
    let recipe = Recipe::of_shard(dataset, shard)?;
    let own = shard.file(target);
    let data = match layout {
        ShardLayout::Shared => shared_file(target),
        ShardLayout::Separate => own.clone(),
    };
    let manifest_path = manifest_beside(&own);
    let bytes = match layout {
        ShardLayout::Shared => Recipe::of(dataset).bytes()?,
        ShardLayout::Separate => recipe.bytes()?,
    };
    if !options.replace {
        refuse_taken([target], false)?;
        if let Some(manifest) = finished(dataset, shard, layout, &manifest_path)
            && std::fs::metadata(&data).is_ok_and(|found| found.is_file() && found.len() == bytes)
        {
            return Ok(Sharded::Already(manifest));
        }
    }
    remove_if_present(&manifest_path)?;
    let mut digester = FileDigester::new(options.digest);
    let file = match layout {
        ShardLayout::Separate => {
            let options = FileOptions { replace: true, ..*options };
            write_file(&recipe, &data, &options, Some(&mut digester), progress)?;
            data.file_name().and_then(|name| name.to_str()).map(str::to_owned)
        }
        ShardLayout::Shared => {
            let columns =
                Columns { first: recipe.first_channel as usize, row_channels: dataset.channels };
            let file = open_shared(&data, bytes)?;
            write_columns(&recipe, &file, columns, &mut digester, options, progress)
                .map_err(|error| error.at(&data, bytes))?;
            if options.durable {
                file.sync_all().map_err(GenerateError::io("write", &data))?;
            }
            None
        }
    };
    let mut manifest = Manifest::now(dataset, file, digester.finish())?;
    manifest.shard = Some((shard, layout));
    place_text(&manifest_path, &manifest.to_yaml())?;
    Ok(Sharded::Made(manifest))
}

/// The manifest of a finished shard of the very same dataset, if there is one.
fn finished(
    dataset: &GeneratedDataset,
    shard: Shard,
    layout: ShardLayout,
    manifest_path: &Path,
) -> Option<Manifest> {
    let manifest = Manifest::read(manifest_path, &Library::new(manifest_path.parent())).ok()?;
    (manifest.shard == Some((shard, layout)) && manifest.dataset == *dataset).then_some(manifest)
}

/// Opens the shared file, or makes it: never shorter, so that others' columns stay.
fn open_shared(path: &Path, bytes: u64) -> Result<File, GenerateError> {
    refuse_taken([path], true)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(GenerateError::io("create the folder", folder))?;
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(GenerateError::io("open", path))?;
    let found = file.metadata().map_err(GenerateError::io("read", path))?.len();
    if found > bytes {
        return Err(GenerateError::Request(format!(
            "{} has {found} bytes and belongs to another dataset; remove it and the .shard- manifests beside it",
            path.display()
        )));
    }
    if found < bytes {
        allocate_shared(&file, path, bytes)?;
    }
    Ok(file)
}

fn write_columns(
    recipe: &Recipe,
    file: &File,
    columns: Columns,
    digester: &mut FileDigester,
    options: &FileOptions,
    progress: &Progress,
) -> Result<(), PassError> {
    let generator = recipe.generator().map_err(|error| std::io::Error::other(error.to_string()))?;
    if recipe.channels <= options.settings.pass_channels {
        let take = |bytes: &[u8]| {
            digester.update(bytes);
            Ok(())
        };
        return fill_file(
            recipe,
            &generator,
            file,
            columns,
            Some(Box::new(take)),
            options,
            progress,
        );
    }
    fill_file(recipe, &generator, file, columns, None, options, progress)?;
    let own = columns.first * 4..(columns.first + recipe.channels as usize) * 4;
    read_rows(file, columns.row_channels * 4, recipe.samples, progress, |row| {
        digester.update(row.get(own.clone()).unwrap_or_default());
        Ok(())
    })
}
