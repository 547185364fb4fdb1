//! Atomic placement: a file appears under its name whole or not at all.
//!
//! Bytes go to a hidden `.NAME.XXXXXX.part` in the target's own folder; [`Staged::place`]
//! flushes it to the disk and renames it over the target. A process killed at any moment
//! leaves the old file, the new one, or a `.part` that no command takes for data. The next
//! write to the same name removes it: whoever writes a `.part` holds a lock on it, which dies
//! with the process.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{Failure, FileError};

/// The environment variable that names the folder of temporary files.
pub const TEMPORARY_FOLDER_VARIABLE: &str = if cfg!(windows) { "TMP" } else { "TMPDIR" };

/// Room for samples on their way to the disk, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// How the name of a file under way ends.
const PART_SUFFIX: &str = ".part";

/// A file being written that does not have its name yet. Dropped, it disappears.
#[derive(Debug)]
pub struct Staged {
    writer: BufWriter<File>,
    path: tempfile::TempPath,
    target: PathBuf,
}

/// How a [`Staged`] file gets its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersistOptions {
    /// Whether a file that has the name already is replaced; it is an error otherwise.
    pub replace: bool,
    /// Whether to wait until the disk has it all, so that it survives a power cut. Without,
    /// it survives the death of the process only.
    pub durable: bool,
}

impl Staged {
    /// Begins a file that will be `target`; creates the target's folder if need be.
    ///
    /// # Errors
    /// The folder cannot be created or written, or `target` names no file.
    pub fn create(target: &Path) -> Result<Self, FileError> {
        let (folder, name) = folder_and_name(target)?;
        fs::create_dir_all(folder).map_err(FileError::at("create the folder", folder))?;
        let mut builder = tempfile::Builder::new();
        let prefix = format!(".{}.", name.to_string_lossy());
        builder.prefix(&prefix).suffix(PART_SUFFIX);
        clear_abandoned(folder, &prefix, PART_SUFFIX);
        let file = loop {
            // With the permissions of any new file, and an error that does not name the hidden one.
            let make =
                |path: &Path| File::options().read(true).write(true).create_new(true).open(path);
            let file = builder.make_in(folder, make).map_err(FileError::at("create", target))?;
            // Until it is locked it looks abandoned, and somebody may have cleared it away.
            if lock(file.as_file()) != Lock::Taken && file.path().exists() {
                break file;
            }
        };
        // Apart, because the pair's own errors name the hidden file.
        let (file, path) = file.into_parts();
        let writer = BufWriter::with_capacity(BUFFER_BYTES, file);
        Ok(Self { writer, path, target: target.to_owned() })
    }

    /// The name the file will have.
    #[must_use]
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The file itself, for mapping it or for positioned writes. Not to be mixed with
    /// [`Staged::put`].
    #[must_use]
    pub fn file(&self) -> &File {
        self.writer.get_ref()
    }

    /// Brings all bytes to the file, and to the disk if `durable`, so that giving it its name is
    /// all that is left.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn settle(&mut self, durable: bool) -> Result<(), FileError> {
        self.writer.flush().map_err(FileError::at("write", &self.target))?;
        if durable {
            self.file().sync_all().map_err(FileError::at("write", &self.target))?;
        }
        Ok(())
    }

    /// Gives the file its name, replacing what had it before, and waits for the disk.
    ///
    /// # Errors
    /// The last bytes cannot be written or the rename is refused; the target is untouched.
    pub fn place(self) -> Result<(), FileError> {
        self.place_with(PersistOptions { replace: true, durable: true }).map(|_| ())
    }

    /// Gives the file its name as `placing` says, and returns it: while it is open, its lock keeps
    /// [`clear_abandoned`] away.
    ///
    /// # Errors
    /// As [`Staged::place`]; also when the target exists and is not to be replaced.
    pub fn place_with(self, placing: PersistOptions) -> Result<File, FileError> {
        let Self { writer, path, target } = self;
        let file = writer
            .into_inner()
            .map_err(|error| FileError::at("write", &target)(error.into_error()))?;
        if placing.durable {
            file.sync_all().map_err(FileError::at("write", &target))?;
        }
        if placing.replace { path.persist(&target) } else { path.persist_noclobber(&target) }
            .map_err(|error| FileError::at("rename to", &target)(error.error))?;
        if !placing.durable {
            return Ok(file);
        }
        sync_folder_of(&target)?;
        Ok(file)
    }

    /// Writes all of `bytes`, naming the target in the error.
    ///
    /// # Errors
    /// The disk is full or the file cannot be written.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        self.writer.write_all(bytes).map_err(FileError::at("write", &self.target))
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Writes a small text file that does not have its name yet.
///
/// # Errors
/// As [`Staged::create`] and [`Staged::put`].
pub fn stage_text(target: &Path, text: &str) -> Result<Staged, FileError> {
    let mut staged = Staged::create(target)?;
    staged.put(text.as_bytes())?;
    Ok(staged)
}

/// Writes a small text file in one atomic step.
///
/// # Errors
/// As [`stage_text`] and [`Staged::place`].
pub fn place_text(target: &Path, text: &str) -> Result<(), FileError> {
    stage_text(target, text)?.place()
}

