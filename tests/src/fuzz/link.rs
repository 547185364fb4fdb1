//! The link: frames, and the device's session.

use std::cell::RefCell;

use cortex_core::kernel::{AnyForm, KernelName, KernelSpec};
use cortex_core::link::device::{min_ring_bytes, transmit_buffer_bytes};
use cortex_core::link::frame::{FrameDecoder, FrameEvent, FrameWriter, wire_len};
use cortex_core::link::message::{
    Ack, Configure, Configured, DeviceInfo, ErrorInfo, FragmentHead, Hello, Ping, Pong, ResultEnd,
    SCHEMA_HASH, Seeded, SeededResult, TimerId,
};
use cortex_core::link::{
    Action, DeviceIdentity, DeviceSession, Encoding, Engine, Header, HostAction, HostEvent,
    HostOptions, HostSession, KernelEngine, Kind,
};
use cortex_core::signal::Lanes;
use serde::Serialize;

use super::script::Script;

/// Longest frame of the sessions here, in bytes.
pub const MAX_FRAME: usize = 276;

/// The standard kernels and generators in little memory.
pub type FuzzEngine = KernelEngine<AnyForm, Vec<f32>, Vec<Option<Lanes<1>>>>;
/// A device with that engine.
pub type Device<'a> = DeviceSession<&'a mut FuzzEngine, Vec<u8>>;

/// An engine that has not been configured.
#[must_use]
pub fn engine() -> FuzzEngine {
    KernelEngine::standard(vec![0.0; 2048], vec![None, None])
}

/// A device that has just started.
///
/// # Panics
/// The buffers are too short.
#[must_use]
pub fn device(engine: &mut FuzzEngine) -> Device<'_> {
    let identity = DeviceIdentity {
        board: "fuzzed",
        firmware_version: "0",
        firmware_commit: "",
        timer: TimerId::Simulated,
        tick_hz: 1,
        timer_bits: 64,
        boot_count: 1,
        rx_ring_bytes: min_ring_bytes(MAX_FRAME),
    };
    let tx = vec![0; transmit_buffer_bytes(MAX_FRAME)];
    DeviceSession::new(&identity, engine, vec![0; MAX_FRAME], tx).expect("buffers fit")
}

/// A device for one input. Its engine is made once a thread, because its digests take a
/// thousand times longer than an input, and blanked.
pub(super) fn with_device(input: impl FnOnce(Device<'_>)) {
    thread_local!(static ENGINE: RefCell<FuzzEngine> = RefCell::new(engine()));
    ENGINE.with_borrow_mut(|engine| {
        let noop =
            postcard::to_stdvec(&KernelSpec::with_defaults(KernelName::Noop)).expect("encodes");
        let blank = Configure { window: 1024, ..configure(1, &noop) };
        engine.configure(&blank).expect("room");
        engine.input().fill(0.0);
        input(device(engine));
    });
}

/// The bytes on the line of one frame.
///
/// # Panics
/// The frame does not fit into the room computed for it.
#[must_use]
pub fn encode_frame(header: Header, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; wire_len(11 + payload.len() + 4)];
    let mut writer = FrameWriter::new(&mut out, header).expect("room");
    writer.write(payload).expect("room");
    let len = writer.finish().expect("room");
    out.truncate(len);
    out
}

/// Whatever decodes as a frame encodes to the bytes it came in, and its message, if it is one,
/// to a message of the same meaning that is no longer.
pub fn frames(input: &[u8]) {
    let mut decoder = FrameDecoder::new(vec![0; MAX_FRAME]);
    let mut line = Vec::new();
    for &byte in input {
        line.push(byte);
        let event = decoder.push(byte);
        assert_eq!(event == FrameEvent::Frame, decoder.frame().is_some());
        if let (FrameEvent::Frame, Some((header, payload))) = (event, decoder.frame()) {
            let encoded = encode_frame(header, payload);
            // A last group of 254 bytes may or may not be followed by an empty one.
            let shorter = encoded.strip_suffix(&[1, 0]).map(|front| [front, &[0]].concat());
            assert!(line == encoded || shorter.as_ref() == Some(&line), "{line:?}, {encoded:?}");
            message_round_trips(header, payload);
        }
        if byte == 0 {
            line.clear();
        }
    }
}

/// Checks one payload as a message of the type, if it is one. Compared as bytes, because NaN is
/// no equal of itself.
macro_rules! round_trip {
    ($message:ty, $payload:expr) => {
        if let Ok((message, rest)) = postcard::take_from_bytes::<$message>($payload) {
            let encoded = postcard::to_stdvec(&message).expect("encodes");
            assert!(encoded.len() + rest.len() <= $payload.len(), "{:?}: {encoded:?}", $payload);
            let (again, rest) = postcard::take_from_bytes::<$message>(&encoded).expect("decodes");
            assert!(rest.is_empty());
            assert_eq!(postcard::to_stdvec(&again).expect("encodes"), encoded);
        }
    };
}

