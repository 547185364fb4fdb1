//! `table!`: serde's derive for a mapping of optional keys, with its attributes written once.

/// Declares a table: a struct whose fields are all optional keys of a YAML mapping. What it gives is
/// serde's own `Serialize` and `Deserialize`: [`decode`](super::decode::decode) refuses keys that
/// are not declared, and a key without a value is not written.
macro_rules! table {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            $(
                $(#[$field_meta])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }

        impl $name {
            /// The keys, in order.
            #[allow(dead_code, reason = "few tables are asked for them")]
            pub const KEYS: &'static [&'static str] = &[$(stringify!($field)),*];
        }
    };
}
pub(crate) use table;
