//! Free space, and room for a file before it is written.

use std::fs::File;
use std::io;
use std::path::Path;

use fs4::fs_std::FileExt;

/// Bytes that this user may still write to the file system of `folder`, when it tells.
#[must_use]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    fs4::available_space(folder).ok()
}

/// Gives `file` at least `bytes` bytes on the disk; what is in it stays.
///
/// # Errors
/// `Unsupported` where the file system cannot reserve room, else what the operating system says.
pub fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    loop {
        match file.allocate(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}
