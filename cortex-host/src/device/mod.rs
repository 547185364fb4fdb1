//! The host's end of a device: bytes in and out, and the driver that runs windows over them.
//!
//! A [`Link`] moves bytes with a deadline for everything: a serial port ([`SerialLink`]), a TCP
//! connection ([`TcpLink`], whose other end is a [`Server`]), the device's session in this process
//! ([`Loopback`]). [`Fault`] and [`Trace`] wrap any of them.

mod address;
pub mod board;
mod clock;
mod connection;
mod fault;
mod kernel;
mod loopback;
mod open;
pub mod qemu;
mod seeded;
mod serial;
mod serve;
mod stats;
mod tcp;
mod trace;
pub mod uf2;

use std::time::{Duration, Instant};

#[cfg(feature = "cli")]
pub(crate) use address::has_host_and_port;
pub use address::{AddressError, DEFAULT_BAUD, DEVICE_FORMS, DeviceAddress};
pub use clock::DeviceClock;
pub use connection::{BlockDone, Connection, KernelSettings, Notice};
pub use fault::{Fault, FaultInjector, FaultRecord, FaultSpec, FaultSpecError};
pub use kernel::{DeviceKernel, OwnDeviceKernel};
pub use loopback::Loopback;
pub use open::{OpenOptions, open};
pub use qemu::QemuLink;
pub use seeded::{SeededComparison, compare_seeded};
pub use serial::SerialLink;
pub use serve::{ServeError, Server};
pub use stats::{DeviceSummary, LinkStats};
pub use tcp::TcpLink;
pub use trace::{Trace, TraceError, TraceReader, TraceRecord};

/// How many times the patience of [`Link::send`] a whole write may take.
pub const PATIENCE_WHOLE: u32 = 12;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the host to the device.
    ToDevice,
    /// From the device to the host.
    ToHost,
}

/// Moves bytes to and from a device.
pub trait Link: Send {
    /// Writes all of `bytes`, which may take long on a slow line; gives up when the device takes
    /// none of them for `patience`, or when all take longer than [`PATIENCE_WHOLE`] times that.
    ///
    /// # Errors
    /// [`LinkError`]; after [`LinkError::WriteStalled`] some of the bytes may have gone.
    fn send(&mut self, bytes: &[u8], patience: Duration) -> Result<(), LinkError>;

    /// Waits for bytes until `deadline` and returns how many it wrote to the front of
    /// `buffer`; 0 when none came.
    ///
    /// # Errors
    /// [`LinkError`] when the device is gone.
    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError>;

    /// What it is, for messages: a port's path, an emulated board.
    fn describe(&self) -> String;

    /// For an emulated device: nanoseconds of emulated time that one instruction takes.
    fn instruction_ns(&self) -> Option<u64> {
        None
    }
}

/// Why a device cannot be reached or used.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The path names nothing.
    #[error("serial port {port} does not exist: check the path and the cable")]
    NoSuchPort {
        /// The port.
        port: String,
    },
    /// Another program has it.
    #[error("serial port {port} is in use by another program: close that and try again")]
    Busy {
        /// The port.
        port: String,
    },
    /// The user may not open it.
    #[error(
        "no permission to open serial port {port}: join the group that owns it (often \"dialout\") and log in again"
    )]
    Permission {
        /// The port.
        port: String,
    },
    /// The path is no serial port.
    #[error("{port} is not a serial port")]
    NotSerial {
        /// The path.
        port: String,
    },
    /// The port cannot run at this speed.
    #[error("serial port {port} cannot run at {baud} baud: choose another baud rate")]
    Baud {
        /// The port.
        port: String,
        /// The speed asked for.
        baud: u32,
    },
    /// Nobody answers at the address.
    #[error(
        "cannot reach {device} ({error}); start cortex-host serve there, and check host and port"
    )]
    Unreachable {
        /// The device.
        device: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// The other end closed the connection.
    #[error(
        "{device} closed the connection: the server has ended, or serves another host at the moment"
    )]
    Closed {
        /// The device.
        device: String,
    },
    /// The device went away.
    #[error("{device} was unplugged or stopped (broken pipe)")]
    Unplugged {
        /// The device.
        device: String,
    },
    /// The emulator ended.
    #[error("{device} is gone: its emulator has ended ({how})")]
    EmulatorEnded {
        /// The device.
        device: String,
        /// Its exit code or signal, and its last words.
        how: String,
    },
    /// The device took no more bytes, or far too few.
    #[error("{device} took {sent} of {bytes} bytes in {waited_ms} ms: it has stopped reading")]
    WriteStalled {
        /// The device.
        device: String,
        /// Bytes it took.
        sent: usize,
        /// Bytes there were.
        bytes: usize,
        /// How long they were offered, in milliseconds.
        waited_ms: u128,
    },
    /// Anything else the system reported.
    #[error("{device}: {error}")]
    Io {
        /// The device.
        device: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// The session failed.
    #[error("{device}: {failure}")]
    Session {
        /// The device.
        device: String,
        /// Why.
        failure: cortex_core::link::Failure,
    },
    /// The device refused a request.
    #[error("{device} refuses {what}: {} [{}, {}] {}", .error.code.describe(), .error.a, .error.b, .error.text)]
    Refused {
        /// The device.
        device: String,
        /// What was asked.
        what: &'static str,
        /// Its answer.
        error: cortex_core::link::ErrorInfo,
    },
    /// The trace or the fault log cannot be written any more.
    #[error("cannot write {}: {error}", path.display())]
    Trace {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The user stopped the run.
    #[error("interrupted")]
    Interrupted,
}

impl<L: Link + ?Sized> Link for Box<L> {
    fn send(&mut self, bytes: &[u8], patience: Duration) -> Result<(), LinkError> {
        (**self).send(bytes, patience)
    }

    fn recv(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<usize, LinkError> {
        (**self).recv(buffer, deadline)
    }

    fn describe(&self) -> String {
        (**self).describe()
    }

    fn instruction_ns(&self) -> Option<u64> {
        (**self).instruction_ns()
    }
}

impl From<LinkError> for crate::base::Failure {
    fn from(error: LinkError) -> Self {
        use crate::base::{ExitCode, Failure};
        let code = match error {
            LinkError::Interrupted => ExitCode::Interrupted,
            LinkError::Trace { .. } => ExitCode::InputOutput,
            _ => ExitCode::Device,
        };
        Failure::new(code, error.to_string())
    }
}
