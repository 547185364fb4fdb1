//! Synthetic neural data and benchmarks of signal-processing kernels.
//!
//! ```
//! let dataset = cortex_host::generate("pink_noise")
//!     .channels(8)
//!     .sample_rate_hz(250.0)
//!     .set("duration_s", 1.0)
//!     .build()?;
//! let microvolts = dataset.to_vec()?; // samples x channels
//! # assert_eq!(microvolts.len(), 2000);
//! # Ok::<(), cortex_host::Error>(())
//! ```
//!
//! - [`generate`]: a dataset by its signal's name, into a slice, a `Vec`, blocks or a file;
//!   [`reproduce`] proves that a manifest's dataset can be made again;
//! - [`kernel`]: a kernel by its name, on samples in memory;
//! - [`experiment`]: what `cortex-host run` does.
//!
//! Names, parameters, defaults and ranges are those of configurations; every mistake is an
//! [`Error`] with the sentence that the command line prints. What is not on this page is internal
//! to the program and its tests, and may change with every version.
//!
//! # The rooms behind it
//!
//! Data goes one way: configuration (YAML) → plan (validated, immutable) → samples → kernels →
//! telemetry → results → report. Nothing after the plan reads YAML; nothing in a report measures.
//!
//! The rooms below stand in the order of their imports: each may use those above it and none below.
//! `tests/rooms.rs` holds to that.

// Failures and exit codes, text for messages, atomic files, digests, progress and cancellation.
#[doc(hidden)]
pub mod base;

// What the operating system and the processor offer; the only room with `unsafe`.
#[doc(hidden)]
pub mod platform;

// Power spectral density and its slope.
#[doc(hidden)]
pub mod spectrum;

// Quantiles of dependent windows, with intervals.
#[doc(hidden)]
pub mod statistics;

// Charts as SVG.
#[doc(hidden)]
pub mod plot;

// YAML text to typed tables with positions; knows no primitive.
#[doc(hidden)]
pub mod config;

// The library of datasets, kernels, devices and configurations: on disk first, then embedded.
#[doc(hidden)]
pub mod primitive;

// What a generated dataset is: parameters, shards, manifest.
#[doc(hidden)]
pub mod synthetic;

// Recorded data as files: any format read as one stream of microvolt rows, datasets written.
#[doc(hidden)]
pub mod recording;

// A recording's shape, statistics, spectrum and digest.
#[doc(hidden)]
pub mod inspect;

// Public datasets: their catalogue, and fetching them.
#[doc(hidden)]
pub mod download;

// The host's end of a device: address, link, session, emulator, faults, trace.
#[doc(hidden)]
pub mod device;

// Making synthetic datasets, whole or in shards, and proving them.
#[doc(hidden)]
pub mod generate;

// Feeding a dataset to a kernel, window by window, and recording when things happened.
#[doc(hidden)]
pub mod harness;

// Kernels of a user's own: shared libraries, each run in a process of its own.
#[doc(hidden)]
pub mod foreign;

// Everything a configuration decides, validated.
#[doc(hidden)]
pub mod plan;

// A dataset played in real time, to a pipe or as streams of the Lab Streaming Layer.
#[doc(hidden)]
pub mod stream;

// A run's folder, written and read: telemetry, summary, statistics.
#[doc(hidden)]
pub mod results;

// `report.html` of a run.
#[doc(hidden)]
pub mod report;

// What a detector or classifier found against what is known.
#[doc(hidden)]
pub mod score;

// Whether one run is slower than another.
#[doc(hidden)]
pub mod compare;

// Carrying a plan out: what `cortex-host run` does, as a function.
#[doc(hidden)]
pub mod run;

// One configuration at many values: runs made once, by the values in their names.
#[doc(hidden)]
pub mod sweep;

// The most channels, taps, the highest rate, the shortest hop that holds.
#[doc(hidden)]
pub mod capacity;

// Whether a kernel computes what its oracle does.
#[doc(hidden)]
pub mod validate;

// The library's own interface.
mod api;

pub use api::{
    Dataset, DatasetBuilder, Experiment, Finished, KernelBuilder, Manifest, StreamingKernel, Value,
    Windows, channel_names, experiment, generate, kernel, quickstart_dataset, reproduce,
};
pub use base::{ExitCode, Failure as Error, Progress};
pub use generate::{Blocks, DigestComparison, Reproduced};

// The command line.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
