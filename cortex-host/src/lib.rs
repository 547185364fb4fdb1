//! The host side of CORTEX-rs: everything that needs an operating system.
//!
//! Data flows one way: `config` (YAML) → `plan` (validated, immutable) → signal source →
//! sink (file, kernel, device link) → telemetry → results → report. Nothing after the plan
//! reads YAML; nothing in the report measures.

#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod dataset;
pub mod device;
pub mod exit;
pub mod foreign;
pub mod generate;
pub mod harness;
pub mod plan;
pub mod platform;
pub mod plot;
pub mod primitive;
pub mod report;
pub mod results;
