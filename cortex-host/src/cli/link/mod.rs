//! `cortex-host link decode FILE`: prints what crossed a link, from a trace.

mod describe;

use std::io::Write;
use std::path::PathBuf;

use clap::Subcommand;

use super::{Console, arguments, json};
use crate::base::{ExitCode, Failure};
use crate::device::{Direction, TraceReader, TraceRecord};
use cortex_core::link::frame::{Damage, FrameDecoder, FrameEvent};
use cortex_core::link::{Header, Kind};

/// Longest frame the decoder takes.
const FRAME_BYTES: usize = 1 << 17;

/// Arguments of `link`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  cortex-host run --device loopback --trace link.pcap
  cortex-host link decode link.pcap | less")]
pub struct Args {
    #[command(subcommand)]
    command: LinkCommand,
}

#[derive(Debug, Subcommand)]
enum LinkCommand {
    /// Print the frames of a link trace.
    #[command(after_help = "\
Examples:
  cortex-host run --device loopback --fault ber=1e-4,drop=0.02 --trace link.pcap
  cortex-host link decode link.pcap | less
  cortex-host link decode link.pcap | grep damaged
  cortex-host link decode link.pcap --json

A line is a frame: seconds since the trace began, > to the device or < to the host, kind,
sequence and block number where the kind has them, payload bytes, what it says. The trace
shows what cortex-host sent and received: --fault disturbs the line beyond it, so a frame
lost on the way to the device is seen here, one lost on the way back is not.
docs/wire-format.md explains every message.")]
    Decode {
        /// The trace, as `--trace` wrote it.
        #[arg(value_parser = arguments::path())]
        file: PathBuf,
        /// One JSON object a frame.
        #[arg(long)]
        json: bool,
    },
}

/// One frame, or bytes that are none, for printing.
#[derive(Debug, schemars::JsonSchema, serde::Serialize)]
pub struct Line {
    /// Nanoseconds since the trace began.
    time_ns: u64,
    /// `to_device` or `to_host`.
    direction: &'static str,
    /// Kind of the frame, or `damaged`.
    kind: String,
    /// The session it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<u32>,
    /// Sequence number.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u16>,
    /// Number of the block.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<u32>,
    /// Bytes of the payload.
    payload_bytes: usize,
    /// What it says.
    message: String,
}

/// Runs `link`.
///
/// # Errors
/// [`Failure`] when the file cannot be read or is no trace, or stdout cannot be written.
pub fn execute(args: &Args, _talk: &Console) -> Result<ExitCode, Failure> {
    let LinkCommand::Decode { file, json } = &args.command;
    let mut to_device = FrameDecoder::new(vec![0u8; FRAME_BYTES]);
    let mut to_host = FrameDecoder::new(vec![0u8; FRAME_BYTES]);
    let mut line_bytes = [0usize; 2];
    let mut session = None;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for record in TraceReader::open(file)? {
        let record = record?;
        let [to_device_bytes, to_host_bytes] = &mut line_bytes;
        let (decoder, on_line) = match record.direction {
            Direction::ToDevice => (&mut to_device, to_device_bytes),
            Direction::ToHost => (&mut to_host, to_host_bytes),
        };
        for &byte in &record.bytes {
            *on_line += 1;
            let event = decoder.push(byte);
            let bytes = if byte == 0 { std::mem::take(on_line) } else { *on_line };
            let line = match event {
                FrameEvent::Pending => continue,
                FrameEvent::Damaged(damage) => damaged(&record, damage, bytes),
                FrameEvent::Frame => match decoder.frame() {
                    Some((header, payload)) => decoded(&record, header, payload),
                    None => continue,
                },
            };
            match print(&mut out, &line, *json, &mut session) {
                Ok(()) => {}
                // `| head` is no failure.
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                    return Ok(ExitCode::Success);
                }
                Err(error) => return Err(unwritable(&error)),
            }
        }
    }
    match out.flush() {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(unwritable(&error)),
        _ => Ok(ExitCode::Success),
    }
}

fn unwritable(error: &std::io::Error) -> Failure {
    Failure::input_output(format!("cannot write to stdout: {error}"))
}

/// `session` is the one that was named last: a new one gets a line of its own.
fn print(
    out: &mut impl Write,
    line: &Line,
    as_json: bool,
    session: &mut Option<u32>,
) -> std::io::Result<()> {
    if as_json {
        serde_json::to_writer(&mut *out, &json::Versioned::of(line))?;
        return writeln!(out);
    }
    if let Some(new) = line.session.filter(|_| line.session != *session) {
        *session = Some(new);
        writeln!(out, "session {new:08x}")?;
    }
    let number = |name: &str, value: Option<u32>| {
        value.map_or_else(String::new, |value| format!("{name} {value}"))
    };
    let text = format!(
        "{:>12.6} {} {:<14} {:<9} {:<9} {:>5} B  {}",
        line.time_ns as f64 * 1e-9,
        if line.direction == "to_device" { '>' } else { '<' },
        line.kind,
        number("seq", line.seq.map(u32::from)),
        number("block", line.block),
        line.payload_bytes,
        line.message
    );
    writeln!(out, "{}", text.trim_end())
}

fn direction(record: &TraceRecord) -> &'static str {
    match record.direction {
        Direction::ToDevice => "to_device",
        Direction::ToHost => "to_host",
    }
}

fn damaged(record: &TraceRecord, damage: Damage, bytes: usize) -> Line {
    let what = match damage {
        Damage::Checksum => "the checksum is wrong",
        Damage::Short => "shorter than a frame",
        Damage::Oversize => "longer than a frame",
    };
    Line {
        time_ns: record.time_ns,
        direction: direction(record),
        kind: "damaged".into(),
        session: None,
        seq: None,
        block: None,
        payload_bytes: 0,
        message: format!("{what}; {bytes} bytes on the line"),
    }
}

fn decoded(record: &TraceRecord, header: Header, payload: &[u8]) -> Line {
    let kind = Kind::from_code(header.kind);
    Line {
        time_ns: record.time_ns,
        direction: direction(record),
        kind: kind.map_or_else(|| format!("kind {:#04x}", header.kind), |k| k.name().to_owned()),
        session: Some(header.session),
        seq: kind.is_none_or(is_sequenced).then_some(header.seq),
        block: kind.is_none_or(has_block).then_some(header.block),
        payload_bytes: payload.len(),
        message: kind.map_or_else(String::new, |kind| describe::message(kind, payload)),
    }
}

/// Whether frames of `kind` have a sequence number.
fn is_sequenced(kind: Kind) -> bool {
    use Kind::{Ack, Bye, Error, Hello, HelloAck, Ping, Pong};
    !matches!(kind, Hello | HelloAck | Ack | Ping | Pong | Error | Bye)
}

/// Whether frames of `kind` name a block.
fn has_block(kind: Kind) -> bool {
    use Kind::{Block, BlockMore, Refused, Result, ResultEnd, ResultMore};
    matches!(kind, Block | BlockMore | Result | ResultMore | ResultEnd | Refused)
}
