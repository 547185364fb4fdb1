//! Board file and firmware: ST Nucleo-F446RE.
//!
//! Serial port: USART2 on PA2 and PA3, which the ST-Link shows as a USB serial port, at
//! 921,600 baud (45 MHz / 49: 0.35 % slow). Received bytes go through an interrupt into a ring.
//! Clock: the DWT cycle counter at 180 MHz, or TIM2 at 45 MHz should it not move. The 8 MHz
//! that drive the PLL come from the ST-Link. Source: ST UM1724, RM0390.
#![no_std]
#![no_main]

use core::cell::RefCell;

use cortex_app::clock::Extended;
use cortex_app::serve::Memory;
use cortex_app::{Board, ClockFacts, receive_bytes, transmit_bytes};
use cortex_core::link::message::TimerId;
use cortex_hardware::Exclusive;
use cortex_hardware::dwt::CycleCounter;
use critical_section::Mutex;
use heapless::spsc::{Consumer, Producer, Queue};
use stm32f4xx_hal::pac::{self, NVIC, USART2, interrupt};
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc;
use stm32f4xx_hal::serial::{Config, Rx, RxISR, Serial, Tx, TxISR};
use stm32f4xx_hal::timer::{Counter, FTimer};

const CYCLES_HZ: u32 = 180_000_000;
const TIMER_HZ: u32 = 45_000_000;
const BAUD: u32 = 921_600;
/// The ring: more than two frames, so that one can arrive while another is worked on.
const RING_BYTES: usize = 4_096;

/// Frames, transmit buffer, kernel values, seeded channels: 100 KB of 128.
static MEMORY: Exclusive<Memory<1_048, 1_072, 19_456, 64>> = Exclusive::new(Memory::new());
/// One slot of a queue always stays free.
static RING: Exclusive<Queue<u8, { RING_BYTES + 1 }>> = Exclusive::new(Queue::new());
/// What the interrupt works with.
static RECEIVER: Mutex<RefCell<Option<Receiver>>> = Mutex::new(RefCell::new(None));

struct Receiver {
    rx: Rx<USART2>,
    ring: Producer<'static, u8>,
}

enum Clock {
    Cycles(CycleCounter),
    Timer(Counter<pac::TIM2, TIMER_HZ>),
}

struct Nucleo {
    tx: Tx<USART2>,
    ring: Consumer<'static, u8>,
    clock: Clock,
    time: Extended,
}

impl Nucleo {
    fn start(ring: &'static mut Queue<u8, { RING_BYTES + 1 }>) -> Option<Self> {
        let core = cortex_m::Peripherals::take()?;
        let device = pac::Peripherals::take()?;
        let clocks = rcc::Config::hse(8.MHz())
            .bypass_hse_oscillator()
            .sysclk(CYCLES_HZ.Hz())
            .hclk(CYCLES_HZ.Hz())
            .pclk1(45.MHz())
            .pclk2(90.MHz());
        let mut rcc = device.RCC.freeze(clocks);
        let pins = device.GPIOA.split(&mut rcc);
        let config = Config::default().baudrate(BAUD.bps());
        let mut serial: Serial<USART2> =
            Serial::new(device.USART2, (pins.pa2, pins.pa3), config, &mut rcc).ok()?;
        serial.listen(stm32f4xx_hal::serial::Event::RxNotEmpty);
        let (tx, rx) = serial.split();
        let (producer, consumer) = ring.split();
        critical_section::with(|cs| {
            RECEIVER.borrow_ref_mut(cs).replace(Receiver { rx, ring: producer });
        });
        let clock = match CycleCounter::probe(core.DCB, core.DWT) {
            Some(cycles) => Clock::Cycles(cycles),
            None => {
                let mut timer = FTimer::<_, TIMER_HZ>::new(device.TIM2, &mut rcc).counter();
                timer.start(fugit::TimerDurationU32::from_ticks(u32::MAX)).ok()?;
                Clock::Timer(timer)
            }
        };
        unmask_receiver();
        Some(Self { tx, ring: consumer, clock, time: Extended::new(32) })
    }
}

impl Board for Nucleo {
    fn name(&self) -> &'static str {
        "nucleo-f446re"
    }

    fn clock(&self) -> ClockFacts {
        match self.clock {
            Clock::Cycles(_) => {
                ClockFacts { timer: TimerId::DwtCycleCounter, hz: CYCLES_HZ, bits: 32 }
            }
            Clock::Timer(_) => {
                ClockFacts { timer: TimerId::PeripheralTimer, hz: TIMER_HZ, bits: 32 }
            }
        }
    }

    fn now(&mut self) -> u64 {
        let ticks = match &self.clock {
            Clock::Cycles(cycles) => cycles.ticks(),
            Clock::Timer(timer) => timer.now().ticks(),
        };
        self.time.extend(ticks)
    }

    fn receive(&mut self, into: &mut [u8]) -> usize {
        receive_bytes(into, || self.ring.dequeue())
    }

    fn transmit(&mut self, from: &[u8]) -> usize {
        transmit_bytes(from, |byte| {
            self.tx.is_tx_empty() && nb::block!(self.tx.write(byte)).is_ok()
        })
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let start = || RING.take().and_then(Nucleo::start).expect("peripherals taken twice");
    cortex_hardware::firmware(start, RING_BYTES, &MEMORY)
}

/// A byte has arrived. Reading it also clears an overrun; what was lost then fails a CRC.
#[interrupt]
fn USART2() {
    critical_section::with(|cs| {
        if let Some(Receiver { rx, ring }) = RECEIVER.borrow_ref_mut(cs).as_mut() {
            while rx.is_rx_not_empty() {
                // A read that fails has cleared the error and dropped the byte. The host never
                // sends more than the ring holds; noise may, and is dropped too.
                if let Ok(byte) = rx.read() {
                    let _ = ring.enqueue(byte);
                }
            }
        }
    });
}

#[allow(unsafe_code)]
fn unmask_receiver() {
    // SAFETY: the handler takes its state in a critical section; nothing relies on its absence.
    unsafe { NVIC::unmask(pac::Interrupt::USART2) }
}
