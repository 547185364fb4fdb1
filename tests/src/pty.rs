//! A board at the far end of a real pseudo-terminal, good or bad: the host opens the near end with
//! the real serialport crate.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cortex_core::kernel::AnyForm;
use cortex_core::link::device::transmit_buffer_bytes;
use cortex_core::link::frame::{FrameDecoder, FrameEvent, FrameWriter};
use cortex_core::link::message::{ReceiveLosses, TimerId};
use cortex_core::link::{Action, DeviceIdentity, DeviceSession, Header, KernelEngine, Kind};
use cortex_core::signal::Lanes;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

const MAX_FRAME: usize = 1044;

/// The end of a pseudo-terminal that stands for the device, and the other end's path.
///
/// # Panics
/// The system gives none.
#[must_use]
pub fn terminal() -> (File, String) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    // A command that inherited this end would keep the board plugged in.
    #[cfg(target_os = "linux")]
    let flags = flags | OpenptFlags::CLOEXEC;
    let master = openpt(flags).expect("a pseudo-terminal");
    rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC).expect("flags");
    grantpt(&master).expect("grant");
    unlockpt(&master).expect("unlock");
    let path = ptsname(&master, Vec::new()).expect("name").into_string().expect("text");
    let mut attributes = tcgetattr(&master).expect("attributes");
    attributes.make_raw();
    tcsetattr(&master, OptionalActions::Now, &attributes).expect("raw");
    (File::from(master), path)
}

/// What a board does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Everything right.
    Honest,
    /// Everything right, after text of its own before and after the port is opened.
    Talkative,
    /// Answers every byte with text.
    Garbage,
    /// Answers HELLO with a wire version of before.
    OldWire,
    /// Takes bytes and says nothing.
    Silent,
    /// Right until it has answered that many blocks; then it takes bytes and says nothing.
    MuteAfter(u64),
    /// Right until it has answered that many blocks; then it takes no more bytes.
    DeafAfter(u64),
    /// Right until it has answered that many blocks; then it is unplugged at the next byte.
    UnpluggedAfter(u64),
    /// Right until it has answered that many blocks; then it starts anew with the next byte.
    ResetAfter(u64),
    /// Right until it has answered that many blocks; then its kernel never returns.
    BusyAfter(u64),
    /// Right, but its receiver loses so many bytes to overruns, and one more to a full ring, with
    /// every block.
    Losing(u32),
    /// Announces results of 2^32 - 1 values.
    HugeResults,
    /// Right until that many CONFIGURE frames have come; the last is met by unplugging.
    UnpluggedAtConfigure(u64),
}

/// What lies between the two ends: how long bytes take.
#[derive(Clone, Copy, Debug)]
pub struct Distance {
    /// Line speed in baud, 10 bits a byte.
    pub baud: u64,
    /// Time from end to end, each way.
    pub one_way: Duration,
}

/// Bytes on their way.
struct Pipe {
    distance: Distance,
    bytes: VecDeque<(Instant, u8)>,
    /// When the last byte had left.
    left: Instant,
}

impl Pipe {
    fn new(distance: Distance) -> Self {
        Self { distance, bytes: VecDeque::new(), left: Instant::now() }
    }

    fn put(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let byte_time = Duration::from_nanos(10_000_000_000 / self.distance.baud);
            self.left = self.left.max(Instant::now()) + byte_time;
            self.bytes.push_back((self.left + self.distance.one_way, byte));
        }
    }

    fn take(&mut self) -> Vec<u8> {
        let now = Instant::now();
        let arrived = self.bytes.iter().take_while(|(due, _)| *due <= now).count();
        self.bytes.drain(..arrived).map(|(_, byte)| byte).collect()
    }
}

/// A board at the end of a pseudo-terminal.
pub struct Board {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Board {
    /// A board at `terminal`, until it is dropped.
    #[must_use]
    pub fn start(terminal: File, manner: Manner) -> Self {
        Self::start_at(terminal, manner, None)
    }

    /// The same, far away or behind a slow line.
    #[must_use]
    pub fn start_at(terminal: File, manner: Manner, distance: Option<Distance>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let flag = stop.clone();
        let thread = std::thread::spawn(move || serve(terminal, manner, distance, &flag));
        Self { stop, thread: Some(thread) }
    }

