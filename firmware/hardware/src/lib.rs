//! Memory-mapped registers, drivers that several boards share, and what survives a reset.
//!
//! This crate and the board files are the only places with `unsafe`: naming an address is
//! the promise, everything after it is safe. All logic is in `cortex-app`.
#![no_std]

pub mod boot;
pub mod cmsdk;
#[cfg(target_arch = "arm")]
mod doze;
#[cfg(all(target_arch = "arm", feature = "dwt"))]
pub mod dwt;
mod exclusive;
mod register;

#[cfg(target_arch = "arm")]
pub use doze::Doze;
pub use exclusive::Exclusive;
pub use register::Register;