fn message_round_trips(header: Header, payload: &[u8]) {
    match Kind::from_code(header.kind) {
        Some(Kind::Hello) => round_trip!(Hello, payload),
        Some(Kind::HelloAck) => round_trip!(DeviceInfo, payload),
        Some(Kind::Configure) => round_trip!(Configure<'_>, payload),
        Some(Kind::Configured) => round_trip!(Configured, payload),
        Some(Kind::Block | Kind::Result) => round_trip!(FragmentHead, payload),
        Some(Kind::ResultEnd) => round_trip!(ResultEnd, payload),
        Some(Kind::Seeded) => round_trip!(Seeded, payload),
        Some(Kind::SeededResult) => round_trip!(SeededResult, payload),
        Some(Kind::Ack) => round_trip!(Ack, payload),
        Some(Kind::Ping) => round_trip!(Ping, payload),
        Some(Kind::Pong) => round_trip!(Pong, payload),
        Some(Kind::Error | Kind::Refused) => round_trip!(ErrorInfo, payload),
        Some(Kind::BlockMore | Kind::ResultMore | Kind::Bye) | None => {}
    }
}

/// What a host that listens knows, so that some guesses are right.
#[derive(Clone, Copy, Default)]
pub struct View {
    /// What the device waits for.
    pub next: u16,
    /// One past the last sequenced frame of the device.
    pub seen: u16,
    /// One past the last block run.
    pub block: u32,
}

impl View {
    /// Listens to what a device sends.
    ///
    /// # Panics
    /// It is no whole frames, or messages that do not decode.
    pub fn hear(&mut self, bytes: &[u8]) {
        let mut decoder = FrameDecoder::new(vec![0; MAX_FRAME]);
        let mut frames = 0;
        for &byte in bytes {
            let event = decoder.push(byte);
            assert!(!matches!(event, FrameEvent::Damaged(_)), "{event:?}");
            if let (FrameEvent::Frame, Some((header, payload))) = (event, decoder.frame()) {
                frames += 1;
                match Kind::from_code(header.kind).expect("a known kind") {
                    Kind::HelloAck => *self = Self::default(),
                    Kind::Ack => {
                        self.next = postcard::from_bytes::<Ack>(payload).expect("ours").next;
                    }
                    Kind::Configured => (self.seen, self.block) = (header.seq.wrapping_add(1), 0),
                    Kind::ResultEnd | Kind::Refused => {
                        self.seen = header.seq.wrapping_add(1);
                        self.block = header.block.wrapping_add(1);
                    }
                    Kind::SeededResult => self.seen = header.seq.wrapping_add(1),
                    _ => {}
                }
            }
        }
        assert_eq!(frames, 1, "{bytes:?}");
    }
}

/// Polls until idle and returns the number of kernel runs; a session that never comes to rest is
/// wedged.
///
/// # Panics
/// It does not come to rest, or sends what is no frame or longer than it may be.
pub fn settle(device: &mut Device<'_>, view: &mut View, now_ticks: u64) -> usize {
    let mut runs = 0;
    for _ in 0..200 {
        match device.poll(now_ticks) {
            Action::Idle => return runs,
            Action::Transmit(bytes) => {
                assert!(bytes.len() <= transmit_buffer_bytes(MAX_FRAME), "{} bytes", bytes.len());
                view.hear(bytes);
            }
            Action::Run => {
                let executed = device.blocks_executed();
                let mut ticks = now_ticks;
                device.run(&mut || {
                    ticks = ticks.wrapping_add(1);
                    ticks
                });
                assert_eq!(device.blocks_executed(), executed + 1, "one block a run");
                runs += 1;
                if runs == 3 {
                    return runs; // a long seeded run: goes on after the next frames
                }
            }
        }
    }
    panic!("the device never comes to rest");
}

/// A configuration of `channels` channels, windows of 32 and hops of 16 samples.
#[must_use]
pub fn configure(channels: u32, kernel: &[u8]) -> Configure<'_> {
    Configure {
        channels,
        window: 32,
        hop: 16,
        sample_rate_hz: 160.0,
        input: Encoding::F32,
        output: Encoding::F32,
        kernel,
    }
}

