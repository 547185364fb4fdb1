//! Every frame of the wire format as bytes. The literals were made by
//! tests/oracle/link_bytes.py, which shares no code with the project, and stand in
//! docs/wire-format.md as examples; this test compares all three.

use std::fmt::Debug;

use cortex_core::link::frame::{FrameDecoder, FrameEvent, FrameWriter};
use cortex_core::link::message::{
    ACK_GAP, Ack, Configure, Configured, DeviceInfo, ErrorInfo, FragmentHead, Hello,
    MAX_MESSAGE_BYTES, MAX_SEEDED_BYTES, Ping, Pong, ResultEnd, SCHEMA, SCHEMA_HASH, Seeded,
    SeededResult, TimerId,
};
use cortex_core::link::{Encoding, ErrorCode, Header, HostAction, HostOptions, HostSession, Kind};
use cortex_core::signal::front_end::FrontEndParams;
use cortex_core::signal::{
    EegParams, Effects, GeneratorVersion, LineNoise, PinkNoise, Signal, SourceSpec, SpikeParams,
};

const S: u32 = 0x1122_3344;

fn device_info() -> DeviceInfo {
    DeviceInfo {
        wire_min: 1,
        wire_max: 1,
        schema: 0xC0DE_C0DE,
        board: "mps2-an386".try_into().expect("short"),
        firmware_version: "0.1.0".try_into().expect("short"),
        firmware_commit: "".try_into().expect("short"),
        generator_v1_digest: 0xAABB_CCDD,
        generator_v2_digest: 0,
        generator_v3_digest: 0x00AB_CDEF,
        kernel_digest: 0x0102_0304,
        max_frame: 1044,
        rx_bytes: 8192,
        max_values: 262_144,
        timer: TimerId::PeripheralTimer,
        tick_hz: 25_000_000,
        timer_bits: 32,
        boot_count: 3,
        crash: "kernel/fft.rs".try_into().expect("short"),
        crash_place: 97,
    }
}

fn configure() -> Configure<'static> {
    Configure {
        channels: 8,
        window: 160,
        hop: 80,
        sample_rate_hz: 160.0,
        input: Encoding::F32,
        output: Encoding::I16 { scale_uv: 0.5 },
        kernel: &[1], // KernelSpec::Car
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("hex")).collect()
}

/// Encodes the frame, compares it with `line`, and reads `line` back.
fn same<'a, M>(header: Header, message: &M, raw: &[u8], line: &str, scratch: &'a mut Vec<u8>)
where
    M: serde::Serialize + serde::Deserialize<'a> + PartialEq + Debug,
{
    let kind = Kind::from_code(header.kind).expect("known").name();
    let mut out = [0u8; 256];
    let mut writer = FrameWriter::new(&mut out, header).expect("room");
    writer.write(&postcard::to_stdvec(message).expect("encodes")).expect("room");
    writer.write(raw).expect("room");
    let len = writer.finish().expect("room");
    assert_eq!(out[..len], bytes(line)[..], "{kind}");

    let mut decoder = FrameDecoder::new([0u8; 256]);
    let mut frames = 0;
    for byte in bytes(line) {
        if decoder.push(byte) == FrameEvent::Frame {
            let (read, payload) = decoder.frame().expect("complete");
            assert_eq!(read, header, "{kind}");
            scratch.extend_from_slice(payload);
            frames += 1;
        }
    }
    assert_eq!(frames, 1, "{kind}");
    let (read, rest) = postcard::take_from_bytes::<M>(scratch).expect("decodes");
    assert_eq!(&read, message, "{kind}");
    assert_eq!(rest, raw, "{kind}");

    let document = include_str!("../../../docs/wire-format.md");
    assert!(document.contains(&format!("line    {line}\n")), "docs/wire-format.md: {kind}");
}

#[test]
fn hello_is_these_bytes() {
    // wire 1 to 1, schema 0xC0DEC0DE
    // header  01 44 33 22 11 00 00 00 00 00 00
    // payload 01 01 de 81 fb 86 0c
    // crc     33 bf dc 76
    let line = "06 01 44 33 22 11 01 01 01 01 01 0c 01 01 de 81 fb 86 0c 33 bf dc 76 00";
    same(
        Header::new(Kind::Hello, S, 0, 0),
        &Hello { wire_min: 1, wire_max: 1, schema: 0xC0DE_C0DE },
        &[],
        line,
        &mut Vec::new(),
    );
}

