//! Board file and firmware: Raspberry Pi Pico (RP2040).
//!
//! Serial port: USB CDC on the Pico's own socket; the baud rate is ignored. USB holds bytes
//! back when the ring is full, so nothing overruns. Clock: SysTick at 125 MHz, whose wraps
//! (every 134 ms) are counted by the microsecond timer: both run from one crystal. Source:
//! RP2040 Datasheet, sections 2.4.5 (SysTick), 4.1 (USB), 4.6 (timer).
#![no_std]
#![no_main]

use core::cell::RefCell;

use cortex_app::clock::Vernier;
use cortex_app::serve::Memory;
use cortex_app::{Board, ClockFacts, receive_bytes};
use cortex_core::link::message::TimerId;
use cortex_hardware::Exclusive;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, SYST};
use critical_section::Mutex;
use heapless::spsc::{Consumer, Producer, Queue};
use rp2040_hal::clocks::{Clock as _, init_clocks_and_plls};
use rp2040_hal::pac::{self, interrupt};
use rp2040_hal::timer::Timer;
use rp2040_hal::usb::UsbBus;
use rp2040_hal::watchdog::Watchdog;
use usb_device::bus::UsbBusAllocator;
use usb_device::device::{StringDescriptors, UsbDevice, UsbDeviceBuilder, UsbVidPid};
use usbd_serial::SerialPort;

const CRYSTAL_HZ: u32 = 12_000_000;
const CORE_HZ: u32 = 125_000_000;
const RING_BYTES: usize = 4_096;
/// Size of a full-speed bulk packet.
const PACKET_BYTES: usize = 64;
/// The shared identity for open CDC devices (V-USB); the strings tell them apart.
const USB_IDENTITY: UsbVidPid = UsbVidPid(0x16C0, 0x27DD);

/// Frames, transmit buffer, kernel values, seeded channels: 230 KB of 256, the rest for the stack.
static MEMORY: Exclusive<Memory<1_048, 1_072, 36_864, 256>> = Exclusive::new(Memory::new());
/// One slot of a queue always stays free.
static RING: Exclusive<Queue<u8, { RING_BYTES + 1 }>> = Exclusive::new(Queue::new());
static BUS: Exclusive<Option<UsbBusAllocator<UsbBus>>> = Exclusive::new(None);
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
        while self.ring.capacity() - self.ring.len() >= PACKET_BYTES {
            let Ok(count @ 1..) = self.serial.read(&mut packet) else { break };
            for byte in packet.iter().take(count) {
                // There is room: the loop's condition says so.
                let _ = self.ring.enqueue(*byte);
            }
        }
    }
}

struct Pico {
    ring: Consumer<'static, u8>,
    systick: SYST,
    timer: Timer,
    time: Vernier,
}

impl Pico {
    fn start(
        ring: &'static mut Queue<u8, { RING_BYTES + 1 }>,
        bus: &'static mut Option<UsbBusAllocator<UsbBus>>,
    ) -> Option<Self> {
        let core = cortex_m::Peripherals::take()?;
        let mut device = pac::Peripherals::take()?;
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
            .serial_number("pico");
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
        Some(Self { ring: consumer, systick, timer, time })
    }
}

impl Board for Pico {
    fn name(&self) -> &'static str {
        "pico"
    }

    fn clock(&self) -> ClockFacts {
        ClockFacts { timer: TimerId::SysTick, hz: CORE_HZ, bits: 24 }
    }

    fn now(&mut self) -> u64 {
        let _ = &self.systick; // owned, so that nobody else sets it
        // SysTick counts down.
        let fine = !SYST::get_current();
        self.time.read(self.timer.get_counter().ticks(), fine)
    }

    fn receive(&mut self, into: &mut [u8]) -> usize {
        let was_full = self.ring.capacity() - self.ring.len() < PACKET_BYTES;
        let count = receive_bytes(into, || self.ring.dequeue());
        if was_full && count > 0 {
            // Packets may wait in the controller, for which no interrupt comes again.
            NVIC::pend(pac::Interrupt::USBCTRL_IRQ);
        }
        count
    }

    fn transmit(&mut self, from: &[u8]) -> usize {
        critical_section::with(|cs| {
            let mut usb = USB.borrow_ref_mut(cs);
            let Some(usb) = usb.as_mut() else { return from.len() };
            usb.poll();
            if !usb.serial.dtr() {
                // Nobody has the port open: there is no one to keep the bytes for.
                return from.len();
            }
            // WouldBlock: the last packet has not left yet.
            usb.serial.write(from).unwrap_or(0)
        })
    }

    fn rest(&mut self) {
        cortex_m::asm::wfi();
    }
}

#[rp2040_hal::entry]
fn main() -> ! {
    let start = || {
        let (ring, bus) = RING.take().zip(BUS.take())?;
        Pico::start(ring, bus)
    };
    let start = || start().expect("peripherals do not start");
    cortex_hardware::firmware(start, RING_BYTES, &MEMORY)
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
