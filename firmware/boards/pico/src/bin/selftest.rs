//! `selftest` on pico: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

#[rp2040_hal::entry]
fn main() -> ! {
    cortex_hardware::selftest(pico::Pico::start)
}
