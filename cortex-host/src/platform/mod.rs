//! The one place of the host crate where `unsafe` is allowed.
//!
//! Each file wraps one thing the language cannot check behind an interface that cannot be
//! misused, and argues each use:
//!
//! - [`aligned`]: samples that begin at a cache line (safe, and of the same matter as vectors);
//! - [`child`]: child processes that end with this one;
//! - [`descriptor`]: descriptors of crates that hand out only the number;
//! - [`fault_report`]: which signal ended a child, and about which address;
//! - [`file_at`]: files read and written at a place (safe, and different on each system);
//! - [`library`]: kernels of a user's own behind their C interfaces;
//! - [`disk`]: free space, and room for a file before it is written (safe, and different on each
//!   system);
//! - [`lsl`]: streams of the Lab Streaming Layer, whose library is loaded while the program runs;
//! - [`map`]: files in memory;
//! - [`scheduling`]: the calling thread's scheduling policy;
//! - [`shared_memory`]: memory that two processes take turns with;
//! - [`signals`]: what becomes of signals without a handler;
//! - [`simd`]: running generic code with the processor's widest vector instructions;
//! - [`tile_ring`]: tiles whose columns several threads fill at once.
#![allow(unsafe_code)]

pub mod aligned;
pub mod child;
#[cfg(unix)]
pub mod descriptor;
pub mod disk;
#[cfg(target_os = "linux")]
pub mod fault_report;
pub mod file_at;
pub mod library;
pub mod lsl;
pub mod map;
pub mod scheduling;
#[cfg(target_os = "linux")]
pub mod shared_memory;
pub mod signals;
pub mod simd;
pub mod tile_ring;

#[cfg(target_endian = "big")]
compile_error!("datasets are little-endian float32; a big-endian host would need a byte swap");
