//! Messages of the link in words, for `link decode`.

use cortex_core::kernel::KernelSpec;
use cortex_core::link::message::{
    ACK_BUSY, ACK_GAP, ACK_OPEN, ACK_POLL, Ack, Configure, Configured, DeviceInfo, ErrorInfo,
    FragmentHead, Hello, Ping, Pong, ResultEnd, Seeded, SeededResult,
};
use cortex_core::link::{Encoding, Kind};
use serde::Deserialize;

/// The payload of a frame of `kind` in words; says so when it cannot be read.
pub(super) fn message(kind: Kind, payload: &[u8]) -> String {
    let words = match kind {
        Kind::Hello => read(payload, hello),
        Kind::HelloAck => read(payload, device),
        Kind::Configure => read(payload, configure),
        Kind::Configured => read(payload, |configured: Configured| {
            format!(
                "{} values of state, at most {} of output",
                configured.state_values, configured.output_values
            )
        }),
        Kind::Block | Kind::Result => postcard::take_from_bytes::<FragmentHead>(payload)
            .map(|(head, samples)| format!("{} values, {} bytes here", head.values, samples.len())),
        Kind::BlockMore | Kind::ResultMore => Ok(format!("{} bytes", payload.len())),
        Kind::ResultEnd => read(payload, result_end),
        Kind::Seeded => read(payload, |seeded: Seeded| {
            format!(
                "blocks {} to {}, generator {:08x}, {:?}",
                seeded.first,
                u64::from(seeded.first) + u64::from(seeded.count).saturating_sub(1),
                seeded.generator_digest,
                seeded.source
            )
        }),
        Kind::SeededResult => read(payload, |result: SeededResult| {
            format!(
                "{} blocks from {}: input {:08x}, output {:08x}; kernel ticks {} to {}, {} in all; {} generating",
                result.count,
                result.first,
                result.input_crc,
                result.output_crc,
                result.min_ticks,
                result.max_ticks,
                result.sum_ticks,
                result.generate_ticks
            )
        }),
        Kind::Ack => read(payload, ack),
        Kind::Ping => read(payload, |ping: Ping| format!("token {}", ping.token)),
        Kind::Pong => read(payload, |pong: Pong| {
            let answered = pong.sent_ticks.saturating_sub(pong.received_ticks);
            format!("token {}, received at tick {}, +{answered}", pong.token, pong.received_ticks)
        }),
        Kind::Error | Kind::Refused => read(payload, error),
        Kind::Bye => Ok(String::new()),
    };
    words.unwrap_or_else(|error| format!("unreadable: {error}"))
}

fn read<'a, M: Deserialize<'a>>(
    payload: &'a [u8],
    words: impl FnOnce(M) -> String,
) -> postcard::Result<String> {
    postcard::from_bytes(payload).map(words)
}

fn hello(hello: Hello) -> String {
    format!("wire {} to {}, schema {:08x}", hello.wire_min, hello.wire_max, hello.schema)
}

fn device(info: DeviceInfo) -> String {
    let commit = match info.firmware_commit.as_str() {
        "" => String::new(),
        commit => format!(" ({commit})"),
    };
    format!(
        "{}, firmware {}{commit}, wire {} to {}, schema {:08x}, frames of {} bytes, credit {}, {} values, \
         {} at {} Hz ({} bits), boot {}, digests: v1 {:08x}, v2 {:08x}, v3 {:08x}, kernels {:08x}",
        info.board,
        info.firmware_version,
        info.wire_min,
        info.wire_max,
        info.schema,
        info.max_frame,
        info.rx_bytes,
        info.max_values,
        info.timer.name(),
        info.tick_hz,
        info.timer_bits,
        info.boot_count,
        info.generator_v1_digest,
        info.generator_v2_digest,
        info.generator_v3_digest,
        info.kernel_digest
    )
}

fn configure(configure: Configure<'_>) -> String {
    let kernel = match postcard::from_bytes::<KernelSpec>(configure.kernel) {
        Ok(kernel) => format!("{kernel:?}"),
        Err(_) => format!("of another program, {} bytes", configure.kernel.len()),
    };
    format!(
        "{} channels, window {}, hop {}, {} Hz, input {}, output {}, kernel {kernel}",
        configure.channels,
        configure.window,
        configure.hop,
        configure.sample_rate_hz,
        encoding(configure.input),
        encoding(configure.output)
    )
}

fn encoding(encoding: Encoding) -> String {
    match encoding {
        Encoding::F32 => "f32".to_owned(),
        Encoding::I16 { scale_uv } => format!("i16 x {scale_uv} uV"),
        Encoding::DigestOnly => "digest".to_owned(),
        Encoding::Q15 => "q15".to_owned(),
    }
}

/// Stamps after the first are given as what went by since the one before.
fn result_end(end: ResultEnd) -> String {
    format!(
        "input complete at tick {}, start +{}, kernel +{}, first byte +{}, last +{}; input {:08x}, output {:08x}{}",
        end.input_ticks,
        end.start_ticks.saturating_sub(end.input_ticks),
        end.end_ticks.saturating_sub(end.start_ticks),
        end.transmit_ticks.saturating_sub(end.end_ticks),
        end.sent_ticks.saturating_sub(end.transmit_ticks),
        end.input_crc,
        end.output_crc,
        match end.saturated {
            0 => String::new(),
            saturated => format!(", {saturated} saturated"),
        }
    )
}

fn ack(ack: Ack) -> String {
    let mut words = format!("waits for {}", ack.next);
    let kept = (0..32u16).filter(|bit| ack.received >> bit & 1 == 1);
    let kept: Vec<String> =
        kept.map(|bit| ack.next.wrapping_add(1).wrapping_add(bit).to_string()).collect();
    if !kept.is_empty() {
        words.push_str(&format!(", has {}", kept.join(" ")));
    }
    if ack.credit > 0 {
        words.push_str(&format!(", credit {}", ack.credit));
    }
    if ack.damaged > 0 {
        words.push_str(&format!(", {} bad frames so far", ack.damaged));
    }
    for (flag, word) in [
        (ACK_GAP, "gap"),
        (ACK_BUSY, "busy"),
        (ACK_OPEN, "frames open"),
        (ACK_POLL, "poll: answer this"),
    ] {
        if ack.flags & flag != 0 {
            words.push_str(&format!(", {word}"));
        }
    }
    if ack.blocks > 0 {
        words.push_str(&format!(", {} blocks run", ack.blocks));
    }
    words.push_str(&format!(" [mark {}, heard {}]", ack.mark, ack.heard));
    words
}

fn error(error: ErrorInfo) -> String {
    let mut words =
        format!("{} [{}, {}] in frame {}", error.code.describe(), error.a, error.b, error.seq);
    if !error.text.is_empty() {
        words.push_str(&format!(": {}", error.text));
    }
    words
}
