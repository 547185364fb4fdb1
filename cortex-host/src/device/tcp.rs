//! A TCP connection to `cortex-host serve` as a [`Link`].

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::{Link, LinkError, PATIENCE_WHOLE};

/// How long a connection may take to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// Shortest wait that a socket can be told.
const MIN_WAIT: Duration = Duration::from_micros(1);

/// The system asks a silent peer so often, and so many times, whether it is still there.
#[cfg(unix)]
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
#[cfg(unix)]
const KEEPALIVE_PROBES: u32 = 3;

/// A socket is looked at for so long before the thread sleeps: to be woken costs more than most
/// answers take. Other threads may have the processor meanwhile.
const LOOKING: Duration = Duration::from_micros(50);

/// A TCP connection to a device.
pub struct TcpLink {
    socket: Socket,
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
                    let socket = Socket::new(stream).map_err(unreachable)?;
                    return Ok(Self { socket, address: address.to_owned() });
                }
                Err(error) => last = error,
            }
        }
        Err(unreachable(last))
    }

    /// Takes a connection that is there already, to `address`.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn over(stream: TcpStream, address: &str) -> std::io::Result<Self> {
        Ok(Self { socket: Socket::new(stream)?, address: address.to_owned() })
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
        match self.socket.send(bytes, patience) {
            Ok(sent) if sent == bytes.len() => Ok(()),
            Ok(sent) => Err(LinkError::WriteStalled {
                device: describe(&self.address),
                sent,
                bytes: bytes.len(),
                waited_ms: begun.elapsed().as_millis(),
            }),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        match self.socket.recv(buffer, deadline.saturating_duration_since(Instant::now())) {
            Ok(Received::Ended) => Err(LinkError::Closed { device: describe(&self.address) }),
            Ok(Received::Nothing) => Ok(0),
            Ok(Received::Bytes(count)) => Ok(count),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn describe(&self) -> String {
        describe(&self.address)
    }
}

/// A connected socket, read and written with patience. It does not block but while it sleeps.
pub(super) struct Socket(TcpStream);

/// What [`Socket::recv`] got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// So many bytes.
    Bytes(usize),
    /// None in time.
    Nothing,
    /// None ever: the other end has closed.
    Ended,
}

impl Socket {
    /// Takes `stream`.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn new(stream: TcpStream) -> std::io::Result<Self> {
        // A frame is written whole: waiting for more only costs time.
        stream.set_nodelay(true)?;
        tell_when_gone(&stream)?;
        stream.set_nonblocking(true)?;
        Ok(Self(stream))
    }

    /// Waits for bytes for at most `patience`.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn recv(
        &mut self,
        buffer: &mut [u8],
        patience: Duration,
    ) -> std::io::Result<Received> {
        let begun = Instant::now();
        loop {
            match self.0.read(buffer) {
                Err(error) if may_retry(&error) => {}
                read => return received(read),
            }
            let waited = begun.elapsed();
            if waited >= patience {
                return Ok(Received::Nothing);
            }
            if waited >= LOOKING {
                return self.asleep(buffer, patience - waited);
            }
            std::thread::yield_now();
        }
    }

    /// Sleeps until there are bytes, or for `patience`.
    fn asleep(&mut self, buffer: &mut [u8], patience: Duration) -> std::io::Result<Received> {
        self.0.set_nonblocking(false)?;
        self.0.set_read_timeout(Some(patience.max(MIN_WAIT)))?;
        let read = self.0.read(buffer);
        self.0.set_nonblocking(true)?;
        match read {
            Err(error) if may_retry(&error) => Ok(Received::Nothing),
            read => received(read),
        }
    }

    /// Writes all of `bytes`; gives up when none of them are taken for `patience`, or when all take
    /// longer than [`PATIENCE_WHOLE`] times that. Returns how many went.
    ///
    /// # Errors
    /// What the operating system says.
    pub(super) fn send(&mut self, bytes: &[u8], patience: Duration) -> std::io::Result<usize> {
        let whole = Instant::now() + patience * PATIENCE_WHOLE;
        let mut deadline = whole.min(Instant::now() + patience);
        let mut rest = bytes;
        let mut blocking = false;
        let mut outcome = Ok(());
        while !rest.is_empty() {
            match self.0.write(rest) {
                Ok(0) => {
                    outcome = Err(ErrorKind::BrokenPipe.into());
                    break;
                }
                Ok(count) => {
                    rest = rest.get(count..).unwrap_or(&[]);
                    deadline = whole.min(Instant::now() + patience);
                }
                Err(error) if may_retry(&error) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        break;
                    }
                    if !std::mem::replace(&mut blocking, true) {
                        self.0.set_nonblocking(false)?;
                    }
                    self.0.set_write_timeout(Some(left.max(MIN_WAIT)))?;
                }
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        if blocking {
            self.0.set_nonblocking(true)?;
        }
        outcome.map(|()| bytes.len() - rest.len())
    }
}

/// A machine that lost its power or its network closes nothing: the system asks it, and breaks the
/// connection off when nothing answers for some 8 s.
#[cfg(unix)]
fn tell_when_gone(stream: &TcpStream) -> std::io::Result<()> {
    use rustix::net::sockopt;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, KEEPALIVE_INTERVAL)?;
    sockopt::set_tcp_keepintvl(stream, KEEPALIVE_INTERVAL)?;
    Ok(sockopt::set_tcp_keepcnt(stream, KEEPALIVE_PROBES)?)
}

#[cfg(not(unix))]
fn tell_when_gone(_stream: &TcpStream) -> std::io::Result<()> {
    Ok(())
}

fn received(read: std::io::Result<usize>) -> std::io::Result<Received> {
    read.map(|count| if count == 0 { Received::Ended } else { Received::Bytes(count) })
}

fn describe(address: &str) -> String {
    format!("tcp://{address}")
}

/// Whether a socket call only ran out of time or was interrupted.
fn may_retry(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
