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
//! [`Error`] with the sentence that the command line prints. What is not on this page is private.
//!
//! # The rooms behind it
//!
//! Data goes one way: configuration (YAML) → plan (validated, immutable) → samples → kernels →
//! telemetry → results → report. Nothing after the plan reads YAML; nothing in a report measures.
//!
//! The rooms stand in the order of their imports: each may use those above it and none below.
//! `tests/rooms.rs` holds to that. They are private; the feature `internals` opens them to the
//! program's own tests and benches.

// What only tests use, or only the command line, is not dead.
#![cfg_attr(not(feature = "internals"), allow(dead_code, unused_imports))]

// Where the rooms' files lie: beside this one.
#[path = ""]
mod rooms {
    // Failures and exit codes, text for messages, atomic files, digests, progress and cancellation.
    pub mod base;

    // What the operating system and the processor offer; the only room with `unsafe`.
    pub mod platform;

    // Power spectral density and its slope.
    pub mod spectrum;

    // Quantiles of dependent windows, with intervals.
    pub mod statistics;

    // Charts as SVG.
    pub mod plot;

    // YAML text to typed tables with positions; knows no primitive.
    pub mod config;

    // The library of datasets, kernels, devices and configurations: on disk first, then embedded.
    pub mod primitive;

    // What a generated dataset is: parameters, shards, manifest.
    pub mod synthetic;

    // Recorded data as files: any format read as one stream of microvolt rows, datasets written.
    pub mod recording;

    // A recording's shape, statistics, spectrum and digest.
    pub mod inspect;

    // Public datasets: their catalogue, and fetching them.
    pub mod download;

    // The host's end of a device: address, link, session, emulator, faults, trace.
    pub mod device;

    // Making synthetic datasets, whole or in shards, and proving them.
    pub mod generate;

    // Feeding a dataset to a kernel, window by window, and recording when things happened.
    pub mod harness;

    // Kernels of a user's own: shared libraries, each run in a process of its own.
    pub mod foreign;

    // Everything a configuration decides, validated.
    pub mod plan;

    // A dataset played in real time, to a pipe or as streams of the Lab Streaming Layer.
    pub mod stream;

    // A run's folder, written and read: telemetry, summary, statistics.
    pub mod results;

    // `report.html` of a run.
    pub mod report;

    // What a detector or classifier found against what is known.
    pub mod score;

    // Whether one run is slower than another.
    pub mod compare;

    // Carrying a plan out: what `cortex-host run` does, as a function.
    pub mod run;

    // One configuration at many values: runs made once, by the values in their names.
    pub mod sweep;

    // The most channels, taps, the highest rate, the shortest hop that holds.
    pub mod capacity;

    // Whether a kernel computes what its oracle does.
    pub mod validate;

    // The library's own interface.
    pub mod api;

    // The command line.
    #[cfg(feature = "cli")]
    pub mod cli;
}

#[cfg(feature = "internals")]
#[doc(hidden)]
pub use rooms::*;
#[cfg(not(feature = "internals"))]
use rooms::*;

pub use api::{
    Dataset, DatasetBuilder, Experiment, Finished, KernelBuilder, Manifest, StreamingKernel, Value,
    Windows, channel_names, experiment, generate, kernel, quickstart_dataset, reproduce,
};
pub use base::{ExitCode, Failure as Error, Progress};
#[cfg(feature = "cli")]
pub use cli::main as command_line;
pub use generate::{Blocks, DigestComparison, Reproduced};
