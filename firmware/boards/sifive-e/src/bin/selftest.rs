//! `selftest` on sifive-e: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

use sifive_e::SifiveE;

#[riscv_rt::entry]
fn main() -> ! {
    cortex_app::selftest::run(&mut SifiveE::start())
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    cortex_app::selftest::panicked(&mut SifiveE::start(), info)
}