#[test]
fn hello_ack_is_these_bytes() {
    // mps2-an386, firmware 0.1.0, no commit, no v2, peripheral timer at 25 MHz, 32 bits, boot 3, crashed before at kernel/fft.rs:97
    // header  02 44 33 22 11 00 00 00 00 00 00
    // payload 01 01 de 81 fb 86 0c 0a 6d 70 73 32 2d 61 6e 33 38 36 05 30 2e 31 2e 30 00 dd 99 ef d5 0a 00 ef 9b af 05 84 86 88 08 94 08 80 40 80 80 10 02 c0 f0 f5 0b 20 03 0d 6b 65 72 6e 65 6c 2f 66 66 74 2e 72 73 61
    // crc     93 74 a3 16
    let line = "06 02 44 33 22 11 01 01 01 01 01 19 01 01 de 81 fb 86 0c 0a 6d 70 73 32 2d 61 6e 33 38 36 05 30 2e 31 2e 30 06 dd 99 ef d5 0a 2a ef 9b af 05 84 86 88 08 94 08 80 40 80 80 10 02 c0 f0 f5 0b 20 03 0d 6b 65 72 6e 65 6c 2f 66 66 74 2e 72 73 61 93 74 a3 16 00";
    same(Header::new(Kind::HelloAck, S, 0, 0), &device_info(), &[], line, &mut Vec::new());
}

#[test]
fn configure_is_these_bytes() {
    // 8 channels, window 160, hop 80, 160 Hz, input f32, output i16 of 0.5 uV, kernel car
    // header  03 44 33 22 11 00 00 00 00 00 00
    // payload 08 a0 01 50 00 00 00 00 00 00 64 40 00 01 00 00 00 3f 01 01
    // crc     5b c1 a6 06
    let line = "06 03 44 33 22 11 01 01 01 01 01 05 08 a0 01 50 01 01 01 01 01 03 64 40 02 01 01 01 08 3f 01 01 5b c1 a6 06 00";
    same(Header::new(Kind::Configure, S, 0, 0), &configure(), &[], line, &mut Vec::new());
}

#[test]
fn configured_is_these_bytes() {
    // 300 state values, 1280 output values
    // header  04 44 33 22 11 00 00 00 00 00 00
    // payload ac 02 80 0a
    // crc     65 c2 14 fb
    let line = "06 04 44 33 22 11 01 01 01 01 01 09 ac 02 80 0a 65 c2 14 fb 00";
    same(
        Header::new(Kind::Configured, S, 0, 0),
        &Configured { state_values: 300, output_values: 1280 },
        &[],
        line,
        &mut Vec::new(),
    );
}

#[test]
fn block_is_these_bytes() {
    // 3 values in fragments of 8 bytes, the first two here
    // header  05 44 33 22 11 01 00 00 00 00 00
    // payload 03 08 00 00 80 3f 00 00 20 c0
    // crc     cc 16 61 24
    let line = "07 05 44 33 22 11 01 01 01 01 01 03 03 08 01 03 80 3f 01 07 20 c0 cc 16 61 24 00";
    same(
        Header::new(Kind::Block, S, 1, 0),
        &FragmentHead { values: 3, fragment_bytes: 8 },
        &[0, 0, 0x80, 0x3F, 0, 0, 0x20, 0xC0],
        line,
        &mut Vec::new(),
    );
}

#[test]
fn block_more_is_these_bytes() {
    // the third
    // header  06 44 33 22 11 02 00 00 00 00 00
    // payload 00 00 00 00
    // crc     4f a0 08 88
    let line = "07 06 44 33 22 11 02 01 01 01 01 01 01 01 01 05 4f a0 08 88 00";
    same(Header::new(Kind::BlockMore, S, 2, 0), &(), &[0, 0, 0, 0], line, &mut Vec::new());
}

