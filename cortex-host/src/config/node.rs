//! YAML text as a small tree in which every key and value knows its place.
//!
//! The reader refuses what no honest configuration holds: duplicate keys, merge keys, nesting
//! deeper than 16, more than 20,000 values, and aliases that multiply. The limits bound time
//! and memory whatever the text.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Error, Options, Spanned};

use super::at::At;
use super::error::{Position, Problem};
use crate::base::quoted;

const MAX_DEPTH: usize = 16;
const MAX_NODES: usize = 20_000;
const EMPTY: &str = "there is nothing in it; a configuration needs dataset and kernels";

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where the value begins.
    pub position: Position,
    /// The value.
    pub value: Value,
}

/// A YAML value, its scalars resolved by the YAML 1.2 core schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value, `null` or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number that fits.
    Integer(i128),
    /// Any other number, NaN and infinities included.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order written.
    Mapping(Vec<Entry>),
}

/// One `key: value` of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key begins.
    pub position: Position,
    /// The value.
    pub node: Node,
}

impl Node {
    /// Reads one YAML document.
    ///
    /// # Errors
    /// [`Problem`] with the place when the text is no YAML, is empty, or passes a limit.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let node = serde_saphyr::from_str_with_options::<Parsed>(text, options())
            .map(Node::from)
            .map_err(|error| explain(error.without_snippet()))?;
        if node.value == Value::Null {
            return Err(Problem::at(Position::default(), EMPTY));
        }
        Ok(node)
    }

    /// The tree that `value` serializes to, without the keys that have no value.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Option<Self> {
        let mut node = Self::parse(&serde_saphyr::to_string(value).ok()?).ok()?;
        node.forget();
        Some(node)
    }

    /// Forgets places, and keys without a value.
    fn forget(&mut self) {
        self.position = Position::default();
        match &mut self.value {
            Value::List(list) => list.iter_mut().for_each(Node::forget),
            Value::Mapping(entries) => {
                entries.retain(|entry| entry.node.value != Value::Null);
                for entry in entries {
                    entry.position = Position::default();
                    entry.node.forget();
                }
            }
            _ => {}
        }
    }

    /// A value that was written nowhere.
    #[must_use]
    pub fn plain(value: Value) -> Self {
        Self { position: Position::default(), value }
    }

    /// The entries, when the value is a mapping.
    #[must_use]
    pub fn into_entries(self) -> Vec<Entry> {
        match self.value {
            Value::Mapping(entries) => entries,
            _ => Vec::new(),
        }
    }

    /// The entry with this key, when the value is a mapping that has one.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// What the value is, for "…, but it is …".
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Null => "empty".into(),
            Value::Bool(value) => value.to_string(),
            Value::Integer(value) if value.unsigned_abs() < 10_u128.pow(20) => value.to_string(),
            Value::Integer(value) => format!("{:e}", *value as f64),
            Value::Float(value) if value.is_nan() => "NaN".into(),
            Value::Float(value) if value.is_infinite() => {
                if *value > 0.0 { "infinite or too large" } else { "minus infinity" }.into()
            }
            Value::Float(value) => format!("{value:?}"),
            Value::Text(text) => format!("the text {}", quoted(text)),
            Value::List(_) => "a list".into(),
            Value::Mapping(_) => "a mapping".into(),
        }
    }
}

impl Entry {
    /// An entry that was written nowhere.
    #[must_use]
    pub fn new(key: &str, value: Value) -> Self {
        Self { key: key.to_owned(), position: Position::default(), node: Node::plain(value) }
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: 4 * MAX_NODES,
            max_nodes: MAX_NODES,
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_aliases: 100,
            max_anchors: 100,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_NODES,
            max_replay_stack_depth: 8,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        strict_booleans: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        emit_comments: false,
        with_snippet: false,
    }
}

