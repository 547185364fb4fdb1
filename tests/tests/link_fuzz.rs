//! Frames no host would send: random bytes, mutated frames, wrong messages with a right
//! checksum. Neither end may panic, hang or be left unusable.
//!
//! 100,000 frames by default; `CORTEX_FUZZ_FRAMES=1000000` for the full count.

use cortex_core::kernel::{AnyKernel, KernelName, KernelSpec};
use cortex_core::link::device::{min_ring_bytes, transmit_buffer_bytes};
use cortex_core::link::frame::{FrameDecoder, FrameEvent, FrameWriter, wire_len};
use cortex_core::link::message::{
    Ack, Configure, FragmentHead, Hello, Ping, SCHEMA_HASH, Seeded, TimerId,
};
use cortex_core::link::{
    Action, DeviceIdentity, DeviceSession, Encoding, Header, HostAction, HostEvent, HostOptions,
    HostSession, KernelEngine, Kind,
};
use cortex_core::signal::{GeneratorVersion, Lanes, Signal, SourceSpec};

const MAX_FRAME: usize = 276;
const SESSION: u32 = 0xC0FF_EE01;

type Device = DeviceSession<KernelEngine<AnyKernel, Vec<f32>, Vec<Option<Lanes<1>>>>, Vec<u8>>;

fn device() -> Device {
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
    let engine = KernelEngine::standard(vec![0.0; 2048], vec![None, None]);
    let tx = vec![0; transmit_buffer_bytes(MAX_FRAME)];
    DeviceSession::new(&identity, engine, vec![0; MAX_FRAME], tx).expect("buffers fit")
}

/// xorshift64*, S. Vigna, "An experimental exploration of Marsaglia's xorshift generators".
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 33) % limit
    }

    fn bytes(&mut self, most: u64) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.next() as u8).collect()
    }

    /// Small numbers often, any number sometimes.
    fn number(&mut self) -> u32 {
        match self.below(4) {
            0 => self.below(4) as u32,
            1 => self.below(200) as u32,
            2 => u32::MAX - self.below(3) as u32,
            _ => self.next() as u32,
        }
    }
}

fn encode(header: Header, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; wire_len(11 + payload.len() + 4)];
    let mut writer = FrameWriter::new(&mut out, header).expect("room");
    writer.write(payload).expect("room");
    let len = writer.finish().expect("room");
    out.truncate(len);
    out
}

/// A small job for the `noop` kernel, whose encoded specification `spec` is.
fn noop_job(spec: &[u8]) -> Configure<'_> {
    Configure {
        channels: 2,
        window: 32,
        hop: 16,
        sample_rate_hz: 160.0,
        input: Encoding::F32,
        output: Encoding::F32,
        fragment_bytes: 128,
        kernel: spec,
    }
}

fn message(random: &mut Random, kind: Kind) -> Vec<u8> {
    let postcard = |bytes: postcard::Result<Vec<u8>>| bytes.expect("encodes");
    match kind {
        Kind::Hello => {
            postcard(postcard::to_stdvec(&Hello { wire_min: 1, wire_max: 1, schema: SCHEMA_HASH }))
        }
        Kind::Configure => {
            let name = KernelName::ALL[random.below(7) as usize];
            let mut spec = postcard(postcard::to_stdvec(&KernelSpec::with_defaults(name)));
            if random.below(3) == 0 && !spec.is_empty() {
                let at = random.below(spec.len() as u64) as usize;
                spec[at] = random.next() as u8;
            }
            let encoding = match random.below(4) {
                0 => Encoding::I16 { scale_uv: f32::from_bits(random.next() as u32) },
                1 => Encoding::DigestOnly,
                _ => Encoding::F32,
            };
            let usual = random.below(2) == 0;
            postcard(postcard::to_stdvec(&Configure {
                channels: if usual { 2 } else { random.number() },
                window: if usual { 32 } else { random.number() },
                hop: if usual { 16 } else { random.number() },
                sample_rate_hz: if usual { 160.0 } else { f64::from_bits(random.next()) },
                input: encoding,
                output: Encoding::F32,
                fragment_bytes: if usual { 256 } else { random.number() as u16 },
                kernel: &spec,
            }))
        }
        Kind::Block => {
            let usual = random.below(3);
            let values = [64, 32, random.number()][usual as usize];
            let mut payload = postcard(postcard::to_stdvec(&FragmentHead { values }));
            let usual = if random.below(4) == 0 { random.below(3) } else { usual };
            payload.extend(vec![0x3F; [256, 128, 12][usual as usize]]);
            payload
        }
        Kind::Seeded => postcard(postcard::to_stdvec(&Seeded {
            source: SourceSpec::new(
                GeneratorVersion::V1,
                Signal::SineWave {
                    frequency_hz: f64::from(random.number()),
                    amplitude_uv_peak: 1.0,
                },
                f64::from(random.number()),
                random.next(),
            ),
            first: random.number(),
            count: random.number(),
            generator_digest: cortex_core::link::engine::generator_digest(GeneratorVersion::V1),
        })),
        Kind::Ack => postcard(postcard::to_stdvec(&Ack {
            next: random.below(40) as u16,
            received: random.next() as u32,
            credit: random.number(),
            token: random.below(9) as u16,
            damaged: 0,
            flags: random.next() as u8,
        })),
        Kind::Ping => postcard(postcard::to_stdvec(&Ping { token: random.next() as u16 })),
        _ => random.bytes(40),
    }
}

