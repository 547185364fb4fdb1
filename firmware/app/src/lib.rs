//! All firmware logic, the same for every board.
//!
//! A board implements [`Board`] (bytes in, bytes out, a clock) and hands itself to a program:
//! [`serve::run`] is the firmware proper, a device session behind the serial port;
//! [`selftest::run`] prints digests and costs as text.
#![no_std]
#![forbid(unsafe_code)]

mod board;
mod boot;
pub mod clock;
pub mod selftest;
pub mod serve;
mod sources;
#[cfg(feature = "v3")]
mod sources_with_truth;

pub use board::{Board, ClockInfo, receive_bytes, transmit_all, transmit_bytes};
pub use boot::{Boot, Crash};
