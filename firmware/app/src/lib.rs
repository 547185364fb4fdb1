//! All firmware logic, the same for every board.
//!
//! A board implements [`Board`] (bytes in, bytes out, a clock) and hands itself to a program:
//! [`selftest::run`] prints digests and costs as text.
#![no_std]
#![forbid(unsafe_code)]

mod board;
pub mod selftest;

pub use board::{Board, ClockFacts, receive_bytes, transmit_bytes};
