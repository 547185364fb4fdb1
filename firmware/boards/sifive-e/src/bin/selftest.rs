//! `selftest` on sifive-e: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

#[riscv_rt::entry]
fn main() -> ! {
    cortex_hardware::selftest(sifive_e::SifiveE::start)
}
