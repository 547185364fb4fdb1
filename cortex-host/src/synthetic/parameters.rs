//! A dataset's parameters written out, for manifests and resolved configurations.

use cortex_core::parameter::DefaultValue;
use cortex_core::signal::Effects;

use super::{GeneratedDataset, Normalize};
use crate::config::{Entry, Node, Value};

/// The parameters that make `dataset`, as `dataset.params` holds them: every default of the signal
/// written out, effects only where they do something.
#[must_use]
pub fn parameters(dataset: &GeneratedDataset) -> Node {
    let spec = &dataset.spec;
    let mut all = vec![
        Entry::new("duration_s", Value::Float(dataset.duration_s)),
        Entry::new("signal_type", Value::Text(dataset.signal_type.clone())),
        Entry::new("seed", Value::Integer(spec.seed.into())),
    ];
    // Written as the variant's name with its parameters.
    let variant = Node::of(&spec.signal).map(Node::into_entries).unwrap_or_default();
    all.extend(variant.into_iter().flat_map(|entry| entry.node.into_entries()));
    if dataset.normalize == Normalize::Exact {
        all.push(Entry::new("normalize", Value::Text("exact".into())));
    }
    let effects = Node::of(&spec.effects).map(Node::into_entries).unwrap_or_default();
    all.extend(effects.into_iter().filter(|entry| !is_default(entry)));
    Node::plain(Value::Mapping(all))
}

fn is_default(entry: &Entry) -> bool {
    Effects::PARAMETERS.iter().any(|parameter| {
        parameter.name == entry.key
            && matches!(
                (parameter.default, &entry.node.value),
                (DefaultValue::Number(default), Value::Float(value)) if default == *value
            )
    })
}
