//! `selftest` on sifive-e: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

use sifive_e::SifiveE;

#[riscv_rt::entry]
fn main() -> ! {
    let boot = cortex_hardware::boot::start();
    cortex_app::selftest::run(&mut SifiveE::start(), &boot)
}
