//! Seeded runs compared: the device and this program generate and compute the same, or the
//! first block that differs is found.
//!
//! This program's side is the loopback device: the same request, the same code.

use std::ops::Range;

use cortex_core::link::SeededResult;
use cortex_core::link::message::Seeded;
use cortex_core::signal::SourceSpec;

use super::{Connection, KernelSettings, LinkError, Loopback};

/// A seeded run on the device and here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeededComparison {
    /// What the device found.
    pub device: SeededResult,
    /// What this program found.
    pub host: SeededResult,
    /// The first block whose input or output differs, if any does.
    pub first_difference: Option<u32>,
}

impl SeededComparison {
    /// Whether input and output are the same.
    #[must_use]
    pub fn identical(&self) -> bool {
        self.first_difference.is_none()
    }
}

/// Runs the kernel on the device and here, each generating its own input, and compares the
/// digests of `blocks` (those before them are run too, but not looked at). On a difference the
/// first block is found by bisection, at the cost of about log2 of their number of further runs.
///
/// # Errors
/// [`LinkError::Refused`] when the device lacks the kernel, the generator or the memory;
/// [`LinkError::Interrupted`] when the device's connection is cancelled, be it
/// while this program computes.
pub fn compare_seeded(
    device: &mut Connection,
    job: &KernelSettings,
    source: &SourceSpec,
    blocks: Range<u32>,
) -> Result<SeededComparison, LinkError> {
    let mut host = Connection::open(Box::new(Loopback::new()?), None, device.progress())?;
    device.configure(job)?;
    host.configure(job)?;
    let first = blocks.start;
    let mut both = |count: u32| -> Result<(SeededResult, SeededResult), LinkError> {
        let ask = |connection: &mut Connection| {
            let generator_digest = connection.info().generator_digest(source.version);
            connection.run_seeded(&Seeded { source: *source, first, count, generator_digest })
        };
        Ok((ask(device)?, ask(&mut host)?))
    };
    let count = blocks.end.saturating_sub(first);
    let (there, here) = both(count)?;
    let same = |there: &SeededResult, here: &SeededResult| {
        (there.input_crc, there.output_crc) == (here.input_crc, here.output_crc)
    };
    let mut first_difference = None;
    if !same(&there, &here) {
        // The first `low` blocks agree, the first `high` do not.
        let (mut low, mut high) = (0, count);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let (there, here) = both(middle)?;
            if same(&there, &here) {
                low = middle;
            } else {
                high = middle;
            }
        }
        first_difference = Some(first + low);
    }
    Ok(SeededComparison { device: there, host: here, first_difference })
}
