//! `selftest` on mps2-an385: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

use mps2_an385::Mps2;

#[cortex_m_rt::entry]
fn main() -> ! {
    cortex_app::selftest::run(&mut Mps2::start())
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    cortex_app::selftest::panicked(&mut Mps2::start(), info)
}
