//! The firmware on microbit: the kernels in q15, which 64 KB of flash hold.
#![no_std]
#![no_main]

use cortex_app::serve::Memory;
use cortex_hardware::ConstStaticCell;
use microbit::Microbit;

/// Frames, transmit buffer, kernel values, seeded channels.
static MEMORY: ConstStaticCell<Memory<280, 288, 896, 4>> = ConstStaticCell::new(Memory::new());

/// QEMU holds received bytes back until they are read: nothing overruns.
const RING_BYTES: usize = 512;

#[cortex_hardware::entry]
fn main() -> ! {
    let engine = cortex_app::serve::q15_engine;
    cortex_hardware::firmware_with(Microbit::start, RING_BYTES, &MEMORY, engine)
}
