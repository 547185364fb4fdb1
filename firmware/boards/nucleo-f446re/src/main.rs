//! The firmware on nucleo-f446re.
#![no_std]
#![no_main]

use cortex_app::serve::Memory;
use cortex_hardware::ConstStaticCell;
use nucleo_f446re::{Nucleo, RING_BYTES};

/// Frames, transmit buffer, kernel values, seeded channels: 100 KB of 128.
static MEMORY: ConstStaticCell<Memory<1_048, 1_072, 18_944, 64>> =
    ConstStaticCell::new(Memory::new());

#[cortex_hardware::entry]
fn main() -> ! {
    cortex_hardware::firmware(Nucleo::start, RING_BYTES, &MEMORY)
}
