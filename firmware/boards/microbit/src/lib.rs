//! Board file: BBC micro:bit (nRF51822, Cortex-M0), as QEMU's `microbit` emulates it.
//!
//! Serial port: UART0. Clock: TIMER0 at 16 MHz over 32 bits. Register offsets: nRF51 Series
//! Reference Manual v3.0, chapters 19 (TIMER) and 29 (UART).
#![no_std]

use cortex_app::clock::WrapExtender;
use cortex_app::{Board, ClockInfo, receive_bytes, transmit_bytes};
use cortex_core::link::message::TimerId;
use cortex_hardware::{Register, WaitForInterrupt};

const UART0: usize = 0x4000_2000;
const TIMER0: usize = 0x4000_8000;

/// The board's peripherals.
#[derive(Debug)]
pub struct Microbit {
    rx_ready: Register,
    rx_data: Register,
    tx_ready: Register,
    tx_data: Register,
    tx_busy: bool,
    timer_capture: Register,
    timer_value: Register,
    time: WrapExtender,
    wake: WaitForInterrupt,
}

impl Microbit {
    /// Starts the UART and the timer. Call it once, first thing in `main`.
    #[must_use]
    pub fn start() -> Self {
        register(UART0 + 0x508).write(24); // PSELTXD
        register(UART0 + 0x510).write(25); // PSELRXD
        register(UART0 + 0x524).write(0x0EBE_DFA4); // BAUDRATE: 921,600
        register(UART0 + 0x500).write(4); // ENABLE
        register(UART0 + 0x304).write(1 << 2); // INTENSET: RXDRDY
        register(UART0).write(1); // STARTRX
        register(UART0 + 0x008).write(1); // STARTTX
        register(TIMER0 + 0x504).write(0); // MODE: timer
        register(TIMER0 + 0x508).write(3); // BITMODE: 32
        register(TIMER0 + 0x510).write(0); // PRESCALER: 16 MHz
        register(TIMER0).write(1); // START
        Self {
            rx_ready: register(UART0 + 0x108),
            rx_data: register(UART0 + 0x518),
            tx_ready: register(UART0 + 0x11C),
            tx_data: register(UART0 + 0x51C),
            tx_busy: false,
            timer_capture: register(TIMER0 + 0x040),
            timer_value: register(TIMER0 + 0x540),
            time: WrapExtender::new(32),
            wake: WaitForInterrupt::on(2), // UART0
        }
    }
}

impl Board for Microbit {
    fn name(&self) -> &'static str {
        "microbit"
    }

    fn clock(&self) -> ClockInfo {
        ClockInfo { timer: TimerId::PeripheralTimer, hz: 16_000_000, bits: 32 }
    }

    fn now(&mut self) -> u64 {
        self.timer_capture.write(1);
        self.time.extend(self.timer_value.read())
    }

    fn receive(&mut self, into: &mut [u8]) -> usize {
        receive_bytes(into, || {
            (self.rx_ready.read() != 0).then(|| {
                self.rx_ready.write(0);
                self.rx_data.read() as u8
            })
        })
    }

    fn transmit(&mut self, from: &[u8]) -> usize {
        transmit_bytes(from, |byte| {
            if self.tx_busy && self.tx_ready.read() == 0 {
                return false;
            }
            self.tx_ready.write(0);
            self.tx_data.write(u32::from(byte));
            self.tx_busy = true;
            true
        })
    }

    fn rest(&mut self) {
        self.wake.until(|| self.rx_ready.read() != 0);
    }
}

#[allow(unsafe_code)]
fn register(address: usize) -> Register {
    // SAFETY: called only with registers of UART0 and TIMER0, which nothing else drives.
    unsafe { Register::at(address) }
}
