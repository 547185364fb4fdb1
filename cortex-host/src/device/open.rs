//! From a device's name in a configuration to an open session with it.

use std::path::PathBuf;

use super::address::DEVICE_FORMS;
use super::qemu::QemuLink;
use super::{Connection, Fault, FaultSpec, Link, Loopback, Notice, SerialLink, TcpLink, Trace};
use crate::base::Failure;
use crate::base::Progress;
use crate::device::DeviceAddress;

/// What goes between this program and the device, and what may stop the waiting.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Disturbs the line on purpose: what, with which seed.
    pub fault: Option<(FaultSpec, u64)>,
    /// Where each fault is written down as it happens, one a line.
    pub fault_log: Option<PathBuf>,
    /// Where everything that crosses the line is written down.
    pub trace: Option<PathBuf>,
    /// A ready image for an emulated board.
    pub firmware: Option<PathBuf>,
    /// Ends every wait when cancelled.
    pub progress: Progress,
    /// Is told when the device does not move on for some seconds.
    pub notice: Option<Notice>,
}

/// Opens a session with `device` and reads its clock.
///
/// # Errors
/// [`Failure`] with exit code 4 when the device cannot be reached or used, 3 when a trace or
/// log cannot be written, 2 for the native device, which has no link.
pub fn open(device: &DeviceAddress, options: &OpenOptions) -> Result<Connection, Failure> {
    let (link, baud): (Box<dyn Link>, Option<u32>) = match device {
        DeviceAddress::Native => {
            return Err(Failure::usage(format!(
                "the native device has no link; of {DEVICE_FORMS} use another"
            )));
        }
        DeviceAddress::Loopback => (Box::new(Loopback::new()?), None),
        DeviceAddress::Serial { path, baud } => {
            (Box::new(SerialLink::open(path, *baud)?), Some(*baud))
        }
        DeviceAddress::Tcp { address } => (Box::new(TcpLink::connect(address)?), None),
        DeviceAddress::Qemu { board } => {
            (Box::new(QemuLink::start(board, options.firmware.as_deref())?), Some(QemuLink::BAUD))
        }
    };
    let link: Box<dyn Link> = match (&options.fault, &options.fault_log) {
        (None, _) => link,
        (Some((spec, seed)), None) => Box::new(Fault::new(link, *spec, *seed)),
        (Some((spec, seed)), Some(path)) => {
            Box::new(Fault::new(link, *spec, *seed).logging_to(path)?)
        }
    };
    // Outside of the faults: the trace shows what this program sent and what it saw.
    let link: Box<dyn Link> = match &options.trace {
        None => link,
        Some(path) => Box::new(Trace::new(link, path)?),
    };
    let mut connection = Connection::open(link, baud, Some(options.progress.clone()))?;
    connection.set_notice(options.notice.clone());
    connection.read_clock()?;
    let info = connection.info();
    if let (false, Some(notice)) = (info.crash.is_empty(), &options.notice) {
        notice.tell(&format!(
            "{} crashed before its last start ({}, {}): this is a fault of its firmware, please \
             report it",
            connection.device(),
            info.crash,
            info.crash_place
        ));
    }
    Ok(connection)
}
