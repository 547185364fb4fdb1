//! The Nucleo's real image on QEMU's STM32F405: the same core, USART2, TIM2, interrupt controller
//! and addresses of RAM. QEMU has no clock tree: what the image reads of it is answered
//! here, over QEMU's GDB stub, as the chip would.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

use cortex_host::device::board::board;
use cortex_host::device::qemu::Program;
use cortex_host::device::{Connection, LinkError, SerialLink};

use crate::emulated::image;
use crate::skip::{Need, skip};

/// RCC_CR, bits 17 and 25: the external clock and the PLL are ready. Source: ST RM0390, 6.3.1.
const CLOCK_CONTROL: u32 = 0x4002_3800;
const HSE_READY: u32 = 1 << 17;
const PLL_READY: u32 = 1 << 25;
/// PWR_CSR, bits 16 and 17: overdrive is ready and switched. Source: ST RM0390, 5.4.2.
const POWER_STATUS: u32 = 0x4000_7004;
const OVERDRIVE_READY: u32 = 3 << 16;
/// USART2_SR; bit 3: a byte was lost because the one before it had not been read. RM0390, 25.6.1.
const USART_STATUS: u32 = 0x4000_4400;
const OVERRUN: u32 = 1 << 3;

const BAUD: u32 = 921_600;

/// A running image. Dropping it stops QEMU.
pub struct Nucleo {
    emulator: Child,
    port: String,
    orders: Sender<Sender<()>>,
    waker: UnixStream,
}

impl Drop for Nucleo {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.emulator.kill();
        let _ = self.emulator.wait();
    }
}

impl Nucleo {
    /// Builds the firmware and starts it, with the clock of the ST-Link there or missing; `None`,
    /// seen, where QEMU or the target is not installed.
    ///
    /// # Panics
    /// When it cannot be built or started for another reason.
    #[must_use]
    #[track_caller]
    pub fn start(hse: bool) -> Option<Self> {
        let spec = board("nucleo-f446re").expect("the Nucleo has a file in primitives/devices");
        let image = image(&spec, Program::Firmware)?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let socket = folder.path().join("gdb");
        let mut emulator = match start_qemu(&image, &socket) {
            Ok(emulator) => emulator,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                skip(Need::Emulator, &"qemu-system-arm is not installed");
                return None;
            }
            Err(error) => panic!("qemu-system-arm: {error}"),
        };
        let mut line = String::new();
        let stdout = emulator.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("QEMU names its serial port");
        let port = line.split_whitespace().find(|word| word.starts_with("/dev/"));
        let port = port.unwrap_or_else(|| panic!("no serial port in {line:?}")).to_owned();
        let stub = UnixStream::connect(&socket).expect("QEMU listens");
        let waker = stub.try_clone().expect("a descriptor");
        let (orders, taken) = channel();
        std::thread::spawn(move || Debugger::new(stub).answer(hse, &taken));
        Some(Self { emulator, port, orders, waker })
    }

    /// A session over the board's serial port.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub fn open(&self) -> Result<Connection, LinkError> {
        let link = SerialLink::open(&self.port, BAUD)?;
        Connection::open(Box::new(link), Some(BAUD), None)
    }

    /// Lets the receiver lose the next byte that is sent to it, and report that as an overrun.
    ///
    /// # Panics
    /// When QEMU is gone.
    pub fn overrun(&mut self) {
        let (done, prepared) = channel();
        self.orders.send(done).expect("QEMU runs");
        // Stops the processor, which has the order looked at.
        self.waker.write_all(&[3]).expect("QEMU runs");
        prepared.recv().expect("QEMU runs");
    }
}

fn start_qemu(image: &Path, socket: &Path) -> std::io::Result<Child> {
    let stub = format!("socket,id=gdb,path={},server=on,wait=off", socket.display());
    Command::new("qemu-system-arm")
        .args(["-M", "netduinoplus2", "-display", "none", "-monitor", "none", "-S"])
        .args(["-serial", "null", "-serial", "pty", "-icount", "shift=8"])
        .args(["-chardev", &stub, "-gdb", "chardev:gdb", "-kernel"])
        .arg(image)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
}