/// A whole small conversation in the new session `session`.
///
/// # Panics
/// It does not come to its end, or the kernel's output is wrong.
pub fn conversation_works(device: &mut Device<'_>, session: u32) {
    device.on_bytes(&[0], 7);
    let mut host = HostSession::new(
        session,
        HostOptions::default(),
        vec![0; MAX_FRAME],
        vec![0; transmit_buffer_bytes(MAX_FRAME)],
        vec![0.0f32; 64],
        vec![0.0f32; 64],
    );
    let spec = postcard::to_stdvec(&KernelSpec::with_defaults(KernelName::Noop)).expect("encodes");
    let samples: Vec<f32> = (0..64u8).map(f32::from).collect();
    let mut now_ns = 0;
    for _ in 0..200 {
        now_ns += 1_000_000;
        match host.poll(now_ns) {
            HostAction::Transmit(bytes) => device.on_bytes(bytes, 7),
            HostAction::Event(HostEvent::Connected) => {
                host.configure(&configure(2, &spec)).expect("idle");
            }
            HostAction::Event(HostEvent::Configured(_)) => {
                host.send_block(0, &samples).expect("room");
            }
            HostAction::Event(HostEvent::Result { .. }) => {
                assert_eq!(host.output(), samples);
                return;
            }
            HostAction::Event(HostEvent::Delivered) | HostAction::Wait(_) => {}
            HostAction::Event(other) => panic!("{other:?}"),
        }
        for _ in 0..20 {
            match device.poll(7) {
                Action::Idle => break,
                Action::Transmit(bytes) => host.on_bytes(bytes, now_ns),
                Action::Run => device.run(&mut || 7),
            }
        }
    }
    panic!("the conversation does not come to its end");
}

/// Whatever arrives, and whenever: the device comes to rest, sends whole frames of bounded
/// length, runs at most one block a time, and a new session works afterwards.
pub fn device_session(input: &[u8]) {
    with_device(|device| device_meets(device, input));
}

fn device_meets(mut device: Device<'_>, input: &[u8]) {
    let mut script = Script(input);
    let mut view = View::default();
    let (mut session, mut now_ticks) = (1, 0u64);
    let mut kernel = Vec::new();
    while let Some(step) = script.step() {
        let bytes = match step % 9 {
            0 => script.bytes().to_vec(),
            1 => {
                let (seq, block) = (view.next.wrapping_add(script.byte().into()), script.number());
                script.frame(session, seq, block)
            }
            2 => {
                now_ticks = now_ticks.wrapping_add(script.span());
                Vec::new()
            }
            3 => {
                session += 1;
                hello(session)
            }
            4 => {
                kernel.clear();
                kernel.extend_from_slice(script.bytes());
                let mut configure = configure(u32::from(script.byte() % 4), &kernel);
                configure.window = u32::from(script.byte());
                configure.hop = u32::from(script.byte());
                configure.output = match script.byte() % 4 {
                    0 => Encoding::DigestOnly,
                    1 => Encoding::I16 { scale_uv: f32::from_bits(script.number()) },
                    _ => Encoding::F32,
                };
                message_frame(Kind::Configure, session, view.next, 0, &configure)
            }
            5 => {
                let values = u32::from(script.byte()) * u32::from(1 + script.byte() % 4);
                let fragment_bytes = u16::from(script.byte());
                let head =
                    postcard::to_stdvec(&FragmentHead { values, fragment_bytes }).expect("encodes");
                let payload = [&head, script.bytes()].concat();
                encode_frame(Header::new(Kind::Block, session, view.next, view.block), &payload)
            }
            6 => {
                let seq = view.next.wrapping_add(u16::from(script.byte() % 4));
                let header = Header::new(Kind::BlockMore, session, seq, view.block);
                encode_frame(header, script.bytes())
            }
            7 => {
                let (mark, flags) = (script.byte().into(), script.byte());
                let ack = Ack { next: view.seen, mark, heard: mark, flags, ..Ack::default() };
                message_frame(Kind::Ack, session, 0, 0, &ack)
            }
            _ => {
                let payload = script.bytes();
                encode_frame(Header::new(Kind::Seeded, session, view.next, 0), payload)
            }
        };
        device.on_bytes(&bytes, now_ticks);
        settle(&mut device, &mut view, now_ticks);
    }
    // The session before the open one is never taken again: afterwards that is one of these two.
    for other in [0xA, 0xB, 0xA, 0xB] {
        device.on_bytes(&[0], now_ticks);
        device.on_bytes(&hello(other), now_ticks);
    }
    settle(&mut device, &mut view, now_ticks);
    conversation_works(&mut device, 0xC);
}

fn hello(session: u32) -> Vec<u8> {
    let hello = Hello { wire_min: 1, wire_max: 1, schema: SCHEMA_HASH };
    message_frame(Kind::Hello, session, 0, 0, &hello)
}

/// The bytes on the line of one message.
fn message_frame<M: Serialize>(
    kind: Kind,
    session: u32,
    seq: u16,
    block: u32,
    message: &M,
) -> Vec<u8> {
    let payload = postcard::to_stdvec(message).expect("encodes");
    encode_frame(Header::new(kind, session, seq, block), &payload)
}
