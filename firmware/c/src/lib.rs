//! The border between C and the firmware: kernels behind `cortex_kernel.h` in an image.
//!
//! An image of the user's own links one library of kernels, from C or from Rust, and hands
//! [`engine`] to the board's loop. All `unsafe` of this crate is calls through the library's tables
//! and memory laid out for them.
#![no_std]

mod linked;
mod table;

pub use linked::{LinkedEngine, LinkedKernel, engine};
pub use table::{MAX_PARAMETERS, TableKernel};
