//! Board file: Raspberry Pi Pico (RP2040).
//!
//! Serial port: USB CDC on the Pico's own socket; the baud rate is ignored. USB holds bytes
//! back when the ring is full, so nothing overruns. Each board has its flash chip's number as serial
//! number. A watchdog resets a program that hangs. Clock: SysTick at 125 MHz, whose wraps
//! (every 134 ms) are counted by the microsecond timer: both run from one crystal. Source:
//! RP2040 Datasheet, sections 2.4.5 (SysTick), 4.1 (USB), 4.6 (timer).
#![no_std]

use core::cell::RefCell;
use core::sync::atomic::{AtomicBool, Ordering};

use cortex_app::clock::Vernier;
use cortex_app::{Board, ClockInfo, receive_bytes};
use cortex_core::link::message::TimerId;
use cortex_hardware::ConstStaticCell;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, SYST};
use critical_section::Mutex;
use heapless::spsc::{Consumer, Producer, Queue};
use rp2040_hal::Sio;
use rp2040_hal::clocks::{Clock as _, init_clocks_and_plls};
use rp2040_hal::gpio::Pins;
use rp2040_hal::pac::{self, interrupt};
use rp2040_hal::timer::Timer;
use rp2040_hal::usb::UsbBus;
use rp2040_hal::watchdog::Watchdog;
use usb_device::bus::UsbBusAllocator;
use usb_device::device::{StringDescriptors, UsbDevice, UsbDeviceBuilder, UsbVidPid};
use usbd_serial::SerialPort;

const CRYSTAL_HZ: u32 = 12_000_000;
const CORE_HZ: u32 = 125_000_000;
/// Received bytes that are kept until they are read.
pub const RING_BYTES: usize = 4_096;
/// Size of a full-speed bulk packet.
const PACKET_BYTES: usize = 64;
/// Longer than any kernel that fits into the memory takes; the watchdog's greatest is 8.3 s.
const WATCHDOG_MS: u32 = 8_000;
/// A host that has the port open and takes nothing for so long gets nothing more kept for it.
const HOST_STUCK_TICKS: u64 = 2 * CORE_HZ as u64;
/// The shared identity for open CDC devices (V-USB); the strings tell them apart.
const USB_IDENTITY: UsbVidPid = UsbVidPid(0x16C0, 0x27DD);

/// One slot of a queue always stays free.
static RING: ConstStaticCell<Queue<u8, { RING_BYTES + 1 }>> = ConstStaticCell::new(Queue::new());
static BUS: ConstStaticCell<Option<UsbBusAllocator<UsbBus>>> = ConstStaticCell::new(None);
static SERIAL_NUMBER: ConstStaticCell<[u8; 16]> = ConstStaticCell::new([b'0'; 16]);
/// The interrupt is masked because the ring has no room for another packet: the controller keeps
/// its interrupt raised until the packet is read, and would never let the program go on.
static HELD: AtomicBool = AtomicBool::new(false);
/// What the interrupt and the transmitter share.
static USB: Mutex<RefCell<Option<Usb>>> = Mutex::new(RefCell::new(None));

/// The first 256 bytes of flash: they set up the flash for execution in place.
#[allow(unsafe_code)]
// SAFETY: the boot ROM expects exactly this at the start of flash; memory.x puts it there.
#[unsafe(link_section = ".boot2")]
#[used]
static BOOT_LOADER: [u8; 256] = rp2040_boot2::BOOT_LOADER_W25Q080;

struct Usb {
    device: UsbDevice<'static, UsbBus>,
    serial: SerialPort<'static, UsbBus>,
    ring: Producer<'static, u8>,
}

impl Usb {
    /// Serves the bus and moves received packets to the ring, while a whole one fits.
    fn poll(&mut self) {
        self.device.poll(&mut [&mut self.serial]);
        let mut packet = [0; PACKET_BYTES];
        while self.room() >= PACKET_BYTES {
            let Ok(count @ 1..) = self.serial.read(&mut packet) else { break };
            for byte in packet.iter().take(count) {
                // There is room: the loop's condition says so.
                let _ = self.ring.enqueue(*byte);
            }
        }
        if self.room() < PACKET_BYTES {
            HELD.store(true, Ordering::Release);
            NVIC::mask(pac::Interrupt::USBCTRL_IRQ);
        }
    }

    fn room(&self) -> usize {
        self.ring.capacity() - self.ring.len()
    }
}

/// The board's peripherals.
pub struct Pico {
    ring: Consumer<'static, u8>,
    systick: SYST,
    timer: Timer,
    time: Vernier,
    watchdog: Watchdog,
    barked: bool,
    /// When the host last took bytes.
    taken_ticks: u64,
}

impl Pico {
    /// Starts clocks, USB and timers. Once, first thing in `main`.
    ///
    /// # Panics
    /// When it is called twice.
    #[must_use]
    pub fn start() -> Self {
        let memory = RING.try_take().zip(BUS.try_take());
        memory
            .and_then(|(ring, bus)| Self::start_with(ring, bus))
            .expect("the board was started twice")
    }

