//! Where a generated dataset goes: a file that appears whole or not at all, a pipe, or nowhere.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use cortex_core::signal::Generator;

use super::engine::{Destination, InOrder, Pass, PassError, Settings};
use super::normalize::measure;
use super::{GenerateError, MAX_CHANNELS, Recipe};
use crate::base::Progress;
use crate::base::atomic_file::{PersistOptions, Staged, refuse_taken};
use crate::base::digest::{Algorithm, FileDigest, FileDigester};
use crate::platform::disk::{free_bytes, reserve};
use crate::platform::map::MappedSamplesMut;

/// How a file is written; the bytes are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IoMode {
    /// Straight into the mapped file.
    Mmap,
    /// By positioned writes of whole tiles.
    Direct,
}

/// How to write a dataset file.
#[derive(Clone, Copy, Debug)]
pub struct FileOptions {
    /// How to generate.
    pub settings: Settings,
    /// How to write.
    pub io: IoMode,
    /// Whether a file of the same name is replaced.
    pub replace: bool,
    /// Whether to wait until the disk has it all. A dataset can be made again, so the default
    /// is not to: it survives the death of the process, not a power cut.
    pub durable: bool,
    /// Which digest the manifest holds.
    pub digest: Algorithm,
}

impl FileOptions {
    /// The defaults: see [`Settings::automatic`], positioned writes, nothing is replaced, BLAKE3.
    #[must_use]
    pub fn automatic() -> Self {
        Self {
            settings: Settings::automatic(),
            io: IoMode::Direct,
            replace: false,
            durable: false,
            digest: Algorithm::default(),
        }
    }

    pub(super) fn placing(&self) -> PersistOptions {
        PersistOptions { replace: self.replace, durable: self.durable }
    }
}

/// Writes the dataset of `recipe` to the file `target`, which appears under its name only when
/// it is whole, and gives its bytes to `digester`, if any. Returns the file, readable and locked
/// until it is closed.
///
/// # Errors
/// [`GenerateError`]; nothing is left at `target` then, and what was there is untouched.
pub fn write_file(
    recipe: &Recipe,
    target: &Path,
    options: &FileOptions,
    digester: Option<&mut FileDigester>,
    progress: &Progress,
) -> Result<File, GenerateError> {
    let staged = write_staged(recipe, target, options, digester, progress)?;
    Ok(staged.place_with(options.placing())?)
}

/// As [`write_file`], but the file does not have its name yet.
pub(super) fn write_staged(
    recipe: &Recipe,
    target: &Path,
    options: &FileOptions,
    digester: Option<&mut FileDigester>,
    progress: &Progress,
) -> Result<Staged, GenerateError> {
    let generator = recipe.generator()?;
    let bytes = recipe.bytes()?;
    refuse_taken([target], options.replace)?;
    let staged = Staged::create(target)?;
    allocate(staged.file(), target, bytes)?;
    let mut take = digester.map(|digester| {
        Box::new(|bytes: &[u8]| {
            digester.update(bytes);
            Ok(())
        }) as InOrder<'_>
    });
    let one_pass = recipe.channels <= options.settings.pass_channels;
    let in_order = if one_pass { take.take() } else { None };
    fill_file(
        recipe,
        &generator,
        staged.file(),
        Columns::whole(recipe),
        in_order,
        options,
        progress,
    )
    .map_err(|error| error.at(target, bytes))?;
    if let Some(take) = take {
        read_back(staged.file(), progress, take).map_err(|error| error.at(target, bytes))?;
    }
    Ok(staged)
}

/// Writes the dataset of `recipe` to `out` in file order and returns its digest. A set too wide
/// for one pass goes through an unnamed temporary file.
///
/// # Errors
/// [`GenerateError`]; some bytes may have been written.
pub fn write_stream(
    recipe: &Recipe,
    out: &mut (dyn Write + Send),
    settings: &Settings,
    algorithm: Algorithm,
    progress: &Progress,
) -> Result<FileDigest, GenerateError> {
    let mut digester = FileDigester::new(algorithm);
    let mut take = |bytes: &[u8]| {
        digester.update(bytes);
        out.write_all(bytes)
    };
    in_file_order(recipe, settings, progress, Box::new(&mut take))?;
    out.flush().map_err(GenerateError::Stdout)?;
    Ok(digester.finish())
}

