//! What a command answers on stdout: the data a script reads.

use std::io::{self, Write};

use crate::base::Failure;

/// Prints `text` and a line end on stdout. A reader that has gone (`| head`) is no error.
///
/// # Errors
/// stdout cannot be written for another reason, such as a full disk.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::input_output(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}
