//! Joining the shards of a dataset: their digests are checked, then the file gets its name.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::engine::PassError;
use super::output::{FileOptions, read_rows};
use super::produce::complete;
use super::reproduce::digest_of;
use super::{GenerateError, Recipe};
use crate::base::FileError;
use crate::base::Progress;
use crate::base::atomic_file::refuse_taken;
use crate::base::atomic_file::{Staged, remove_if_present};
use crate::base::digest::{Algorithm, ContentDigest, FileDigest, FileDigester};
use crate::base::{ExitCode, Failure};
use crate::config::{ConfigError, Position, Problem};
use crate::primitive::Library;
use crate::recording::dataset_files;
use crate::synthetic::GeneratedDataset;
use crate::synthetic::manifest::{MANIFEST_SUFFIX, Manifest, manifest_beside};
use crate::synthetic::{Shard, ShardLayout, shared_file};

/// Why shards could not be merged. They are left as they were.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A shard's manifest is unreadable or wrong.
    #[error(transparent)]
    Manifest(#[from] ConfigError),
    /// No shard of the file was found.
    #[error("there is no shard of {target}; make them with generate ... --shard 1/N to N/N", target = target.display())]
    NoShards {
        /// The file wanted.
        target: PathBuf,
    },
    /// Some shards are not finished.
    #[error("{target} lacks shard {missing}; make it again with generate ... --shard {missing}", target = target.display())]
    Missing {
        /// The file wanted.
        target: PathBuf,
        /// The first shard missing.
        missing: Shard,
    },
    /// The shards do not belong together.
    #[error("{manifest} is of another dataset or split than the other shards; remove it, or make all shards with the same arguments", manifest = manifest.display())]
    Foreign {
        /// The manifest that differs.
        manifest: PathBuf,
    },
    /// A shard's data are not what its manifest says.
    #[error(
        "the data of shard {shard} differ from its manifest (expected {expected}, found {found}); make it again with generate ... --shard {shard} --force"
    )]
    Different {
        /// The shard.
        shard: Shard,
        /// Digest in its manifest.
        expected: ContentDigest,
        /// Digest of its data.
        found: ContentDigest,
    },
    /// Reading or writing failed.
    #[error(transparent)]
    Generate(#[from] GenerateError),
}

impl From<MergeError> for Failure {
    fn from(error: MergeError) -> Self {
        let message = error.to_string();
        match error {
            MergeError::Manifest(error) => error.into(),
            MergeError::Generate(error) => error.into(),
            MergeError::NoShards { .. } | MergeError::Missing { .. } => {
                Failure::input_output(message)
            }
            MergeError::Foreign { .. } => Failure::usage(message),
            MergeError::Different { .. } => Failure::new(ExitCode::CheckFailed, message),
        }
    }
}

/// The shards of a file, all there and all of the same dataset.
pub struct Parts {
    /// The whole dataset.
    pub dataset: GeneratedDataset,
    layout: ShardLayout,
    target: PathBuf,
    parts: Vec<Part>,
    missing: Option<Shard>,
    /// What a merge that was killed while it cleared the shards away has left beside the target.
    merged: Option<Manifest>,
}

struct Part {
    shard: Shard,
    digest: FileDigest,
    recipe: Recipe,
}

