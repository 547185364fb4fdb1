//! Configurations: YAML text → tree with places → typed tables.
//!
//! Every mistake is one sentence with file, line and column ([`ConfigError`]). The tables say
//! what was written; what it means is decided once, in [`crate::plan`].

mod at;
pub(crate) mod decode;
mod error;
pub(crate) mod mistakes;
mod node;
pub mod parameters;
pub mod params;
mod schema;
mod settings;
pub(crate) mod table;
mod types;
pub(crate) mod value;

pub use at::At;
pub use error::{ConfigError, Position, Problem};
pub use node::{Entry, Node, Value};
pub use schema::SCHEMA_ID;
pub use settings::{Setting, keep_kernels};
pub use types::{
    DatasetConfig, ExecutionConfig, KernelConfig, MAX_LABEL_CHARS, OutputConfig, RealtimeConfig,
    RunConfig,
};

use std::path::PathBuf;

/// A configuration's text, what messages call it, and the folder its relative paths may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as given, `<stdin>`, or the embedded file's path.
    pub name: String,
    /// The text.
    pub text: String,
    /// The folder the file is in; none for stdin, pipes and the embedded one.
    pub folder: Option<PathBuf>,
}

/// Reads a configuration.
///
/// # Errors
/// [`ConfigError`] for text that is no YAML, unknown keys, and values of a wrong type.
pub fn parse(source: &Source) -> Result<RunConfig, ConfigError> {
    parse_with(source, &[], &[])
}

/// The same with `settings` in place of what is written, and only the kernels named in `kernels`
/// (all when there is none).
///
/// # Errors
/// As [`parse`]; a setting has no line and column.
pub fn parse_with(
    source: &Source,
    settings: &[Setting],
    kernels: &[String],
) -> Result<RunConfig, ConfigError> {
    let node = Node::parse(&source.text).map_err(|problem| problem.in_source(&source.name))?;
    parse_node(node, &source.name, settings, kernels)
}

/// The same for a configuration that was read already; messages call it `name`.
///
/// # Errors
/// As [`parse_with`].
pub fn parse_node(
    mut node: Node,
    name: &str,
    settings: &[Setting],
    kernels: &[String],
) -> Result<RunConfig, ConfigError> {
    let of_command_line = |problem: Problem| problem.in_source("command line");
    for setting in settings {
        setting.apply(&mut node).map_err(of_command_line)?;
    }
    if !kernels.is_empty() {
        keep_kernels(&mut node, kernels).map_err(of_command_line)?;
    }
    decode::decode(&node, "").map_err(|problem| problem.in_source(name))
}

/// The schema of a configuration file as pretty-printed JSON, ending in a newline, where `formats`
/// are the spellings of `dataset.format`.
#[must_use]
pub fn json_schema(formats: &[&str]) -> String {
    schema::schema_of::<RunConfig>(formats)
}
