//! From the tree to typed tables: each field knows its place, each mistake names its key.

use serde::Serialize;

use super::error::{Position, Problem};
use super::node::{Entry, Node, Value};
use crate::base::{listed, nearest, quoted};

/// A value and the place it was written at.
///
/// Serializes, and appears in the JSON schema, as the value alone.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it was written; line 0 when it is a default.
    pub position: Position,
}

impl<T> From<T> for At<T> {
    fn from(value: T) -> Self {
        Self { value, position: Position::default() }
    }
}

impl<T: Serialize> Serialize for At<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<T: schemars::JsonSchema> schemars::JsonSchema for At<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }
}

/// Reading a value of a known type from the tree.
pub trait Decode: Sized {
    /// Reads `node`, which stands at `path` (such as `dataset.channels`).
    ///
    /// # Errors
    /// [`Problem`] at the place of the wrong key or value.
    fn decode(node: &Node, path: &str) -> Result<Self, Problem>;
}

impl<T: Decode> Decode for At<T> {
    fn decode(node: &Node, path: &str) -> Result<Self, Problem> {
        Ok(Self { value: T::decode(node, path)?, position: node.position })
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, path: &str) -> Result<Self, Problem> {
        match &node.value {
            Value::List(list) => list
                .iter()
                .enumerate()
                .map(|(index, item)| T::decode(item, &format!("{path}[{index}]")))
                .collect(),
            _ => Err(wrong(node, path, "a list")),
        }
    }
}

impl Decode for Node {
    fn decode(node: &Node, _path: &str) -> Result<Self, Problem> {
        Ok(node.clone())
    }
}

impl Decode for String {
    fn decode(node: &Node, path: &str) -> Result<Self, Problem> {
        match &node.value {
            Value::Text(text) => Ok(text.clone()),
            _ => Err(wrong(node, path, "text")),
        }
    }
}

impl Decode for bool {
    fn decode(node: &Node, path: &str) -> Result<Self, Problem> {
        match node.value {
            Value::Bool(value) => Ok(value),
            _ => Err(wrong(node, path, "true or false")),
        }
    }
}

impl Decode for u64 {
    fn decode(node: &Node, path: &str) -> Result<Self, Problem> {
        let expected = match node.value {
            Value::Integer(value) => match u64::try_from(value) {
                Ok(value) => return Ok(value),
                Err(_) if value < 0 => "a whole number, 0 or above",
                Err(_) => "a whole number below 2^64",
            },
            // The reader makes a float of an integer that fits no 64 bits.
            Value::Float(value) if value >= 18_446_744_073_709_551_616.0 => {
                "a whole number below 2^64"
            }
            _ => "a whole number",
        };
        Err(wrong(node, path, expected))
    }
}

/// No physical quantity in a configuration is larger than this, or smaller than its inverse.
const MAX_MAGNITUDE: f64 = 1e15;

impl Decode for f64 {
    fn decode(node: &Node, path: &str) -> Result<Self, Problem> {
        let value = match node.value {
            Value::Integer(value) => value as f64,
            Value::Float(value) => value,
            _ => return Err(wrong(node, path, "a number")),
        };
        let magnitude = value.abs();
        if !value.is_finite() {
            Err(wrong(node, path, "a finite number"))
        } else if magnitude > MAX_MAGNITUDE || (value != 0.0 && magnitude < 1.0 / MAX_MAGNITUDE) {
            Err(wrong(node, path, "0, or of a magnitude from 1e-15 to 1e15"))
        } else {
            Ok(value)
        }
    }
}

/// The entries of a mapping.
///
/// # Errors
/// [`Problem`] when `node` is no mapping.
pub fn entries<'a>(node: &'a Node, path: &str) -> Result<&'a [Entry], Problem> {
    match &node.value {
        Value::Mapping(entries) => Ok(entries),
        _ => Err(wrong(node, path, "a mapping of keys to values")),
    }
}

/// Reads the value of one entry of the mapping at `path`.
///
/// # Errors
/// [`Problem`] when there is no value, or one of another type.
pub fn entry<T: Decode>(entry: &Entry, path: &str) -> Result<T, Problem> {
    let path = join(path, &entry.key);
    if entry.node.value == Value::Null {
        return Err(Problem::at(
            entry.position,
            format!("{path} has no value; give it one or remove the key"),
        ));
    }
    T::decode(&entry.node, &path)
}

/// The problem of a key that the mapping at `path` does not have.
#[must_use]
pub fn unknown_key(entry: &Entry, path: &str, known: &[&str]) -> Problem {
    let place = if path.is_empty() { String::new() } else { format!(" in {path}") };
    let advice =
        match (belongs_elsewhere(&entry.key, path), nearest(&entry.key, known.iter().copied())) {
            (Some(advice), _) => advice,
            (None, Some(meant)) => format!("did you mean {}?", quoted(meant)),
            (None, None) => format!("the keys known here are {}", listed(known.iter().copied())),
        };
    Problem::at(entry.position, format!("unknown key {}{place}; {advice}", quoted(&entry.key)))
}

/// `value must be EXPECTED, but it is …`.
#[must_use]
pub fn wrong(node: &Node, path: &str, expected: &str) -> Problem {
    let name = if path.is_empty() { "the configuration" } else { path };
    Problem::at(node.position, format!("{name} must be {expected}, but it is {}", node.describe()))
}

/// `a.b`, or `b` at the top.
#[must_use]
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Advice for keys that are right in another place or in other tools' files.
fn belongs_elsewhere(key: &str, path: &str) -> Option<String> {
    let here = path.split(['.', '[']).next().unwrap_or_default();
    let place = match key {
        "window_samples" | "window_length_samples" => "kernels[].window",
        "hop_samples" => "kernels[].hop",
        "deadline_ms" => "kernels[].deadline_us, in microseconds",
        "plugins" if here.is_empty() => "kernels",
        "path" | "channels" | "sample_rate_hz" if here != "dataset" => match key {
            "path" => "dataset.path",
            "channels" => "dataset.channels",
            _ => "dataset.sample_rate_hz",
        },
        "signal_type" | "duration_s" | "seed" | "amplitude_uv_rms" | "amplitude_uv_peak"
        | "frequency_hz" | "low_corner_hz"
            if path == "dataset" || here.is_empty() =>
        {
            return Some(format!("move it to dataset.params.{key}"));
        }
        "warmup_windows" | "duration_seconds" | "repeat_count" | "pace" if here != "execution" => {
            return Some(format!("move it to execution.{key}"));
        }
        _ => return None,
    };
    Some(format!("use {place}"))
}

/// Declares a table: a struct whose fields are all optional keys of a YAML mapping, its list of
/// keys, and how it is read. Keys not declared are refused.
macro_rules! table {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
        pub struct $name {
            $(
                $(#[$field_meta])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }

        impl $name {
            /// The keys, in order.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($field)),*];
        }

        impl $crate::config::decode::Decode for $name {
            fn decode(
                node: &$crate::config::Node,
                path: &str,
            ) -> Result<Self, $crate::config::Problem> {
                use $crate::config::decode;
                let mut table = Self::default();
                for entry in decode::entries(node, path)? {
                    match entry.key.as_str() {
                        $(stringify!($field) => table.$field = Some(decode::entry(entry, path)?),)*
                        _ => return Err(decode::unknown_key(entry, path, Self::KEYS)),
                    }
                }
                Ok(table)
            }
        }
    };
}
pub(crate) use table;
