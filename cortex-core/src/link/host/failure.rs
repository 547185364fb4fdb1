//! Why a session ends before its time, in one sentence each.

use heapless::String;

use super::MS;
use crate::link::message::{ErrorInfo, WIRE_VERSION, WIRE_VERSION_MIN};

/// Why a session ended before its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No byte came in answer to HELLO.
    NoAnswer,
    /// Bytes came in answer to HELLO, but no frame.
    Garbage {
        /// How many bytes.
        bytes: u64,
    },
    /// The device speaks other versions of the wire format.
    WireVersion {
        /// Its oldest version.
        device_min: u8,
        /// Its newest version.
        device_max: u8,
    },
    /// The version fits, but the messages do not: builds of different commits.
    Schema,
    /// The device fell silent within the session.
    Silent {
        /// For how long, in nanoseconds.
        for_ns: u64,
    },
    /// The device said that it computes and has not been done since.
    Busy {
        /// For how long, in nanoseconds.
        for_ns: u64,
    },
    /// Bytes come, but nothing moves on.
    NoProgress {
        /// Damaged frames the device reported.
        damaged_at_device: u16,
        /// Damaged frames received here.
        damaged_here: u64,
    },
    /// The device was reset within the session.
    Reset,
    /// The device's program crashed within the session and restarted.
    Crashed {
        /// Where or how: the end of a source file's name, or the kind of fault.
        text: String<32>,
        /// Line in that file, or an address.
        place: u32,
    },
    /// Another program opened a session with the device.
    TakenOver,
    /// The device reported an error.
    Device(ErrorInfo),
    /// The device's block differs from the one sent.
    InputDigest {
        /// The block.
        block: u32,
    },
    /// The result received differs from the one the device made.
    OutputDigest {
        /// The block.
        block: u32,
    },
    /// The device sent something that does not belong here.
    Protocol(&'static str),
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Failure::NoAnswer => f.write_str(
                "the device is silent: check that it is powered, runs the CORTEX firmware, and that port and baud rate are right",
            ),
            Failure::Garbage { bytes } => write!(
                f,
                "the device answers garbage ({bytes} bytes, not one whole frame): the baud rate is wrong, or it does not run the CORTEX firmware"
            ),
            Failure::WireVersion { device_min, device_max } => {
                let remedy = if *device_max < WIRE_VERSION_MIN {
                    "flash the firmware of this release"
                } else {
                    "update cortex-host"
                };
                write!(
                    f,
                    "the device speaks wire version {device_min} to {device_max}, this program {WIRE_VERSION_MIN} to {WIRE_VERSION}: {remedy}"
                )
            }
            Failure::Schema => f.write_str(
                "the device's firmware was built from another version of the wire messages: flash the firmware of this release",
            ),
            Failure::Silent { for_ns } => {
                write!(f, "the device fell silent for {} ms", for_ns / MS)
            }
            Failure::Busy { for_ns } => write!(
                f,
                "the device has been computing the same block for {} ms: it is frozen or cut off, or the kernel is too slow for it",
                for_ns / MS
            ),
            Failure::NoProgress { damaged_at_device: 0, damaged_here: 0 } => f.write_str(
                "the device sends bytes, but nothing moves on, though no frame is damaged: its firmware does not follow the protocol, or something between cuts frames off",
            ),
            Failure::NoProgress { damaged_at_device, damaged_here } => write!(
                f,
                "the line is too noisy: no frame gets through ({damaged_at_device} damaged at the device, {damaged_here} here); lower the baud rate or check the cable"
            ),
            Failure::Reset => f.write_str("the device was reset while the session was open"),
            Failure::Crashed { text, place } => write!(
                f,
                "the device crashed and restarted while the session was open ({text}, {place}): this is a fault of its firmware, please report it"
            ),
            Failure::TakenOver => {
                f.write_str("another program has opened a session with the device")
            }
            Failure::Device(error) => {
                write!(f, "the device reports that {}", error.code.describe())?;
                if !error.text.is_empty() {
                    write!(f, " ({})", error.text)?;
                }
                write!(f, " [{}, {}]", error.a, error.b)
            }
            Failure::InputDigest { block } => {
                write!(f, "block {block} on the device differs from the one sent")
            }
            Failure::OutputDigest { block } => {
                write!(f, "the result of block {block} differs from the one the device made")
            }
            Failure::Protocol(what) => write!(f, "the device broke the protocol: {what}"),
        }
    }
}

impl core::error::Error for Failure {}
