//! Every `--json` has a `schema_version`, a schema that the answer keeps to, and a place in
//! docs/reference/json.md.

use std::fs;

use clap::CommandFactory as _;
use cortex_host::cli::Cli;
use cortex_tests::{checkout, stdout_of};
use serde_json::Value;

use super::named_files::NamedFiles;

/// The name of the schema, and a command line that prints such an answer; none where the answer
/// needs what this machine may not have: the schema alone is looked at.
const ANSWERS: [(&str, Option<&str>); 19] = [
    ("run", Some("cortex-host run my.yaml --json --quiet --name answer")),
    ("sweep", Some("cortex-host sweep -c my.yaml --vary kernels.hop=10,20 --json --quiet")),
    ("check", Some("cortex-host check new --max-miss-rate 100 --format json")),
    ("compare", Some("cortex-host compare before after --json")),
    ("generate", Some("cortex-host generate sine_wave 2 100 1 s.float32 --json --quiet")),
    ("merge", Some("cortex-host merge parts.float32 --json --quiet")),
    ("reproduce", Some("cortex-host reproduce results/run-2026-01-12-153000 --json --quiet")),
    ("verify", Some("cortex-host verify primitives/datasets/v1/synthetic --json --quiet")),
    ("convert", Some("cortex-host convert night.edf n.float32 --json --quiet")),
    ("inspect", Some("cortex-host inspect S001R03.edf --json --quiet")),
    ("devices", Some("cortex-host devices loopback --json --quiet")),
    ("doctor", Some("cortex-host doctor --json || [ $? = 1 ]")),
    (
        "score",
        Some(
            "cortex-host generate eeg 8 250 4 t.float32 --paradigm p300 --quiet && \
             cortex-host score t_events.tsv t_events.tsv --json",
        ),
    ),
    ("list", Some("cortex-host list --json")),
    ("link-decode", Some("cortex-host link decode link.pcap --json")),
    // Minutes of real time; tests of its own read it.
    ("capacity", None),
    // Needs liblsl; files/stream.rs has one of its own.
    ("stream", None),
    ("validate", None),
    ("list-library", None),
];

/// What is wrong with `value` by `schema`; `path` says where. Knows every keyword that the
/// schemas here use, and refuses others.
fn faults(root: &Value, schema: &Value, value: &Value, path: &str, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else {
        if schema == &Value::Bool(false) {
            found.push(format!("{path} may not be there"));
        }
        return;
    };
    let mut fault = |text: String| found.push(format!("{path}: {text}"));
    let fits = |schema: &Value| {
        let mut inner = Vec::new();
        faults(root, schema, value, path, &mut inner);
        inner.is_empty()
    };
    let is = |kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("{path}: a type {other}"),
    };
    let list = |schema: &Value| schema.as_array().cloned().unwrap_or_default();
    for (keyword, rule) in schema {
        let good = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" | "default" | "properties"
            | "items" | "prefixItems" => true,
            "$ref" => {
                let pointer = rule.as_str().unwrap().trim_start_matches('#');
                fits(root.pointer(pointer).unwrap_or_else(|| panic!("no {rule}")))
            }
            "type" => match rule {
                Value::String(kind) => is(kind),
                kinds => list(kinds).iter().any(|kind| is(kind.as_str().unwrap())),
            },
            "enum" => list(rule).contains(value),
            "const" => rule == value,
            "anyOf" => list(rule).iter().any(fits),
            "oneOf" => list(rule).iter().filter(|choice| fits(choice)).count() == 1,
            "allOf" => list(rule).iter().all(fits),
            "minimum" => value.as_f64() >= rule.as_f64() || !value.is_number(),
            "maximum" => value.as_f64() <= rule.as_f64() || !value.is_number(),
            "minItems" | "maxItems" => value.as_array().is_none_or(|items| {
                let (count, bound) = (items.len() as u64, rule.as_u64().unwrap());
                if keyword == "minItems" { count >= bound } else { count <= bound }
            }),
            "required" => value.as_object().is_none_or(|object| {
                list(rule).iter().all(|key| object.contains_key(key.as_str().unwrap()))
            }),
            "additionalProperties" | "unevaluatedProperties" => true,
            other => panic!("{path}: a keyword {other}"),
        };
        if !good {
            fault(format!("{value} does not keep to {keyword} {rule}"));
        }
    }
    if let Some(object) = value.as_object() {
        let known = schema.get("properties").and_then(Value::as_object);
        let others = schema.get("additionalProperties");
        for (key, value) in object {
            let path = format!("{path}.{key}");
            match (known.and_then(|known| known.get(key)), others) {
                (Some(rule), _) | (None, Some(rule)) => faults(root, rule, value, &path, found),
                (None, None) => {}
            }
        }
    }
    if let (Some(items), Some(rule)) = (value.as_array(), schema.get("items")) {
        for (index, item) in items.iter().enumerate() {
            faults(root, rule, item, &format!("{path}[{index}]"), found);
        }
    }
}

