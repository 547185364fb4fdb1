//! Faults on purpose: a seeded, logged disturbance of the bytes on a line.
//!
//! [`FaultSpec`] says what happens how often, [`FaultInjector`] does it to one direction, and
//! [`Fault`] wraps a [`Link`] with one injector each way. The same seed does the same to the
//! same bytes and leaves the same log. Frames are what ends with 0x00.

mod injector;
mod spec;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Direction, Link, LinkError};

pub use injector::{FaultInjector, FaultRecord};
pub use spec::{FaultSpec, FaultSpecError};

/// A [`Link`] with faults in both directions.
pub struct Fault<L> {
    inner: L,
    to_device: FaultInjector,
    to_host: FaultInjector,
    pending: Vec<u8>,
    log_file: Option<LogFile>,
}

/// Where faults are written down, and how many are written already.
struct LogFile {
    file: File,
    path: PathBuf,
    written: [usize; 2],
}

impl<L: Link> Fault<L> {
    /// Disturbs `inner`; see [`FaultInjector::new`].
    #[must_use]
    pub fn new(inner: L, spec: FaultSpec, seed: u64) -> Self {
        Self {
            inner,
            to_device: FaultInjector::new(spec, seed, Direction::ToDevice),
            to_host: FaultInjector::new(spec, seed, Direction::ToHost),
            pending: Vec::new(),
            log_file: None,
        }
    }

    /// Writes each fault to a new file `path` as it happens, one a line.
    ///
    /// # Errors
    /// [`LinkError::Trace`] when the file cannot be made.
    pub fn logging_to(mut self, path: &Path) -> Result<Self, LinkError> {
        let file = File::create(path)
            .map_err(|error| LinkError::Trace { path: path.to_owned(), error })?;
        self.log_file = Some(LogFile { file, path: path.to_owned(), written: [0, 0] });
        Ok(self)
    }

    fn write_log(&mut self) -> Result<(), LinkError> {
        let Some(log) = &mut self.log_file else { return Ok(()) };
        for (injector, written) in
            [&self.to_device, &self.to_host].into_iter().zip(&mut log.written)
        {
            for record in injector.log().iter().skip(*written) {
                writeln!(log.file, "{record}")
                    .map_err(|error| LinkError::Trace { path: log.path.clone(), error })?;
            }
            *written = injector.log().len();
        }
        Ok(())
    }

    /// Everything done so far, first what went to the device.
    pub fn log(&self) -> impl Iterator<Item = &FaultRecord> {
        self.to_device.log().iter().chain(self.to_host.log())
    }
}

impl<L: Link> Link for Fault<L> {
    fn send(&mut self, bytes: &[u8], patience: Duration) -> Result<(), LinkError> {
        let disturbed = self.to_device.apply(bytes);
        self.write_log()?;
        self.inner.send(&disturbed, patience)
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        if self.pending.is_empty() {
            let count = self.inner.recv(buffer, deadline)?;
            let arrived = buffer.get(..count).unwrap_or(&[]);
            self.pending = self.to_host.apply(arrived);
            self.write_log()?;
        }
        let count = self.pending.len().min(buffer.len());
        for (slot, byte) in buffer.iter_mut().zip(self.pending.drain(..count)) {
            *slot = byte;
        }
        Ok(count)
    }

    fn describe(&self) -> String {
        format!("{} with faults", self.inner.describe())
    }

    fn instruction_ns(&self) -> Option<u64> {
        self.inner.instruction_ns()
    }
}
