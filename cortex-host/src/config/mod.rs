//! Configurations: YAML text → tree with places → typed tables.
//!
//! Every mistake is one sentence with file, line and column ([`ConfigError`]). The tables say
//! what was written; what it means is decided once, in [`crate::plan`].

pub(crate) mod decode;
mod error;
mod node;
pub(crate) mod parameters;
mod params;
mod schema;
mod source;
mod suggest;
mod types;

pub use decode::At;
pub use error::{ConfigError, Position, Problem};
pub use node::{Entry, Node, Value};
pub use params::{LineNoiseParams, SyntheticParams};
pub use schema::json_schema;
pub use source::Source;
pub use suggest::{listed, nearest, quoted};
pub use types::{
    DatasetConfig, ExecutionConfig, KernelConfig, OutputConfig, RealtimeConfig, RunConfig,
};

/// Reads a configuration.
///
/// # Errors
/// [`ConfigError`] for text that is no YAML, unknown keys, and values of a wrong type.
pub fn parse(source: &Source) -> Result<RunConfig, ConfigError> {
    Node::parse(&source.text)
        .and_then(|node| decode::decode(&node, ""))
        .map_err(|problem| problem.in_source(&source.name))
}
