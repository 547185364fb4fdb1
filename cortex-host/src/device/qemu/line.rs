//! The serial line of an emulated board: QEMU's end as arguments, this end as a [`Link`].

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use crate::device::{Link, LinkError, SerialLink, TcpLink};

/// Line speed to reckon with: an emulated line has none, but costs the emulator time for every
/// byte. Measured: 100 to 130 kB/s, and less on a busy machine.
pub(super) const BAUD: u32 = 230_400;

/// What carries the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// A pseudo-terminal: the code of real serial ports runs on it.
    Terminal,
    /// A TCP connection on this machine, which QEMU makes.
    Socket,
}

impl LineKind {
    /// What this system has: Windows has no pseudo-terminals.
    pub const HERE: Self = if cfg!(windows) { Self::Socket } else { Self::Terminal };
}

/// The line from before QEMU's start on.
#[derive(Debug)]
pub(super) enum Line {
    /// QEMU will name, or has named, its terminal.
    Terminal(Option<PathBuf>),
    /// QEMU will connect, or has.
    Socket(TcpListener, Option<TcpStream>),
}

impl Line {
    pub(super) fn new(kind: LineKind) -> std::io::Result<Self> {
        if kind == LineKind::Terminal {
            return Ok(Self::Terminal(None));
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        Ok(Self::Socket(listener, None))
    }

    /// QEMU's arguments. The line goes through a multiplexer, whose 32 bytes of buffer the emulated
    /// processor empties by itself. Without it QEMU's main loop hands over each byte, with two
    /// switches of threads for each: a third of the speed. The multiplexer's escape character is
    /// none of the 256 bytes there are.
    pub(super) fn arguments(&self) -> std::io::Result<Vec<String>> {
        let backend = match self {
            Self::Terminal(_) => "pty".to_owned(),
            Self::Socket(listener, _) => {
                let port = listener.local_addr()?.port();
                format!("socket,host={},port={port},nodelay=on", Ipv4Addr::LOCALHOST)
            }
        };
        let chardev = format!("{backend},id=line,mux=on");
        let words = ["-chardev", &chardev, "-echr", "256", "-serial", "chardev:line"];
        Ok(words.map(str::to_owned).into())
    }

    /// Whether `said`, a line of QEMU's output, names the terminal.
    pub(super) fn is_named_in(&mut self, said: &str) -> bool {
        let Self::Terminal(path) = self else { return false };
        let Some(name) = pty_name(said) else { return false };
        *path = Some(name);
        true
    }

    /// Whether QEMU has connected.
    pub(super) fn is_connected(&mut self) -> std::io::Result<bool> {
        let Self::Socket(listener, stream) = self else { return Ok(false) };
        match listener.accept() {
            Ok((accepted, _)) => *stream = Some(accepted),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(stream.is_some())
    }

    /// Path of the terminal.
    pub(super) fn terminal(&self) -> Option<&Path> {
        match self {
            Self::Terminal(path) => path.as_deref(),
            Self::Socket(..) => None,
        }
    }

    /// This end of the line, which there is once.
    pub(super) fn open(&mut self) -> Result<Box<dyn Link>, LinkError> {
        match self {
            Self::Terminal(path) => {
                let path = path.as_deref().unwrap_or(Path::new("")).to_string_lossy();
                Ok(Box::new(SerialLink::open(&path, BAUD)?))
            }
            Self::Socket(listener, stream) => {
                let address =
                    listener.local_addr().map_or_else(|e| e.to_string(), |a| a.to_string());
                let stream = stream.take().ok_or_else(|| ErrorKind::NotConnected.into());
                stream
                    .and_then(|stream| TcpLink::over(stream, &address))
                    .map_err(|error| LinkError::Io { device: format!("tcp://{address}"), error })
                    .map(|link| Box::new(link) as Box<dyn Link>)
            }
        }
    }
}

/// The path in QEMU's `char device redirected to /dev/pts/3 (label line)`.
fn pty_name(line: &str) -> Option<PathBuf> {
    let (_, rest) = line.split_once("char device redirected to ")?;
    rest.split_whitespace().next().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pty_is_found_in_qemus_own_words() {
        let line = "(qemu) char device redirected to /dev/pts/12 (label line)";
        assert_eq!(pty_name(line), Some(PathBuf::from("/dev/pts/12")));
        assert_eq!(pty_name("{\"QMP\": {}}"), None);
    }
}
