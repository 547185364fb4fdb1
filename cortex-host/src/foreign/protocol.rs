//! What the two processes of a kernel tell each other as text; windows need none of it.

use serde::{Deserialize, Serialize};

use crate::harness::RealtimeSettings;
use crate::platform::library::{KernelSetup, LibraryDescription, OutputShape, Refusal};

/// The first request to a kernel process.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// Say what is in the library at this path.
    Describe(std::path::PathBuf),
    /// Make a kernel ready to run.
    Plan {
        /// The kernel.
        setup: Box<KernelSetup>,
        /// How its thread is scheduled.
        realtime: RealtimeSettings,
    },
    /// Train a kernel on windows of float32 data in a file, and write its state to another.
    Train {
        /// The kernel.
        setup: Box<KernelSetup>,
        /// Interleaved little-endian float32, whole windows one after another.
        data: std::path::PathBuf,
        /// A label per window.
        labels: Option<Vec<i32>>,
        /// Where the state goes.
        output: std::path::PathBuf,
    },
}

/// Its answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Response {
    /// Of [`Request::Describe`].
    Described(LibraryDescription),
    /// Of [`Request::Plan`].
    Planned(OutputShape),
    /// Of [`Request::Train`]: bytes written.
    Trained(u64),
    /// It cannot be done.
    Refused(Refusal),
}

/// What a request without text asks for: [`crate::platform::shared_memory::Control::operation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// The request that is there as text.
    Text,
    /// Put the kernel into the state before the first sample.
    Reset,
    /// Run a window.
    Process,
}

impl Operation {
    /// The number in shared memory.
    pub(super) fn number(self) -> u32 {
        self as u32
    }

    /// The operation with this number.
    pub(super) fn of(number: u32) -> Option<Self> {
        [Operation::Text, Operation::Reset, Operation::Process]
            .into_iter()
            .find(|operation| operation.number() == number)
    }
}

/// A status that a kernel cannot give: it left the process without its descriptors.
pub(super) const STATUS_DESCRIPTORS_CLOSED: u32 = 1;
/// A status that a kernel cannot give: it wrote past its output, less far than the guard.
pub(super) const STATUS_OUTPUT_OVERRUN: u32 = 2;
