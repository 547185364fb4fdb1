//! `selftest` on pico: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

#[cortex_hardware::entry]
fn main() -> ! {
    cortex_hardware::selftest(pico::Pico::start)
}
