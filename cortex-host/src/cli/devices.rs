//! `cortex-host devices`: serial ports and emulated boards, and what HELLO says.

use serde_json::{Value, json};

use super::{Talk, answer};
use crate::device::board::{BoardSpec, boards};
use crate::device::{Connection, Link, LinkError, QemuLink, SerialLink};
use crate::exit::{ExitCode, Failure, one_line};
use crate::plan::DEFAULT_BAUD;
use cortex_core::link::message::DeviceInfo;

/// Arguments of `devices`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host devices
  cortex-host devices --hello --json")]
pub struct Args {
    /// Say HELLO to every port and start every emulated board. Other instruments on a port
    /// receive bytes they do not know.
    #[arg(long)]
    hello: bool,
    /// Line speed for --hello on serial ports.
    #[arg(long, default_value_t = DEFAULT_BAUD)]
    baud: u32,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

/// One device and what is known about it.
struct Found {
    /// As a configuration spells it.
    device: String,
    /// What it is, in one line.
    summary: String,
    /// What HELLO says, or why nothing came, when it was asked.
    hello: Option<Result<DeviceInfo, String>>,
}

/// Prints the devices on stdout.
///
/// # Errors
/// [`Failure`] when the system cannot list its ports or stdout cannot be written.
pub fn execute(args: &Args, talk: &Talk) -> Result<ExitCode, Failure> {
    let mut found = serial_ports(args)?;
    for board in boards() {
        if board.emulator.is_some() {
            if args.hello {
                talk.say(&format!("starting {}", board.name));
            }
            found.push(emulated(args, &board));
        }
    }
    let text = if args.json { as_json(&found) } else { as_text(&found) };
    answer::print(text.trim_end())?;
    Ok(ExitCode::Success)
}

fn serial_ports(args: &Args) -> Result<Vec<Found>, Failure> {
    let ports = serialport::available_ports().map_err(|error| {
        Failure::new(ExitCode::Device, format!("cannot list serial ports: {error}"))
    })?;
    let found = ports.into_iter().map(|port| {
        let summary = match &port.port_type {
            serialport::SerialPortType::UsbPort(usb) => format!(
                "USB {:04x}:{:04x} {}",
                usb.vid,
                usb.pid,
                usb.product.as_deref().unwrap_or("serial port")
            ),
            _ => "serial port".to_owned(),
        };
        let hello = args.hello.then(|| {
            SerialLink::open(&port.port_name, args.baud)
                .and_then(|link| hello(Box::new(link), args.baud))
                .map_err(|error| error.to_string())
        });
        let device = format!("serial://{}?baud={}", port.port_name, args.baud);
        Found { device, summary, hello }
    });
    Ok(found.collect())
}

fn emulated(args: &Args, board: &BoardSpec) -> Found {
    let hello = args.hello.then(|| {
        QemuLink::start(&board.name, None).map_err(|error| error.to_string()).and_then(|link| {
            hello(Box::new(link), QemuLink::BAUD).map_err(|error| error.to_string())
        })
    });
    let summary = format!("{}: {}", board.core, board.description);
    Found { device: format!("qemu:{}", board.name), summary, hello }
}

fn hello(link: Box<dyn Link>, baud: u32) -> Result<DeviceInfo, LinkError> {
    let connection = Connection::open(link, Some(baud), None)?;
    let info = connection.info().clone();
    connection.close()?;
    Ok(info)
}

fn as_text(found: &[Found]) -> String {
    let width = found.iter().map(|one| one.device.len()).max().unwrap_or(0);
    let mut text = String::new();
    for one in found {
        text.push_str(&format!("{:width$}  {}\n", one.device, one.summary));
        match &one.hello {
            Some(Ok(info)) => text.push_str(&format!("{:width$}  {}\n", "", line(info))),
            Some(Err(why)) => text.push_str(&format!("{:width$}  no answer: {why}\n", "")),
            None => {}
        }
    }
    text
}

fn line(info: &DeviceInfo) -> String {
    let line = format!(
        "firmware {} {}, wire {} to {}, frames of {} bytes, {} values, {} at {} Hz, boot {}",
        info.firmware_version,
        info.firmware_commit,
        info.wire_min,
        info.wire_max,
        info.max_frame,
        info.max_values,
        info.timer.name(),
        info.tick_hz,
        info.boot_count
    );
    one_line(line)
}

fn as_json(found: &[Found]) -> String {
    let devices: Vec<Value> = found
        .iter()
        .map(|one| {
            let hello = one.hello.as_ref().map(|answer| match answer {
                Ok(info) => json!(info),
                Err(why) => json!({ "error": why }),
            });
            json!({ "device": one.device, "summary": one.summary, "hello": hello })
        })
        .collect();
    format!("{:#}", json!({ "devices": devices }))
}
