//! Board file: Arm MPS2 with the AN386 image (Cortex-M4F), as QEMU's `mps2-an386` emulates it.
//!
//! Serial port: UART0. Clock: TIMER0 at 25 MHz, which under `-icount shift=8` counts
//! instructions exactly. Addresses: Arm DAI 0386, section 4.
#![no_std]

use cortex_app::{Board, ClockFacts, receive_bytes, transmit_bytes};
use cortex_hardware::cmsdk::{Timer, Uart};

const CLOCK_HZ: u32 = 25_000_000;

/// The board's peripherals.
#[derive(Debug)]
pub struct Mps2 {
    uart: Uart,
    timer: Timer,
}

impl Mps2 {
    /// Starts the UART and the timer. Call it once, first thing in `main`.
    #[allow(unsafe_code)]
    #[must_use]
    pub fn start() -> Self {
        // SAFETY: UART0 and TIMER0 stand at these addresses, and nothing else drives them.
        unsafe {
            Self { uart: Uart::new(0x4000_4000, CLOCK_HZ, 921_600), timer: Timer::new(0x4000_0000) }
        }
    }
}

impl Board for Mps2 {
    const NAME: &'static str = "mps2-an386";

    fn clock(&self) -> ClockFacts {
        ClockFacts { name: "cmsdk-timer", hz: CLOCK_HZ, bits: 32 }
    }

    fn ticks(&mut self) -> u32 {
        self.timer.ticks()
    }

    fn receive(&mut self, into: &mut [u8]) -> usize {
        receive_bytes(into, || self.uart.receive())
    }

    fn transmit(&mut self, from: &[u8]) -> usize {
        transmit_bytes(from, |byte| self.uart.transmit(byte))
    }
}
