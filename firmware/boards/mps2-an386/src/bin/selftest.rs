//! `selftest` on mps2-an386 and mps2-an385: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

#[cortex_hardware::entry]
fn main() -> ! {
    cortex_hardware::selftest(mps2::start)
}
