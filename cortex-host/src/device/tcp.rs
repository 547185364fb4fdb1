//! A TCP connection to `cortex-host serve` as a [`Link`].

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::{Link, LinkError, PATIENCE_WHOLE};

/// How long a connection may take to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// Shortest wait that a socket can be told.
const MIN_WAIT: Duration = Duration::from_micros(1);

/// A TCP connection to a device.
pub struct TcpLink {
    stream: TcpStream,
    address: String,
}

impl TcpLink {
    /// Connects to `address`, `HOST:PORT`.
    ///
    /// # Errors
    /// [`LinkError::Unreachable`] when nobody answers within 5 s.
    pub fn connect(address: &str) -> Result<Self, LinkError> {
        let unreachable = |error| LinkError::Unreachable { device: describe(address), error };
        let mut last = ErrorKind::NotFound.into();
        for candidate in address.to_socket_addrs().map_err(unreachable)? {
            match TcpStream::connect_timeout(&candidate, CONNECT_PATIENCE) {
                Ok(stream) => {
                    // A frame is written whole: waiting for more only costs time.
                    stream.set_nodelay(true).map_err(unreachable)?;
                    return Ok(Self { stream, address: address.to_owned() });
                }
                Err(error) => last = error,
            }
        }
        Err(unreachable(last))
    }

    fn failed(&self, error: std::io::Error) -> LinkError {
        let device = describe(&self.address);
        match error.kind() {
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected
            | ErrorKind::UnexpectedEof => LinkError::Closed { device },
            _ => LinkError::Io { device, error },
        }
    }
}

impl Link for TcpLink {
    fn send(&mut self, bytes: &[u8], patience: Duration) -> Result<(), LinkError> {
        let begun = Instant::now();
        let whole = begun + patience * PATIENCE_WHOLE;
        let mut deadline = begun + patience;
        let mut rest = bytes;
        while !rest.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            let stalled = || LinkError::WriteStalled {
                device: describe(&self.address),
                sent: bytes.len() - rest.len(),
                bytes: bytes.len(),
                waited_ms: begun.elapsed().as_millis(),
            };
            if left.is_zero() {
                return Err(stalled());
            }
            let _ = self.stream.set_write_timeout(Some(left.max(MIN_WAIT)));
            match self.stream.write(rest) {
                Ok(0) => return Err(self.failed(ErrorKind::BrokenPipe.into())),
                Ok(count) => {
                    rest = rest.get(count..).unwrap_or(&[]);
                    deadline = whole.min(Instant::now() + patience);
                }
                Err(error) if may_retry(&error) => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(())
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        let left = deadline.saturating_duration_since(Instant::now());
        // A socket's shortest time-out is a tick of the system: milliseconds.
        let waits = !left.is_zero();
        let read = if waits {
            let _ = self.stream.set_read_timeout(Some(left.max(MIN_WAIT)));
            self.stream.read(buffer)
        } else {
            let _ = self.stream.set_nonblocking(true);
            let read = self.stream.read(buffer);
            let _ = self.stream.set_nonblocking(false);
            read
        };
        match read {
            Ok(0) => Err(LinkError::Closed { device: describe(&self.address) }),
            Ok(count) => Ok(count),
            Err(error) if may_retry(&error) => Ok(0),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn describe(&self) -> String {
        describe(&self.address)
    }
}

fn describe(address: &str) -> String {
    format!("tcp://{address}")
}

/// Whether a socket call only ran out of time or was interrupted.
pub(super) fn may_retry(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