/// Generates the dataset of `recipe` and keeps only its digest.
///
/// # Errors
/// [`GenerateError`].
pub fn digest_only(
    recipe: &Recipe,
    settings: &Settings,
    algorithm: Algorithm,
    progress: &Progress,
) -> Result<FileDigest, GenerateError> {
    write_stream(recipe, &mut io::sink(), settings, algorithm, progress)
}

/// Writes the dataset of `recipe` into `samples`, in file order, and returns its digest by
/// `algorithm`, if any. Needs no memory beside the channels' states.
///
/// # Errors
/// [`GenerateError`]; [`GenerateError::Request`] when `samples` has not the dataset's length.
pub fn fill_slice(
    recipe: &Recipe,
    samples: &mut [f32],
    algorithm: Option<Algorithm>,
    settings: &Settings,
    progress: &Progress,
) -> Result<Option<FileDigest>, GenerateError> {
    let generator = recipe.generator()?;
    if recipe.bytes()? / 4 != samples.len() as u64 {
        return Err(GenerateError::Request(format!(
            "the slice holds {} values, but the dataset has {}; make room for channels x samples",
            samples.len(),
            recipe.bytes()? / 4
        )));
    }
    let mut digester = algorithm.map(FileDigester::new);
    let in_order = digester.as_mut().map(|digester| {
        Box::new(|bytes: &[u8]| {
            digester.update(bytes);
            Ok(())
        }) as InOrder<'_>
    });
    // Tiles lie in the slice: wide passes cost no memory.
    let settings = Settings { pass_channels: MAX_CHANNELS, ..*settings };
    let destination = &mut Destination::Memory(samples);
    let columns = Columns::whole(recipe);
    fill(recipe, &generator, destination, columns, in_order, &settings, progress).map_err(
        |error| match error {
            PassError::Io(error) => GenerateError::Request(error.to_string()),
            PassError::Interrupted => GenerateError::Interrupted,
        },
    )?;
    Ok(digester.map(FileDigester::finish))
}

/// Gives the dataset's bytes to `take`, in file order.
///
/// # Errors
/// As [`write_stream`].
pub(super) fn in_file_order(
    recipe: &Recipe,
    settings: &Settings,
    progress: &Progress,
    take: InOrder<'_>,
) -> Result<(), GenerateError> {
    let generator = recipe.generator()?;
    let bytes = recipe.bytes()?;
    let outcome = if recipe.channels <= settings.pass_channels {
        let channels = recipe.first_channel..recipe.first_channel + recipe.channels;
        measure(recipe, &generator, channels.clone(), settings, progress).and_then(|scales| {
            Pass {
                generator: &generator,
                channels,
                first_column: 0,
                row_channels: recipe.channels as usize,
                samples: recipe.samples,
                scales: scales.as_deref(),
                destination: Destination::Nowhere,
                in_order: Some(take),
                progress,
            }
            .run(settings)
        })
    } else {
        let folder = std::env::temp_dir();
        let spool = tempfile::tempfile_in(&folder)
            .map_err(GenerateError::io("create a temporary file in", &folder))?;
        allocate(&spool, &folder, bytes)?;
        let options = FileOptions { settings: *settings, ..FileOptions::automatic() };
        fill_file(recipe, &generator, &spool, Columns::whole(recipe), None, &options, progress)
            .map_err(|error| error.at(&folder, bytes))?;
        read_back(&spool, progress, take)
    };
    outcome.map_err(|error| match error {
        PassError::Io(error) => GenerateError::Stdout(error),
        PassError::Interrupted => GenerateError::Interrupted,
    })
}

/// Where the channels of a recipe lie in the rows of a file.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    /// Column of the recipe's first channel.
    pub first: usize,
    /// Values in a row.
    pub row_channels: usize,
}

impl Columns {
    fn whole(recipe: &Recipe) -> Self {
        Self { first: 0, row_channels: recipe.channels as usize }
    }
}

/// Generates all channels of `recipe` into `file`, pass by pass. `in_order` is for sets of one pass.
pub(super) fn fill_file(
    recipe: &Recipe,
    generator: &Generator,
    file: &File,
    columns: Columns,
    in_order: Option<InOrder<'_>>,
    options: &FileOptions,
    progress: &Progress,
) -> Result<(), PassError> {
    let mut map = match options.io {
        IoMode::Mmap => Some(MappedSamplesMut::open(file)?),
        IoMode::Direct => None,
    };
    let mut destination = match &mut map {
        Some(map) => Destination::Memory(map.samples_mut()),
        None => Destination::File(file),
    };
    let settings = &options.settings;
    fill(recipe, generator, &mut destination, columns, in_order, settings, progress)
}

