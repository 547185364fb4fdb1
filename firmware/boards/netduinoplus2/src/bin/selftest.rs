//! `selftest` on netduinoplus2: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

use netduinoplus2::NetduinoPlus2;

#[cortex_m_rt::entry]
fn main() -> ! {
    cortex_app::selftest::run(&mut NetduinoPlus2::start())
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    cortex_app::selftest::panicked(&mut NetduinoPlus2::start(), info)
}
