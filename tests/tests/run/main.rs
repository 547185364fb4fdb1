//! `cortex-host run`, the reports of its results, and kernels of a user's own in it.

mod bad_devices;
mod capacity;
mod command;
mod config_errors;
mod first_hour;
mod gates;
mod kernels;
mod report_browser;
mod report_compare;
mod report_html;
mod schedule;
mod telemetry;
mod terminal;