/// Waits until the names in the folder of `target` are on the disk: a rename survives a power cut
/// only then. Some file systems refuse to sync a folder; the files are whole all the same.
///
/// # Errors
/// `target` names no file.
pub fn sync_folder_of(target: &Path) -> Result<(), FileError> {
    let (folder, _) = folder_and_name(target)?;
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// The rule of every command that writes files: nothing that is there is replaced or removed
/// unless the user says `--force`. `paths` are all that the command would replace or remove.
///
/// # Errors
/// One of them is no regular file, whatever `force` says, or is there and `force` is not given.
pub fn refuse_taken<'a>(
    paths: impl IntoIterator<Item = &'a Path>,
    force: bool,
) -> Result<(), FileError> {
    for path in paths {
        match fs::symlink_metadata(path).and_then(|_| fs::metadata(path)) {
            Ok(metadata) if !metadata.is_file() => {
                return Err(FileError::NotAFile { path: path.to_owned() });
            }
            // A link that leads nowhere is replaced like a file.
            _ if !force && fs::symlink_metadata(path).is_ok() => {
                return Err(FileError::Exists { path: path.to_owned() });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes `path` if it is there.
///
/// # Errors
/// It is there and cannot be removed.
pub fn remove_if_present(path: &Path) -> Result<(), FileError> {
    match fs::remove_file(path) {
        // Nothing is there either where a file stands in place of its folder.
        Err(error)
            if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Err(FileError::at("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Removes the regular files of `folder` with this beginning and end of their names that no living
/// process holds locked, as a [`Staged`] file is; failing to do so harms nobody.
pub fn clear_abandoned(folder: &Path, prefix: &str, suffix: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = name.to_str().is_some_and(|n| n.starts_with(prefix) && n.ends_with(suffix));
        // A link or a pipe of such a name is nobody's file under way.
        if !ours || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        // Held until it is removed: its writer may be about to lock it.
        if let Ok(file) = File::open(entry.path())
            && lock(&file) == Lock::Held
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// How the names of temporary datasets begin and end.
const DATASET_PREFIX: &str = "cortex_gen_";
const DATASET_SUFFIX: &str = ".float32";

/// An empty file in the system's folder for temporary files, removed when the result goes.
///
/// # Errors
/// The folder cannot be written.
pub fn temporary_dataset() -> Result<tempfile::TempPath, Failure> {
    let folder = std::env::temp_dir();
    // What killed commands have left, under its name or before it got it.
    clear_abandoned(&folder, DATASET_PREFIX, DATASET_SUFFIX);
    clear_abandoned(&folder, &format!(".{DATASET_PREFIX}"), PART_SUFFIX);
    let made = tempfile::Builder::new()
        .prefix(DATASET_PREFIX)
        .suffix(DATASET_SUFFIX)
        .make_in(&folder, |path| File::create_new(path));
    Ok(made
        .map_err(|error| {
            Failure::input_output(format!(
                "cannot make a temporary file in {}: {error}; set {TEMPORARY_FOLDER_VARIABLE} to a \
                 folder that can be written",
                folder.display()
            ))
        })?
        .into_temp_path())
}

/// Keeps other commands from giving names to files that belong together in the folder of `target`
/// while the result is open. Waits a second for them at most: they only rename. On a file system
/// without locks it does nothing.
pub fn hold_folder_of(target: &Path) -> Option<File> {
    let (folder, _) = folder_and_name(target).ok()?;
    let folder = File::open(folder).ok()?;
    for _ in 0..1000 {
        if lock(&folder) != Lock::Taken {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    Some(folder)
}

/// What came of an attempt to lock a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lock {
    /// It is locked until it is closed.
    Held,
    /// Another process holds it.
    Taken,
    /// The file system has no locks.
    Unsupported,
}

fn lock(file: &File) -> Lock {
    match file.try_lock() {
        Ok(()) => Lock::Held,
        Err(TryLockError::WouldBlock) => Lock::Taken,
        Err(TryLockError::Error(_)) => Lock::Unsupported,
    }
}

fn folder_and_name(target: &Path) -> Result<(&Path, &std::ffi::OsStr), FileError> {
    let name = target.file_name().ok_or_else(|| FileError::NoName(target.to_owned()))?;
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok((folder, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_file_leaves_the_old_one_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.float32");
        place_text(&target, "old").unwrap();
        let mut staged = Staged::create(&target).unwrap();
        staged.put(b"half").unwrap();
        drop(staged);
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn part_files_of_the_dead_go_and_those_of_the_living_stay() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a.float32");
        let dead = folder.path().join(".a.float32.dead.part");
        fs::write(&dead, "half").unwrap();
        let living = Staged::create(&target).unwrap();
        assert!(!dead.exists());
        Staged::create(&target).unwrap().place().unwrap();
        living.place().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn others_may_read_what_was_placed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("new/sub/a.txt");
        place_text(&target, "text").unwrap();
        // Whatever the umask: never the 0600 of a temporary file, unless the umask says so.
        let plain = folder.path().join("plain");
        fs::write(&plain, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&target), mode(&plain));
    }
}
