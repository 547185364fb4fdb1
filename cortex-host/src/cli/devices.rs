//! `cortex-host devices`: serial ports, emulated boards and what HELLO says; boards to flash.

use serde_json::Value;

use super::{Console, json, output};
use crate::base::table::Columns;
use crate::base::{ExitCode, Failure, one_line};
use crate::device::board::{BoardSpec, HardwareSpec, LinuxSpec, board, boards};
use crate::device::{DEFAULT_BAUD, DeviceAddress};
use crate::device::{OpenOptions, open};
use cortex_core::link::message::DeviceInfo;

/// Arguments of `devices`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host devices
  cortex-host devices --hello --json
  cortex-host devices 'serial:///dev/ttyACM0?baud=921600'

Exit code 4: a device that was named does not answer.")]
pub struct Args {
    /// Say HELLO to these only: serial://PATH?baud=N, tcp://HOST:PORT, qemu:BOARD or loopback.
    #[arg(value_name = "DEVICE")]
    named: Vec<String>,
    /// Say HELLO to every port and start every emulated board. Other instruments on a port
    /// receive bytes they do not know.
    #[arg(long, conflicts_with = "named")]
    hello: bool,
    /// Line speed for --hello on serial ports.
    #[arg(long, default_value_t = DEFAULT_BAUD)]
    baud: u32,
    /// Print JSON for scripts.
    #[arg(long)]
    json: bool,
}

/// One device and what is known about it.
struct ListedDevice {
    /// As a configuration spells it.
    device: DeviceAddress,
    /// What it is, in one line.
    summary: String,
    /// What HELLO says, or why nothing came, when it was asked.
    hello: Option<Result<DeviceInfo, Failure>>,
}

impl ListedDevice {
    fn ask(&mut self, console: &Console) {
        console.say(&format!("asking {}", self.device));
        self.hello = Some(hello(&self.device));
    }
}

/// Prints the devices on stdout.
///
/// # Errors
/// [`Failure`] when a name is no device, the system cannot list its ports or stdout cannot be
/// written.
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    if !args.named.is_empty() {
        return ask_named(args, console);
    }
    let mut found = serial_ports(args.baud)?;
    let no_port = found.is_empty();
    found.extend(boards().iter().filter(|board| board.emulator.is_some()).map(emulated));
    if args.hello {
        for one in &mut found {
            one.ask(console);
        }
    }
    let real: Vec<BoardSpec> = boards().into_iter().filter(|b| b.hardware.is_some()).collect();
    let linux: Vec<BoardSpec> = boards().into_iter().filter(|b| b.linux.is_some()).collect();
    if args.json {
        let all: Vec<BoardSpec> = real.into_iter().chain(linux).collect();
        print_json(&found, &all)?;
        return Ok(ExitCode::Success);
    }
    let mut text = as_text(&found);
    if no_port {
        text.insert_str(0, "no serial port was found\n");
    }
    text.push_str(&to_flash(&real));
    text.push_str(&to_serve(&linux));
    output::print(text.trim_end())?;
    Ok(ExitCode::Success)
}

/// Asks the devices named on the command line and no others.
fn ask_named(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let mut found = Vec::new();
    for name in &args.named {
        let device: DeviceAddress =
            name.parse().map_err(|error| Failure::usage(format!("{error}")))?;
        let summary = match &device {
            DeviceAddress::Native => "this machine, in this process".to_owned(),
            DeviceAddress::Loopback => "the device protocol in this process".to_owned(),
            DeviceAddress::Serial { .. } => "serial port".to_owned(),
            DeviceAddress::Tcp { .. } => "cortex-host serve".to_owned(),
            DeviceAddress::Qemu { board: name } => {
                board(name).map_or(String::new(), |b| b.summary())
            }
        };
        found.push(ListedDevice { device, summary, hello: None });
    }
    let mut code = ExitCode::Success;
    for one in &mut found {
        one.ask(console);
        if let Some(Err(failure)) = &one.hello {
            console.error(&failure.to_string());
            code = failure.code();
        }
    }
    if args.json {
        print_json(&found, &[])?;
        return Ok(code);
    }
    found.retain(|one| matches!(one.hello, Some(Ok(_))));
    if !found.is_empty() {
        output::print(as_text(&found).trim_end())?;
    }
    Ok(code)
}

fn serial_ports(baud: u32) -> Result<Vec<ListedDevice>, Failure> {
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
        ListedDevice {
            device: DeviceAddress::Serial { path: port.port_name, baud },
            summary,
            hello: None,
        }
    });
    Ok(found.collect())
}

fn emulated(board: &BoardSpec) -> ListedDevice {
    let device = DeviceAddress::Qemu { board: board.name.clone() };
    ListedDevice { device, summary: board.summary(), hello: None }
}

