//! `cortex-host link decode FILE`: prints what crossed a link, from a trace.

use std::io::Write;
use std::path::PathBuf;

use clap::Subcommand;

use super::Talk;
use crate::device::{Direction, TraceReader, TraceRecord};
use crate::exit::{ExitCode, Failure};
use cortex_core::link::frame::{Damage, FrameDecoder, FrameEvent};
use cortex_core::link::message::{
    Ack, Configure, Configured, DeviceInfo, ErrorInfo, FragmentHead, Hello, Ping, Pong, ResultEnd,
    Seeded, SeededResult,
};
use cortex_core::link::{Header, Kind};

/// Longest frame the decoder takes.
const FRAME_BYTES: usize = 1 << 17;

/// Arguments of `link`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  cortex-host link decode trace.bin")]
pub struct Args {
    #[command(subcommand)]
    command: LinkCommand,
}

#[derive(Debug, Subcommand)]
enum LinkCommand {
    /// Print the frames of a link trace.
    #[command(after_help = "\
Examples:
  cortex-host link decode trace.bin | head
  cortex-host link decode trace.bin --json")]
    Decode {
        /// The trace, as `--trace` wrote it.
        file: PathBuf,
        /// One JSON object a frame.
        #[arg(long)]
        json: bool,
    },
}

/// One frame, or bytes that are none, for printing.
#[derive(Debug, serde::Serialize)]
struct Line {
    time_ns: u64,
    direction: &'static str,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<u32>,
    payload_bytes: usize,
    message: String,
}

/// Runs `link`.
///
/// # Errors
/// [`Failure`] when the file cannot be read or is no trace, or stdout cannot be written.
pub fn execute(args: &Args, _talk: &Talk) -> Result<ExitCode, Failure> {
    let LinkCommand::Decode { file, json } = &args.command;
    let mut to_device = FrameDecoder::new(vec![0u8; FRAME_BYTES]);
    let mut to_host = FrameDecoder::new(vec![0u8; FRAME_BYTES]);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for record in TraceReader::open(file)? {
        let record = record?;
        let decoder = match record.direction {
            Direction::ToDevice => &mut to_device,
            Direction::ToHost => &mut to_host,
        };
        for &byte in &record.bytes {
            let line = match decoder.push(byte) {
                FrameEvent::Pending => continue,
                FrameEvent::Damaged(damage) => damaged(&record, damage),
                FrameEvent::Frame => match decoder.frame() {
                    Some((header, payload)) => decoded(&record, header, payload),
                    None => continue,
                },
            };
            match print(&mut out, &line, *json) {
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

fn print(out: &mut impl Write, line: &Line, json: bool) -> std::io::Result<()> {
    if json {
        serde_json::to_writer(&mut *out, line)?;
        return writeln!(out);
    }
    let number = |value: Option<u32>| value.map_or_else(|| "-".to_owned(), |v| v.to_string());
    writeln!(
        out,
        "{:>14.6} {:<9} {:<13} session {} seq {} block {} payload {} {}",
        line.time_ns as f64 * 1e-9,
        line.direction,
        line.kind,
        line.session.map_or_else(|| "-".to_owned(), |session| format!("{session:08x}")),
        number(line.seq.map(u32::from)),
        number(line.block),
        line.payload_bytes,
        line.message
    )
}

fn direction(record: &TraceRecord) -> &'static str {
    match record.direction {
        Direction::ToDevice => "to_device",
        Direction::ToHost => "to_host",
    }
}

fn damaged(record: &TraceRecord, damage: Damage) -> Line {
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
        message: what.into(),
    }
}

fn decoded(record: &TraceRecord, header: Header, payload: &[u8]) -> Line {
    let kind = Kind::from_code(header.kind);
    Line {
        time_ns: record.time_ns,
        direction: direction(record),
        kind: kind.map_or_else(|| format!("kind {:#04x}", header.kind), |k| k.name().to_owned()),
        session: Some(header.session),
        seq: Some(header.seq),
        block: Some(header.block),
        payload_bytes: payload.len(),
        message: kind.map_or_else(String::new, |kind| describe(kind, payload)),
    }
}

/// The message in words; says so when it cannot be read.
fn describe(kind: Kind, payload: &[u8]) -> String {
    fn read<'a, M: serde::Deserialize<'a> + std::fmt::Debug>(payload: &'a [u8]) -> String {
        postcard::from_bytes::<M>(payload)
            .map_or_else(|error| format!("unreadable: {error}"), |message| format!("{message:?}"))
    }
    match kind {
        Kind::Hello => read::<Hello>(payload),
        Kind::HelloAck => read::<DeviceInfo>(payload),
        Kind::Configure => read::<Configure<'_>>(payload),
        Kind::Configured => read::<Configured>(payload),
        Kind::Block | Kind::Result => match postcard::take_from_bytes::<FragmentHead>(payload) {
            Ok((head, samples)) => {
                format!("{} values, {} sample bytes here", head.values, samples.len())
            }
            Err(error) => format!("unreadable: {error}"),
        },
        Kind::BlockMore | Kind::ResultMore => format!("{} sample bytes", payload.len()),
        Kind::ResultEnd => read::<ResultEnd>(payload),
        Kind::Seeded => read::<Seeded>(payload),
        Kind::SeededResult => read::<SeededResult>(payload),
        Kind::Ack => read::<Ack>(payload),
        Kind::Ping => read::<Ping>(payload),
        Kind::Pong => read::<Pong>(payload),
        Kind::Error | Kind::Refused => read::<ErrorInfo>(payload),
        Kind::Bye => String::new(),
    }
}
