//! When each sample is due.

use std::io::{self, Write};

use crate::base::Progress;
use crate::harness::{Clock, Monotonic};

/// What is sent at a time: a millisecond, as a device with little delay sends it.
const CHUNK_S: f64 = 1e-3;

/// Samples per channel that are sent at a time at `rate_hz`, at least one.
#[must_use]
pub fn chunk_samples(rate_hz: f64) -> usize {
    // The cast saturates, and no rate is that high.
    ((rate_hz * CHUNK_S).round() as usize).max(1)
}

/// A sample clock: sample `n` is taken `n / rate` after the start. Every instant is computed from the
/// start, so that no error adds up.
#[derive(Clone, Copy, Debug)]
pub struct Pacer<C> {
    clock: C,
    start_ns: u64,
    rate_hz: f64,
}

impl<C: Clock> Pacer<C> {
    /// A sample clock that starts now.
    #[must_use]
    pub fn start(clock: C, rate_hz: f64) -> Self {
        Self { start_ns: clock.now_ns(), clock, rate_hz }
    }

    /// Waits until sample `sample`, from 0, has been taken. Returns by how many nanoseconds the wait
    /// ended too late, or nothing when `progress` was cancelled.
    pub fn wait_for(&self, sample: u64, progress: &Progress) -> Option<u64> {
        // A double counts nanoseconds of a hundred days exactly.
        let due_ns = self.start_ns + (sample as f64 / self.rate_hz * 1e9).round() as u64;
        let reached = self.clock.wait_until(due_ns, progress);
        reached.then(|| self.clock.now_ns().saturating_sub(due_ns))
    }
}

/// A writer of interleaved rows that passes each on when it is due; without a rate at once. The clock
/// starts with the first byte.
#[derive(Debug)]
pub struct PacedWriter<'a, W> {
    out: W,
    row_bytes: u64,
    rate_hz: Option<f64>,
    pacer: Option<Pacer<Monotonic>>,
    written: u64,
    progress: &'a Progress,
}

impl<'a, W: Write> PacedWriter<'a, W> {
    /// A writer to `out` of rows of `row_bytes` bytes each.
    #[must_use]
    pub fn new(out: W, row_bytes: usize, rate_hz: Option<f64>, progress: &'a Progress) -> Self {
        let row_bytes = row_bytes.max(1) as u64;
        Self { out, row_bytes, rate_hz, pacer: None, written: 0, progress }
    }
}

impl<W: Write> Write for PacedWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(rate_hz) = self.rate_hz else { return self.out.write(bytes) };
        let pacer = self.pacer.get_or_insert_with(|| Pacer::start(Monotonic, rate_hz));
        let chunk = chunk_samples(rate_hz) as u64 * self.row_bytes;
        let left = usize::try_from(chunk - self.written % chunk).unwrap_or(usize::MAX);
        let piece = bytes.get(..left).unwrap_or(bytes);
        let Some(last) = (self.written + piece.len() as u64).checked_sub(1) else { return Ok(0) };
        if pacer.wait_for(last / self.row_bytes, self.progress).is_none() {
            // No `Interrupted`, after which a writer is called again.
            return Err(io::Error::other("interrupted"));
        }
        let count = self.out.write(piece)?;
        self.out.flush()?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Manual;

    #[test]
    fn instants_are_computed_from_the_start_and_do_not_drift() {
        let progress = Progress::new();
        let pacer = Pacer::start(Manual::new(5), 30_000.0);
        assert_eq!(pacer.wait_for(0, &progress), Some(0));
        // A third of a millisecond has no end; ten minutes of them are ten minutes.
        assert_eq!(pacer.wait_for(1, &progress), Some(0));
        assert_eq!(pacer.clock.now_ns(), 5 + 33_333);
        assert_eq!(pacer.wait_for(18_000_000, &progress), Some(0));
        assert_eq!(pacer.clock.now_ns(), 5 + 600_000_000_000);
        pacer.clock.advance(700);
        assert_eq!(pacer.wait_for(18_000_000, &progress), Some(700));
        progress.cancel();
        assert_eq!(pacer.wait_for(18_000_001, &progress), None);
    }

    #[test]
    fn a_paced_writer_passes_everything_on_and_takes_its_time() {
        let progress = Progress::new();
        let bytes: Vec<u8> = (0..4 * 101).map(|byte| byte as u8).collect();
        let start = std::time::Instant::now();
        let mut out = PacedWriter::new(Vec::new(), 4, Some(1000.0), &progress);
        // Pieces that end within a row.
        for piece in bytes.chunks(7) {
            out.write_all(piece).unwrap();
        }
        // The last of 101 samples is taken 100 ms after the first.
        assert!(start.elapsed().as_millis() >= 100);
        assert_eq!(out.out, bytes);
        progress.cancel();
        assert!(out.write_all(&bytes).is_err());
    }

    #[test]
    fn a_chunk_is_a_millisecond_or_a_sample() {
        assert_eq!([0.5, 160.0, 1000.0, 30_000.0].map(chunk_samples), [1, 1, 1, 30]);
    }
}
