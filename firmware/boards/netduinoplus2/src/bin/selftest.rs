//! `selftest` on netduinoplus2: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

#[cortex_hardware::entry]
fn main() -> ! {
    cortex_hardware::selftest(netduinoplus2::NetduinoPlus2::start)
}
