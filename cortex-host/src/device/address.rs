//! What runs the kernels: this machine, or a device behind a link.

use std::fmt;
use std::str::FromStr;

use crate::base::quoted;
use crate::device::board::{BoardSpec, board};

/// Baud rate when a `serial://` device does not name one.
pub const DEFAULT_BAUD: u32 = 921_600;

/// How a device is spelt, for messages.
pub const DEVICE_FORMS: &str =
    "native, loopback, serial://PATH?baud=N, tcp://HOST:PORT or qemu:BOARD";

/// The device of a run, spelt as in [`DEVICE_FORMS`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum DeviceAddress {
    /// This machine, in this process.
    #[default]
    Native,
    /// The device's protocol session in this process: no board needed.
    Loopback,
    /// A board on a serial port.
    Serial {
        /// The port, such as `/dev/ttyACM0`.
        path: String,
        /// Line speed in baud.
        baud: u32,
    },
    /// A program on another machine, or on this one: `cortex-host serve`.
    Tcp {
        /// Host and port, such as `raspberrypi.local:9000`.
        address: String,
    },
    /// An emulated board.
    Qemu {
        /// The board's name, such as `mps2-an386`.
        board: String,
    },
}

/// Why a device string was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing of that form is known.
    #[error("unknown device {}; use {DEVICE_FORMS}", quoted(.0))]
    Unknown(String),
    /// The name of a board, or a port's path, where the whole device is wanted.
    #[error("device {text} is no device by itself; write {1}", text = quoted(.0))]
    Short(String, String),
    /// The form is right, but what must follow is absent.
    #[error("device {text} names no {1}; write {2}", text = quoted(.0))]
    Incomplete(String, &'static str, &'static str),
    /// The part after `?` is not `baud=N` with N in 300..=12_000_000.
    #[error(
        "device {} has a wrong line speed; write serial://PATH?baud=N with N from 300 to 12000000",
        quoted(.0)
    )]
    Baud(String),
}

impl FromStr for DeviceAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(rest) = text.strip_prefix("serial://") {
            return parse_serial(text, rest);
        }
        if let Some(address) = text.strip_prefix("tcp://") {
            return if has_host_and_port(address) {
                Ok(DeviceAddress::Tcp { address: address.into() })
            } else {
                Err(AddressError::Incomplete(
                    text.into(),
                    "host and port",
                    "tcp://HOST:PORT, such as tcp://raspberrypi.local:9000",
                ))
            };
        }
        if let Some(board) = text.strip_prefix("qemu:") {
            return if board.is_empty() {
                Err(AddressError::Incomplete(
                    text.into(),
                    "board",
                    "qemu:BOARD, such as qemu:mps2-an386",
                ))
            } else {
                Ok(DeviceAddress::Qemu { board: board.into() })
            };
        }
        match text {
            "native" => Ok(DeviceAddress::Native),
            "loopback" => Ok(DeviceAddress::Loopback),
            _ => Err(unknown(text)),
        }
    }
}

/// What is meant by a text that is no device, where that can be told.
fn unknown(text: &str) -> AddressError {
    let meant = match board(text) {
        Some(BoardSpec { emulator: Some(_), .. }) => format!("qemu:{text}"),
        Some(BoardSpec { hardware: Some(hardware), .. }) => {
            format!("{} once it is flashed (cortex-host devices says how)", hardware.device())
        }
        Some(BoardSpec { linux: Some(linux), .. }) => {
            format!("{} once cortex-host serve runs on it", linux.device)
        }
        _ if text.starts_with("/dev/") => format!("serial://{text}"),
        _ if text.starts_with("tty") => format!("serial:///dev/{text}"),
        _ if text.len() > 3 && text.starts_with("COM") => format!("serial://{text}"),
        _ if !text.contains("//") && has_host_and_port(text) => format!("tcp://{text}"),
        _ => return AddressError::Unknown(text.into()),
    };
    AddressError::Short(text.into(), meant)
}

impl fmt::Display for DeviceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceAddress::Native => f.write_str("native"),
            DeviceAddress::Loopback => f.write_str("loopback"),
            DeviceAddress::Serial { path, baud } => write!(f, "serial://{path}?baud={baud}"),
            DeviceAddress::Tcp { address } => write!(f, "tcp://{address}"),
            DeviceAddress::Qemu { board } => write!(f, "qemu:{board}"),
        }
    }
}

/// Whether `address` is `HOST:PORT`, the host possibly an IPv6 address in brackets.
pub(crate) fn has_host_and_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host_is_plain = !host.is_empty() && !host.contains([':', '/', '?', ' ']);
        (host_is_plain || bare.is_some_and(|host| !host.is_empty())) && port.parse::<u16>().is_ok()
    })
}

fn parse_serial(text: &str, rest: &str) -> Result<DeviceAddress, AddressError> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if path.is_empty() {
        return Err(AddressError::Incomplete(
            text.into(),
            "port",
            "serial://PATH, such as serial:///dev/ttyACM0",
        ));
    }
    let baud = match query {
        "" => DEFAULT_BAUD,
        query => query
            .strip_prefix("baud=")
            .and_then(|number| number.parse().ok())
            .filter(|baud| (300..=12_000_000).contains(baud))
            .ok_or_else(|| AddressError::Baud(text.into()))?,
    };
    Ok(DeviceAddress::Serial { path: path.into(), baud })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        for text in ["native", "loopback", "serial:///dev/ttyACM0?baud=115200", "qemu:microbit"]
            .into_iter()
            .chain(["tcp://127.0.0.1:9000", "tcp://[::1]:9000", "tcp://pi.local:1"])
        {
            assert_eq!(text.parse::<DeviceAddress>().unwrap().to_string(), text);
        }
        assert_eq!(
            "serial://COM3".parse::<DeviceAddress>().unwrap(),
            DeviceAddress::Serial { path: "COM3".into(), baud: 921_600 }
        );
    }

    #[test]
    fn wrong_forms_say_what_to_write() {
        for (text, hint) in [
            ("natve", "native, loopback"),
            ("", "native, loopback"),
            ("serial://", "serial:///dev/ttyACM0"),
            ("serial:///dev/ttyACM0?baud=fast", "baud=N"),
            ("serial:///dev/ttyACM0?baud=0", "300"),
            ("serial:///dev/ttyACM0?speed=9600", "baud=N"),
            ("qemu:", "mps2-an386"),
            ("tcp://", "tcp://HOST:PORT"),
            ("tcp://pi", "tcp://HOST:PORT"),
            ("tcp://pi:x", "tcp://HOST:PORT"),
            ("tcp://:9000", "tcp://HOST:PORT"),
            ("tcp://::1:9000", "tcp://HOST:PORT"),
            ("microbit", "write qemu:microbit"),
            ("pico", "write serial:///dev/ttyACM0?baud=921600 once it is flashed"),
            ("rpi5", "write tcp://raspberrypi.local:9000 once cortex-host serve runs on it"),
            ("/dev/ttyUSB0", "write serial:///dev/ttyUSB0"),
            ("ttyUSB0", "write serial:///dev/ttyUSB0"),
            ("COM3", "write serial://COM3"),
            ("pi.local:9000", "write tcp://pi.local:9000"),
            ("udp://pi:1", "native, loopback"),
        ] {
            let message = text.parse::<DeviceAddress>().unwrap_err().to_string();
            assert!(message.contains(hint), "{text}: {message}");
        }
    }
}
