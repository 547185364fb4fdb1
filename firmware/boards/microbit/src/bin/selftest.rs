//! `selftest` on microbit: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

use cortex_m as _;
use microbit::Microbit;

#[cortex_m_rt::entry]
fn main() -> ! {
    let boot = cortex_hardware::boot::start();
    cortex_app::selftest::run(&mut Microbit::start(), &boot)
}
