//! The firmware on emulated boards: digests, budgets, sessions and runs.

mod c_firmware;
mod firmware_budget;
mod firmware_digests;
mod link;
#[cfg(unix)]
mod nucleo;
mod own_images;
mod pico;
mod run_devices;
