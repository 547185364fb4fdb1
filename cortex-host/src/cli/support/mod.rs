//! What the commands share.

pub(crate) mod arguments;
pub(crate) mod bids_args;
pub(crate) mod browser;
pub(crate) mod console;
pub(crate) mod engine_args;
pub(crate) mod inspection_table;
pub(crate) mod json;
pub(crate) mod open_args;
pub(crate) mod output;
pub(crate) mod param_args;
