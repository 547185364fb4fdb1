//! Board file: Netduino Plus 2 (STM32F405, Cortex-M4F), as QEMU's `netduinoplus2` emulates it.
//!
//! Serial port: USART1. Clock: TIM2, 32 bits, because QEMU's DWT cycle counter does not move (it
//! is asked first, as on a real board). QEMU runs its timers from 1 GHz and leaves the clock
//! tree and the pins out, so this file sets up neither; a real board of the family is
//! boards/nucleo-f446re. Register offsets: ST RM0090, sections 18.4 (TIM2) and 30.6 (USART).
#![no_std]

use cortex_app::clock::WrapExtender;
use cortex_app::{Board, ClockInfo, receive_bytes, transmit_bytes};
use cortex_core::link::message::TimerId;
use cortex_hardware::dwt::CycleCounter;
use cortex_hardware::{Register, WaitForInterrupt};

const USART1: usize = 0x4001_1000;
const TIM2: usize = 0x4000_0000;
const CORE_HZ: u32 = 168_000_000;
/// SR bit 5: a received byte waits.
const RXNE: u32 = 1 << 5;
/// SR bit 7: the transmit register is free.
const TXE: u32 = 1 << 7;

/// The board's peripherals.
#[derive(Debug)]
pub struct NetduinoPlus2 {
    status: Register,
    data: Register,
    cycles: Option<CycleCounter>,
    count: Register,
    time: WrapExtender,
    wake: WaitForInterrupt,
}

impl NetduinoPlus2 {
    /// Starts the UART and the timer. Call it once, first thing in `main`.
    #[must_use]
    pub fn start() -> Self {
        register(USART1 + 0x0C).write(1 << 13 | RXNE | 1 << 3 | 1 << 2); // CR1: UE, RXNEIE, TE, RE
        register(TIM2 + 0x28).write(24); // PSC: 1 GHz / 25
        register(TIM2 + 0x2C).write(u32::MAX); // ARR
        register(TIM2).write(1); // CR1: CEN
        register(TIM2 + 0x14).write(1); // EGR: UG takes the prescaler over
        Self {
            status: register(USART1),
            data: register(USART1 + 0x04),
            cycles: cortex_m::Peripherals::take()
                .and_then(|core| CycleCounter::probe(core.DCB, core.DWT)),
            count: register(TIM2 + 0x24),
            time: WrapExtender::new(32),
            wake: WaitForInterrupt::on(37), // USART1
        }
    }
}

impl Board for NetduinoPlus2 {
    fn name(&self) -> &'static str {
        "netduinoplus2"
    }

    fn clock(&self) -> ClockInfo {
        match self.cycles {
            Some(_) => ClockInfo { timer: TimerId::DwtCycleCounter, hz: CORE_HZ, bits: 32 },
            None => ClockInfo { timer: TimerId::PeripheralTimer, hz: 40_000_000, bits: 32 },
        }
    }

    fn now(&mut self) -> u64 {
        let ticks = match &self.cycles {
            Some(cycles) => cycles.ticks(),
            None => self.count.read(),
        };
        self.time.extend(ticks)
    }

    fn receive(&mut self, into: &mut [u8]) -> usize {
        receive_bytes(into, || (self.status.read() & RXNE != 0).then(|| self.data.read() as u8))
    }

    fn transmit(&mut self, from: &[u8]) -> usize {
        transmit_bytes(from, |byte| {
            let free = self.status.read() & TXE != 0;
            if free {
                self.data.write(u32::from(byte));
            }
            free
        })
    }

    fn rest(&mut self) {
        if self.cycles.is_some() {
            return; // the cycle counter of a real chip stands still while the processor sleeps
        }
        self.wake.until(|| self.status.read() & RXNE != 0);
    }
}

#[allow(unsafe_code)]
fn register(address: usize) -> Register {
    // SAFETY: called only with registers of USART1 and TIM2, which nothing else drives.
    unsafe { Register::at(address) }
}
