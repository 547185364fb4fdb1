//! The firmware on netduinoplus2.
#![no_std]
#![no_main]

use cortex_app::serve::Memory;
use cortex_hardware::ConstStaticCell;
use netduinoplus2::NetduinoPlus2;

/// Frames, transmit buffer, kernel values, seeded channels.
static MEMORY: ConstStaticCell<Memory<1_048, 1_072, 16_384, 64>> =
    ConstStaticCell::new(Memory::new());

/// QEMU holds received bytes back until they are read: nothing overruns.
const RING_BYTES: usize = 4_096;

#[cortex_hardware::entry]
fn main() -> ! {
    cortex_hardware::firmware(NetduinoPlus2::start, RING_BYTES, &MEMORY)
}