/// The reader's errors in the words of someone who wrote a configuration.
fn explain(error: &Error) -> Problem {
    let position = error.location().map(Position::from).unwrap_or_default();
    let message = match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key {} appears twice in this mapping; keep one", quoted(key))
        }
        Error::DuplicateMappingKey { key: None, .. } => {
            "a key appears twice in this mapping; keep one".into()
        }
        Error::Eof { .. } => EMPTY.into(),
        Error::MultipleDocuments { .. } => {
            "a second YAML document begins here; a configuration is one document".into()
        }
        Error::MergeKeyNotAllowed { .. } => {
            "merge keys (<<) are not supported; write the keys out".into()
        }
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            "the aliases here expand to too many values; write the values out".into()
        }
        Error::UnknownAnchor { .. } => {
            "this alias names no anchor defined before it; write the value out".into()
        }
        Error::Budget { breach, .. } => breach_message(&format!("{breach:?}")),
        Error::AliasError { error, .. } => return explain(error),
        other => match plain(other) {
            text if text.contains("recursion limit") => too_deep(),
            text => format!(
                "this is not valid YAML ({text}); check the indentation, quotes and colons here"
            ),
        },
    };
    Problem::at(position, message)
}

/// Which limit was passed. The variants carry crate-internal counters, so their names are used.
fn breach_message(breach: &str) -> String {
    if breach.contains("Depth") || breach.contains("Nesting") {
        too_deep()
    } else if breach.contains("Alias") || breach.contains("Anchor") {
        "this has too many anchors and aliases; write the values out".into()
    } else {
        format!("this is no configuration: it has more than {MAX_NODES} values")
    }
}

fn too_deep() -> String {
    format!("this is no configuration: it nests deeper than {MAX_DEPTH} levels")
}

/// The reader's own text in one line, without the place, which is printed in front.
fn plain(error: &Error) -> String {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    let end = first.find(" at line ").unwrap_or(first.len());
    first[..end].trim_end_matches([',', ':', ' ']).to_owned()
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Integer(value) => serializer.serialize_i128(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(list) => serializer.collect_seq(list),
            Value::Mapping(entries) => {
                serializer.collect_map(entries.iter().map(|entry| (&entry.key, &entry.node)))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let at = At::<Tree<At<String>, Node>>::deserialize(deserializer)?;
        Ok(Self { position: at.position, value: at.value.0 })
    }
}

/// A node as the YAML reader gives it.
struct Parsed(Node);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree<Spanned<String>, Parsed>>::deserialize(deserializer)?;
        Ok(Self(Node { position: spanned.referenced.into(), value: spanned.value.0 }))
    }
}

impl From<Parsed> for Node {
    fn from(parsed: Parsed) -> Self {
        parsed.0
    }
}

impl From<Spanned<String>> for At<String> {
    fn from(spanned: Spanned<String>) -> Self {
        Self { value: spanned.value, position: spanned.referenced.into() }
    }
}

/// A value whose keys are read as `K` and whose nodes are read as `N`.
struct Tree<K, N>(Value, PhantomData<(K, N)>);

impl<'de, K, N> Deserialize<'de> for Tree<K, N>
where
    K: Deserialize<'de> + Into<At<String>>,
    N: Deserialize<'de> + Into<Node>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(ValueVisitor::<K, N>(PhantomData))?;
        Ok(Self(value, PhantomData))
    }
}

struct ValueVisitor<K, N>(PhantomData<(K, N)>);

impl<'de, K, N> Visitor<'de> for ValueVisitor<K, N>
where
    K: Deserialize<'de> + Into<At<String>>,
    N: Deserialize<'de> + Into<Node>,
{
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Integer(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Integer(value))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(i128::try_from(value).map_or(Value::Float(value as f64), Value::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = access.next_element::<N>()? {
            list.push(node.into());
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key::<K>()? {
            let (key, node) = (key.into(), access.next_value::<N>()?.into());
            entries.push(Entry { position: key.position, key: key.value, node });
        }
        Ok(Value::Mapping(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_know_their_place() {
        let node = Node::parse("dataset:\n  path: \"a b\"\n  list: [1, -2.5, true]\n").unwrap();
        let Value::Mapping(top) = node.value else { panic!("no mapping") };
        let Value::Mapping(dataset) = &top[0].node.value else { panic!("no mapping") };
        assert_eq!(dataset[0].position, Position { line: 2, column: 3 });
        assert_eq!(dataset[0].node.position, Position { line: 2, column: 9 });
        assert_eq!(dataset[0].node.value, Value::Text("a b".into()));
        let Value::List(list) = &dataset[1].node.value else { panic!("no list") };
        let values: Vec<_> = list.iter().map(|node| node.value.clone()).collect();
        assert_eq!(values, [Value::Integer(1), Value::Float(-2.5), Value::Bool(true)]);
        assert_eq!(list[1].position, Position { line: 3, column: 13 });
    }
}