#[test]
fn result_is_these_bytes() {
    // 1 value, as i16; fragments of 8 bytes
    // header  07 44 33 22 11 01 00 00 00 00 00
    // payload 01 08 01 80
    // crc     18 44 c8 98
    let line = "07 07 44 33 22 11 01 01 01 01 01 09 01 08 01 80 18 44 c8 98 00";
    same(
        Header::new(Kind::Result, S, 1, 0),
        &FragmentHead { values: 1, fragment_bytes: 8 },
        &[0x01, 0x80],
        line,
        &mut Vec::new(),
    );
}

#[test]
fn result_more_is_these_bytes() {
    // two i16: one step, not a number
    // header  08 44 33 22 11 02 00 07 00 00 00
    // payload 01 00 00 80
    // crc     66 55 ba 3a
    let line = "07 08 44 33 22 11 02 02 07 01 01 02 01 01 06 80 66 55 ba 3a 00";
    same(
        Header::new(Kind::ResultMore, S, 2, 7),
        &(),
        &[0x01, 0x00, 0x00, 0x80],
        line,
        &mut Vec::new(),
    );
}

#[test]
fn result_end_is_these_bytes() {
    // tin 1000, kernel from 1010 to 1500, first frame 1512, this one 2000, digests, 5 saturated
    // header  09 44 33 22 11 03 00 07 00 00 00
    // payload e8 07 0a ea 03 0c e8 03 ef fd b6 f5 0d 00 05
    // crc     c7 68 b1 5c
    let line = "07 09 44 33 22 11 03 02 07 01 01 0e e8 07 0a ea 03 0c e8 03 ef fd b6 f5 0d 06 05 c7 68 b1 5c 00";
    same(
        Header::new(Kind::ResultEnd, S, 3, 7),
        &ResultEnd {
            input_ticks: 1000,
            start_ticks: 1010,
            end_ticks: 1500,
            transmit_ticks: 1512,
            sent_ticks: 2000,
            input_crc: 0xDEAD_BEEF,
            output_crc: 0,
            saturated: 5,
        },
        &[],
        line,
        &mut Vec::new(),
    );
}

#[test]
fn seeded_is_these_bytes() {
    // v1 pink noise, 100 uV, corner 0.05 Hz, 160 Hz, seed 42, blocks 0 to 99
    // header  0a 44 33 22 11 09 00 00 00 00 00
    // payload 00 01 00 00 00 00 00 00 59 40 9a 99 99 99 99 99 a9 3f 00 00 00 00 00 00 64 40 2a 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 64 dd 99 ef d5 0a
    // crc     0c c6 79 d5
    let line = "07 0a 44 33 22 11 09 01 01 01 01 01 02 01 01 01 01 01 01 0b 59 40 9a 99 99 99 99 99 a9 3f 01 01 01 01 01 04 64 40 2a 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 01 0b 64 dd 99 ef d5 0a 0c c6 79 d5 00";
    same(
        Header::new(Kind::Seeded, S, 9, 0),
        &Seeded {
            source: SourceSpec::new(
                GeneratorVersion::V1,
                Signal::PinkNoise(PinkNoise { amplitude_uv_rms: 100.0, low_corner_hz: 0.05 }),
                160.0,
                42,
            ),
            first: 0,
            count: 100,
            generator_digest: 0xAABB_CCDD,
        },
        &[],
        line,
        &mut Vec::new(),
    );
}

/// A frame for the longest message holds a signal of v3 with every parameter at its longest.
#[test]
fn the_longest_seeded_message_fits() {
    let front_end = FrontEndParams {
        bits: Some(24),
        step_uv: Some(0.1),
        noise_uv_rms: Some(0.1),
        saturation_uv: Some(1e3),
        packet_samples: 65_536,
        ..FrontEndParams::default()
    };
    let front_end = Some(front_end);
    let spikes =
        SpikeParams { columns: 65_536, snr_db: Some(1.0), front_end, ..SpikeParams::default() };
    let eeg =
        EegParams { trial_s: Some(9.0), snr_db: Some(1.0), front_end, ..EegParams::default() };
    let effects = Effects {
        line_noise: Some(LineNoise { frequency_hz: 50.0, amplitude_uv: 1.0 }),
        saturation_level_uv: Some(1.0),
        ..Effects::NONE
    };
    for signal in [spikes.into(), eeg.into()] {
        let source = SourceSpec::new(GeneratorVersion::V3, signal, 8_000.0, u64::MAX);
        let source = SourceSpec { effects, ..source };
        let (first, count, generator_digest) = (u32::MAX, u32::MAX, u32::MAX);
        let seeded = Seeded { source, first, count, generator_digest };
        let length = postcard::to_stdvec(&seeded).expect("encodes").len();
        println!("{length} bytes");
        assert!(length > MAX_MESSAGE_BYTES && length <= MAX_SEEDED_BYTES, "{length}");
    }
}

