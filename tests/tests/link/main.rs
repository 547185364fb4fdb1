//! The link between host and board: bytes, sessions, lost and broken frames, throughput.

mod bytes;
mod crash;
mod faults;
mod fuzz;
mod fuzz_twins;
mod lines;
mod loopback;
mod serial;
mod tcp;
mod throughput;
mod time_to_name;