/// Generates all channels of `recipe` into `destination`, pass by pass. `in_order` is for sets of
/// one pass.
fn fill(
    recipe: &Recipe,
    generator: &Generator,
    destination: &mut Destination<'_>,
    columns: Columns,
    mut in_order: Option<InOrder<'_>>,
    settings: &Settings,
    progress: &Progress,
) -> Result<(), PassError> {
    let width = settings.pass_channels.max(1);
    for first in (0..recipe.channels).step_by(width as usize) {
        let destination = match destination {
            Destination::Memory(samples) => Destination::Memory(samples),
            Destination::File(file) => Destination::File(file),
            Destination::Nowhere => Destination::Nowhere,
        };
        let end = recipe.channels.min(first.saturating_add(width));
        let channels = recipe.first_channel + first..recipe.first_channel + end;
        let scales = measure(recipe, generator, channels.clone(), settings, progress)?;
        Pass {
            generator,
            channels,
            first_column: columns.first + first as usize,
            row_channels: columns.row_channels,
            samples: recipe.samples,
            scales: scales.as_deref(),
            destination,
            in_order: in_order.take(),
            progress,
        }
        .run(settings)?;
    }
    Ok(())
}

/// Gives each of `rows` rows of `file` to `take`, in order.
pub(super) fn read_rows(
    mut file: &File,
    row_bytes: usize,
    rows: u64,
    progress: &Progress,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), PassError> {
    file.rewind()?;
    let mut reader = io::BufReader::with_capacity(1 << 20, file);
    let mut row = vec![0; row_bytes];
    for _ in 0..rows {
        if progress.is_cancelled() {
            return Err(PassError::Interrupted);
        }
        reader.read_exact(&mut row)?;
        take(&row)?;
    }
    Ok(())
}

/// Gives the bytes of `file` to `take`, in order.
fn read_back(mut file: &File, progress: &Progress, mut take: InOrder<'_>) -> Result<(), PassError> {
    file.rewind()?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        if progress.is_cancelled() {
            return Err(PassError::Interrupted);
        }
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
}

impl PassError {
    pub(super) fn at(self, target: &Path, bytes: u64) -> GenerateError {
        match self {
            PassError::Interrupted => GenerateError::Interrupted,
            PassError::Io(error) => file_error("write", target, bytes, error),
        }
    }
}

fn file_error(action: &'static str, path: &Path, bytes: u64, error: io::Error) -> GenerateError {
    let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    if full.contains(&error.kind()) {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        return GenerateError::NoRoom {
            path: path.to_owned(),
            needed_bytes: bytes,
            free_bytes: free_bytes(folder.unwrap_or(Path::new("."))),
        };
    }
    if error.kind() == io::ErrorKind::FileTooLarge {
        return GenerateError::TooLarge { path: path.to_owned(), needed_bytes: bytes };
    }
    GenerateError::io(action, path)(error)
}

/// Gives `file` all its bytes on the disk now: a full disk is an error here, where it can be
/// reported, and not a SIGBUS or a failed write later.
fn allocate(file: &File, target: &Path, bytes: u64) -> Result<(), GenerateError> {
    let outcome = match reserve(file, bytes) {
        // The file system cannot reserve (NFS, FAT, older ZFS): writing zeros has the same end.
        Err(error) if unsupported(&error) => write_zeros(file, bytes),
        outcome => outcome,
    };
    outcome.map_err(|error| file_error("allocate", target, bytes, error))
}

/// As [`allocate`], for a file that others are writing too: what is there stays.
pub(super) fn allocate_shared(file: &File, target: &Path, bytes: u64) -> Result<(), GenerateError> {
    let outcome = match reserve(file, bytes) {
        Err(error) if unsupported(&error) => file.set_len(bytes),
        outcome => outcome,
    };
    outcome.map_err(|error| file_error("allocate", target, bytes, error))
}

fn unsupported(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
}

fn write_zeros(mut file: &File, bytes: u64) -> io::Result<()> {
    io::copy(&mut io::repeat(0).take(bytes), &mut file).map(|_| ())
}
