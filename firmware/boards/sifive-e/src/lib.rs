//! Board file: SiFive FE310 (RV32IMAC, no floating-point unit), as QEMU's `sifive_e` emulates it.
//!
//! Serial port: UART0. Clock: the `mcycle` counter, which QEMU advances by one per
//! nanosecond of emulated time. Register offsets: SiFive FE310-G000 Manual v3p2, chapter 18.
#![no_std]

use cortex_app::{Board, ClockInfo, receive_bytes, transmit_bytes};
use cortex_core::link::message::TimerId;
use cortex_hardware::Register;

const UART0: usize = 0x1001_3000;
/// Bit 31 of `txdata` (full) and of `rxdata` (empty).
const BLOCKED: u32 = 1 << 31;

/// The board's peripherals.
#[derive(Debug)]
pub struct SifiveE {
    tx_data: Register,
    rx_data: Register,
}

impl SifiveE {
    /// Starts the UART. Call it once, first thing in `main`.
    #[must_use]
    pub fn start() -> Self {
        register(UART0 + 0x08).write(1); // txctrl: on
        register(UART0 + 0x0C).write(1); // rxctrl: on
        Self { tx_data: register(UART0), rx_data: register(UART0 + 0x04) }
    }
}

impl Board for SifiveE {
    fn name(&self) -> &'static str {
        "sifive-e"
    }

    fn clock(&self) -> ClockInfo {
        ClockInfo { timer: TimerId::RiscvCycle, hz: 1_000_000_000, bits: 64 }
    }

    fn now(&mut self) -> u64 {
        riscv::register::mcycle::read64()
    }

    fn receive(&mut self, into: &mut [u8]) -> usize {
        receive_bytes(into, || {
            let word = self.rx_data.read();
            (word & BLOCKED == 0).then_some(word as u8)
        })
    }

    fn transmit(&mut self, from: &[u8]) -> usize {
        transmit_bytes(from, |byte| {
            let free = self.tx_data.read() & BLOCKED == 0;
            if free {
                self.tx_data.write(u32::from(byte));
            }
            free
        })
    }
}

#[allow(unsafe_code)]
fn register(address: usize) -> Register {
    // SAFETY: called only with registers of UART0, which nothing else drives.
    unsafe { Register::at(address) }
}