/// The commands with `--json`, as schemas are named.
fn with_json(command: &clap::Command, path: &str, found: &mut Vec<String>) {
    if command.get_arguments().any(|argument| argument.get_long() == Some("json")) {
        found.push(path.to_owned());
    }
    for sub in command.get_subcommands() {
        let name = sub.get_name();
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}-{name}") };
        with_json(sub, &path, found);
    }
}

#[test]
fn every_answer_keeps_to_its_schema_and_has_its_place_in_the_reference() {
    let mut commands = Vec::new();
    with_json(&Cli::command(), "", &mut commands);
    let page = fs::read_to_string(checkout().join("docs/reference/json.md")).unwrap();
    for command in &commands {
        assert!(ANSWERS.iter().any(|(name, _)| name == command), "{command} is not tried");
    }
    let files = NamedFiles::new();
    for (name, line) in ANSWERS {
        assert!(page.contains(&format!("\n| `{name}` |")), "json.md has no row for {name}");
        let schema = files.works(&format!("cortex-host schema {name}"));
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let required = schema["required"].as_array().unwrap();
        let versions = required.iter().filter(|key| *key == "schema_version").count();
        assert_eq!(versions, 1, "{name}: {required:?}");
        let Some(line) = line else { continue };
        let output = files.sh(line);
        let text = stdout_of(&output, 0);
        // link decode: a line is an answer of its own.
        let answers: Vec<&str> =
            if name == "link-decode" { text.lines().collect() } else { vec![&text] };
        assert!(!answers.is_empty(), "{name}");
        for text in answers {
            let answer: Value = serde_json::from_str(text).unwrap();
            let keys = answer.as_object().unwrap().len();
            let written = text.lines().filter(|line| line.starts_with("  \"")).count();
            assert!(name == "link-decode" || written == keys, "{name}: a key stands twice: {text}");
            assert!(answer["schema_version"].as_u64() >= Some(1), "{name}: {text}");
            let mut found = Vec::new();
            faults(&schema, &schema, &answer, name, &mut found);
            assert!(found.is_empty(), "{}", found.join("\n"));
        }
    }
}

#[test]
fn what_breaks_a_schema_is_found() {
    let schema: Value = serde_json::from_str(
        r##"{"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/$defs/x"},
            "b": {"type": ["integer", "null"]}}, "$defs": {"x": {"enum": ["p", "q"]}}}"##,
    )
    .unwrap();
    let count = |text: &str| {
        let mut found = Vec::new();
        faults(&schema, &schema, &serde_json::from_str(text).unwrap(), "x", &mut found);
        found.len()
    };
    assert_eq!(count(r#"{"a": "p", "b": 3}"#), 0);
    assert_eq!(count(r#"{"a": "q", "b": null, "c": 1}"#), 0);
    assert_eq!(count(r#"{"b": 3}"#), 1);
    assert!(count(r#"{"a": "r"}"#) > 0 && count(r#"{"a": "p", "b": 1.5}"#) > 0);
}
