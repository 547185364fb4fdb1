//! The one place of the host crate where `unsafe` is allowed.
//!
//! Each file wraps one thing the language cannot check behind an interface that cannot be
//! misused, and argues each use:
//!
//! - [`scheduling`]: the calling thread's scheduling policy.
#![allow(unsafe_code)]

pub mod scheduling;
