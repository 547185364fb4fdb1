//! # CORTEX-rs core
//!
//! Synthetic neural signals, signal-processing kernels and the serial link protocol, written
//! once for desktops and microcontrollers: `no_std`, no allocation, no `unsafe`.
//!
//! The layers, each using only those above it:
//!
//! - [`math`]: the one door to elementary functions (everything else is banned by clippy);
//! - [`random`]: per-channel ChaCha8 streams and Gaussian numbers from them;
//! - [`signal`]: generator versions v1 and v2: validated parameters → coefficients → blocks;
//! - [`kernel`]: the benchmarked signal-processing kernels;
//! - [`link`]: frames, messages and session state machines of the serial protocol.
//!
//! The law of this crate is bit identity: the same parameters give the same bits on every
//! target, with any vector width (docs/numerics.md says why that holds).
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "std")]
extern crate std;

pub mod abi;
mod block;
pub mod digest;
pub mod kernel;
pub mod link;
pub mod math;
pub mod parameter;
pub mod random;
pub mod signal;

pub use parameter::ParameterError;

/// The examples of the package's page.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
