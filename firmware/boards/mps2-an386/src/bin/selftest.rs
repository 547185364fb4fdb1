//! `selftest` on mps2-an386 and mps2-an385: prints digests and costs (see cortex_app::selftest).
#![no_std]
#![no_main]

use cortex_hardware::Mps2;

#[cortex_m_rt::entry]
fn main() -> ! {
    cortex_hardware::selftest(|| Mps2::start(env!("CARGO_PKG_NAME")))
}
