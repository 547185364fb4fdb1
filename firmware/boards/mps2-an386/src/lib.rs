//! Board file: Arm MPS2 with the AN386 image (Cortex-M4F), as QEMU emulates it. The board itself is
//! [`Mps2`], which it shares with the AN385 image.
#![no_std]

use cortex_hardware::Mps2;

/// Starts the UART and the timer. Call it once, first thing in `main`.
#[must_use]
pub fn start() -> Mps2 {
    Mps2::start("mps2-an386")
}
