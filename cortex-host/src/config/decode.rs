//! From the tree to typed values: serde over [`Node`], each mistake with its key and its place.

use std::fmt;

use serde::de::value::{BorrowedStrDeserializer, U64Deserializer};
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};

use super::at::PLACED;
use super::error::{Position, Problem};
use super::mistakes::{join, not_a_choice, unknown_key, wrong};
use super::node::{Entry, Node, Value};

/// Reads a value from `node`, which stands at `path` (such as `dataset.channels`).
///
/// # Errors
/// [`Problem`] at the place of the wrong key or value.
pub fn decode<'de, T: Deserialize<'de>>(node: &'de Node, path: &str) -> Result<T, Problem> {
    let reader = Reader { node, path };
    T::deserialize(reader).map_err(|fault| reader.problem(fault))
}

/// Reads the value of one entry of the mapping at `path`.
///
/// # Errors
/// [`Problem`] when there is no value, or one of another type.
pub fn entry<'de, T: Deserialize<'de>>(entry: &'de Entry, path: &str) -> Result<T, Problem> {
    decode(&entry.node, &value_path(entry, path)?)
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

/// Why a value was not read.
#[derive(Debug)]
enum Fault {
    /// A problem that knows its place.
    Positioned(Problem),
    /// A key that the mapping must have.
    Missing(&'static str),
    /// A word that is none of these.
    Choice(String, &'static [&'static str]),
    /// A visitor's complaint.
    Other(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Fault::Other(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Fault::Missing(field)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Fault::Choice(variant.to_owned(), expected)
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Fault::Positioned(problem)
    }
}

/// A node and its path, as serde reads them.
#[derive(Clone, Copy)]
struct Reader<'de, 'p> {
    node: &'de Node,
    path: &'p str,
}

impl<'de> Reader<'de, '_> {
    fn problem(self, fault: Fault) -> Problem {
        let path = self.path;
        let message = match fault {
            Fault::Positioned(problem) => return problem,
            Fault::Missing(field) => format!("{} is missing", join(path, field)),
            Fault::Choice(word, choices) => not_a_choice(path, &word, choices),
            Fault::Other(message) if path.is_empty() => message,
            Fault::Other(message) => format!("{path}: {message}"),
        };
        Problem::at(self.node.position, message)
    }

    fn wrong<T>(self, expected: &str) -> Result<T, Fault> {
        Err(wrong(self.node, self.path, expected).into())
    }

    /// What a visitor says, as a problem of this node.
    fn placed<T>(self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        outcome.map_err(|fault| self.problem(fault).into())
    }

    fn whole<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.value {
            Value::Integer(value) => match u64::try_from(value) {
                Ok(value) => self.placed(visitor.visit_u64(value)),
                Err(_) if value < 0 => self.wrong("a whole number, 0 or above"),
                Err(_) => self.wrong("a whole number below 2^64"),
            },
            // The reader makes a float of an integer that fits no 64 bits.
            Value::Float(value) if value >= 18_446_744_073_709_551_616.0 => {
                self.wrong("a whole number below 2^64")
            }
            _ => self.wrong("a whole number"),
        }
    }
}

/// No physical quantity in a configuration is larger than this, or smaller than its inverse.
const MAX_MAGNITUDE: f64 = 1e15;

