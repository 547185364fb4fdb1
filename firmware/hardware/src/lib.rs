//! Memory-mapped registers, drivers that several boards share, what survives a reset, and the
//! first and last instructions of every program.
//!
//! This crate and the board files are the only places with `unsafe`: naming an address is
//! the promise, everything after it is safe. All logic is in `cortex-app`.
#![no_std]

pub mod cmsdk;
#[cfg(all(target_arch = "arm", feature = "dwt"))]
pub mod dwt;
mod fault;
#[cfg(target_arch = "arm")]
mod mps2;
mod program;
mod register;
mod retained;
mod square_roots;
mod stack;
#[cfg(target_arch = "arm")]
mod wait_for_interrupt;

/// Marks an image's `main`.
#[cfg(target_arch = "arm")]
pub use cortex_m_rt::entry;
#[cfg(target_arch = "arm")]
pub use mps2::Mps2;
pub use program::{firmware, firmware_with, selftest};
pub use register::Register;
/// Marks an image's `main`.
#[cfg(target_arch = "riscv32")]
pub use riscv_rt::entry;
pub use square_roots::SQUARE_ROOTS;
/// Static memory that is handed out once: large buffers never pass over the stack.
pub use static_cell::ConstStaticCell;
#[cfg(target_arch = "arm")]
pub use wait_for_interrupt::WaitForInterrupt;
