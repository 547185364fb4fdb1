//! The library's own interface: what other programs and the Python package call.
//!
//! Everything is named as in a configuration and checked by the same code, so that a mistake is the
//! same sentence as on the command line. Nothing here prints.

mod dataset;
mod experiment;
mod kernel;
mod manifest;
mod value;

pub use dataset::{Dataset, DatasetBuilder, channel_names, generate, quickstart_dataset};
pub use experiment::{Experiment, Finished, experiment};
pub use kernel::{KernelBuilder, StreamingKernel, Windows, kernel};
pub use manifest::{Manifest, reproduce};
pub use value::Value;