fn hello(device: &DeviceAddress) -> Result<DeviceInfo, Failure> {
    let connection = open(device, &OpenOptions::default())?;
    let info = connection.info().clone();
    // It has answered; how it takes the good-bye changes nothing.
    let _ = connection.close();
    Ok(info)
}

fn as_text(found: &[ListedDevice]) -> String {
    let mut rows = Vec::new();
    for one in found {
        rows.push(vec![one.device.to_string(), one.summary.clone()]);
        match &one.hello {
            Some(Ok(info)) => rows.push(vec![String::new(), line(info)]),
            Some(Err(why)) => rows.push(vec![String::new(), format!("no answer: {why}")]),
            None => {}
        }
    }
    lines(&rows)
}

fn lines(rows: &[Vec<String>]) -> String {
    let columns = Columns::of(rows.iter(), |_| true);
    rows.iter().map(|row| columns.line(row, "  ") + "\n").collect()
}

fn line(info: &DeviceInfo) -> String {
    let commit = match info.firmware_commit.as_str() {
        "" => String::new(),
        commit => format!(" ({commit})"),
    };
    let line = format!(
        "firmware {}{commit}, wire {} to {}, frames of {} bytes, {} bytes for state, input and output, \
         {} at {} Hz, boot {}",
        info.firmware_version,
        info.wire_min,
        info.wire_max,
        info.max_frame,
        u64::from(info.max_values) * 4,
        info.timer.name(),
        info.tick_hz,
        info.boot_count
    );
    one_line(line)
}

/// How each real board gets our firmware, and its device afterwards.
fn to_flash(real: &[BoardSpec]) -> String {
    let mut rows = Vec::new();
    for board in real {
        let Some(hardware) = &board.hardware else { continue };
        let flash = &hardware.flash;
        rows.push(vec![board.name.clone(), board.summary()]);
        for line in [
            format!("  flash:  cd {} && {}", flash.folder, flash.command),
            format!("  needs:  {}; rustup target add {}", flash.needs, board.target),
            format!("  device: {}", hardware.device()),
        ] {
            rows.push(vec![String::new(), line]);
        }
        if flash.uf2_family.is_some() {
            let line = format!("  or:     cortex-host firmware {}, for BOOTSEL", board.name);
            rows.push(vec![String::new(), line]);
        }
    }
    format!("\nboards to flash from a checkout:\n{}", lines(&rows))
}

/// What makes each Linux board a device.
fn to_serve(boards: &[BoardSpec]) -> String {
    let mut rows = Vec::new();
    for board in boards {
        let Some(linux) = &board.linux else { continue };
        rows.push(vec![board.name.clone(), board.summary()]);
        for line in [
            format!("  build:  {}", linux.build),
            format!("  serve:  {}", linux.serve),
            format!("  device: {}", linux.device),
        ] {
            rows.push(vec![String::new(), line]);
        }
    }
    format!("\nLinux boards:\n{}", lines(&rows))
}

/// What `devices` found.
#[derive(schemars::JsonSchema, serde::Serialize)]
pub struct DeviceList {
    /// What can be reached.
    devices: Vec<DeviceAnswer>,
    /// Boards to flash, or to serve.
    boards: Vec<BoardToFlash>,
}

/// A device that can be reached.
#[derive(schemars::JsonSchema, serde::Serialize)]
struct DeviceAnswer {
    /// As a configuration spells it.
    device: String,
    /// What it is, in one line.
    summary: String,
    /// What HELLO says (docs/wire-format.md), or `error` and why nothing came; null when it was
    /// not asked.
    hello: Option<Value>,
}

/// A board that has to be flashed first.
#[derive(schemars::JsonSchema, serde::Serialize)]
struct BoardToFlash {
    /// Its name.
    name: String,
    /// What it is, in one line.
    summary: String,
    /// Its processor core.
    core: String,
    /// Its Rust target.
    target: String,
    /// How to flash and reach it.
    hardware: Option<HardwareSpec>,
    /// How to make it a device, when it runs Linux.
    linux: Option<LinuxSpec>,
}

fn print_json(found: &[ListedDevice], real: &[BoardSpec]) -> Result<(), Failure> {
    let devices = found.iter().map(|one| DeviceAnswer {
        device: one.device.to_string(),
        summary: one.summary.clone(),
        hello: one.hello.as_ref().map(|answer| match answer {
            Ok(info) => serde_json::json!(info),
            Err(why) => serde_json::json!({ "error": why.to_string() }),
        }),
    });
    let boards = real.iter().map(|board| BoardToFlash {
        name: board.name.clone(),
        summary: board.summary(),
        core: board.core.clone(),
        target: board.target.clone(),
        hardware: board.hardware.clone(),
        linux: board.linux.clone(),
    });
    json::print(DeviceList { devices: devices.collect(), boards: boards.collect() })
}
