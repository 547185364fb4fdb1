//! Where a configuration's text comes from: a file, a pipe, stdin, or the binary itself.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{DEFAULT_CONFIG, FILES, Library};
use crate::base::expand_home;
use crate::config::{ConfigError, Position, Problem, Source};

/// No honest configuration is larger; a longer text is refused after this many bytes.
const MAX_BYTES: u64 = 1 << 20;

impl Source {
    /// Reads `argument`: a path (a regular file, a pipe as `<(...)` gives, or, when there is no
    /// such file, the name of a configuration in a local `primitives` folder or an embedded one), `-` for stdin, or nothing for the
    /// embedded quickstart.
    ///
    /// # Errors
    /// [`ConfigError`] when it cannot be read, is larger than 1 MiB, or is no UTF-8.
    pub fn read(argument: Option<&str>) -> Result<Self, ConfigError> {
        match argument {
            None => {
                let (name, text) = DEFAULT_CONFIG;
                Ok(Self { name: name.into(), text: text.into(), folder: None })
            }
            Some("-") => Self::from_reader("<stdin>", io::stdin().lock(), None),
            Some(path) => {
                let expanded = expand_home(path)
                    .map_err(|problem| Problem::at(Position::default(), problem).in_source(path))?;
                Self::from_path(&expanded.to_string_lossy())
            }
        }
    }

    fn from_path(path: &str) -> Result<Self, ConfigError> {
        let unreadable = |error: &io::Error| {
            let message =
                format!("cannot read the configuration: {error}; give a file, or - for stdin");
            Problem::at(Position::default(), message).input_output().in_source(path)
        };
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // As `list` names it from a folder within a checkout.
                if let Some(local) = Library::new(None).local_file(path) {
                    return Self::from_path(&local.to_string_lossy());
                }
                let embedded = FILES.iter().find(|(name, _)| *name == path);
                let (name, text) = embedded.ok_or_else(|| unreadable(&error))?;
                return Ok(Self { name: (*name).into(), text: (*text).into(), folder: None });
            }
            opened => opened.map_err(|error| unreadable(&error))?,
        };
        let metadata = file.metadata().map_err(|error| unreadable(&error))?;
        if metadata.is_dir() {
            let message = "this is a folder; give a configuration file in it";
            return Err(Problem::at(Position::default(), message).input_output().in_source(path));
        }
        // A pipe's folder (/dev/fd) holds nobody's datasets.
        let folder = metadata.is_file().then(|| Path::new(path).parent()).flatten();
        Self::from_reader(path, file, folder.map(Path::to_path_buf))
    }

    fn from_reader(
        name: &str,
        reader: impl Read,
        folder: Option<PathBuf>,
    ) -> Result<Self, ConfigError> {
        let problem = |message: String| Problem::at(Position::default(), message);
        let mut bytes = Vec::new();
        reader.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| {
            problem(format!("cannot read the configuration: {error}"))
                .input_output()
                .in_source(name)
        })?;
        if bytes.len() as u64 > MAX_BYTES {
            let message = "larger than 1 MiB, which no configuration is; give a YAML file";
            return Err(problem(message.into()).in_source(name));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            problem_at_end(good, "this byte is not UTF-8; save the file as UTF-8 text")
                .in_source(name)
        })?;
        Ok(Self { name: name.into(), text, folder })
    }
}

/// A problem just after `good`, the valid beginning of a text.
fn problem_at_end(good: &[u8], message: &str) -> Problem {
    let good = String::from_utf8_lossy(good);
    let line = good.matches('\n').count() as u64 + 1;
    let column = good.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
    Problem::at(Position { line, column }, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_long_and_undecodable_texts_are_refused() {
        let error = Source::from_reader("x", io::repeat(b'#'), None).unwrap_err().to_string();
        assert!(error.contains("1 MiB"), "{error}");
        let error = Source::from_reader("x", &b"a: 1\nb: \xff"[..], None).unwrap_err();
        assert_eq!(error.to_string(), "x:2:4: this byte is not UTF-8; save the file as UTF-8 text");
    }
}
