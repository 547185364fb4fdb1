//! Configurations: YAML text → tree with places → typed tables.
//!
//! Every mistake is one sentence with file, line and column ([`ConfigError`]). The tables say
//! what was written; what it means is decided once, in [`crate::plan`].

mod at;
pub(crate) mod decode;
mod error;
mod node;
pub mod parameters;
pub mod params;
mod schema;
mod types;
pub(crate) mod value;

pub use at::At;
pub use error::{ConfigError, Position, Problem};
pub use node::{Entry, Node, Value};
pub use types::{
    DatasetConfig, ExecutionConfig, KernelConfig, OutputConfig, RealtimeConfig, RunConfig,
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
    Node::parse(&source.text)
        .and_then(|node| decode::decode(&node, ""))
        .map_err(|problem| problem.in_source(&source.name))
}

/// The schema of a configuration file as pretty-printed JSON, ending in a newline; the text of
/// docs/reference/config.schema.json.
#[must_use]
pub fn json_schema() -> String {
    schema::schema_of::<RunConfig>()
}
