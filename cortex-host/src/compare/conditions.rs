//! What differs between two runs besides their latencies.

use serde::Serialize;

use crate::config::{Node, Value};
use crate::results::RunRecord;

/// A fact that is not the same in both runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// What differs: a key of `config.yaml`, or a fact of the summary.
    pub what: String,
    /// In the first run.
    pub a: String,
    /// In the second run.
    pub b: String,
}

/// Everything that differs. Where results go is not compared.
#[must_use]
pub fn conditions(a: &RunRecord, b: &RunRecord) -> Vec<Condition> {
    let (one, two) = (&a.summary, &b.summary);
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
    let facts = [
        ("status", one.status.name().to_owned(), two.status.name().to_owned()),
        ("dataset SHA-256", one.dataset.sha256.clone(), two.dataset.sha256.clone()),
        ("device", one.device.clone(), two.device.clone()),
        ("pace", one.pace.clone(), two.pace.clone()),
        ("scheduler in force", one.realtime.scheduler.clone(), two.realtime.scheduler.clone()),
        ("processor", text(&one.host.cpu), text(&two.host.cpu)),
        ("cores", one.host.cores.to_string(), two.host.cores.to_string()),
        ("frequency governor", text(&one.host.governor), text(&two.host.governor)),
        ("system", one.host.os.clone(), two.host.os.clone()),
        ("tool version", one.tool.version.clone(), two.tool.version.clone()),
        ("tool target", one.tool.target.clone(), two.tool.target.clone()),
        ("optimised build", one.tool.optimized.to_string(), two.tool.optimized.to_string()),
    ];
    let mut found: Vec<Condition> = facts
        .into_iter()
        .filter(|(_, a, b)| a != b)
        .map(|(what, a, b)| Condition { what: what.to_owned(), a, b })
        .collect();
    found.extend(settings(a, b));
    found
}

/// The keys of the two configurations that differ.
fn settings(a: &RunRecord, b: &RunRecord) -> Vec<Condition> {
    if a.summary.plan_sha256 == b.summary.plan_sha256 {
        return Vec::new();
    }
    let keys = |record: &RunRecord| {
        let mut keys = Vec::new();
        if let Some(Ok(node)) = record.config.as_deref().map(Node::parse) {
            flatten(&node, "", &mut keys);
        }
        keys.retain(|(key, _): &(String, String)| !key.starts_with("output."));
        keys
    };
    let (one, two) = (keys(a), keys(b));
    let value = |keys: &[(String, String)], key: &str| {
        let entry = keys.iter().find(|(name, _)| name == key);
        entry.map_or_else(|| "not set".to_owned(), |(_, value)| value.clone())
    };
    let mut names: Vec<&String> = one.iter().chain(&two).map(|(key, _)| key).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.as_str()));
    names
        .into_iter()
        .map(|name| Condition { what: name.clone(), a: value(&one, name), b: value(&two, name) })
        .filter(|condition| condition.a != condition.b)
        .collect()
}

/// Every scalar of a tree with its path: `kernels[1].window`.
fn flatten(node: &Node, path: &str, keys: &mut Vec<(String, String)>) {
    match &node.value {
        Value::Mapping(entries) => {
            for entry in entries {
                let separator = if path.is_empty() { "" } else { "." };
                flatten(&entry.node, &format!("{path}{separator}{}", entry.key), keys);
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(item, &format!("{path}[{index}]"), keys);
            }
        }
        _ => keys.push((path.to_owned(), scalar(&node.value))),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(text) => text.clone(),
        Value::Null | Value::List(_) | Value::Mapping(_) => "null".to_owned(),
    }
}