macro_rules! whole_numbers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.whole(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'de, '_> {
    type Error = Fault;

    whole_numbers! {
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Integer(value) => visitor.visit_i128(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::List(list) => visitor.visit_seq(Items { list, next: 0, path: self.path }),
            Value::Mapping(entries) => visitor.visit_map(Entries::of(entries, self.path)),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let value = match self.node.value {
            Value::Integer(value) => value as f64,
            Value::Float(value) => value,
            _ => return self.wrong("a number"),
        };
        let magnitude = value.abs();
        if !value.is_finite() {
            self.wrong("a finite number")
        } else if magnitude > MAX_MAGNITUDE || (value != 0.0 && magnitude < 1.0 / MAX_MAGNITUDE) {
            self.wrong("0, or of a magnitude from 1e-15 to 1e15")
        } else {
            self.placed(visitor.visit_f64(value))
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.value {
            Value::Bool(value) => visitor.visit_bool(value),
            _ => self.wrong("true or false"),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Text(text) => self.placed(visitor.visit_borrowed_str(text)),
            _ => self.wrong("text"),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::List(list) => {
                self.placed(visitor.visit_seq(Items { list, next: 0, path: self.path }))
            }
            _ => self.wrong("a list"),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let entries = entries(self.node, self.path)?;
        self.placed(visitor.visit_map(Entries::of(entries, self.path)))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let entries = entries(self.node, self.path)?;
        if let Some(entry) = entries.iter().find(|entry| !fields.contains(&entry.key.as_str())) {
            return Err(unknown_key(entry, self.path, fields).into());
        }
        self.placed(visitor.visit_map(Entries::of(entries, self.path)))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if name == PLACED {
            visitor.visit_seq(PositionedDeserializer {
                position: self.node.position,
                step: 0,
                value: self,
            })
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.node.value {
            Value::Text(text) => {
                self.placed(visitor.visit_enum(BorrowedStrDeserializer::new(text)))
            }
            Value::Mapping(entries) if entries.len() == 1 => {
                self.placed(visitor.visit_enum(Variant { entry: &entries[0], path: self.path }))
            }
            _ => self.wrong("text"),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct
        identifier ignored_any
    }
}

/// The items of a list.
struct Items<'de, 'p> {
    list: &'de [Node],
    next: usize,
    path: &'p str,
}

impl<'de> SeqAccess<'de> for Items<'de, '_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.list.get(self.next) else { return Ok(None) };
        let path = format!("{}[{}]", self.path, self.next);
        self.next += 1;
        let reader = Reader { node, path: &path };
        reader.placed(seed.deserialize(reader)).map(Some)
    }
}

/// The entries of a mapping.
struct Entries<'de, 'p> {
    entries: std::slice::Iter<'de, Entry>,
    current: Option<&'de Entry>,
    path: &'p str,
}

impl<'de, 'p> Entries<'de, 'p> {
    fn of(entries: &'de [Entry], path: &'p str) -> Self {
        Self { entries: entries.iter(), current: None, path }
    }
}

impl<'de> MapAccess<'de> for Entries<'de, '_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.current = self.entries.next();
        self.current.map(|entry| seed.deserialize(Key(entry))).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let entry = self.current.ok_or_else(|| Fault::Other("a value without a key".into()))?;
        let path = value_path(entry, self.path)?;
        let reader = Reader { node: &entry.node, path: &path };
        reader.placed(seed.deserialize(reader))
    }
}

/// A key of a mapping.
#[derive(Clone, Copy)]
struct Key<'de>(&'de Entry);

impl<'de> Deserializer<'de> for Key<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_str(&self.0.key)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_seq(PositionedDeserializer {
            position: self.0.position,
            step: 0,
            value: self,
        })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// What [`super::At`] reads: line, column and value.
struct PositionedDeserializer<D> {
    position: Position,
    step: u8,
    value: D,
}

impl<'de, D: Deserializer<'de, Error = Fault> + Copy> SeqAccess<'de> for PositionedDeserializer<D> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        self.step += 1;
        let number = |value: u64| -> U64Deserializer<Fault> { value.into_deserializer() };
        match self.step {
            1 => seed.deserialize(number(self.position.line)).map(Some),
            2 => seed.deserialize(number(self.position.column)).map(Some),
            3 => seed.deserialize(self.value).map(Some),
            _ => Ok(None),
        }
    }
}

/// A variant with its contents, written as a mapping of one entry.
struct Variant<'de, 'p> {
    entry: &'de Entry,
    path: &'p str,
}

impl<'de> EnumAccess<'de> for Variant<'de, '_> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        seed.deserialize(Key(self.entry)).map(|variant| (variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de, '_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Err(Fault::Other(format!("{} takes no contents", self.entry.key)))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        let path = value_path(self.entry, self.path)?;
        let reader = Reader { node: &self.entry.node, path: &path };
        reader.placed(seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, _visitor: V) -> Result<V::Value, Fault> {
        self.unit_variant().and(Err(Fault::Other(String::new())))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Fault> {
        self.unit_variant().and(Err(Fault::Other(String::new())))
    }
}

/// The path of an entry's value, which must be there.
fn value_path(entry: &Entry, path: &str) -> Result<String, Problem> {
    let path = join(path, &entry.key);
    if entry.node.value != Value::Null {
        return Ok(path);
    }
    let message = format!("{path} has no value; give it one or remove the key");
    Err(Problem::at(entry.position, message))
}