/// GDB's remote protocol, as far as it is needed here. Source: the GDB manual, appendix E.
struct Debugger(UnixStream);

impl Debugger {
    fn new(stub: UnixStream) -> Self {
        Self(stub)
    }

    /// Runs the image and answers its reads of the clock tree, until QEMU ends. An order has the
    /// next byte's interrupt find an overrun.
    fn answer(mut self, hse: bool, orders: &Receiver<Sender<()>>) -> Option<()> {
        // Registers can be read and written once their description has been.
        self.ask("qXfer:features:read:target.xml:0,1")?;
        let mut values = BTreeMap::from([(POWER_STATUS, OVERDRIVE_READY)]);
        if hse {
            values.insert(CLOCK_CONTROL, HSE_READY | PLL_READY);
        }
        for address in values.keys() {
            self.ask(&format!("Z3,{address:x},4"))?;
        }
        loop {
            let stop = self.ask("c")?;
            let read = stop.split(';').find_map(|word| word.strip_prefix("rwatch:"));
            match read.and_then(|address| u32::from_str_radix(address, 16).ok()) {
                Some(address) => {
                    self.load(*values.get(&address)?)?;
                    // The many reads that wait for an external clock need no answer but QEMU's 0; those
                    // that wait for the PLL come behind these.
                    if address == POWER_STATUS && !values.contains_key(&CLOCK_CONTROL) {
                        values.insert(CLOCK_CONTROL, PLL_READY);
                        self.ask(&format!("Z3,{CLOCK_CONTROL:x},4"))?;
                    }
                    if address == USART_STATUS {
                        values.remove(&address);
                        self.ask(&format!("z3,{address:x},4"))?;
                    }
                }
                None => {
                    if let Ok(done) = orders.try_recv() {
                        values.insert(USART_STATUS, OVERRUN);
                        self.ask(&format!("Z3,{USART_STATUS:x},4"))?;
                        done.send(()).ok()?;
                    }
                }
            }
        }
    }

    /// Does the load instruction that the program has stopped before: `value` is what it reads.
    fn load(&mut self, value: u32) -> Option<()> {
        let number = |text: String| u32::from_str_radix(&text, 16).ok().map(u32::swap_bytes);
        let pc = number(self.ask("pf")?)?;
        let halves = number(self.ask(&format!("m{pc:x},4"))?)?;
        // LDR and LDRH (immediate) of Thumb, of 32 and 16 bits: Arm DDI 0403, A7.7.43, A7.7.55.
        let (first, second) = (halves as u16, (halves >> 16) as u16);
        let (register, bytes) = match (first & 0xFFF0, first & 0xF800) {
            (0xF8D0 | 0xF850 | 0xF8B0 | 0xF830, _) => (second >> 12, 4),
            (_, 0x6800 | 0x8800) => (first & 7, 2),
            _ => panic!("no load at {pc:#x}: {halves:08x}"),
        };
        self.ask(&format!("P{register:x}={:08x}", value.swap_bytes()))?;
        self.ask(&format!("Pf={:08x}", (pc + bytes).swap_bytes())).map(|_| ())
    }

    /// Sends a packet and returns the answer to it.
    fn ask(&mut self, packet: &str) -> Option<String> {
        let sum = packet.bytes().fold(0_u8, u8::wrapping_add);
        self.0.write_all(format!("${packet}#{sum:02x}").as_bytes()).ok()?;
        let mut answer = Vec::new();
        let mut byte = [0];
        loop {
            self.0.read_exact(&mut byte).ok()?;
            match byte[0] {
                // Acknowledgements, and what is left of the packet before.
                b'$' => answer.clear(),
                b'#' => break,
                other => answer.push(other),
            }
        }
        self.0.read_exact(&mut [0; 2]).ok()?;
        self.0.write_all(b"+").ok()?;
        String::from_utf8(answer).ok()
    }
}