impl Parts {
    /// Finds the shards of `target` by their manifests beside it; those that a finished merge has
    /// removed need not be there.
    ///
    /// # Errors
    /// [`MergeError`] when one is missing, unreadable or of another dataset.
    pub fn find(target: &Path) -> Result<Self, MergeError> {
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let library = Library::new(folder);
        let folder = folder.unwrap_or(Path::new("."));
        let prefix = format!("{}.shard-", target.file_name().unwrap_or_default().to_string_lossy());
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .map_err(GenerateError::io("read the folder", folder))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| {
                    name.starts_with(&prefix) && name.ends_with(MANIFEST_SUFFIX)
                })
            })
            .collect();
        paths.sort();
        let mut first: Option<(GeneratedDataset, u32, ShardLayout)> = None;
        let mut parts = Vec::new();
        for path in paths {
            let manifest = Manifest::read(&path, &library)?;
            let Some((shard, layout)) = manifest.shard else {
                let message = "shard is missing; this is no manifest of a shard";
                let problem = Problem::at(Position::default(), message);
                return Err(problem.in_source(&path.display().to_string()).into());
            };
            let (dataset, count, agreed) =
                first.get_or_insert((manifest.dataset.clone(), shard.count, layout));
            if manifest.dataset != *dataset || shard.count != *count || layout != *agreed {
                return Err(MergeError::Foreign { manifest: path });
            }
            let recipe = Recipe::of_shard(dataset, shard)?;
            parts.push(Part { shard, digest: manifest.digest, recipe });
        }
        let target = target.to_owned();
        let merged = Manifest::read(&manifest_beside(&target), &library).ok();
        let merged = merged.filter(|manifest| manifest.shard.is_none());
        let Some((dataset, count, layout)) = first else {
            let Some(manifest) = merged else { return Err(MergeError::NoShards { target }) };
            let (dataset, missing) = (manifest.dataset.clone(), Shard::new(1, 1));
            let (layout, merged) = (ShardLayout::Separate, Some(manifest));
            return Ok(Self { dataset, layout, target, parts, missing, merged });
        };
        let merged = merged.filter(|manifest| manifest.dataset == dataset);
        parts.sort_by_key(|part| part.shard.index);
        let there = |index: u32| parts.iter().any(|part| part.shard.index == index);
        let missing = (1..=count).find(|&index| !there(index)).map(|index| Shard { index, count });
        match missing {
            Some(missing) if merged.is_none() => Err(MergeError::Missing { target, missing }),
            _ => Ok(Self { dataset, layout, target, parts, missing, merged }),
        }
    }

    /// Checks every shard's bytes against its manifest and makes the whole file of them, with
    /// header and manifest; the shards and their manifests are gone then. What a killed merge has
    /// left to do is done.
    ///
    /// # Errors
    /// [`MergeError`]; the shards are still there then, and nothing is at the target.
    pub fn merge(
        &self,
        options: &FileOptions,
        progress: &Progress,
    ) -> Result<Manifest, MergeError> {
        let bytes = Recipe::of(&self.dataset).bytes()?;
        let manifest = match (self.finished(options, progress)?, self.missing, self.layout) {
            (Some(manifest), ..) => manifest,
            (None, Some(missing), _) => {
                return Err(MergeError::Missing { target: self.target.clone(), missing });
            }
            (None, None, ShardLayout::Shared) => self.name_shared(bytes, options, progress)?,
            (None, None, ShardLayout::Separate) => self.join_separate(bytes, options, progress)?,
        };
        for part in &self.parts {
            let own = part.shard.file(&self.target);
            // The manifest last: as long as it is there, the next merge finds the rest.
            remove_if_present(&own).map_err(GenerateError::from)?;
            remove_if_present(&manifest_beside(&own)).map_err(GenerateError::from)?;
        }
        Ok(manifest)
    }

    /// The manifest of the target, if an earlier merge has finished it and its bytes are still
    /// what that manifest says.
    fn finished(
        &self,
        options: &FileOptions,
        progress: &Progress,
    ) -> Result<Option<Manifest>, MergeError> {
        // Asked to replace it, and able to: then it is made again.
        let again = options.replace && self.missing.is_none();
        let Some(manifest) = self.merged.as_ref().filter(|_| !again) else { return Ok(None) };
        if !self.target.is_file() {
            return Ok(None);
        }
        let found = self.digest_of_target(manifest.digest.content.algorithm(), progress)?;
        Ok((found == manifest.digest.content).then(|| manifest.clone()))
    }

    fn digest_of_target(
        &self,
        algorithm: Algorithm,
        progress: &Progress,
    ) -> Result<ContentDigest, GenerateError> {
        let file = File::open(&self.target).map_err(GenerateError::io("open", &self.target))?;
        digest_of(&file, algorithm, progress)
            .map_err(GenerateError::io("read", &self.target))?
            .ok_or(GenerateError::Interrupted)
    }

    /// The columns lie where they belong: only their digests are to be checked. A merge that was
    /// killed on the way may have given the file its name already.
    fn name_shared(
        &self,
        bytes: u64,
        options: &FileOptions,
        progress: &Progress,
    ) -> Result<Manifest, MergeError> {
        let shared = shared_file(&self.target);
        let named = !shared.exists() && has_length(&self.target, bytes);
        let path = if named { self.target.clone() } else { shared };
        if !named {
            refuse_taken(dataset_files(&self.target).iter().map(PathBuf::as_path), options.replace)
                .map_err(GenerateError::from)?;
        }
        let file = File::open(&path).map_err(GenerateError::io("open", &path))?;
        let row_bytes = self.dataset.channels * 4;
        let mut digests = Digests::new(&self.parts);
        read_rows(&file, row_bytes, self.dataset.samples, progress, |row| {
            digests.whole.update(row);
            for (part, digester) in self.parts.iter().zip(&mut digests.parts) {
                let first = part.recipe.first_channel as usize * 4;
                let own = first..first + part.recipe.channels as usize * 4;
                digester.update(row.get(own).unwrap_or_default());
            }
            progress.add(row.len() as u64 / 4);
            Ok(())
        })
        .map_err(|error| error.at(&path, bytes))?;
        let digest = self.check(digests)?;
        if options.durable {
            file.sync_all().map_err(GenerateError::io("write", &path))?;
        }
        let place = || match named {
            true => Ok(()),
            false => {
                std::fs::rename(&path, &self.target).map_err(GenerateError::io("rename", &path))
            }
        };
        self.complete(digest, options, progress, place)
    }

    /// Rows are put together from the shards' rows.
    fn join_separate(
        &self,
        bytes: u64,
        options: &FileOptions,
        progress: &Progress,
    ) -> Result<Manifest, MergeError> {
        // A merge that was killed on the way may have given the whole file its name already.
        let named = !options.replace && has_length(&self.target, bytes);
        if !named {
            refuse_taken(dataset_files(&self.target).iter().map(PathBuf::as_path), options.replace)
                .map_err(GenerateError::from)?;
        }
        let mut staged = Staged::create(&self.target).map_err(GenerateError::from)?;
        let mut readers = Vec::new();
        for part in &self.parts {
            let path = part.shard.file(&self.target);
            let file = File::open(&path).map_err(GenerateError::io("open", &path))?;
            readers.push(BufReader::with_capacity(64 * 1024, file));
        }
        let mut digests = Digests::new(&self.parts);
        let mut row = vec![0; self.dataset.channels * 4];
        for _ in 0..self.dataset.samples {
            if progress.is_cancelled() {
                return Err(GenerateError::Interrupted.into());
            }
            let mut rest = &mut row[..];
            for ((part, reader), digester) in
                self.parts.iter().zip(&mut readers).zip(&mut digests.parts)
            {
                let (own, after) = rest.split_at_mut(part.recipe.channels as usize * 4);
                reader
                    .read_exact(own)
                    .map_err(GenerateError::io("read", &part.shard.file(&self.target)))?;
                digester.update(own);
                rest = after;
            }
            digests.whole.update(&row);
            staged
                .write_all(&row)
                .map_err(|error| PassError::from(error).at(&self.target, bytes))?;
            progress.add(row.len() as u64 / 4);
        }
        for (part, mut reader) in self.parts.iter().zip(readers) {
            let path = part.shard.file(&self.target);
            if reader.read(&mut [0]).map_err(GenerateError::io("read", &path))? != 0 {
                let error = io::Error::other("it is longer than its manifest says");
                return Err(GenerateError::io("use", &path)(error).into());
            }
        }
        let digest = self.check(digests)?;
        staged.settle(options.durable).map_err(GenerateError::from)?;
        if named && self.digest_of_target(digest.content.algorithm(), progress)? != digest.content {
            let error = FileError::Exists { path: self.target.clone() };
            return Err(GenerateError::from(error).into());
        }
        let place = || match named {
            true => Ok(()),
            false => Ok(staged.place_with(options.placing()).map(|_| ())?),
        };
        self.complete(digest, options, progress, place)
    }

    fn complete(
        &self,
        digest: FileDigest,
        options: &FileOptions,
        progress: &Progress,
        place: impl FnOnce() -> Result<(), GenerateError>,
    ) -> Result<Manifest, MergeError> {
        let manifest = manifest_beside(&self.target);
        let Self { dataset, target, .. } = self;
        Ok(complete(dataset, target, &manifest, digest, options.durable, progress, place)?)
    }

    /// Compares every shard's digest; returns the whole's.
    fn check(&self, digests: Digests) -> Result<FileDigest, MergeError> {
        for (part, found) in self.parts.iter().zip(digests.parts) {
            let found = found.finish();
            if found != part.digest {
                return Err(MergeError::Different {
                    shard: part.shard,
                    expected: part.digest.content.clone(),
                    found: found.content,
                });
            }
        }
        Ok(digests.whole.finish())
    }
}

fn has_length(path: &Path, bytes: u64) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == bytes)
}

struct Digests {
    whole: FileDigester,
    parts: Vec<FileDigester>,
}

impl Digests {
    /// For the bytes of each part by the digest of its manifest, and for the whole by the first's.
    fn new(parts: &[Part]) -> Self {
        let digester = |part: &Part| FileDigester::new(part.digest.content.algorithm());
        let whole = parts.first().map_or_else(|| FileDigester::new(Algorithm::default()), digester);
        Self { whole, parts: parts.iter().map(digester).collect() }
    }
}