    /// Pulls the plug: the terminal is closed.
    ///
    /// # Panics
    /// The board's thread has panicked.
    pub fn unplug(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the board's thread ends");
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.unplug();
    }
}

type Session = DeviceSession<KernelEngine<AnyForm, Vec<f32>, Vec<Option<Lanes<1>>>>, Vec<u8>>;

fn session(rx_ring_bytes: usize, boot_count: u32) -> Session {
    let identity = DeviceIdentity {
        board: "pty-board",
        firmware_version: "0.1.0",
        firmware_commit: "",
        timer: TimerId::Monotonic,
        tick_hz: 1_000_000_000,
        timer_bits: 64,
        boot_count,
        rx_ring_bytes,
    };
    let engine = KernelEngine::standard(vec![0.0f32; 60_000], vec![None::<Lanes<1>>; 8]);
    let tx = vec![0u8; transmit_buffer_bytes(MAX_FRAME)];
    DeviceSession::new(&identity, engine, vec![0u8; MAX_FRAME], tx).expect("buffers fit")
}

fn serve(mut terminal: File, manner: Manner, distance: Option<Distance>, stop: &AtomicBool) {
    const TALK: &[u8] = b"\r\nboot: 3.1 ok\r\n> ";
    rustix::fs::fcntl_setfl(&terminal, rustix::fs::OFlags::NONBLOCK).expect("non-blocking");
    let credit = match manner {
        // More than a pseudo-terminal holds, so that a host's write can stall.
        Manner::DeafAfter(_) => 40_000,
        _ => 3_000,
    };
    let mut session = session(credit, 1);
    let mut line = distance.map(|distance| [Pipe::new(distance), Pipe::new(distance)]);
    let (mut was_reset, mut announced) = (false, false);
    let mut frames = FrameDecoder::new(vec![0u8; MAX_FRAME]);
    let started = Instant::now();
    let now = || started.elapsed().as_nanos() as u64;
    let (mut configures, mut heard, mut answered) = (0, false, 0);
    let mut chunk = [0u8; 64];
    if manner == Manner::Talkative {
        send(&mut terminal, TALK, stop);
    }
    while !stop.load(Ordering::SeqCst) {
        let over = |limit: u64| answered >= limit;
        match manner {
            Manner::DeafAfter(limit) if over(limit) => {
                std::thread::sleep(Duration::from_millis(2));
                continue;
            }
            _ => {}
        }
        let count = match terminal.read(&mut chunk) {
            Ok(count) => count,
            // EIO: nobody has the other end open.
            Err(error)
                if error.kind() == ErrorKind::WouldBlock || error.raw_os_error() == Some(5) =>
            {
                std::thread::sleep(Duration::from_micros(200));
                0
            }
            Err(error) => panic!("{error}"),
        };
        let arrived = match &mut line {
            None => chunk[..count].to_vec(),
            Some([there, _]) => {
                there.put(&chunk[..count]);
                there.take()
            }
        };
        let (bytes, count) = (&arrived[..], arrived.len());
        if let Some([_, back]) = &mut line {
            send(&mut terminal, &back.take(), stop);
        }
        match manner {
            // What comes shows that the last answer has arrived.
            Manner::UnpluggedAfter(limit) if over(limit) && count > 0 => return,
            Manner::ResetAfter(limit) if over(limit) && count > 0 && !was_reset => {
                was_reset = true;
                session = self::session(credit, 2);
                continue;
            }
            Manner::Losing(overruns) => {
                let blocks = session.blocks_executed() as u32;
                let (overruns, ring_overflows) = (overruns * blocks, blocks);
                session.set_receive_losses(ReceiveLosses { overruns, ring_overflows });
            }
            Manner::Silent => continue,
            Manner::MuteAfter(limit) if over(limit) => continue,
            Manner::Garbage => {
                if count > 0 {
                    send(&mut terminal, TALK, stop);
                }
                continue;
            }
            Manner::Talkative if count > 0 && !heard => {
                heard = true;
                send(&mut terminal, TALK, stop);
            }
            _ => {}
        }
        for &byte in bytes {
            if frames.push(byte) != FrameEvent::Frame {
                continue;
            }
            let Some((header, _)) = frames.frame() else { continue };
            configures += u64::from(header.kind == Kind::Configure as u8);
            if manner == Manner::OldWire && header.kind == Kind::Hello as u8 {
                send(&mut terminal, &old_answer(header.session), stop);
            }
            if manner == Manner::HugeResults && header.kind == Kind::Configure as u8 {
                send(&mut terminal, &huge_answer(header.session), stop);
                announced = true;
            }
        }
        match manner {
            Manner::OldWire => continue,
            Manner::HugeResults if announced => continue,
            Manner::UnpluggedAtConfigure(limit) if configures >= limit => return,
            _ => {}
        }
        session.on_bytes(bytes, now());
        match session.poll(now()) {
            Action::Idle => answered = session.blocks_executed(),
            Action::Transmit(bytes) => match &mut line {
                None => send(&mut terminal, bytes, stop),
                Some([_, back]) => back.put(bytes),
            },
            Action::Run if matches!(manner, Manner::BusyAfter(limit) if over(limit)) => {
                while !stop.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            Action::Run => session.run(&mut || started.elapsed().as_nanos() as u64),
        }
    }
}

fn send(terminal: &mut File, mut bytes: &[u8], stop: &AtomicBool) {
    while !bytes.is_empty() && !stop.load(Ordering::SeqCst) {
        match terminal.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(_) => std::thread::sleep(Duration::from_micros(200)),
        }
    }
}

/// A HELLO_ACK that begins with wire versions 0 to 0.
fn old_answer(session: u32) -> Vec<u8> {
    let mut out = [0u8; 64];
    let header = Header::new(Kind::HelloAck, session, 0, 0);
    let mut writer = FrameWriter::new(&mut out, header).expect("room");
    writer.write(&[0, 0, 7]).expect("room");
    let count = writer.finish().expect("room");
    out[..count].to_vec()
}

/// A CONFIGURED that announces 1 value of state and results of 2^32 - 1 values.
fn huge_answer(session: u32) -> Vec<u8> {
    let mut out = [0u8; 64];
    let header = Header::new(Kind::Configured, session, 0, 0);
    let mut writer = FrameWriter::new(&mut out, header).expect("room");
    writer.write(&[1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]).expect("room");
    let count = writer.finish().expect("room");
    out[..count].to_vec()
}
