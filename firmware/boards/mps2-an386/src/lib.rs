//! Board file: Arm MPS2 with the AN385 (Cortex-M3) or AN386 (Cortex-M4F) image, as QEMU emulates it.
//! The board itself is [`Mps2`], the same around both processors.
#![no_std]

use cortex_hardware::Mps2;

/// Starts the UART and the timer. Call it once, first thing in `main`.
#[must_use]
pub fn start() -> Mps2 {
    Mps2::start(env!("CARGO_PKG_NAME"))
}
