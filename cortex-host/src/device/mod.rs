//! Devices a run can use: emulated boards and serial ports.

pub mod board;
pub mod qemu;
