//! The JSON that commands print: its version, and its schema, made from the types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;

use super::output;
use crate::base::Failure;

/// Version of the layout of every answer that has none of its own. It changes when a field changes
/// its meaning or goes away.
pub const SCHEMA_VERSION: u32 = 1;

/// An answer, with the version of its layout before it.
#[derive(JsonSchema, Serialize)]
pub struct Versioned<T> {
    /// Version of the layout: it changes when a field changes its meaning or goes away.
    schema_version: u32,
    #[serde(flatten)]
    answer: T,
}

impl<T> Versioned<T> {
    /// The answer of a layout that is as old as its first version.
    pub fn of(answer: T) -> Self {
        Self { schema_version: SCHEMA_VERSION, answer }
    }
}

/// The text of `answer`.
///
/// # Errors
/// It holds what JSON cannot say.
pub fn text<T: Serialize>(answer: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(answer)
        .map_err(|error| Failure::input_output(format!("cannot print JSON: {error}")))
}

/// Prints `answer`, with its version, on stdout.
///
/// # Errors
/// It holds what JSON cannot say, or stdout cannot be written.
pub fn print<T: Serialize>(answer: T) -> Result<(), Failure> {
    output::print(&text(&Versioned::of(answer))?)
}

/// The schema of what is printed of a `T`, ending in a newline.
pub fn schema_of<T: JsonSchema>() -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = SchemaGenerator::new(settings).into_root_schema_for::<T>();
    format!("{:#}\n", schema.to_value())
}