#[test]
fn seeded_result_is_these_bytes() {
    // blocks 0 to 99, digests, kernel 400 to 500, 45000 in all, generating 1000000
    // header  0b 44 33 22 11 04 00 00 00 00 00
    // payload 00 64 f8 ac d1 91 01 f0 bd f3 d5 09 90 03 f4 03 c8 df 02 c0 84 3d
    // crc     3f 41 88 3b
    let line = "07 0b 44 33 22 11 04 01 01 01 01 01 1a 64 f8 ac d1 91 01 f0 bd f3 d5 09 90 03 f4 03 c8 df 02 c0 84 3d 3f 41 88 3b 00";
    same(
        Header::new(Kind::SeededResult, S, 4, 0),
        &SeededResult {
            first: 0,
            count: 100,
            input_crc: 0x1234_5678,
            output_crc: 0x9ABC_DEF0,
            min_ticks: 400,
            max_ticks: 500,
            sum_ticks: 45_000,
            generate_ticks: 1_000_000,
        },
        &[],
        line,
        &mut Vec::new(),
    );
}

#[test]
fn ack_is_these_bytes() {
    // waits for 4, has 5 and 7, credit 8064, mark 300, heard 299, 1 damaged, 2 blocks run, gap
    // header  0c 44 33 22 11 00 00 00 00 00 00
    // payload 04 05 80 3f ac 02 ab 02 01 02 01
    // crc     34 de 07 25
    let line =
        "06 0c 44 33 22 11 01 01 01 01 01 10 04 05 80 3f ac 02 ab 02 01 02 01 34 de 07 25 00";
    same(
        Header::new(Kind::Ack, S, 0, 0),
        &Ack {
            next: 4,
            received: 0b101,
            credit: 8064,
            mark: 300,
            heard: 299,
            damaged: 1,
            blocks: 2,
            flags: ACK_GAP,
        },
        &[],
        line,
        &mut Vec::new(),
    );
}

#[test]
fn ping_is_these_bytes() {
    // token 513
    // header  0d 44 33 22 11 00 00 00 00 00 00
    // payload 81 04
    // crc     a2 6f 53 1f
    let line = "06 0d 44 33 22 11 01 01 01 01 01 07 81 04 a2 6f 53 1f 00";
    same(Header::new(Kind::Ping, S, 0, 0), &Ping { token: 513 }, &[], line, &mut Vec::new());
}

#[test]
fn pong_is_these_bytes() {
    // token 513, 2 overruns
    // header  0e 44 33 22 11 00 00 00 00 00 00
    // payload 81 04 80 80 80 80 80 20 fa 81 80 80 80 20 02 00
    // crc     f6 74 4b ca
    let line = "06 0e 44 33 22 11 01 01 01 01 01 10 81 04 80 80 80 80 80 20 fa 81 80 80 80 20 02 05 f6 74 4b ca 00";
    same(
        Header::new(Kind::Pong, S, 0, 0),
        &Pong {
            token: 513,
            received_ticks: 1 << 40,
            sent_ticks: (1 << 40) + 250,
            overruns: 2,
            ring_overflows: 0,
        },
        &[],
        line,
        &mut Vec::new(),
    );
}

#[test]
fn error_is_these_bytes() {
    // unknown kind 0xEE in frame 300
    // header  0f 44 33 22 11 00 00 00 00 00 00
    // payload 00 ac 02 ee 01 00 00
    // crc     d3 54 78 9f
    let line = "06 0f 44 33 22 11 01 01 01 01 01 01 05 ac 02 ee 01 01 05 d3 54 78 9f 00";
    same(
        Header::new(Kind::Error, S, 0, 0),
        &ErrorInfo { seq: 300, ..ErrorInfo::new(ErrorCode::UnknownKind, 0xEE, 0) },
        &[],
        line,
        &mut Vec::new(),
    );
}

