//! A kernel learns from a file of samples.

use std::path::Path;

use crate::platform::library::{KernelSetup, Library, Refusal};

/// Has a kernel learn from the float32 samples in the file `data` and writes its trained state to
/// `output`; returns the state's size in bytes.
///
/// # Errors
/// [`Refusal`]: the kernel's sentence, or a file that cannot be read or written.
pub(super) fn train(
    setup: &KernelSetup,
    data: &Path,
    labels: Option<&[i32]>,
    output: &Path,
) -> Result<u64, Refusal> {
    let failed = |what: &str, path: &Path, error: std::io::Error| {
        Refusal::new(format!("cannot {what} {}: {error}", path.display()))
    };
    let bytes = std::fs::read(data).map_err(|error| failed("read", data, error))?;
    let (samples, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Refusal::new(format!("{} is no whole number of samples", data.display())));
    }
    let samples: Vec<f32> = samples.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect();
    let state = Library::open(&setup.library)?.train(setup, &samples, labels)?;
    std::fs::write(output, &state).map_err(|error| failed("write", output, error))?;
    Ok(state.len() as u64)
}
