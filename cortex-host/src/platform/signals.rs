//! What the process makes of signals that no handler waits for.

/// Makes a write beyond a file-size limit (`ulimit -f`) an error like a full disk, which is
/// reported and leaves nothing half-written, instead of SIGXFSZ, which ends the process.
pub fn report_file_size_limits() {
    #[cfg(unix)]
    // SAFETY: SIG_IGN is a disposition the kernel knows, no code of ours runs in a handler, and
    // nothing else in the process touches this signal. The only failure is an unknown signal.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN)
    };
}
