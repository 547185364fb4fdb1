//! `cortex-host run` and the reports of its results.

mod bad_devices;
mod command;
mod config_errors;
mod first_hour;
mod gates;
mod report_browser;
mod report_compare;
mod report_html;
mod schedule;
mod telemetry;
mod terminal;
