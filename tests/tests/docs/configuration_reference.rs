//! docs/reference: the schema is the code's, the page names every key, and its YAML loads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use cortex_core::kernel::KernelName;
use cortex_core::parameter::{Kind, Parameter};
use cortex_host::config::params::of_datasets;
use cortex_host::config::{self, Source, parameters};
use cortex_host::plan::{Plan, json_schema};
use cortex_host::primitive::Library;
use cortex_tests::{checkout, cortex_host, stdout_of};
use serde_json::{Value, json};

fn page() -> String {
    fs::read_to_string(checkout().join("docs/reference/configuration.md")).unwrap()
}

/// Full key → its schema, with `key_is_required` beside it, for every key of a configuration.
fn schema_keys() -> BTreeMap<String, Value> {
    let schema: Value = serde_json::from_str(&json_schema()).unwrap();
    let mut keys = BTreeMap::new();
    collect(&schema, &schema, "", &mut keys);
    keys
}

fn collect(root: &Value, schema: &Value, path: &str, keys: &mut BTreeMap<String, Value>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.strip_prefix("#/$defs/").unwrap();
        collect(root, &root["$defs"][name], path, keys);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        collect(root, choice, path, keys);
    }
    if schema["items"].is_object() {
        collect(root, &schema["items"], &format!("{path}[]"), keys);
    }
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let mut entry = value.clone();
        let required = schema["required"].as_array();
        entry["key_is_required"] = required.is_some_and(|keys| keys.contains(&json!(key))).into();
        keys.insert(path.clone(), entry);
        collect(root, value, &path, keys);
    }
}

/// Key, range and default of every table row of the page.
fn page_rows() -> Vec<(String, String, String)> {
    let mut rows = Vec::new();
    for line in page().lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [key, _, _, range, default] = cells.as_slice() else { panic!("row: {line}") };
        rows.push((key.trim_matches('`').into(), (*range).into(), (*default).into()));
    }
    rows
}

#[test]
fn the_committed_schema_is_the_codes() {
    let committed = fs::read_to_string(checkout().join("docs/reference/config.schema.json"));
    let hint = "run: cortex-host schema > docs/reference/config.schema.json";
    assert!(committed.unwrap() == json_schema(), "{hint}");
    let printed = cortex_host().arg("schema").output().unwrap();
    assert_eq!(stdout_of(&printed, 0), json_schema());
}

#[test]
fn the_page_has_every_key_and_no_other() {
    let schema: BTreeSet<String> = schema_keys().into_keys().collect();
    let page: BTreeSet<String> = page_rows().into_iter().map(|(key, _, _)| key).collect();
    assert_eq!(page, schema);
}

#[test]
fn the_page_gives_the_schemas_defaults_choices_and_required_keys() {
    let keys = schema_keys();
    for (key, range, default) in page_rows() {
        if let Some(value) = keys[&key].get("default") {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            assert_eq!(default.trim_matches('`'), text, "default of {key}");
        }
        for choice in keys[&key]["enum"].as_array().into_iter().flatten() {
            assert!(range.contains(choice.as_str().unwrap()), "{key} lacks {choice}");
        }
        // params of a file is refused, so it is not required as such.
        let says_required = range.starts_with("required") && key != "dataset.params";
        assert_eq!(says_required, keys[&key]["key_is_required"] == true, "{key}");
    }
}

#[test]
fn the_pages_yaml_loads() {
    let folder = tempfile::tempdir().unwrap();
    let page = page();
    let examples: Vec<&str> =
        page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 5);
    for example in examples {
        provide_recording(folder.path(), example);
        let source = Source { name: "page".into(), text: example.into(), folder: None };
        let config = config::parse(&source).unwrap_or_else(|error| panic!("{error}\n{example}"));
        let plan = Plan::new(&config, &Library::at(folder.path(), None));
        match plan {
            Ok(plan) => assert!(plan.kernels.iter().all(|k| plan.windows_per_repeat(k) > 0)),
            // A snippet that shows only a dataset is right as far as it goes.
            Err(problem) => {
                let message = problem.in_source("page").to_string();
                assert!(
                    config.kernels.is_none() && message.contains("no kernels"),
                    "{message}\n{example}"
                );
            }
        }
    }
}

const TABLE: &str = "\n| Key | Type | Unit | Range | Default |\n|---|---|---|---|---|\n";

