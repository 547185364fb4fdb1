//! Kernels of a user's own: their interface, and what becomes of those that break.
#![cfg(target_os = "linux")]

mod deaths;
mod interface;
mod loading;
mod newcomer;
mod original;
mod runs;
