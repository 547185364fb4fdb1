//! The host side of CORTEX-rs: everything that needs an operating system.
//!
//! Data flows one way: `config` (YAML) → `plan` (validated, immutable) → signal source →
//! sink (file, kernel, device link) → telemetry → results → report. Nothing after the plan
//! reads YAML; nothing in the report measures.

pub mod base;
#[cfg(feature = "cli")]
pub mod cli;
pub mod compare;
pub mod config;
pub mod device;
pub mod download;
pub mod generate;
pub mod harness;
pub mod inspect;
pub mod plan;
pub mod platform;
pub mod plot;
pub mod primitive;
pub mod recording;
pub mod report;
pub mod results;
#[cfg(feature = "cli")]
mod run;
pub mod spectrum;
pub mod statistics;
pub mod synthetic;