/// The rows of `parameters`, whose keys begin with `prefix`, of what is called `of`.
fn parameter_rows(prefix: &str, of: &str, parameters: &[Parameter]) -> String {
    let mut rows = String::new();
    for parameter in parameters {
        let (kind, inner) = match parameter.kind {
            Kind::Number { .. } => ("number", None),
            Kind::Count { .. } => ("whole number", None),
            Kind::Choice(_) => ("text", None),
            Kind::List { of, .. } => ("list", Some(("[].", of))),
            Kind::Table(of) => ("mapping", Some((".", of))),
        };
        let (key, unit) = (format!("{prefix}{}", parameter.name), parameter.unit);
        let default = parameters::default_words(parameter);
        // What one signal requires, others do not take.
        let required = match default {
            Some(_) => "",
            None if prefix == "dataset.params." && !of.is_empty() => "must be given; ",
            None => "required; ",
        };
        let default = default.unwrap_or_default();
        let range = parameters::range_words(parameter);
        let row = format!("| `{key}` | {kind} | {unit} | {required}{of}{range} | {default} |\n");
        rows.push_str(&row.replace("|  |", "| |"));
        if let Some((joint, inner)) = inner {
            rows.push_str(&parameter_rows(&format!("{key}{joint}"), of, inner));
        }
    }
    rows
}

/// `page` with the generated part `name` replaced by `part`.
fn with_part(page: &str, name: &str, part: &str) -> String {
    let marker = format!("<!-- generated: {name} -->\n");
    let (before, rest) = page.split_once(&marker).expect("the page has the marker");
    let (_, after) = rest.split_once("<!-- end -->").expect("the part ends");
    format!("{before}{marker}{part}<!-- end -->{after}")
}

/// The page with its generated parts regenerated. `CORTEX_WRITE_DOCS=1` writes it.
#[test]
fn the_pages_tables_of_parameters_are_the_declared_ones() {
    let mut kernels = TABLE.to_owned();
    let mut without = Vec::new();
    for info in KernelName::ALL.map(KernelName::info) {
        let of = format!("`{}`: ", info.name);
        kernels.push_str(&parameter_rows("kernels[].params.", &of, info.parameters));
        if info.parameters.is_empty() {
            without.push(format!("`{}`", info.name));
        }
    }
    kernels.push_str(&format!("\n{} take no parameters.\n\n", without.join(" and ")));
    let mut datasets = TABLE.to_owned();
    for (parameter, of) in of_datasets() {
        let of = if of.is_empty() { of } else { format!("{of}: ") };
        datasets.push_str(&parameter_rows("dataset.params.", &of, &[parameter]));
    }
    datasets.push('\n');
    let made = with_part(&with_part(&page(), "kernels", &kernels), "datasets", &datasets);
    if std::env::var_os("CORTEX_WRITE_DOCS").is_some() {
        fs::write(checkout().join("docs/reference/configuration.md"), &made).unwrap();
    }
    assert!(page() == made, "run this test with CORTEX_WRITE_DOCS=1");
}

/// The fuzzer's words hold every declared key, choice and name, so that a new one is reached.
#[test]
fn the_fuzzers_words_hold_what_is_declared() {
    let words = fs::read_to_string(checkout().join("tests/fuzz/dictionaries/config")).unwrap();
    let mut wanted = Vec::new();
    for info in KernelName::ALL.map(KernelName::info) {
        wanted.push(format!("\"{}\"", info.name));
        words_of(info.parameters, &mut wanted);
    }
    for (parameter, _) in of_datasets() {
        words_of(&[parameter], &mut wanted);
    }
    for word in wanted {
        assert!(words.lines().any(|line| line == word), "{word} is not in the dictionary");
    }
}

fn words_of(parameters: &[Parameter], words: &mut Vec<String>) {
    for parameter in parameters {
        words.push(format!("\"{}: \"", parameter.name));
        match parameter.kind {
            Kind::Choice(choices) => {
                words.extend(choices.iter().map(|choice| format!("\"{choice}\"")));
            }
            Kind::List { of, .. } | Kind::Table(of) => words_of(of, words),
            Kind::Number { .. } | Kind::Count { .. } => {}
        }
    }
}

/// Ten seconds of zeros for the recording that an example names.
fn provide_recording(folder: &Path, example: &str) {
    if example.contains("recordings/S001R03.float32") {
        fs::create_dir_all(folder.join("recordings")).unwrap();
        fs::write(folder.join("recordings/S001R03.float32"), vec![0; 64 * 1600 * 4]).unwrap();
    }
}
