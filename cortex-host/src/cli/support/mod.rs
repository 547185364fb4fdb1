//! What the commands share.

pub(crate) mod arguments;
pub(crate) mod browser;
pub(crate) mod console;
pub(crate) mod output;
pub(crate) mod progress;
