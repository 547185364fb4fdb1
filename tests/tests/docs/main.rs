//! What the documentation says and what the sources promise.

mod action;
mod commands;
mod configuration_reference;
mod examples;
mod guide_datasets;
mod guide_own_kernel;
mod help_examples;
mod json_answers;
mod named_files;
mod prose;
mod unsafe_confined;
