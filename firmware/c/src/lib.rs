//! The border between C and the firmware.
//!
//! - An image of the user's own, in Rust, links one library of kernels, from C or from Rust, and
//!   hands [`engine`] to the board's loop.
//! - Firmware in C links this crate as a static library, `libcortex.a`, and includes
//!   `cortex_device.h` (feature `library`): session, generator version 1 and kernels.
//!
//! All `unsafe` of this crate is calls through a library's tables, and memory and pointers as the
//! two headers promise them.
#![no_std]

#[cfg(feature = "library")]
mod arena;
#[cfg(feature = "library")]
pub mod device;
#[cfg(feature = "library")]
pub mod generator;
mod linked;
mod table;

pub use linked::{LinkedEngine, LinkedKernel, engine};
pub use table::{MAX_PARAMETERS, TableKernel};

// Goertzel's bands are a list, which the interface does not have.
#[cfg(feature = "library")]
cortex_core::export_kernels!(@symbol cortex_core_kernels:
    cortex_core::kernel::Noop,
    cortex_core::kernel::Car,
    cortex_core::kernel::NotchIir,
    cortex_core::kernel::BandpassFir,
    cortex_core::kernel::WelchPsd,
    cortex_core::kernel::Fft,
);

#[cfg(feature = "library")]
#[allow(unsafe_code)]
// SAFETY: the firmware defines this function, which takes nothing and never returns.
unsafe extern "C" {
    safe fn cortex_panic() -> !;
}

/// What cannot happen has happened: the firmware decides.
#[cfg(all(feature = "library", target_os = "none"))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    cortex_panic()
}
