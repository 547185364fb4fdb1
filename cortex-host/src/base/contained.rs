//! Opening files that a folder from elsewhere names: never through a link out of it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Opens the regular file `path`, which must lie in `folder` or below even after every symbolic
/// link is followed. `folder` itself may be reached through links.
///
/// # Errors
/// It does not exist, lies elsewhere, is a pipe or device (opening one could wait forever), or
/// the system refuses.
pub fn open_within(folder: &Path, path: &Path) -> io::Result<File> {
    check_within(folder, path)?;
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    File::open(path)
}

/// Checks that `path` lies in `folder` or below after every symbolic link is followed.
///
/// # Errors
/// It does not exist or lies elsewhere.
pub fn check_within(folder: &Path, path: &Path) -> io::Result<()> {
    // The empty path of a bare file name is the current folder.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if fs::canonicalize(path)?.starts_with(fs::canonicalize(folder)?) {
        return Ok(());
    }
    let message = format!(
        "it is a link out of {}, which is not followed; put the file itself there",
        folder.display()
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_inside_the_folder_only() {
        let root = tempfile::tempdir().unwrap();
        let run = root.path().join("run");
        fs::create_dir_all(run.join("sub")).unwrap();
        fs::write(root.path().join("secret"), "s").unwrap();
        fs::write(run.join("sub/own"), "o").unwrap();
        symlink(root.path(), run.join("out")).unwrap();
        symlink("../secret", run.join("link")).unwrap();
        symlink("sub/own", run.join("inner")).unwrap();
        symlink(&run, root.path().join("alias")).unwrap();
        let open = |folder: &Path, name: &str| open_within(folder, &folder.join(name));
        for folder in [run.clone(), root.path().join("alias")] {
            for name in ["sub/own", "inner"] {
                assert!(open(&folder, name).is_ok(), "{name}");
            }
            for name in ["link", "out/secret", "sub/../../secret"] {
                let error = open(&folder, name).unwrap_err();
                assert!(error.to_string().contains("a link out of"), "{name}: {error}");
            }
            assert!(open(&folder, "sub").unwrap_err().to_string().contains("no regular file"));
            assert_eq!(open(&folder, "none").unwrap_err().kind(), io::ErrorKind::NotFound);
        }
    }
}
