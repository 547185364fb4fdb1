//! The host side of CORTEX-rs: everything that needs an operating system.
//!
//! Data goes one way: configuration (YAML) → plan (validated, immutable) → samples → kernels →
//! telemetry → results → report. Nothing after the plan reads YAML; nothing in a report measures.
//!
//! The rooms below stand in the order of their imports: each may use those above it and none below.
//! `tests/rooms.rs` holds to that.

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

// A run's folder, written and read: telemetry, summary, statistics.
pub mod results;

// `report.html` of a run.
pub mod report;

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

// The command line.
#[cfg(feature = "cli")]
pub mod cli;
