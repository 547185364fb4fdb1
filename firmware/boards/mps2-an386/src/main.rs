//! The firmware on mps2-an386 and mps2-an385.
#![no_std]
#![no_main]

use cortex_app::serve::Memory;
use cortex_hardware::ConstStaticCell;

/// Frames, transmit buffer, kernel values, seeded channels.
static MEMORY: ConstStaticCell<Memory<4_120, 4_160, 262_144, 1_024>> =
    ConstStaticCell::new(Memory::new());

/// QEMU holds received bytes back until they are read: nothing overruns.
const RING_BYTES: usize = 16_384;

#[cortex_hardware::entry]
fn main() -> ! {
    cortex_hardware::firmware(mps2::start, RING_BYTES, &MEMORY)
}
