//! A value with the place where it was written.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::Serialize;

use super::error::Position;

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

/// The name under which [`At`] asks the reader for the place of a value.
pub(super) const PLACED: &str = "cortex_host::config::At";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AtVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for AtVisitor<T> {
            type Value = At<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, of: D) -> Result<At<T>, D::Error> {
                T::deserialize(of).map(At::from)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<At<T>, A::Error> {
                let absent = || de::Error::custom("there is no value");
                let line = access.next_element()?.ok_or_else(absent)?;
                let column = access.next_element()?.ok_or_else(absent)?;
                let value = access.next_element()?.ok_or_else(absent)?;
                Ok(At { value, position: Position { line, column } })
            }
        }
        deserializer.deserialize_newtype_struct(PLACED, AtVisitor(PhantomData))
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
