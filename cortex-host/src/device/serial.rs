//! A serial port as a [`Link`].
//!
//! Built on the serialport crate, with what its documentation does not say: its `write` ignores
//! the time-out once bytes fit partly, so the descriptor is made non-blocking and the rest of a
//! partial write is kept; what arrives while a write has to wait is read meanwhile, because a device
//! that holds bytes back until its own are taken (an emulated one does) would wait for us as we for
//! it; reads and writes may be interrupted; an unplugged port is a broken
//! pipe; a baud rate the driver does not know silently becomes another one, so it is read back.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use serialport::{ClearBuffer, SerialPort};

use super::{Link, LinkError, PATIENCE_WHOLE};

/// A serial port, opened for this program alone.
pub struct SerialLink {
    #[cfg(unix)]
    port: serialport::TTYPort,
    #[cfg(windows)]
    port: serialport::COMPort,
    path: String,
    baud: u32,
    /// Read while a write was waiting, and not asked for yet.
    early: VecDeque<u8>,
}

impl SerialLink {
    /// Opens `path` at `baud`, 8 data bits, no parity, one stop bit, no flow control.
    ///
    /// # Errors
    /// [`LinkError`] says what is wrong: no such port, busy, no permission, no serial port, a
    /// baud rate it does not have.
    pub fn open(path: &str, baud: u32) -> Result<Self, LinkError> {
        let port = path.to_owned();
        let builder = serialport::new(path, baud).timeout(Duration::from_millis(1));
        let mut opened = builder.open_native().map_err(|error| refused(path, baud, &error))?;
        #[cfg(unix)]
        crate::platform::descriptor::set_nonblocking(&opened)
            .map_err(|error| LinkError::Io { device: describe(path), error })?;
        // Pseudo-terminals take any rate; a port that reports another one did not take ours.
        if let Ok(actual) = opened.baud_rate()
            && actual != 0
            && actual.abs_diff(baud) > baud / 30
        {
            return Err(LinkError::Baud { port, baud });
        }
        // A USB device sends nothing while this line says that nobody listens; not every driver raises
        // it. A pseudo-terminal has none.
        let _ = opened.write_data_terminal_ready(true);
        // What came before the session is no part of it. A pty may refuse: then it is read.
        let _ = opened.clear(ClearBuffer::Input);
        Ok(Self { port: opened, path: port, baud, early: VecDeque::new() })
    }

    /// Line speed in baud.
    #[must_use]
    pub fn baud(&self) -> u32 {
        self.baud
    }

    /// Takes what has arrived; says whether anything had.
    fn read_early(&mut self) -> Result<bool, LinkError> {
        let had = self.early.len();
        let mut bytes = [0; 4096];
        let _ = self.port.set_timeout(MIN_WAIT);
        while self.early.len() < MAX_EARLY {
            match self.port.read(&mut bytes) {
                Ok(0) => return Err(LinkError::Unplugged { device: describe(&self.path) }),
                Ok(count) => self.early.extend(bytes.iter().take(count)),
                Err(error) if may_retry(&error) => break,
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(self.early.len() > had)
    }

    fn failed(&self, error: std::io::Error) -> LinkError {
        let device = describe(&self.path);
        // EIO is what Linux says of a terminal whose other end is gone; the serialport crate
        // gives it as "other".
        let gone = match error.kind() {
            ErrorKind::BrokenPipe | ErrorKind::NotFound | ErrorKind::NotConnected => true,
            ErrorKind::Other => error.to_string().contains("I/O error"),
            _ => false,
        };
        if gone { LinkError::Unplugged { device } } else { LinkError::Io { device, error } }
    }
}

impl Link for SerialLink {
    fn send(&mut self, bytes: &[u8], patience: Duration) -> Result<(), LinkError> {
        let begun = Instant::now();
        let whole = begun + patience * PATIENCE_WHOLE;
        let mut deadline = begun + patience;
        let mut rest = bytes;
        while !rest.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            // On unix this sets no more than the wait of the next poll.
            let _ = self.port.set_timeout(left.clamp(MIN_WAIT, WRITE_TURN));
            match self.port.write(rest) {
                Ok(count) => {
                    rest = rest.get(count..).unwrap_or(&[]);
                    deadline = whole.min(Instant::now() + patience);
                }
                Err(error) if may_retry(&error) => {
                    if left.is_zero() {
                        return Err(LinkError::WriteStalled {
                            device: describe(&self.path),
                            sent: bytes.len() - rest.len(),
                            bytes: bytes.len(),
                            waited_ms: begun.elapsed().as_millis(),
                        });
                    }
                    if self.read_early()? {
                        deadline = whole.min(Instant::now() + patience);
                    }
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(())
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        if !self.early.is_empty() {
            return self.early.read(buffer).map_err(|error| self.failed(error));
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let _ = self.port.set_timeout(left.clamp(MIN_WAIT, MAX_WAIT));
            match self.port.read(buffer) {
                // A terminal whose other end is gone reads as empty.
                Ok(0) => return Err(LinkError::Unplugged { device: describe(&self.path) }),
                Ok(count) => return Ok(count),
                // A signal may mean that the user wants to stop: give the caller a look.
                Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(0),
                Err(error) if may_retry(&error) => {
                    if left.is_zero() {
                        return Ok(0);
                    }
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    fn describe(&self) -> String {
        describe(&self.path)
    }
}

/// Shortest and longest single wait in the operating system.
const MIN_WAIT: Duration = Duration::from_micros(1);
const MAX_WAIT: Duration = Duration::from_secs(1);

/// How long a write waits before what has arrived is looked at.
const WRITE_TURN: Duration = Duration::from_millis(5);

/// Most bytes kept of what arrives during a write: far more than a device sends unasked.
const MAX_EARLY: usize = 1 << 20;

fn may_retry(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

fn describe(path: &str) -> String {
    format!("serial port {path}")
}

/// Which sentence an error at opening deserves.
fn refused(path: &str, baud: u32, error: &serialport::Error) -> LinkError {
    let port = path.to_owned();
    match error.kind() {
        serialport::ErrorKind::Io(ErrorKind::NotFound) => LinkError::NoSuchPort { port },
        serialport::ErrorKind::Io(ErrorKind::PermissionDenied) => LinkError::Permission { port },
        serialport::ErrorKind::Io(ErrorKind::WouldBlock | ErrorKind::ResourceBusy) => {
            LinkError::Busy { port }
        }
        // The crate gives another program's exclusive lock as "no device".
        serialport::ErrorKind::NoDevice if is_there(path) => LinkError::Busy { port },
        serialport::ErrorKind::NoDevice => LinkError::NoSuchPort { port },
        serialport::ErrorKind::InvalidInput => LinkError::Baud { port, baud },
        serialport::ErrorKind::Unknown if !is_terminal_device(path) => {
            LinkError::NotSerial { port }
        }
        _ => LinkError::Io {
            device: describe(path),
            error: std::io::Error::other(error.description.clone()),
        },
    }
}

/// Whether there is a port of this name.
fn is_there(path: &str) -> bool {
    if cfg!(windows) {
        // A port in use cannot be looked at, but is listed.
        let listed = serialport::available_ports().unwrap_or_default();
        return listed.iter().any(|port| port.port_name.eq_ignore_ascii_case(path));
    }
    std::path::Path::new(path).exists()
}

#[cfg(unix)]
fn is_terminal_device(path: &str) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|data| data.file_type().is_char_device())
}

#[cfg(not(unix))]
fn is_terminal_device(_path: &str) -> bool {
    true
}
