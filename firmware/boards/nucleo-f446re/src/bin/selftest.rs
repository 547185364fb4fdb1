//! `selftest` on nucleo-f446re: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

#[cortex_hardware::entry]
fn main() -> ! {
    cortex_hardware::selftest(nucleo_f446re::Nucleo::start)
}
