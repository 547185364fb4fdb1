//! `selftest` on mps2-an386: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

use cortex_m as _;
use mps2_an386::Mps2;

#[cortex_m_rt::entry]
fn main() -> ! {
    let boot = cortex_hardware::boot::start();
    cortex_app::selftest::run(&mut Mps2::start(), &boot)
}
