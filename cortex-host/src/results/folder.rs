//! The run's folder: made under a name nobody has, filled file by file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::ResultsError;
use crate::base::FileError;
use crate::base::atomic_file::place_text;

/// Runs that can start in one second before the names run out.
const NAMES_PER_SECOND: u32 = 10_000;

/// One run's folder.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
    run_id: String,
}

impl RunFolder {
    /// Makes `directory/run-YYYY-MM-DD-HHMMSS` of `started` in UTC, and `directory` if need be.
    /// When a run has that name already, `-2`, `-3` ... is appended: making the folder is what
    /// takes the name, so two runs never share one.
    ///
    /// # Errors
    /// [`ResultsError`] when the folder cannot be made.
    pub fn create(directory: &Path, started: Timestamp) -> Result<Self, ResultsError> {
        fs::create_dir_all(directory)
            .map_err(ResultsError::at("create the results folder", directory))?;
        let name = started.strftime("run-%Y-%m-%d-%H%M%S").to_string();
        for attempt in 1..NAMES_PER_SECOND {
            let run_id = if attempt == 1 { name.clone() } else { format!("{name}-{attempt}") };
            let path = directory.join(&run_id);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self { path, run_id }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(ResultsError::at("create the run's folder", &path)(error));
                }
            }
        }
        let taken = io::Error::from(io::ErrorKind::AlreadyExists);
        Err(ResultsError::at("create the run's folder", &directory.join(name))(taken))
    }

    /// Makes `directory/name`, and `directory` if need be.
    ///
    /// # Errors
    /// [`ResultsError`] when it exists already, `name` is no name of a folder, or it cannot be made.
    pub fn create_named(directory: &Path, name: &str) -> Result<Self, ResultsError> {
        let path = directory.join(name);
        let at = || ResultsError::at("create the run's folder", &path);
        if Path::new(name).file_name().is_none_or(|plain| plain != name) {
            return Err(at()(io::Error::from(io::ErrorKind::InvalidFilename)));
        }
        fs::create_dir_all(directory)
            .map_err(ResultsError::at("create the results folder", directory))?;
        fs::create_dir(&path).map_err(at())?;
        Ok(Self { path, run_id: name.to_owned() })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's name, which is the run's id in telemetry.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Makes the folder of one kernel's data; `name` is one of [`kernel_folder_names`].
    ///
    /// # Errors
    /// [`ResultsError`] when it cannot be made.
    pub fn create_kernel_folder(&self, name: &str) -> Result<PathBuf, ResultsError> {
        let path = self.path.join("kernel-data").join(name);
        fs::create_dir_all(&path).map_err(ResultsError::at("create", &path))?;
        Ok(path)
    }

    /// Writes a text file of the run in one atomic step.
    ///
    /// # Errors
    /// [`ResultsError`] when it cannot be written; what stood there before still does.
    pub fn write_text(&self, name: &str, text: &str) -> Result<(), ResultsError> {
        let path = self.path.join(name);
        place_text(&path, text).map_err(|error| match error {
            FileError::Io { action, path, source } => ResultsError { action, path, source },
            other => ResultsError::at("write", &path)(io::Error::other(other.to_string())),
        })
    }

    /// Removes the folder of a run that ended before its first window.
    pub fn discard(self) {
        // Nothing can be done about a folder that cannot be removed; it holds no results.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Folder names for kernels run in this order: the kernel's name, with `-2`, `-3` ... appended
/// when a configuration runs the same kernel more than once (with other parameters, say).
#[must_use]
pub fn kernel_folder_names<'a>(kernels: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for kernel in kernels {
        let mut name = kernel.to_owned();
        let mut number = 1;
        while names.contains(&name) {
            number += 1;
            name = format!("{kernel}-{number}");
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_the_same_second_get_folders_of_their_own() {
        let directory = tempfile::tempdir().unwrap();
        let nested = directory.path().join("mes résultats/a");
        let started: Timestamp = "2026-01-12T15:30:00Z".parse().unwrap();
        let ids: Vec<String> = (0..3)
            .map(|_| RunFolder::create(&nested, started).unwrap().run_id().to_owned())
            .collect();
        assert_eq!(
            ids,
            ["run-2026-01-12-153000", "run-2026-01-12-153000-2", "run-2026-01-12-153000-3"]
        );
    }

    #[test]
    fn a_kernel_run_twice_has_two_folders() {
        let names = kernel_folder_names(["goertzel", "noop", "goertzel", "goertzel"]);
        assert_eq!(names, ["goertzel", "noop", "goertzel-2", "goertzel-3"]);
    }
}
