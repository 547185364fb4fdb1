//! Board file: ST Nucleo-F446RE.
//!
//! Serial port: USART2 on PA2 and PA3, which the ST-Link shows as a USB serial port, at
//! 921,600 baud (45 MHz / 49: 0.35 % slow). Received bytes go through an interrupt into a ring.
//! Clock: the DWT cycle counter at 180 MHz, or TIM2 at 45 MHz should it not move. The 8 MHz
//! that drive the PLL come from the ST-Link; a board whose ST-Link is cut off or asleep runs its
//! PLL from the 16 MHz inside, which are up to 1 % off. A watchdog resets a program that hangs.
//! Source: ST UM1724, RM0390.
#![no_std]

use core::cell::RefCell;

use cortex_app::clock::WrapExtender;
use cortex_app::{Board, ClockInfo, receive_bytes, transmit_bytes};
use cortex_core::link::message::{ReceiveLosses, TimerId};
use cortex_hardware::ConstStaticCell;
use cortex_hardware::dwt::CycleCounter;
use critical_section::Mutex;
use heapless::spsc::{Consumer, Producer, Queue};
use stm32f4xx_hal::pac::{self, NVIC, USART2, interrupt};
use stm32f4xx_hal::prelude::*;
use stm32f4xx_hal::rcc;
use stm32f4xx_hal::serial::{Config, Error, Rx, Serial, Tx, TxISR};
use stm32f4xx_hal::timer::{Counter, FTimer};
use stm32f4xx_hal::watchdog::IndependentWatchdog;

const CYCLES_HZ: u32 = 180_000_000;
const TIMER_HZ: u32 = 45_000_000;
const BAUD: u32 = 921_600;
/// Longer than any kernel that fits into the memory takes.
const WATCHDOG_MS: u32 = 15_000;
/// Turns of a loop after which the ST-Link's clock is given up: some 10 ms at 16 MHz.
const HSE_TURNS: u32 = 20_000;
/// The ring: more than two frames, so that one can arrive while another is worked on.
pub const RING_BYTES: usize = 4_096;

/// One slot of a queue always stays free.
static RING: ConstStaticCell<Queue<u8, { RING_BYTES + 1 }>> = ConstStaticCell::new(Queue::new());
/// What the interrupt works with.
static RECEIVER: Mutex<RefCell<Option<Receiver>>> = Mutex::new(RefCell::new(None));

struct Receiver {
    rx: Rx<USART2>,
    ring: Producer<'static, u8>,
    losses: ReceiveLosses,
}

enum Clock {
    Cycles(CycleCounter),
    Timer(Counter<pac::TIM2, TIMER_HZ>),
}

/// The board's peripherals.
pub struct Nucleo {
    tx: Tx<USART2>,
    ring: Consumer<'static, u8>,
    clock: Clock,
    time: WrapExtender,
    watchdog: IndependentWatchdog,
    barked: bool,
}

impl Nucleo {
    /// Starts clocks, serial port and timer. Once, first thing in `main`.
    ///
    /// # Panics
    /// When it is called twice.
    #[must_use]
    pub fn start() -> Self {
        RING.try_take().and_then(Self::start_with).expect("the board was started twice")
    }

    fn start_with(ring: &'static mut Queue<u8, { RING_BYTES + 1 }>) -> Option<Self> {
        let core = cortex_m::Peripherals::take()?;
        let device = pac::Peripherals::take()?;
        // RCC_CSR: bit 29, the independent watchdog; bit 24 forgets it.
        let barked = device.RCC.csr().read().wdgrstf().bit_is_set();
        device.RCC.csr().modify(|_, w| w.rmvf().set_bit());
        device.RCC.cr().modify(|_, w| w.hsebyp().set_bit().hseon().set_bit());
        let hse = (0..HSE_TURNS).any(|_| device.RCC.cr().read().hserdy().bit_is_set());
        let source = if hse {
            rcc::Config::hse(8.MHz()).bypass_hse_oscillator()
        } else {
            device.RCC.cr().modify(|_, w| w.hseon().clear_bit().hsebyp().clear_bit());
            rcc::Config::hsi()
        };
        let clocks =
            source.sysclk(CYCLES_HZ.Hz()).hclk(CYCLES_HZ.Hz()).pclk1(45.MHz()).pclk2(90.MHz());
        let mut rcc = device.RCC.freeze(clocks);
        let pins = device.GPIOA.split(&mut rcc);
        let config = Config::default().baudrate(BAUD.bps());
        let mut serial: Serial<USART2> =
            Serial::new(device.USART2, (pins.pa2, pins.pa3), config, &mut rcc).ok()?;
        serial.listen(stm32f4xx_hal::serial::Event::RxNotEmpty);
        let (tx, rx) = serial.split();
        let (producer, consumer) = ring.split();
        critical_section::with(|cs| {
            RECEIVER.borrow_ref_mut(cs).replace(Receiver {
                rx,
                ring: producer,
                losses: ReceiveLosses::default(),
            });
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
        let mut watchdog = IndependentWatchdog::new(device.IWDG);
        watchdog.start(WATCHDOG_MS.millis());
        Some(Self { tx, ring: consumer, clock, time: WrapExtender::new(32), watchdog, barked })
    }
}

impl Board for Nucleo {
    fn name(&self) -> &'static str {
        "nucleo-f446re"
    }

    fn clock(&self) -> ClockInfo {
        match self.clock {
            Clock::Cycles(_) => {
                ClockInfo { timer: TimerId::DwtCycleCounter, hz: CYCLES_HZ, bits: 32 }
            }
            Clock::Timer(_) => {
                ClockInfo { timer: TimerId::PeripheralTimer, hz: TIMER_HZ, bits: 32 }
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

    fn mask_receive(&mut self, masked: bool) {
        if masked {
            NVIC::mask(pac::Interrupt::USART2);
        } else {
            unmask_receiver();
        }
    }

    fn feed_watchdog(&mut self) {
        self.watchdog.feed();
    }

    fn watchdog_barked(&self) -> bool {
        self.barked
    }

    fn receive_losses(&self) -> ReceiveLosses {
        critical_section::with(|cs| {
            RECEIVER.borrow_ref(cs).as_ref().map(|receiver| receiver.losses).unwrap_or_default()
        })
    }
}

/// A byte has arrived, or was lost: an overrun raises the interrupt too, with or without a byte,
/// until it is read. What was lost fails a CRC.
#[interrupt]
fn USART2() {
    critical_section::with(|cs| {
        if let Some(Receiver { rx, ring, losses }) = RECEIVER.borrow_ref_mut(cs).as_mut() {
            loop {
                match rx.read() {
                    // The host never sends more than the ring holds; noise may.
                    Ok(byte) => losses.ring_overflows += u32::from(ring.enqueue(byte).is_err()),
                    Err(nb::Error::WouldBlock) => break,
                    // The read has cleared the error and dropped the byte.
                    Err(nb::Error::Other(Error::Overrun)) => losses.overruns += 1,
                    Err(nb::Error::Other(_)) => {}
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
