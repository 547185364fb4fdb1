//! The files of what is new, in a folder of its own.

use std::path::Path;

use crate::base::Failure;
use crate::base::atomic_file::place_text;

/// `name`, when it begins with a letter and has no characters but a-z, 0-9 and those of `others`.
pub(super) fn checked_name<'a>(
    name: &'a str,
    what: &str,
    others: &str,
) -> Result<&'a str, Failure> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || others.contains(c);
    if name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(allowed)
        && name.len() <= 40
    {
        return Ok(name);
    }
    let others = others.chars().map(String::from).collect::<Vec<_>>().join(" and ");
    Err(Failure::usage(format!(
        "{name:?} is no name for {what}; use a-z, 0-9 and {others}, beginning with a letter"
    )))
}

/// Makes the folder `name`, which must not exist.
pub(super) fn make_folder(name: &str) -> Result<(), Failure> {
    let folder = Path::new(name);
    std::fs::create_dir(folder).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::usage(format!("{name} exists already and is not changed; choose another name"))
        }
        _ => Failure::io("make the folder", folder, &error),
    })
}

/// Writes files into `folder`, with `values` in place of their keys in names and texts.
pub(super) fn write_files(
    folder: &Path,
    files: &[(&str, String)],
    values: &[(&str, String)],
) -> Result<(), Failure> {
    let filled = |text: &str| {
        values.iter().fold(text.to_owned(), |text, (key, value)| text.replace(key, value))
    };
    for (file, text) in files {
        let path = folder.join(filled(file));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|error| Failure::io("make the folder", parent, &error))?;
        }
        place_text(&path, &filled(text))?;
    }
    Ok(())
}
