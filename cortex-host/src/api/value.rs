//! A parameter's value as a program gives it.

use crate::config;
use crate::config::{Entry, Node};

/// A value of a parameter or a configuration key.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Number(f64),
    /// A word.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A table: keys and values, in order.
    Table(Vec<(String, Value)>),
}

macro_rules! from {
    ($($type:ty => $value:ident,)*) => {
        $(impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Value::$value(value.into())
            }
        })*
    };
}

from! {
    bool => Bool,
    i32 => Integer,
    i64 => Integer,
    u32 => Integer,
    u64 => Integer,
    f32 => Number,
    f64 => Number,
    &str => Text,
    String => Text,
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        // No usize is wider than 64 bits.
        Value::Integer(value as i128)
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        Node::plain(match value {
            Value::Bool(value) => config::Value::Bool(value),
            Value::Integer(value) => config::Value::Integer(value),
            Value::Number(value) => config::Value::Float(value),
            Value::Text(value) => config::Value::Text(value),
            Value::List(list) => config::Value::List(list.into_iter().map(Node::from).collect()),
            Value::Table(table) => config::Value::Mapping(entries(table)),
        })
    }
}

/// A table's entries; of a key given twice the last one counts.
fn entries(table: Vec<(String, Value)>) -> Vec<Entry> {
    let mut found = Vec::new();
    for (key, value) in table {
        put(&mut found, &key, value);
    }
    found
}

/// Adds an entry, in place of one with the same key.
pub(super) fn put(entries: &mut Vec<Entry>, key: &str, value: Value) {
    entries.retain(|entry| entry.key != key);
    entries.push(Entry { node: value.into(), ..Entry::new(key, config::Value::Null) });
}
