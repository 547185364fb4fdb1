//! What crossed a link, written to a file as it happens.
//!
//! The file is a classic pcap file with nanosecond time stamps and link type 147
//! (LINKTYPE_USER0), little-endian: Wireshark and tcpdump open it. Each record is one read or
//! write: a byte with the direction (0 to the device, 1 to the host), then the bytes. Times
//! count from the opening of the trace. `cortex-host link decode FILE` prints the frames.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Direction, Link, LinkError};

/// Magic number of a pcap file with nanosecond time stamps.
const MAGIC_NS: u32 = 0xA1B2_3C4D;
/// LINKTYPE_USER0.
const LINK_TYPE: u32 = 147;
/// Longest record accepted when reading.
const MAX_RECORD_BYTES: u32 = 16 << 20;

/// A [`Link`] that writes down what crosses it.
pub struct Trace<L> {
    inner: L,
    file: BufWriter<File>,
    path: PathBuf,
    started: Instant,
}

/// One read or write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRecord {
    /// Nanoseconds since the trace was opened.
    pub time_ns: u64,
    /// Which way.
    pub direction: Direction,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Why a trace cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The file cannot be read.
    #[error("cannot read the link trace {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is some other file.
    #[error("{} is not a link trace: {what}", path.display())]
    NotATrace {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: &'static str,
    },
    /// It ends within a record, as after a crash.
    #[error("the link trace {} ends within record {record}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Number of the record, from 1.
        record: u64,
    },
}

impl From<TraceError> for crate::base::Failure {
    fn from(error: TraceError) -> Self {
        crate::base::Failure::input_output(error.to_string())
    }
}

impl<L: Link> Trace<L> {
    /// Writes what crosses `inner` to a new file `path`.
    ///
    /// # Errors
    /// [`LinkError::Trace`] when the file cannot be made.
    pub fn new(inner: L, path: &Path) -> Result<Self, LinkError> {
        let failed = |error| LinkError::Trace { path: path.to_owned(), error };
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        let mut header = Vec::with_capacity(24);
        for word in [MAGIC_NS, 0x0004_0002, 0, 0, MAX_RECORD_BYTES, LINK_TYPE] {
            header.extend_from_slice(&u32::to_le_bytes(word));
        }
        file.write_all(&header).map_err(failed)?;
        Ok(Self { inner, file, path: path.to_owned(), started: Instant::now() })
    }

    fn record(&mut self, direction: u8, bytes: &[u8]) -> Result<(), LinkError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let time = self.started.elapsed();
        let length = u32::try_from(bytes.len() + 1).unwrap_or(MAX_RECORD_BYTES);
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        let mut head = [0u8; 17];
        let words = [seconds, time.subsec_nanos(), length, length];
        for (slot, word) in head.chunks_exact_mut(4).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        head[16] = direction;
        let written = self.file.write_all(&head).and_then(|()| self.file.write_all(bytes));
        written.map_err(|error| LinkError::Trace { path: self.path.clone(), error })
    }
}

impl<L: Link> Link for Trace<L> {
    fn send(&mut self, bytes: &[u8], patience: Duration) -> Result<(), LinkError> {
        self.record(0, bytes)?;
        self.inner.send(bytes, patience)
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        let count = self.inner.recv(buffer, deadline)?;
        self.record(1, buffer.get(..count).unwrap_or(&[]))?;
        Ok(count)
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn instruction_ns(&self) -> Option<u64> {
        self.inner.instruction_ns()
    }
}

/// Reads a trace, record by record.
pub struct TraceReader {
    file: BufReader<File>,
    path: PathBuf,
    records: u64,
}

impl TraceReader {
    /// Opens `path` and checks that it is a trace.
    ///
    /// # Errors
    /// [`TraceError`].
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let failed = |error| TraceError::Io { path: path.to_owned(), error };
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let mut header = [0u8; 24];
        let wrong = |what| TraceError::NotATrace { path: path.to_owned(), what };
        file.read_exact(&mut header).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => wrong("it is shorter than a pcap header"),
            _ => failed(error),
        })?;
        if word(&header, 0) != MAGIC_NS {
            return Err(wrong("no pcap file with nanosecond times"));
        }
        if word(&header, 20) != LINK_TYPE {
            return Err(wrong("its link type is not 147"));
        }
        Ok(Self { file, path: path.to_owned(), records: 0 })
    }

    fn read(&mut self) -> Result<Option<TraceRecord>, TraceError> {
        let mut head = [0u8; 17];
        match read_up_to(&mut self.file, &mut head) {
            Ok(0) => return Ok(None),
            Ok(17) => {}
            Ok(_) => return Err(self.truncated()),
            Err(error) => return Err(TraceError::Io { path: self.path.clone(), error }),
        }
        let length = word(&head, 8);
        let direction = match head[16] {
            0 => Direction::ToDevice,
            1 => Direction::ToHost,
            _ => {
                let what = "a record has no direction";
                return Err(TraceError::NotATrace { path: self.path.clone(), what });
            }
        };
        if length == 0 || length > MAX_RECORD_BYTES {
            let what = "a record has an impossible length";
            return Err(TraceError::NotATrace { path: self.path.clone(), what });
        }
        let mut bytes = vec![0; length as usize - 1];
        match read_up_to(&mut self.file, &mut bytes) {
            Ok(count) if count == bytes.len() => {}
            Ok(_) => return Err(self.truncated()),
            Err(error) => return Err(TraceError::Io { path: self.path.clone(), error }),
        }
        self.records += 1;
        let time_ns = u64::from(word(&head, 0)) * 1_000_000_000 + u64::from(word(&head, 4));
        Ok(Some(TraceRecord { time_ns, direction, bytes }))
    }

    fn truncated(&self) -> TraceError {
        TraceError::Truncated { path: self.path.clone(), record: self.records + 1 }
    }
}

impl Iterator for TraceReader {
    type Item = Result<TraceRecord, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// Fills `buffer` as far as the file goes.
fn read_up_to(file: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
