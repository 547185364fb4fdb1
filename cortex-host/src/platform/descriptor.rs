//! File descriptors of crates that hand out only the number.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// Makes reads and writes of `owner`'s descriptor return at once instead of waiting.
///
/// # Errors
/// What the operating system says.
pub fn set_nonblocking(owner: &impl AsRawFd) -> io::Result<()> {
    // SAFETY: `owner` is borrowed for the whole of this call, and whoever implements AsRawFd
    // on an open port keeps its descriptor open while the owner lives.
    let descriptor = unsafe { BorrowedFd::borrow_raw(owner.as_raw_fd()) };
    let flags = fcntl_getfl(descriptor)?;
    fcntl_setfl(descriptor, flags | OFlags::NONBLOCK)?;
    Ok(())
}
