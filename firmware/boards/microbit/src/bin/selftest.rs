//! `selftest` on microbit: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

use microbit::Microbit;

#[cortex_m_rt::entry]
fn main() -> ! {
    cortex_app::selftest::run(&mut Microbit::start())
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    cortex_app::selftest::panicked(&mut Microbit::start(), info)
}
