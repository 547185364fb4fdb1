//! The host's session of the link, with a device behind a line that anything may happen to.

use cortex_core::kernel::{KernelName, KernelSpec};
use cortex_core::link::device::transmit_buffer_bytes;
use cortex_core::link::engine::generator_digest;
use cortex_core::link::message::Seeded;
use cortex_core::link::{Action, HostAction, HostEvent, HostOptions, HostSession};
use cortex_core::signal::{GeneratorVersion, Signal, SineWave, SourceSpec};
use cortex_host::base::{ExitCode, Failure};

use super::assert_fit_to_print;
use super::link::{Device, MAX_FRAME, View, configure, with_device};
use super::script::Script;

const SESSION: u32 = 0xC0FF_EE01;
/// Values of the session's buffers.
const VALUES: usize = 256;
/// No wait of the host's is longer: the silence that ends a session while a kernel runs, and one
/// poll on top.
const LONGEST_WAIT_NS: u64 = 61_000_000_000;

/// Both ends; the line between them is the script's.
struct Ends<'a> {
    host: HostSession<Vec<f32>, Vec<u8>>,
    device: Device<'a>,
    now_ns: u64,
    /// What the host has sent and the device has not seen.
    outgoing: Vec<u8>,
}

/// Whatever arrives, and whenever: the host comes to rest, sends whole frames of bounded length,
/// ends with one printable sentence or not at all, and on a line that falls silent it never
/// waits forever.
pub fn host_session(input: &[u8]) {
    with_device(|device| host_meets(device, input));
}

fn host_meets(device: Device<'_>, input: &[u8]) {
    let mut script = Script(input);
    let mut ends = Ends {
        host: HostSession::new(
            SESSION,
            HostOptions::default(),
            vec![0; MAX_FRAME],
            vec![0; transmit_buffer_bytes(MAX_FRAME)],
            vec![0.0; VALUES],
            vec![0.0; VALUES],
        ),
        device,
        now_ns: 1,
        outgoing: Vec::new(),
    };
    ends.rest();
    while let Some(step) = script.step() {
        ends.step(step, &mut script);
        ends.rest();
    }
    ends.falls_silent();
}

impl Ends<'_> {
    fn step(&mut self, step: u8, script: &mut Script<'_>) {
        let now_ns = self.now_ns;
        match step % 9 {
            0 => self.host.on_bytes(script.bytes(), now_ns),
            1 => {
                let seq = u16::from(script.byte() % 40);
                let block = u32::from(script.byte() % 4);
                self.host.on_bytes(&script.frame(SESSION, seq, block), now_ns);
            }
            2 => self.now_ns += script.span(),
            3 => {
                let name = KernelName::ALL[usize::from(script.byte()) % KernelName::ALL.len()];
                let spec = postcard::to_stdvec(&KernelSpec::with_defaults(name)).expect("encodes");
                let configure = configure(u32::from(script.byte() % 4), &spec);
                // Refused when it is not the time for it.
                let _ = self.host.configure(&configure);
            }
            4 => {
                let values = usize::from(script.byte()) * 2;
                let samples: Vec<f32> = (0..values).map(|n| n as f32).collect();
                let _ = self.host.send_block(u32::from(script.byte() % 4), &samples);
            }
            5 => {
                let signal =
                    Signal::SineWave(SineWave { frequency_hz: 10.0, amplitude_uv_peak: 1.0 });
                let source = SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 1);
                let first = u32::from(script.byte() % 4);
                let count = u32::from(script.byte() % 4);
                let generator_digest = generator_digest(GeneratorVersion::V1);
                let _ = self.host.run_seeded(&Seeded { source, first, count, generator_digest });
            }
            6 => {
                let _ = self.host.ping();
            }
            7 => self.host.bye(),
            _ => self.exchange(script),
        }
    }

    /// The host's bytes to the device and the answers back, with one byte of either changed, or
    /// one way lost.
    fn exchange(&mut self, script: &mut Script<'_>) {
        let fault = script.byte();
        let mut to_device = std::mem::take(&mut self.outgoing);
        let mut to_host = Vec::new();
        disturb(&mut to_device, fault & 3, script);
        self.device.on_bytes(&to_device, self.now_ns);
        let mut heard = View::default();
        for _ in 0..200 {
            match self.device.poll(self.now_ns) {
                Action::Idle => break,
                Action::Transmit(bytes) => {
                    heard.hear(bytes);
                    to_host.extend_from_slice(bytes);
                }
                Action::Run => self.device.run(&mut || self.now_ns),
            }
        }
        disturb(&mut to_host, (fault >> 2) & 3, script);
        self.now_ns += 1_000_000;
        self.host.on_bytes(&to_host, self.now_ns);
    }

    /// Polls until the host waits; returns until when.
    fn rest(&mut self) -> Option<u64> {
        for _ in 0..500 {
            let over = self.host.is_over();
            match self.host.poll(self.now_ns) {
                HostAction::Wait(until) => {
                    let until_ns = until.unwrap_or(u64::MAX);
                    assert!(until_ns > self.now_ns, "a wait that is over: the caller would spin");
                    let longest = self.now_ns + LONGEST_WAIT_NS;
                    assert!(until.is_none_or(|until_ns| until_ns <= longest), "{until:?}");
                    assert!(self.host.output().len() <= VALUES);
                    return until;
                }
                HostAction::Transmit(bytes) => {
                    assert!(!over, "bytes after the end of the session");
                    assert!(bytes.len() <= transmit_buffer_bytes(MAX_FRAME));
                    View::default().hear(bytes);
                    self.outgoing.extend_from_slice(bytes);
                }
                HostAction::Event(HostEvent::Failed(failure)) => {
                    let failure = Failure::new(ExitCode::Device, failure.to_string());
                    assert_fit_to_print(&failure.to_string());
                    assert!(self.host.is_over());
                }
                HostAction::Event(HostEvent::Ended) => assert!(self.host.is_over()),
                HostAction::Event(_) => {}
            }
        }
        panic!("the host never comes to rest");
    }

    /// From now on nothing arrives: the session gives up, or has nothing to wait for.
    fn falls_silent(&mut self) {
        for _ in 0..1000 {
            match self.rest() {
                None => return,
                Some(until_ns) => self.now_ns = until_ns,
            }
        }
        panic!("the host waits forever");
    }
}

/// Leaves the bytes alone, loses them, flips one bit, or cuts them off.
fn disturb(bytes: &mut Vec<u8>, how: u8, script: &mut Script<'_>) {
    match how {
        0 => {}
        1 => bytes.clear(),
        _ if bytes.is_empty() => {}
        2 => {
            let at = script.number() as usize % bytes.len();
            bytes[at] ^= 1 << (script.byte() % 8);
        }
        _ => bytes.truncate(script.number() as usize % bytes.len()),
    }
}
