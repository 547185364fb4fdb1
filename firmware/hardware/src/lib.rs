//! Memory-mapped registers, and the drivers that several boards share.
//!
//! This crate and the board files are the only places with `unsafe`: naming an address is
//! the promise, everything after it is safe. All logic is in `cortex-app`.
#![no_std]

pub mod cmsdk;
mod register;

pub use register::Register;
