//! What differs between runs besides their latencies.

use serde::Serialize;
use serde_json::Value;

use crate::results::RunRecord;

/// A fact that is not the same in all runs.
#[derive(Clone, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize)]
pub struct Condition {
    /// What differs: a key of `config.yaml`, or a fact of the summary.
    pub what: String,
    /// In the runs of the first side: each different value once.
    pub a: String,
    /// In those of the second side.
    pub b: String,
}

/// Everything that differs. Where results go is not compared.
#[must_use]
pub fn conditions(a: &[RunRecord], b: &[RunRecord]) -> Vec<Condition> {
    let sides = [a, b].map(|side| side.iter().map(facts).collect::<Vec<_>>());
    let [a, b] = &sides;
    let mut seen = std::collections::BTreeSet::new();
    let names = a.iter().chain(b).flatten().map(|(name, _)| name.as_str());
    let names: Vec<&str> = names.filter(|name| seen.insert(*name)).collect();
    let values = |side: &'_ [Vec<(String, String)>], name: &str| {
        let mut values: Vec<String> = Vec::new();
        for facts in side {
            let value = facts.iter().find(|(known, _)| known == name);
            let value = value.map_or("not set", |(_, value)| value.as_str());
            if !values.iter().any(|known| known == value) {
                values.push(value.to_owned());
            }
        }
        values
    };
    let of = |name: &str| {
        let (a, b) = (values(a, name), values(b, name));
        let same = a.len() == 1 && a == b;
        (!same).then(|| Condition { what: name.to_owned(), a: a.join(" | "), b: b.join(" | ") })
    };
    names.into_iter().filter_map(of).collect()
}

/// What a run was made with, by name.
fn facts(run: &RunRecord) -> Vec<(String, String)> {
    let summary = &run.summary;
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let facts = [
        ("status", summary.status.name().to_owned()),
        ("dataset digest", summary.dataset.digest.to_string()),
        ("device", summary.device.clone()),
        ("pace", summary.pace.clone()),
        ("scheduler in force", summary.realtime.scheduler.clone()),
        ("processor", text(&summary.host.cpu)),
        ("cores", summary.host.cores.to_string()),
        ("frequency governor", text(&summary.host.governor)),
        ("system", summary.host.os.clone()),
        ("tool version", summary.tool.version.clone()),
        ("tool target", summary.tool.target.clone()),
        ("optimised build", summary.tool.optimized.to_string()),
    ];
    let mut facts: Vec<_> = facts.map(|(name, value)| (name.to_owned(), value)).into();
    let mut keys = Vec::new();
    flatten(&summary.config, "", &mut keys);
    keys.retain(|(key, _): &(String, String)| !key.starts_with("output."));
    facts.append(&mut keys);
    facts
}

/// Every scalar of a tree with its path: `kernels[1].window`.
fn flatten(value: &Value, path: &str, keys: &mut Vec<(String, String)>) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                let separator = if path.is_empty() { "" } else { "." };
                flatten(value, &format!("{path}{separator}{key}"), keys);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(item, &format!("{path}[{index}]"), keys);
            }
        }
        // A run of a version that did not write its configuration here.
        Value::Null => {}
        Value::String(text) => keys.push((path.to_owned(), text.clone())),
        Value::Number(number) if number.is_f64() => {
            keys.push((path.to_owned(), number.as_f64().unwrap_or_default().to_string()));
        }
        scalar => keys.push((path.to_owned(), scalar.to_string())),
    }
}