#[test]
fn refused_is_these_bytes() {
    // too large: 9000 values needed, 2048 there
    // header  10 44 33 22 11 05 00 07 00 00 00
    // payload 08 06 a8 46 80 10 0d 6e 65 65 64 65 64 2c 20 74 68 65 72 65
    // crc     22 c3 46 bf
    let line = "07 10 44 33 22 11 05 02 07 01 01 19 08 06 a8 46 80 10 0d 6e 65 65 64 65 64 2c 20 74 68 65 72 65 22 c3 46 bf 00";
    same(
        Header::new(Kind::Refused, S, 5, 7),
        &ErrorInfo { seq: 6, ..ErrorInfo::new(ErrorCode::TooLarge, 9000, 2048) }
            .with_text("needed, there"),
        &[],
        line,
        &mut Vec::new(),
    );
}

#[test]
fn bye_is_these_bytes() {
    // no payload
    // header  11 44 33 22 11 00 00 00 00 00 00
    // payload (nothing)
    // crc     7b 03 e8 fe
    let line = "06 11 44 33 22 11 01 01 01 01 01 05 7b 03 e8 fe 00";
    same(Header::new(Kind::Bye, S, 0, 0), &(), &[], line, &mut Vec::new());
}

#[test]
fn a_host_begins_with_a_zero_and_hello() {
    let mut host: HostSession<Vec<f32>, Vec<u8>> = HostSession::new(
        S,
        HostOptions::default(),
        vec![0; 300],
        vec![0; 300],
        Vec::new(),
        Vec::new(),
    );
    let HostAction::Transmit(sent) = host.poll(0) else { panic!("nothing to send") };
    let mut expected = [0u8; 64];
    let header = Header::new(Kind::Hello, S, 0, 0);
    let mut writer = FrameWriter::new(&mut expected[1..], header).expect("room");
    let hello = Hello { wire_min: 1, wire_max: 1, schema: SCHEMA_HASH };
    writer.write(&postcard::to_stdvec(&hello).expect("encodes")).expect("room");
    let len = 1 + writer.finish().expect("room");
    assert_eq!(sent, &expected[..len]);
}

#[test]
fn the_document_carries_the_schema_in_force() {
    let document = include_str!("../../../docs/wire-format.md");
    assert!(document.contains(&format!("`0x{SCHEMA_HASH:08X}`")), "0x{SCHEMA_HASH:08X}");
    for part in SCHEMA.split(';') {
        let name = part.split_whitespace().next().unwrap_or_default();
        assert!(document.contains(name.split('=').next().unwrap_or_default()), "{name}");
    }
}

#[test]
fn every_kind_has_its_code_and_name_in_the_document() {
    let document = include_str!("../../../docs/wire-format.md");
    for kind in Kind::ALL {
        let row = format!("| {:#04X} | {} |", kind as u8, kind.name()).replace("0X", "0x");
        assert!(document.contains(&row), "{row}");
        assert_eq!(Kind::from_code(kind as u8), Some(kind));
    }
    assert_eq!((Kind::from_code(0), Kind::from_code(0x12)), (None, None));
}

#[test]
fn samples_round_to_even_saturate_and_keep_not_a_number() {
    let quantise = |x| Encoding::quantise(0.5, x);
    assert_eq!(quantise(0.25), (0, false)); // half a step: to even
    assert_eq!(quantise(0.75), (2, false));
    assert_eq!(quantise(-0.25), (0, false));
    assert_eq!(quantise(16_383.5), (32_767, false));
    assert_eq!(quantise(16_384.0), (32_767, true));
    assert_eq!(quantise(-1e30), (-32_767, true));
    assert_eq!(quantise(f32::INFINITY), (32_767, true));
    assert_eq!(quantise(f32::NAN), (i16::MIN, false));
    assert!(Encoding::dequantise(0.5, i16::MIN).is_nan());
    assert_eq!(Encoding::dequantise(0.5, -3), -1.5);
    // Every step comes back as itself: sending again what was received loses nothing.
    for step in -32_767..=32_767 {
        assert_eq!(Encoding::quantise(0.1, Encoding::dequantise(0.1, step)), (step, false));
    }
}
