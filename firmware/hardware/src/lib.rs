//! Memory-mapped registers, drivers that several boards share, what survives a reset, and the
//! first and last instructions of every program.
//!
//! This crate and the board files are the only places with `unsafe`: naming an address is
//! the promise, everything after it is safe. All logic is in `cortex-app`.
#![no_std]

mod boot;
pub mod cmsdk;
#[cfg(target_arch = "arm")]
mod doze;
#[cfg(all(target_arch = "arm", feature = "dwt"))]
pub mod dwt;
mod exclusive;
#[cfg(target_arch = "arm")]
mod mps2;
mod program;
mod register;
mod stack;

#[cfg(target_arch = "arm")]
pub use doze::Doze;
pub use exclusive::Exclusive;
#[cfg(target_arch = "arm")]
pub use mps2::Mps2;
pub use program::{firmware, selftest};
pub use register::Register;
