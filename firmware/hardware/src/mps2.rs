//! Arm MPS2 with the AN385 (Cortex-M3) or AN386 (Cortex-M4F) image, as QEMU emulates them: the
//! same board around two processors.
//!
//! Serial port: UART0. Clock: TIMER0 at 25 MHz, which under `-icount shift=8` counts
//! instructions exactly. Addresses: Arm DAI 0385 and 0386, section 4.

use cortex_app::clock::WrapExtender;
use cortex_app::{Board, ClockInfo, receive_bytes, transmit_bytes};
use cortex_core::link::message::TimerId;

use crate::WaitForInterrupt;
use crate::cmsdk::{Timer, Uart};

const CLOCK_HZ: u32 = 25_000_000;

/// The board's peripherals.
#[derive(Debug)]
pub struct Mps2 {
    name: &'static str,
    uart: Uart,
    timer: Timer,
    time: WrapExtender,
    wake: WaitForInterrupt,
}

impl Mps2 {
    /// Starts the UART and the timer of the board called `name`. Once, first thing in `main`.
    #[allow(unsafe_code)]
    #[must_use]
    pub fn start(name: &'static str) -> Self {
        // SAFETY: UART0 and TIMER0 stand at these addresses, and nothing else drives them.
        let (uart, timer) =
            unsafe { (Uart::new(0x4000_4000, CLOCK_HZ, 921_600), Timer::new(0x4000_0000)) };
        // Interrupt 0: UART0 has received.
        Self { name, uart, timer, time: WrapExtender::new(32), wake: WaitForInterrupt::on(0) }
    }
}

impl Board for Mps2 {
    fn name(&self) -> &'static str {
        self.name
    }

    fn clock(&self) -> ClockInfo {
        ClockInfo { timer: TimerId::PeripheralTimer, hz: CLOCK_HZ, bits: 32 }
    }

    fn now(&mut self) -> u64 {
        self.time.extend(self.timer.ticks())
    }

    fn receive(&mut self, into: &mut [u8]) -> usize {
        receive_bytes(into, || self.uart.receive())
    }

    fn transmit(&mut self, from: &[u8]) -> usize {
        transmit_bytes(from, |byte| self.uart.transmit(byte))
    }

    fn rest(&mut self) {
        self.wake.until(|| self.uart.rearm());
    }
}
