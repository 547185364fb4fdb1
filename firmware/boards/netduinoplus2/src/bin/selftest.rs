//! `selftest` on netduinoplus2: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

use cortex_m as _;
use netduinoplus2::NetduinoPlus2;

#[cortex_m_rt::entry]
fn main() -> ! {
    let boot = cortex_hardware::boot::start();
    cortex_app::selftest::run(&mut NetduinoPlus2::start(), &boot)
}