    fn start_with(
        ring: &'static mut Queue<u8, { RING_BYTES + 1 }>,
        bus: &'static mut Option<UsbBusAllocator<UsbBus>>,
    ) -> Option<Self> {
        let core = cortex_m::Peripherals::take()?;
        let mut device = pac::Peripherals::take()?;
        let serial_number = serial_number(SERIAL_NUMBER.try_take()?);
        let barked = device.WATCHDOG.reason().read().timer().bit_is_set();
        let mut watchdog = Watchdog::new(device.WATCHDOG);
        let clocks = init_clocks_and_plls(
            CRYSTAL_HZ,
            device.XOSC,
            device.CLOCKS,
            device.PLL_SYS,
            device.PLL_USB,
            &mut device.RESETS,
            &mut watchdog,
        )
        .ok()?;
        // The workaround for RP2040-E5 needs pin 15, hence the pins out of reset.
        let sio = Sio::new(device.SIO);
        let _pins =
            Pins::new(device.IO_BANK0, device.PADS_BANK0, sio.gpio_bank0, &mut device.RESETS);
        let timer = Timer::new(device.TIMER, &mut device.RESETS, &clocks);
        let mut systick = core.SYST;
        systick.set_clock_source(SystClkSource::Core);
        systick.set_reload(0x00FF_FFFF);
        systick.clear_current();
        systick.enable_counter();
        let time = Vernier::new(24, clocks.system_clock.freq().to_Hz() / 1_000_000);
        let bus: &'static UsbBusAllocator<UsbBus> = bus.insert(UsbBusAllocator::new(UsbBus::new(
            device.USBCTRL_REGS,
            device.USBCTRL_DPRAM,
            clocks.usb_clock,
            true,
            &mut device.RESETS,
        )));
        let serial = SerialPort::new(bus);
        let strings = StringDescriptors::default()
            .manufacturer("CORTEX-rs")
            .product("CORTEX device")
            .serial_number(serial_number);
        let usb = UsbDeviceBuilder::new(bus, USB_IDENTITY)
            .strings(&[strings])
            .ok()?
            .max_packet_size_0(64)
            .ok()?
            .device_class(usbd_serial::USB_CLASS_CDC)
            .build();
        let (producer, consumer) = ring.split();
        critical_section::with(|cs| {
            USB.borrow_ref_mut(cs).replace(Usb { device: usb, serial, ring: producer });
        });
        unmask_usb();
        watchdog.pause_on_debug(true);
        watchdog.start(fugit::MicrosDurationU32::millis(WATCHDOG_MS));
        Some(Self { ring: consumer, systick, timer, time, watchdog, barked, taken_ticks: 0 })
    }
}

impl Board for Pico {
    fn name(&self) -> &'static str {
        "pico"
    }

    fn clock(&self) -> ClockInfo {
        ClockInfo { timer: TimerId::SysTick, hz: CORE_HZ, bits: 24 }
    }

    fn now(&mut self) -> u64 {
        let _ = &self.systick; // owned, so that nobody else sets it
        // SysTick counts down.
        let fine = !SYST::get_current();
        self.time.read(self.timer.get_counter().ticks(), fine)
    }

    fn receive(&mut self, into: &mut [u8]) -> usize {
        let count = receive_bytes(into, || self.ring.dequeue());
        let room = self.ring.capacity() - self.ring.len();
        if HELD.load(Ordering::Acquire) && room >= PACKET_BYTES {
            HELD.store(false, Ordering::Release);
            unmask_usb();
        }
        count
    }

    fn transmit(&mut self, from: &[u8]) -> usize {
        let now = self.now();
        let stuck = now.wrapping_sub(self.taken_ticks) > HOST_STUCK_TICKS;
        let taken = critical_section::with(|cs| {
            let mut usb = USB.borrow_ref_mut(cs);
            let Some(usb) = usb.as_mut() else { return Some(from.len()) };
            usb.poll();
            if !usb.serial.dtr() {
                // Nobody has the port open: there is no one to keep the bytes for.
                return Some(from.len());
            }
            // WouldBlock: the last packet has not left yet.
            usb.serial.write(from).ok().filter(|&taken| taken > 0)
        });
        if taken.is_some() {
            self.taken_ticks = now;
        }
        taken.unwrap_or(if stuck { from.len() } else { 0 })
    }

    // No sleep: without a host nothing would end it before the watchdog does.
    fn rest(&mut self) {
        self.taken_ticks = self.now();
    }

    fn mask_receive(&mut self, masked: bool) {
        if masked {
            NVIC::mask(pac::Interrupt::USBCTRL_IRQ);
        } else if !HELD.load(Ordering::Acquire) {
            unmask_usb();
        }
    }

    fn feed_watchdog(&mut self) {
        self.watchdog.feed();
    }

    fn watchdog_barked(&self) -> bool {
        self.barked
    }
}

/// The number of the board's flash chip in hexadecimal: no two boards have the same.
#[allow(unsafe_code)]
fn serial_number(text: &'static mut [u8; 16]) -> &'static str {
    let mut id = [0; 8];
    // SAFETY: nothing runs from flash meanwhile: interrupts are off, the other core sleeps.
    cortex_m::interrupt::free(|_| unsafe { rp2040_flash::flash::flash_unique_id(&mut id, true) });
    for (pair, byte) in text.chunks_exact_mut(2).zip(id) {
        for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
            *digit = b"0123456789ABCDEF"[usize::from(nibble)];
        }
    }
    core::str::from_utf8(text).unwrap_or_default()
}

#[interrupt]
fn USBCTRL_IRQ() {
    critical_section::with(|cs| {
        if let Some(usb) = USB.borrow_ref_mut(cs).as_mut() {
            usb.poll();
        }
    });
}

#[allow(unsafe_code)]
fn unmask_usb() {
    // SAFETY: the handler takes its state in a critical section; nothing relies on its absence.
    unsafe { NVIC::unmask(pac::Interrupt::USBCTRL_IRQ) }
}