fn frame(random: &mut Random, current: u32, view: View) -> Vec<u8> {
    let any_kind = |random: &mut Random| Kind::ALL[random.below(17) as usize];
    match random.below(10) {
        // Noise, with and without ends of frames.
        0 => random.bytes(600),
        1 => {
            let mut bytes = random.bytes(40);
            bytes.push(0);
            bytes
        }
        // A right checksum around nonsense.
        2 => {
            let header = Header {
                kind: random.next() as u8,
                session: current,
                seq: random.below(40) as u16,
                block: random.number(),
            };
            let payload = random.bytes(256);
            encode(header, &payload)
        }
        // A plausible frame, mutated on the line.
        3 => {
            let kind = any_kind(random);
            let payload = message(random, kind);
            let mut bytes =
                encode(Header::new(kind, current, random.below(40) as u16, 0), &payload);
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(3) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes.truncate(at),
                _ => bytes.insert(at, random.next() as u8),
            }
            bytes
        }
        // Plausible frames, two thirds of them in place.
        _ => {
            let often = [Kind::Configure, Kind::Block, Kind::BlockMore, Kind::Ack, Kind::Ack];
            let kind = match random.below(8) {
                0 => any_kind(random),
                _ => often[random.below(5) as usize],
            };
            let session = if random.below(50) == 0 { random.number() } else { current };
            let right = random.below(3) > 0;
            let payload = match kind {
                Kind::Ack if right => {
                    let ack = Ack { next: view.seen, ..Ack::default() };
                    postcard::to_stdvec(&ack).expect("encodes")
                }
                _ => message(random, kind),
            };
            let seq = if right { view.next } else { random.below(6) as u16 };
            let block = if right { view.block } else { random.below(3) as u32 };
            encode(Header::new(kind, session, seq, block), &payload)
        }
    }
}

/// What a host that listens knows, so that some guesses are right.
#[derive(Clone, Copy, Default)]
struct View {
    /// What the device waits for.
    next: u16,
    /// One past the last sequenced frame of the device.
    seen: u16,
    /// One past the last block run.
    block: u32,
}

impl View {
    fn hear(&mut self, bytes: &[u8]) {
        let mut decoder = FrameDecoder::new(vec![0; MAX_FRAME]);
        for &byte in bytes {
            if decoder.push(byte) == FrameEvent::Frame
                && let Some((header, payload)) = decoder.frame()
            {
                match Kind::from_code(header.kind) {
                    Some(Kind::HelloAck) => *self = Self::default(),
                    Some(Kind::Ack) => {
                        self.next = postcard::from_bytes::<Ack>(payload).expect("ours").next;
                    }
                    Some(Kind::Configured) => (self.seen, self.block) = (header.seq + 1, 0),
                    Some(Kind::ResultEnd | Kind::Refused) => {
                        (self.seen, self.block) = (header.seq + 1, header.block.wrapping_add(1));
                    }
                    Some(Kind::SeededResult) => self.seen = header.seq + 1,
                    _ => {}
                }
            }
        }
    }
}

