//! The harness: feeds a dataset to kernels, window by window, and records when things happened.
//!
//! [`ReleaseSchedule`] says when a window is due, a [`Device`] runs it, [`run_windows`] ties them together
//! and gives one [`WindowRecord`] per window to a [`WindowSink`]. Kernels run one after another
//! over the same data. The harness measures and judges nothing: statistics are made of the
//! records by [`crate::results`].

mod clock;
mod device;
mod engine;
mod link;
mod native;
mod realtime;
mod samples;
mod schedule;
mod steps;

pub use clock::{Clock, Manual, Monotonic, SPIN_NS};
pub use device::{Device, DeviceTicks, DeviceTiming, WindowDone, WindowFault};
pub use engine::{
    Ending, KernelRun, KernelRunError, Pace, WindowRecord, WindowSink, check_kernel_run,
    run_windows,
};
pub use link::{Checks, LEAST_POWER_RATIO, LinkDevice};
pub use native::{NativeDevice, VectorKernel};
pub use realtime::{AppliedRealtime, RealtimeSettings, Scheduler, apply_realtime};
pub use samples::{SampleFile, SampleFileError};
pub use schedule::{ReleaseSchedule, windows_in};
pub use steps::InSteps;
