//! The serial link: the same protocol code on the host and on the device.
//!
//! From the line upwards:
//!
//! - [`cobs`]: byte stuffing, so that 0x00 always ends a frame;
//! - [`frame`]: header, payload, CRC-32;
//! - [`message`], [`sample`] and [`own_kernel`]: what frames carry;
//! - [`window`]: sequence numbers, acknowledgements, what to send again;
//! - [`device`]: the device's session, with [`engine`] for its arithmetic;
//! - [`host`]: the host's session.
//!
//! Everything here is pure: no input, no output, time as an argument, memory from the caller.
//! docs/wire-format.md is the specification.

pub mod cobs;
pub mod device;
pub mod engine;
mod fragment;
pub mod frame;
pub mod host;
pub mod message;
pub mod own_kernel;
pub mod sample;
pub mod window;

pub use device::{Action, BufferError, DeviceIdentity, DeviceSession};
pub use engine::{Engine, KernelEngine};
pub use frame::{Header, Kind};
pub use host::{
    ClockSample, Failure, HostAction, HostEvent, HostOptions, HostSession, HostStats, Waiting,
};
pub use message::{DeviceInfo, ErrorCode, ErrorInfo, ResultEnd, SeededResult};
pub use own_kernel::OwnKernel;
pub use sample::Encoding;