/// Polls until idle; a session that never comes to rest is wedged.
fn settle(device: &mut Device, view: &mut View) -> usize {
    let mut runs = 0;
    for _ in 0..200 {
        match device.poll(7) {
            Action::Idle => return runs,
            Action::Transmit(bytes) => view.hear(bytes),
            Action::Run => {
                let mut ticks = 0;
                device.run(&mut || {
                    ticks += 1;
                    ticks
                });
                runs += 1;
                if runs == 3 {
                    return runs; // a long seeded run: goes on after the next frames
                }
            }
        }
    }
    panic!("the device never comes to rest");
}

fn count() -> u64 {
    std::env::var("CORTEX_FUZZ_FRAMES").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000)
}

#[test]
fn no_byte_stream_stops_the_device() {
    let mut random = Random(0x5EED);
    let mut device = device();
    let mut runs = 0;
    let mut session = SESSION;
    let mut view = View::default();
    let frames = count();
    for n in 0..frames {
        if n % 5_000 == 0 {
            // Whatever came before, a new session works at once.
            works(&mut device, n as u32 + 1);
        }
        // Sequence numbers start anew, so that some of the guessed ones are right.
        if device.session() != Some(session) || n % 100 == 0 {
            session = session.wrapping_add(1).max(1);
            let hello = message(&mut random, Kind::Hello);
            device.on_bytes(&encode(Header::new(Kind::Hello, session, 0, 0), &hello), 7);
        }
        device.on_bytes(&frame(&mut random, session, view), 7);
        runs += settle(&mut device, &mut view);
    }
    works(&mut device, u32::MAX);
    println!("{frames} frames, {runs} kernel runs");
    assert!(runs > 100, "the fuzzer never got as far as a kernel: {runs}");
}

/// A whole small conversation in a new session.
fn works(device: &mut Device, session: u32) {
    device.on_bytes(&[0], 7);
    let mut host = HostSession::new(
        session,
        HostOptions::default(),
        vec![0; MAX_FRAME],
        vec![0; transmit_buffer_bytes(MAX_FRAME)],
        vec![0.0f32; 64],
        vec![0.0f32; 64],
    );
    let spec = postcard::to_stdvec(&KernelSpec::Noop).expect("encodes");
    let samples: Vec<f32> = (0..64u8).map(f32::from).collect();
    let mut now_ns = 0;
    for _ in 0..200 {
        now_ns += 1_000_000;
        match host.poll(now_ns) {
            HostAction::Transmit(bytes) => device.on_bytes(bytes, 7),
            HostAction::Event(HostEvent::Connected) => {
                host.configure(&noop_job(&spec)).expect("idle");
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

#[test]
fn no_byte_stream_stops_the_host() {
    let mut random = Random(0xFEED);
    let hello_ack = {
        let mut device = device();
        let hello = message(&mut random, Kind::Hello);
        device.on_bytes(&encode(Header::new(Kind::Hello, SESSION, 0, 0), &hello), 7);
        match device.poll(7) {
            Action::Transmit(bytes) => bytes.to_vec(),
            other => panic!("{other:?}"),
        }
    };
    let mut ended = 0;
    let mut frames = 0;
    while frames < count() / 4 {
        let mut host = HostSession::new(
            SESSION,
            HostOptions::default(),
            vec![0; MAX_FRAME],
            vec![0; transmit_buffer_bytes(MAX_FRAME)],
            vec![0.0f32; 64],
            vec![0.0f32; 64],
        );
        host.on_bytes(&hello_ack, 1);
        let mut now_ns = 1;
        while !host.is_over() {
            frames += 1;
            now_ns += 10_000_000;
            host.on_bytes(&frame(&mut random, SESSION, View::default()), now_ns);
            for step in 0.. {
                assert!(step < 200, "the host never comes to rest");
                match host.poll(now_ns) {
                    HostAction::Wait(_) => break,
                    HostAction::Event(HostEvent::Connected) => {
                        let spec = postcard::to_stdvec(&KernelSpec::Noop).expect("encodes");
                        host.configure(&noop_job(&spec)).expect("idle");
                    }
                    HostAction::Event(HostEvent::Configured(_)) => {
                        let _ = host.send_block(0, &[1.0; 64]);
                    }
                    HostAction::Transmit(_) | HostAction::Event(_) => {}
                }
            }
        }
        ended += 1;
    }
    println!("{frames} frames ended {ended} sessions");
}
