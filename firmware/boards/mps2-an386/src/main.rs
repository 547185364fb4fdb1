//! The firmware on mps2-an386.
#![no_std]
#![no_main]

use cortex_app::serve::{self, Memory};
use cortex_hardware::{Exclusive, boot};
use cortex_m as _;
use mps2_an386::Mps2;

/// Frames, transmit buffer, kernel values, seeded channels.
static MEMORY: Exclusive<Memory<4_120, 4_160, 262_144, 1_024>> = Exclusive::new(Memory::new());

/// QEMU holds received bytes back until they are read: nothing overruns.
const RING_BYTES: usize = 16_384;

#[cortex_m_rt::entry]
fn main() -> ! {
    let boot = boot::start();
    let Some(memory) = MEMORY.take() else { panic!() };
    serve::run(&mut Mps2::start(), &boot, RING_BYTES, memory)
}
