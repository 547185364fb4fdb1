//! The firmware on pico.
#![no_std]
#![no_main]

use cortex_app::serve::Memory;
use cortex_hardware::ConstStaticCell;
use pico::{Pico, RING_BYTES};

/// Frames, transmit buffer, kernel values, seeded channels: 230 KB of 256, the rest for the stack.
static MEMORY: ConstStaticCell<Memory<1_048, 1_072, 36_864, 256>> =
    ConstStaticCell::new(Memory::new());

#[cortex_hardware::entry]
fn main() -> ! {
    cortex_hardware::firmware(Pico::start, RING_BYTES, &MEMORY)
}
