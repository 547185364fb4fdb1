//! The JSON schema of configurations, for editors: made from the types.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::Value;

use super::types::RunConfig;

/// The schema of a configuration file as pretty-printed JSON, ending in a newline; the text of
/// docs/reference/config.schema.json.
#[must_use]
pub fn json_schema() -> String {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<RunConfig>();
    RecursiveTransform(forbid_null).transform(&mut schema);
    format!("{:#}\n", schema.to_value())
}

/// A key may be absent, but a key that is there has a value: `null` is no choice.
fn forbid_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type") != Some(&Value::from("null")));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            schema.ensure_object().extend(only);
        }
    }
}
