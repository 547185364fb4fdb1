//! The device's session of this program behind a TCP port: what makes a Linux board a device.
//!
//! Whoever connects can reach the protocol and nothing else. There is one device and so one session
//! at a time: a connection waits for its first bytes without holding it, gets it when they come, and
//! is closed when another has it. A connection that does not open a session in time is closed, so
//! that strangers and half-open connections cost a thread for a moment.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use super::LinkError;
use super::loopback::{NativeSession, Step};
use super::tcp::{Received, Socket};
use crate::base::Progress;

/// A connection opens a session within this time or is closed.
const OPENING_PATIENCE: Duration = Duration::from_secs(5);
/// An open session in which the host is silent for this long is over.
const IDLE_PATIENCE: Duration = Duration::from_secs(600);
/// So long a host waits for the one before it to be gone.
const LEAVING_PATIENCE: Duration = Duration::from_millis(500);
/// How long the host may take no bytes.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// Longest single wait, so that a stop is seen.
const SLICE: Duration = Duration::from_millis(100);
/// As many bytes are gathered before they are written.
const WRITE_BYTES: usize = 64 * 1024;
/// Connections at a time; further ones are closed at once.
const MAX_CONNECTIONS: usize = 64;

/// Why a device cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port cannot be listened on.
    #[error("cannot listen on tcp://{address}: {error}; choose another address or port")]
    Listen {
        /// Host and port.
        address: String,
        /// What the system said.
        error: io::Error,
    },
    /// The device's session cannot be made.
    #[error(transparent)]
    Device(#[from] LinkError),
}

/// A device that listens.
pub struct Server {
    listener: TcpListener,
    shared: Shared,
}

struct Shared {
    device: Mutex<NativeSession>,
    name: String,
    connections: AtomicUsize,
    progress: Progress,
}

impl Server {
    /// Listens on `address`, `HOST:PORT` (port 0: any free one), for hosts of a device called
    /// `name` (at most 24 bytes). Ends when `progress` is cancelled.
    ///
    /// # Errors
    /// [`ServeError::Listen`] when the port cannot be had.
    pub fn listen(address: &str, name: &str, progress: Progress) -> Result<Self, ServeError> {
        let refused = |error| ServeError::Listen { address: address.to_owned(), error };
        let listener = TcpListener::bind(address).map_err(refused)?;
        // Woken now and then to see a stop.
        listener.set_nonblocking(true).map_err(refused)?;
        let shared = Shared {
            device: Mutex::new(NativeSession::new(name)?),
            name: name.to_owned(),
            connections: AtomicUsize::new(0),
            progress,
        };
        Ok(Self { listener, shared })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves hosts until it is cancelled. `tell` is given a line for each session.
    pub fn run(&self, tell: &(dyn Fn(&str) + Sync)) {
        std::thread::scope(|scope| {
            while !self.shared.progress.is_cancelled() {
                match self.listener.accept() {
                    Ok((stream, peer)) => {
                        let shared = &self.shared;
                        if shared.connections.fetch_add(1, Ordering::SeqCst) >= MAX_CONNECTIONS {
                            shared.connections.fetch_sub(1, Ordering::SeqCst);
                            continue;
                        }
                        scope.spawn(move || {
                            // A connection that fails concerns its host alone.
                            let _ = shared.serve(stream, peer, tell);
                            shared.connections.fetch_sub(1, Ordering::SeqCst);
                        });
                    }
                    // Nobody, or one that has gone again, or no descriptor left for a moment.
                    Err(_) => std::thread::sleep(Duration::from_millis(5)),
                }
            }
        });
    }
}

impl Shared {
    /// One connection, from its first byte to its end.
    fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        tell: &(dyn Fn(&str) + Sync),
    ) -> io::Result<()> {
        let mut socket = Socket::new(stream)?;
        let mut bytes = [0; 16_384];
        let begun = Instant::now();
        let Some(count) = self.read(&mut socket, &mut bytes, begun + OPENING_PATIENCE)? else {
            return Ok(());
        };
        let Some(mut device) = self.free_device() else { return Ok(()) };
        // No session outlives its connection.
        *device = NativeSession::new(&self.name).map_err(io::Error::other)?;
        device.receive(&bytes[..count]);
        let mut told = false;
        let mut heard = Instant::now();
        let mut sent = Vec::new();
        loop {
            work(&mut device, &mut socket, &mut sent)?;
            if device.is_open() && !told {
                tell(&format!("Session with {peer}"));
                told = true;
            }
            let deadline = if told { heard + IDLE_PATIENCE } else { begun + OPENING_PATIENCE };
            match self.read(&mut socket, &mut bytes, deadline) {
                Ok(Some(count)) => {
                    heard = Instant::now();
                    device.receive(&bytes[..count]);
                }
                ended => {
                    if told {
                        tell(&format!("{peer} has left"));
                    }
                    return ended.map(|_| ());
                }
            }
        }
    }

    /// The device, if no other host has it. One that has just left may not have been seen to.
    fn free_device(&self) -> Option<MutexGuard<'_, NativeSession>> {
        let deadline = Instant::now() + LEAVING_PATIENCE;
        loop {
            match self.device.try_lock() {
                Ok(device) => return Some(device),
                // A device whose kernel panicked: it begins again.
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => return None,
            }
        }
    }

    /// Bytes from `socket`; none at its end, at `deadline` and after a stop.
    fn read(
        &self,
        socket: &mut Socket,
        bytes: &mut [u8],
        deadline: Instant,
    ) -> io::Result<Option<usize>> {
        loop {
            match socket.recv(bytes, SLICE)? {
                Received::Ended => return Ok(None),
                Received::Bytes(count) => return Ok(Some(count)),
                Received::Nothing => {
                    if Instant::now() >= deadline || self.progress.is_cancelled() {
                        return Ok(None);
                    }
                }
            }
        }
    }
}

/// Lets the device do all it has to. What it sends goes out in few writes, each of which wakes the
/// host, but always before a kernel runs: the host is to know that it does.
fn work(device: &mut NativeSession, socket: &mut Socket, sent: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let step = device.poll(|out| sent.extend_from_slice(out));
        if step != Step::Sent || sent.len() >= WRITE_BYTES {
            if socket.send(sent, WRITE_PATIENCE)? < sent.len() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            sent.clear();
        }
        match step {
            Step::Idle => return Ok(()),
            Step::Sent => {}
            Step::Ready => device.run(),
        }
    }
}
