//! Datasets made in parts: each process generates a range of channels, `merge` joins them.
//!
//! A shard writes its columns of one *shared* file, `OUT.shards`, or a file of its own
//! (*separate*), `OUT.shard-K-of-N`; last comes its manifest, `OUT.shard-K-of-N.manifest.yaml`. So
//! a manifest stands for finished data, and a shard without one is simply made again: the bytes
//! are the same whoever writes them, so that even two processes on the same shard do no harm.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::digest::FileDigester;
use super::engine::PassError;
use super::output::{
    Columns, FileOptions, allocate_shared, fill_file, read_rows, refuse_taken, write_file,
};
use super::watch::Watch;
use super::{GenerateError, Recipe};
use crate::base::atomic_file::{place_text, remove_if_present};
use crate::plan::GeneratedDataset;
use crate::primitive::Library;
use crate::synthetic::manifest::{Manifest, manifest_beside};

/// The most shards of a dataset.
pub const MAX_SHARDS: u32 = 9999;

/// Shards begin at multiples of this many channels when there are enough of them: whole vectors.
const ALIGNED_CHANNELS: u32 = 32;

/// One part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Which, `1..=count`.
    pub index: u32,
    /// Of how many, `1..=`[`MAX_SHARDS`].
    pub count: u32,
}

/// Where shards write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Each its columns of one file.
    Shared,
    /// Each a file of its own.
    Separate,
}

/// What became of a shard.
#[derive(Clone, Debug, PartialEq)]
pub enum Sharded {
    /// It was made now.
    Made(Manifest),
    /// An earlier process had finished it.
    Already(Manifest),
}

impl Shard {
    /// The channels of this shard of `channels`.
    ///
    /// # Errors
    /// [`GenerateError::Request`] when there are fewer channels than shards.
    pub fn channels(self, channels: u32) -> Result<Range<u32>, GenerateError> {
        if self.count > channels {
            return Err(GenerateError::Request(format!(
                "{channels} channels cannot be split into {} shards; use at most {channels}",
                self.count
            )));
        }
        let groups = channels.div_ceil(ALIGNED_CHANNELS);
        let edge = |k: u32| {
            let of = |n: u32| (u64::from(k) * u64::from(n) / u64::from(self.count)) as u32;
            if groups >= self.count {
                (of(groups) * ALIGNED_CHANNELS).min(channels)
            } else {
                of(channels)
            }
        };
        Ok(edge(self.index - 1)..edge(self.index))
    }

    /// The recipe of this part of `dataset`.
    ///
    /// # Errors
    /// As [`Shard::channels`].
    pub fn recipe(self, dataset: &GeneratedDataset) -> Result<Recipe, GenerateError> {
        let whole = Recipe::of(dataset);
        let range = self.channels(whole.channels)?;
        Ok(Recipe { first_channel: range.start, channels: range.end - range.start, ..whole })
    }

    /// The file of this part of `target` when each has its own; also what its manifest is named by.
    #[must_use]
    pub fn file(self, target: &Path) -> PathBuf {
        with_suffix(target, &format!(".shard-{}-of-{}", self.index, self.count))
    }
}

/// The file that shards of `target` write together.
#[must_use]
pub fn shared_file(target: &Path) -> PathBuf {
    with_suffix(target, ".shards")
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
    layout: Layout,
    options: &FileOptions,
    watch: Watch<'_>,
) -> Result<Sharded, GenerateError> {
    let recipe = shard.recipe(dataset)?;
    let own = shard.file(target);
    let data = match layout {
        Layout::Shared => shared_file(target),
        Layout::Separate => own.clone(),
    };
    let manifest_path = manifest_beside(&own);
    let bytes = match layout {
        Layout::Shared => Recipe::of(dataset).bytes()?,
        Layout::Separate => recipe.bytes()?,
    };
    if !options.replace {
        refuse_taken(target, false)?;
        if let Some(manifest) = finished(dataset, shard, layout, &manifest_path)
            && std::fs::metadata(&data).is_ok_and(|found| found.is_file() && found.len() == bytes)
        {
            return Ok(Sharded::Already(manifest));
        }
    }
    remove_if_present(&manifest_path)?;
    let mut digester = FileDigester::default();
    let file = match layout {
        Layout::Separate => {
            let options = FileOptions { replace: true, ..*options };
            write_file(&recipe, &data, &options, Some(&mut digester), watch)?;
            data.file_name().and_then(|name| name.to_str()).map(str::to_owned)
        }
        Layout::Shared => {
            let columns =
                Columns { first: recipe.first_channel as usize, row_channels: dataset.channels };
            let file = open_shared(&data, bytes)?;
            write_columns(&recipe, &file, columns, &mut digester, options, watch)
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
    layout: Layout,
    manifest_path: &Path,
) -> Option<Manifest> {
    let manifest = Manifest::read(manifest_path, &Library::new(manifest_path.parent())).ok()?;
    (manifest.shard == Some((shard, layout)) && manifest.dataset == *dataset).then_some(manifest)
}

/// Opens the shared file, or makes it: never shorter, so that others' columns stay.
fn open_shared(path: &Path, bytes: u64) -> Result<File, GenerateError> {
    refuse_taken(path, true)?;
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
    watch: Watch<'_>,
) -> Result<(), PassError> {
    let generator = recipe.generator().map_err(|error| std::io::Error::other(error.to_string()))?;
    if recipe.channels <= options.settings.pass_channels {
        let take = |bytes: &[u8]| {
            digester.update(bytes);
            Ok(())
        };
        return fill_file(recipe, &generator, file, columns, Some(Box::new(take)), options, watch);
    }
    fill_file(recipe, &generator, file, columns, None, options, watch)?;
    let own = columns.first * 4..(columns.first + recipe.channels as usize) * 4;
    read_rows(file, columns.row_channels * 4, recipe.samples, watch.cancel, |row| {
        digester.update(row.get(own.clone()).unwrap_or_default());
        Ok(())
    })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl Layout {
    /// The spelling in manifests.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Layout::Shared => "shared",
            Layout::Separate => "separate",
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('/')
            .and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)))
            .and_then(|(index, count)| Self::new(index, count))
            .ok_or_else(|| {
                format!("give K/N, shard K of N with K from 1 to N and N at most {MAX_SHARDS}")
            })
    }
}

impl Shard {
    /// Shard `index` of `count`; none unless `1 <= index <= count <= `[`MAX_SHARDS`].
    #[must_use]
    pub fn new(index: u32, count: u32) -> Option<Self> {
        (1 <= index && index <= count && count <= MAX_SHARDS).then_some(Self { index, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_cover_every_channel_once() {
        for channels in [1, 2, 31, 33, 64, 1000, 4096] {
            for count in [1, 2, 3, 7, 31] {
                if count > channels {
                    assert!(Shard { index: 1, count }.channels(channels).is_err());
                    continue;
                }
                let mut next = 0;
                for index in 1..=count {
                    let range = Shard { index, count }.channels(channels).unwrap();
                    assert_eq!(range.start, next);
                    assert!(range.end > range.start, "shard {index}/{count} of {channels}");
                    next = range.end;
                }
                assert_eq!(next, channels);
            }
        }
    }

    #[test]
    fn shards_are_counted_from_one() {
        assert_eq!("2/4".parse(), Ok(Shard { index: 2, count: 4 }));
        for wrong in ["0/4", "5/4", "1", "1/0", "a/b", "1/2/3", "-1/2", "1/10000"] {
            assert!(wrong.parse::<Shard>().unwrap_err().contains("K/N"), "{wrong}");
        }
    }
}
