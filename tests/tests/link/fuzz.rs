//! Frames no host would send: random bytes, mutated frames, wrong messages with a right
//! checksum. Neither end may panic, hang or be left unusable.
//!
//! A million frames by default (3 s); `CORTEX_FUZZ_FRAMES` for another count.

use cortex_core::kernel::{KernelName, KernelSpec};
use cortex_core::link::device::transmit_buffer_bytes;
use cortex_core::link::message::{Ack, Configure, FragmentHead, Hello, Ping, SCHEMA_HASH, Seeded};
use cortex_core::link::{
    Action, Encoding, Header, HostAction, HostEvent, HostOptions, HostSession, Kind,
};
use cortex_core::signal::{GeneratorVersion, Signal, SineWave, SourceSpec};
use cortex_tests::fuzz::{
    MAX_FRAME, View, configure, conversation_works, device, encode_frame, engine, settle,
};

const SESSION: u32 = 0xC0FF_EE01;

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
                kernel: &spec,
            }))
        }
        Kind::Block => {
            let usual = random.below(3);
            let values = [64, 32, random.number()][usual as usize];
            let fragment_bytes = [256, 256, random.number() as u16][usual as usize];
            let mut payload =
                postcard(postcard::to_stdvec(&FragmentHead { values, fragment_bytes }));
            let usual = if random.below(4) == 0 { random.below(3) } else { usual };
            payload.extend(vec![0x3F; [256, 128, 12][usual as usize]]);
            payload
        }
        Kind::Seeded => postcard(postcard::to_stdvec(&Seeded {
            source: SourceSpec::new(
                GeneratorVersion::V1,
                Signal::SineWave(SineWave {
                    frequency_hz: f64::from(random.number()),
                    amplitude_uv_peak: 1.0,
                }),
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
            mark: random.number(),
            heard: random.number(),
            blocks: random.below(9) as u16,
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
            encode_frame(header, &payload)
        }
        // A plausible frame, mutated on the line.
        3 => {
            let kind = any_kind(random);
            let payload = message(random, kind);
            let mut bytes =
                encode_frame(Header::new(kind, current, random.below(40) as u16, 0), &payload);
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
            encode_frame(Header::new(kind, session, seq, block), &payload)
        }
    }
}

fn count() -> u64 {
    std::env::var("CORTEX_FUZZ_FRAMES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000)
}

#[test]
fn no_byte_stream_stops_the_device() {
    let mut random = Random(0x5EED);
    let mut engine = engine();
    let mut device = device(&mut engine);
    let mut runs = 0;
    let mut session = SESSION;
    let mut view = View::default();
    let frames = count();
    for n in 0..frames {
        if n % 5_000 == 0 {
            // Whatever came before, a new session works at once.
            conversation_works(&mut device, n as u32 + 1);
        }
        // Sequence numbers start again, so that some of the guessed ones are right.
        if device.session() != Some(session) || n % 100 == 0 {
            session = session.wrapping_add(1).max(1);
            let hello = message(&mut random, Kind::Hello);
            device.on_bytes(&encode_frame(Header::new(Kind::Hello, session, 0, 0), &hello), 7);
        }
        device.on_bytes(&frame(&mut random, session, view), 7);
        runs += settle(&mut device, &mut view, 7);
    }
    conversation_works(&mut device, u32::MAX);
    println!("{frames} frames, {runs} kernel runs");
    assert!(runs > 100, "the fuzzer never got as far as a kernel: {runs}");
}

#[test]
fn no_byte_stream_stops_the_host() {
    let mut random = Random(0xFEED);
    let hello_ack = {
        let mut engine = engine();
        let mut device = device(&mut engine);
        let hello = message(&mut random, Kind::Hello);
        device.on_bytes(&encode_frame(Header::new(Kind::Hello, SESSION, 0, 0), &hello), 7);
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
                        let spec =
                            postcard::to_stdvec(&KernelSpec::with_defaults(KernelName::Noop))
                                .expect("encodes");
                        host.configure(&configure(2, &spec)).expect("idle");
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
