//! The JSON schema of configurations, for editors: made from the types.

use std::borrow::Cow;

use cortex_core::kernel::KernelName;
use cortex_core::parameter::{DefaultValue, Kind, POSITIVE, Parameter};
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::params::of_datasets;

/// Where editors find the schema of configurations: its `$id`.
pub const SCHEMA_ID: &str =
    concat!(env!("CARGO_PKG_REPOSITORY"), "/raw/main/docs/reference/config.schema.json");

/// The schema of `T` as pretty-printed JSON, ending in a newline.
pub(super) fn schema_of<T: JsonSchema>(formats: &[&str]) -> String {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<T>();
    RecursiveTransform(forbid_null).transform(&mut schema);
    schema.insert("$id".to_owned(), SCHEMA_ID.into());
    let mut schema = schema.to_value();
    schema["$defs"]["DatasetConfig"]["properties"]["format"]["enum"] = json!(formats);
    format!(
        "{schema:#}
"
    )
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

/// What `kernels[].params` may hold; the kernel's name decides which.
pub struct AnyKernelParams;

impl JsonSchema for AnyKernelParams {
    fn schema_name() -> Cow<'static, str> {
        "AnyKernelParams".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut choices = Vec::new();
        for info in KernelName::ALL.map(KernelName::info) {
            if info.parameters.is_empty() {
                continue;
            }
            let name = format!("kernel_{}", info.name);
            choices.push(json!({ "$ref": format!("#/$defs/{name}") }));
            let mut schema = table(info.parameters);
            schema.insert("description".into(), format!("Parameters of {}.", info.name).into());
            generator.definitions_mut().insert(name, schema.into());
        }
        // Of a library or a command, which no schema knows; a kernel of the original takes text too.
        choices.push(json!({ "type": ["object", "string"], "description": "Of your own kernel." }));
        json!({ "anyOf": choices }).try_into().unwrap_or_default()
    }
}

/// What `dataset.params` may hold; the generator's version and signal decide which.
pub struct AnyDatasetParams;

impl JsonSchema for AnyDatasetParams {
    fn schema_name() -> Cow<'static, str> {
        "AnyDatasetParams".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let known = of_datasets();
        let parameters: Vec<Parameter> = known.iter().map(|(parameter, _)| *parameter).collect();
        let mut schema = table(&parameters);
        // A key that one signal requires, others do not take.
        schema.insert("required".into(), json!(["signal_type", "duration_s"]));
        for (parameter, of) in known.iter().filter(|(_, of)| !of.is_empty()) {
            let description = &mut schema["properties"][parameter.name]["description"];
            *description = format!("{of}: {}", description.as_str().unwrap_or_default()).into();
        }
        schema.into()
    }
}

/// The schema of a table with these keys.
fn table(parameters: &[Parameter]) -> Map<String, Value> {
    let properties: Map<String, Value> = parameters
        .iter()
        .map(|parameter| (parameter.name.to_owned(), property(parameter).into()))
        .collect();
    let required = parameters.iter().filter(|one| one.default == DefaultValue::Required);
    let required: Vec<&str> = required.map(|parameter| parameter.name).collect();
    let mut schema = Map::new();
    schema.insert("type".into(), "object".into());
    schema.insert("additionalProperties".into(), false.into());
    schema.insert("properties".into(), properties.into());
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    schema
}

/// The schema of one value.
fn property(parameter: &Parameter) -> Map<String, Value> {
    let mut schema = match parameter.kind {
        Kind::Number { min, max } => {
            let mut schema = Map::from_iter([("type".into(), "number".into())]);
            if min == POSITIVE {
                schema.insert("exclusiveMinimum".into(), 0.into());
            } else if min.is_finite() {
                schema.insert("minimum".into(), min.into());
            }
            if max.is_finite() {
                schema.insert("maximum".into(), max.into());
            }
            schema
        }
        Kind::Count { min, max } => Map::from_iter([
            ("type".into(), "integer".into()),
            ("minimum".into(), min.into()),
            ("maximum".into(), max.into()),
        ]),
        Kind::Choice(choices) => {
            Map::from_iter([("type".into(), "string".into()), ("enum".into(), choices.into())])
        }
        Kind::List { min, max, of } => Map::from_iter([
            ("type".into(), "array".into()),
            ("minItems".into(), min.into()),
            ("maxItems".into(), max.into()),
            ("items".into(), table(of).into()),
        ]),
        Kind::Table(of) => table(of),
    };
    let mut text = parameter.doc.to_owned();
    let mut add = |label: &str, words: &str| {
        if !words.is_empty() {
            text.push_str(&format!(" {label}: {words}."));
        }
    };
    add("Unit", parameter.unit);
    add("Limit", parameter.limit);
    match parameter.default {
        DefaultValue::Required => {}
        DefaultValue::Number(number) => drop(schema.insert("default".into(), number.into())),
        DefaultValue::Count(count) => drop(schema.insert("default".into(), count.into())),
        DefaultValue::Choice(word) => drop(schema.insert("default".into(), word.into())),
        DefaultValue::Derived(words) => add("Default", words),
    }
    schema.insert("description".into(), text.into());
    schema
}
